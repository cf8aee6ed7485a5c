// The interface a platform implements: what to ask, and what an answer means. No I/O, no clock.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.hpp"
#include "platform/failure.hpp"
#include "platform/parts.hpp"
#include "platform/time.hpp"
#include "platform/usage.hpp"

namespace ig::platform {

// Which login made the token: decides host and fields (graph-api.md 3).
enum class Login { facebook, instagram };

// How a metric answers (graph-api.md 1.2): a series of days, one number for a window, or a field of the user node.
enum class MetricShape { time_series, total_value, snapshot };

// One request for insights: metrics of one shape, period and breakdown over one window.
struct InsightsQuery {
    std::string account_id;
    Login login = Login::facebook;
    MetricShape shape = MetricShape::time_series;
    std::string period = "day";
    std::vector<std::string> metrics;
    Day first{};                 // first day measured
    Day last{};                  // last day measured, inclusive
    Instant since{};             // start of `first`
    Instant until{};             // end of `last`; a total_value or snapshot value is stored under this end_time
    std::string breakdown = {};  // with total_value: the dimensions its parts are told apart by, joined by commas
    std::string timeframe = {};  // of demographics

    // What is true now, such as who the followers are: a total that no days are named for, whose window says only when
    // it was asked.
    bool of_now() const noexcept { return shape == MetricShape::total_value && period == "lifetime"; }
};

// One number of one metric for one day. `value` is the decimal text of the answer, never through double; empty when
// only parts came, whose sum it need not be.
struct Value {
    std::string metric;
    std::string period;
    Instant end_time{};
    std::string value;
    std::vector<Parts> parts = {};
};

// What one answer said. With `failure` set, `values` is empty.
struct Reading {
    std::vector<Value> values;
    std::vector<std::string> without_data;  // asked for, but not answered: missing is not zero
    std::vector<Failure> dropped;           // single values that could not be read (wrong type, ...)
    std::optional<Failure> failure;
    std::string username;  // from the user node, if it came
    std::string name;
    std::vector<Usage> usage;  // of every HTTP answer, errors included
    // Set by the caller where its clock is wrong: when this was answered, by the clock of who answered.
    std::optional<Instant> answered_at = {};
};

// One of the queries that travel in one request, with the token it is asked with.
struct BatchItem {
    InsightsQuery query;
    Secret token;
    Secret proof;  // by proof_query(), or empty
};

// What the answer to a batch said.
struct BatchReading {
    std::vector<std::optional<Reading>> items;  // in the order asked; nothing: not finished, to be asked again alone
    std::optional<Failure> failure;             // of the batch as a whole: no item was answered, `items` is empty
    std::vector<Usage> usage;                   // of the HTTP answer itself; each item has its own besides
};

// One professional account that a token reaches.
struct DiscoveredAccount {
    std::string account_id;
    std::string username;
    std::string name;
    std::string page_id;  // Facebook login: the Page the account was found through
};

struct Discovery {
    std::vector<DiscoveredAccount> accounts;
    std::optional<std::string> next_cursor;  // ask again with it; never paging.next, which holds the token
    std::optional<Failure> failure;
    std::vector<Usage> usage;  // of every HTTP answer, errors included
};

struct Endpoints {
    std::string graph_url = "https://graph.facebook.com";
    std::string instagram_graph_url = "https://graph.instagram.com";
    std::string api_version = "v25.0";
};

class Platform {
public:
    virtual ~Platform() = default;
    virtual std::string_view name() const noexcept = 0;

    // The request for a query. The token goes into `bearer` only; `proof`, by proof_query(), into secret_query.
    virtual HttpRequest insights_request(const InsightsQuery &query, Secret token, Secret proof = Secret()) const = 0;
    // Reads any answer, also a transport failure, to values or a Failure. Never throws for what came from outside.
    virtual Reading read_insights(const InsightsQuery &query, const HttpResponse &response) const = 0;

    // How many queries of this login one request can hold; 1 where the host knows no batch (graph-api.md 6.1).
    virtual std::size_t most_in_batch(Login login) const noexcept = 0;
    // The request for 2 to most_in_batch() queries of one login. Every token goes into `form` only; the first one also
    // speaks for the batch as a whole, so that the host may refuse all when it is dead. Throws std::invalid_argument
    // for another number or mixed logins.
    virtual HttpRequest batch_request(const std::vector<BatchItem> &items) const = 0;
    // Reads any answer to a batch of these queries. Never throws for what came from outside; a list of another length
    // than asked for is a failure of the whole.
    virtual BatchReading read_batch(const std::vector<const InsightsQuery *> &queries,
                                    const HttpResponse &response) const = 0;

    // Which accounts a token reaches: one page; begin without a cursor.
    virtual HttpRequest discovery_request(Login login, Secret token, const std::optional<std::string> &cursor,
                                          Secret proof = Secret()) const = 0;
    virtual Discovery read_discovery(Login login, const HttpResponse &response) const = 0;
};

}  // namespace ig::platform
