// One account on its way through a sync, as worker and ig_fetch_insights() both carry it, and how it is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "postgres/call_loop.hpp"
#include "postgres/spi.hpp"

namespace ig::pg {

// An account whose numbers are being fetched.
struct SyncedAccount {
    std::string user_id;
    std::string account_id;
    std::string platform;
    platform::Login login = platform::Login::facebook;
    std::int64_t generation = 0;  // of the connection: results of another one are dropped
    std::string sealed_token;     // empty: none is stored
    std::optional<Instant> blocked_until;
};

// What happened while rows were stored.
struct StoredRows {
    int inserted = 0;
    int updated = 0;
    int unchanged = 0;
    std::vector<std::pair<std::string, int>> by_metric;
    void add(const StoredRows &other);
};

// One try to sync an account: what it was asked for and what became of it, for the log.
struct SyncTry {
    SyncedAccount account;
    std::optional<std::int64_t> job_id;
    std::string kind;     // refresh, daily, backfill, fetch
    std::string trigger;
    Instant started_at{};
    StoredRows rows;      // stored so far
};

// The metrics a plan needs for one account: those that are on, or those named; with what is known of them for the account.
// Runs as the worker role. Rows: name, metric_type, period, history_days, through, unsupported_since (epoch).
std::vector<sync::MetricState> load_metrics(Sql &sql, const std::string &user_id, const std::string &account_id,
                                            const std::optional<std::vector<std::string>> &names);

platform::Login parse_login(const std::string &text);
std::string from_hex(const std::string &digits);

}  // namespace ig::pg
