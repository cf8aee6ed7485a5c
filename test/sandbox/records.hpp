// What the sandbox saw: the newest calls one by one, and exact counters of all.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>

#include "call.hpp"
#include "pacific.hpp"

namespace ig::sandbox {

struct CallRecord {
    std::uint64_t number = 0;
    std::uint64_t batch = 0;  // the number of the batch it came in
    std::string route, account_id, token, since, until, metric_type, period, breakdown;
    std::vector<std::string> metrics;
    int status = 0;  // 0: the connection was dropped before any
    Flavour flavour = Flavour::facebook;
    std::string http_version;
    bool token_in_url = false;
    Moment at{};
};

class Records {
public:
    // Counts the call; its number goes into it. A batch counts as such; the calls are those it holds.
    void begin(Call &call);
    void keep(const Call &call, int status, Moment at);
    // Lives as long as the request is being answered; feeds highest_concurrency.
    std::shared_ptr<void> in_flight();
    void connection() { ++connections_; }
    void call_while_blocked() { ++calls_while_blocked_; }
    std::uint64_t calls_of(const std::string &account_id) const;
    std::uint64_t calls() const { return calls_; }
    void reset();

    // JSON texts for the control API. Empty filters match everything.
    std::string calls_json(const std::string &route, const std::string &account_id, const std::string &token,
                           std::uint64_t after_number) const;
    std::string stats_json(std::size_t hanging) const;

private:
    using Counters = std::map<std::string, std::uint64_t>;
    static void count(Counters &counters, const std::string &name);
    static constexpr std::size_t max_records = 100'000;
    static constexpr std::size_t max_names = 100'000;  // of one counter table; later names share one line

    std::deque<CallRecord> records_;
    Counters by_route_, by_token_, by_account_, by_status_;
    std::uint64_t calls_ = 0;
    std::uint64_t batches_ = 0;
    std::uint64_t batch_items_ = 0;
    std::uint64_t numbers_ = 0;
    std::uint64_t tokens_in_urls_ = 0;
    std::uint64_t calls_while_blocked_ = 0;
    std::uint64_t connections_ = 0;
    std::uint64_t highest_concurrency_ = 0;
    std::shared_ptr<std::uint64_t> running_ = std::make_shared<std::uint64_t>(0);
};

}  // namespace ig::sandbox
