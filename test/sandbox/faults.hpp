// Faults: rules that make chosen calls go wrong in chosen ways; the first armed match wins.
#pragma once

#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "answer.hpp"
#include "call.hpp"
#include "errors.hpp"
#include "json.hpp"
#include "pacific.hpp"

namespace ig::sandbox {

enum class Accept { normal, tls_hang, reset };

struct Throttle {
    int code = 80002;
    long long minutes = 5;
};

// What a rule does. Parts combine: an error may also be delayed, an own body may hang.
struct Action {
    std::optional<GraphError> error;
    std::optional<int> status;
    std::optional<std::string> body;
    std::optional<std::string> content_type;
    std::optional<Throttle> throttle;
    std::vector<std::string> omit_metrics;
    Headers headers;
    Delivery delivery;
    std::optional<std::size_t> cut_to;  // so many bytes of the body, with a Content-Length that says so
    std::optional<std::size_t> items;   // a batch: so many answers in the list
    bool null_item = false;             // an item of a batch: null in its place
    std::size_t huge_bytes = 0;
    std::size_t deep_json = 0;
    bool empty = false;
    Accept accept = Accept::normal;
};

struct Rule {
    std::string route = "any", account_id, token, metric, metric_type, period, flavour;  // empty: any
    Action action;
    std::optional<long long> times;  // how often it may act; absent: always
    long long after = 0;             // so many matching calls pass first
    double chance = 100;             // percent of the calls on which it could act
};

// Throws BadInput.
Rule parse_rule(const Json &json);

class Faults {
public:
    explicit Faults(std::uint64_t seed) : random_(seed) {}
    void add(Rule rule) { rules_.push_back(std::move(rule)); }
    void clear();
    // The action for this call; counts it. A batch as a whole is matched by its route alone, not by "any".
    std::optional<Action> match(const Call &call);
    Accept match_accept();

    // Blocks remembered from throttles: for the account (32, 8000x), the token (17) or the app (4, 341, 613).
    void block(const Call &call, const Throttle &throttle, Moment now);
    const Throttle *blocking(const Call &call, Moment now) const;
    void prolong(const Call &call, Moment now);  // called while blocked: a minute longer

private:
    struct Block {
        Throttle throttle;
        Moment until{};
    };
    bool take(Rule &rule);
    std::string block_key(const Call &call, int code) const;

    std::vector<Rule> rules_;
    std::map<std::string, Block> blocks_;
    std::mt19937_64 random_;
};

}  // namespace ig::sandbox
