// One account on its way through a sync, as worker and ig_fetch_insights() both carry it, and how it is loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "postgres/call_loop.hpp"
#include "postgres/spi.hpp"
#include "sync/metric_choice.hpp"

namespace ig::pg {

// An account whose numbers are being fetched.
struct SyncedAccount {
    std::string user_id;
    std::string account_id;
    std::string platform;
    platform::Login login = platform::Login::facebook;
    std::int64_t generation = 0;    // of the connection: results of another one are dropped
    std::string sealed_token;       // empty: none is stored
    std::string app_id;             // the app of the token; empty: none is known
    std::string sealed_app_secret;  // of that app, if it is configured
    std::optional<Instant> issued_at;
    std::optional<Instant> expires_at;
    std::optional<Instant> refresh_after;  // renewing failed: not again before then
    std::optional<Instant> blocked_until;
    std::optional<Instant> data_access_expires_at;
    std::optional<Instant> debugged_at;  // when the platform was last asked about the token
    std::string metric_state;            // what is known of its metrics (sync/metric_state.hpp), as read with it
    std::string metric_choice;           // which are on for it, if that was chosen for it (sync/metric_choice.hpp)
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
    std::string kind;  // refresh, daily, backfill, fetch
    std::string trigger;
    Instant started_at{};
    StoredRows rows;  // stored so far
};

// The registry of metrics and what is on for the site, as plans need it; read once for all accounts of a transaction. What
// the view account_metrics says of an account follows from these and the account's own choice, without a row for each.
class Registry {
public:
    // Runs as the worker role.
    explicit Registry(Sql &sql);
    // The metrics to ask for an account: those that are on, or those named; with what is known of them for this account.
    std::vector<sync::MetricState> metrics_of(const SyncedAccount &account,
                                              const std::optional<std::vector<std::string>> &names) const;

private:
    std::vector<sync::RegisteredMetric> metrics_;
    std::optional<sync::MetricChoice> site_;
};

// What the call loop needs of an account to make calls.
SealedToken token_of(const SyncedAccount &account);

// The columns of accounts `a`, credentials `k` and apps `p` that read_account() takes, and the joins that bring them.
#define IG_ACCOUNT_COLUMNS                                                                                             \
    "a.status, a.platform, a.login, a.generation, pg_catalog.ceil(EXTRACT(epoch FROM a.blocked_until))::text,"         \
    " pg_catalog.encode(k.sealed_token, 'hex'), a.app_id, pg_catalog.encode(p.sealed_secret, 'hex'),"                  \
    " pg_catalog.floor(EXTRACT(epoch FROM a.issued_at))::text, pg_catalog.floor(EXTRACT(epoch FROM "                   \
    "a.expires_at))::text,"                                                                                            \
    " pg_catalog.ceil(EXTRACT(epoch FROM a.refresh_after))::text,"                                                     \
    " pg_catalog.floor(EXTRACT(epoch FROM a.data_access_expires_at))::text,"                                           \
    " pg_catalog.floor(EXTRACT(epoch FROM a.debugged_at))::text, a.metric_state::text, a.metrics::text"
#define IG_ACCOUNT_JOINS                                                                                               \
    " LEFT JOIN instagram_insights.credentials k ON k.user_id = a.user_id AND k.account_id = a.account_id"             \
    " LEFT JOIN instagram_insights.apps p ON p.platform = a.platform AND p.login = a.login AND p.app_id = a.app_id "
// Reads them from `row`, beginning at field `first`. Returns the account's status, empty if there is no account.
std::string read_account(const std::vector<Field> &row, std::size_t first, SyncedAccount &account);

platform::Login parse_login(const std::string &text);
std::string from_hex(const std::string &digits);
std::string to_hex(const std::string &bytes);

}  // namespace ig::pg
