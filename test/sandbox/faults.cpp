// Matches calls with rules and remembers who is blocked after a throttle.
#include "faults.hpp"

#include <algorithm>

namespace ig::sandbox {

void Faults::clear()
{
    rules_.clear();
    blocks_.clear();
}

bool Faults::take(Rule &rule)
{
    if (rule.after > 0) {
        --rule.after;
        return false;
    }
    if (rule.times && *rule.times <= 0) return false;
    if (rule.chance < 100 && std::uniform_real_distribution<double>(0, 100)(random_) >= rule.chance) return false;
    if (rule.times) --*rule.times;
    return true;
}

std::optional<Action> Faults::match(const Call &call)
{
    for (Rule &rule : rules_) {
        if (rule.route != call.route && (rule.route != "any" || call.route == "batch")) continue;
        if (rule.action.null_item && call.batch == 0) continue;
        if (!rule.account_id.empty() && rule.account_id != call.account_id) continue;
        if (!rule.token.empty() && rule.token != call.token) continue;
        if (!rule.metric_type.empty() && rule.metric_type != call.parameter("metric_type")) continue;
        if (!rule.period.empty() && rule.period != call.parameter("period")) continue;
        if (!rule.flavour.empty() && rule.flavour != to_string(call.flavour)) continue;
        if (!rule.metric.empty() &&
            std::find(call.metrics.begin(), call.metrics.end(), rule.metric) == call.metrics.end()) {
            continue;
        }
        if (take(rule)) return rule.action;
    }
    return std::nullopt;
}

Accept Faults::match_accept()
{
    for (Rule &rule : rules_) {
        if (rule.route == "accept" && take(rule)) return rule.action.accept;
    }
    return Accept::normal;
}

std::string Faults::block_key(const Call &call, int code) const
{
    if (code == 4 || code == 341 || code == 613) return "app";
    if (code == 17 || call.account_id.empty()) return "token " + call.token;
    return "account " + call.account_id;
}

void Faults::block(const Call &call, const Throttle &throttle, Moment now)
{
    Block &block = blocks_[block_key(call, throttle.code)];
    block.throttle = throttle;
    block.until = std::max(block.until, now + std::chrono::minutes{throttle.minutes});
}

const Throttle *Faults::blocking(const Call &call, Moment now) const
{
    for (const int code : {4, 17, 80002}) {
        const auto found = blocks_.find(block_key(call, code));
        if (found != blocks_.end() && now < found->second.until) return &found->second.throttle;
    }
    return nullptr;
}

void Faults::prolong(const Call &call, Moment now)
{
    for (const int code : {4, 17, 80002}) {
        const auto found = blocks_.find(block_key(call, code));
        if (found != blocks_.end() && now < found->second.until) found->second.until += std::chrono::minutes{1};
    }
}

}  // namespace ig::sandbox
