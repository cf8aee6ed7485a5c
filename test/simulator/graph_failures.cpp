// How the API says no: budgets that are used up, metrics it refuses, and failures by chance.
#include <algorithm>
#include <array>

#include "graph.hpp"

namespace ig::simulator {

using platform::Failure;
using platform::FailureKind;
using platform::FailureReach;
using platform::InsightsQuery;
using platform::Reading;

std::optional<Failure> Graph::over_budget(Budget &budget, FailureReach reach, Instant now)
{
    const auto refused = [&] {
        Failure failure = failure_of(FailureKind::throttled, reach, true);
        // It does not always say until when.
        if (dice_.below(4) != 0) failure.wait = std::chrono::ceil<seconds>(*budget.blocked_until - now);
        return failure;
    };
    if (budget.blocked_until && *budget.blocked_until > now) return refused();
    if (budget.limit == 0) return std::nullopt;
    if (now - budget.hour >= hours{1}) {
        budget.hour = now;
        budget.calls = 0;
    }
    if (++budget.calls <= budget.limit) return std::nullopt;
    budget.blocked_until = now + dice_.between(milliseconds{minutes{1}}, milliseconds{hours{1}});
    return refused();
}

std::optional<Failure> Graph::refusal(const InsightsQuery &query, Caller &caller, Instant now)
{
    if (calm_) return std::nullopt;
    if (auto failure = over_budget(apps_[login_index(query.login)], FailureReach::app, now)) return failure;
    if (auto failure = over_budget(caller.budget, FailureReach::account, now)) return failure;
    if (dice_.chance(scenario_.rates.call_fails)) return random_failure(query);
    const auto slot = static_cast<Slot>(&caller - callers_.data());
    if (scenario_.connections[slot].refused.empty()) return std::nullopt;
    for (const std::string &metric : query.metrics) {
        if (!refuses(slot, row_kind_of(metric, query.period))) continue;
        Failure failure = failure_of(FailureKind::not_supported, FailureReach::metrics, false);
        if (dice_.below(2) == 0) failure.metrics = {metric};
        return failure;
    }
    return std::nullopt;
}

Failure Graph::random_failure(const InsightsQuery &query)
{
    constexpr std::array kinds = {FailureKind::transient, FailureKind::transient,       FailureKind::malformed,
                                  FailureKind::timeout,   FailureKind::network,         FailureKind::permission,
                                  FailureKind::no_data,   FailureKind::invalid_request, FailureKind::not_supported,
                                  FailureKind::throttled};
    Failure failure = failure_of(kinds.at(dice_.below(kinds.size())), FailureReach::request, true);
    switch (failure.kind) {
    case FailureKind::no_data:
    case FailureKind::not_supported:
        failure.reach = FailureReach::metrics;
        failure.retry = false;
        if (dice_.below(2) == 0) failure.metrics = {query.metrics[dice_.below(query.metrics.size())]};
        break;
    case FailureKind::permission:
    case FailureKind::invalid_request:
        failure.reach = dice_.below(4) == 0 ? FailureReach::account : FailureReach::request;
        failure.retry = false;
        break;
    case FailureKind::throttled:
        failure.reach = dice_.below(20) == 0 ? FailureReach::app : FailureReach::account;
        if (dice_.below(2) == 0) failure.wait = seconds{dice_.between(1, 3600)};
        break;
    default:
        failure.ask_less = dice_.below(4) == 0;
        if (dice_.below(8) == 0) failure.wait = seconds{dice_.between(1, 30)};
        break;
    }
    return failure;
}

void Graph::add_usage(Reading &reading, const InsightsQuery &query, const Caller &caller)
{
    const auto percent_of = [](const Budget &budget) { return 100 * budget.calls / std::max(budget.limit, 1); };
    const Budget &app = apps_[login_index(query.login)];
    if (app.limit > 0) {
        platform::Usage usage;
        usage.whole_app = true;
        usage.percent = percent_of(app);
        reading.usage.push_back(std::move(usage));
    }
    if (caller.budget.limit > 0) {
        platform::Usage &usage = reading.usage.emplace_back(caller.usage);
        usage.percent = percent_of(caller.budget);
        // The account's last call of the hour sometimes says that it was the last.
        if (usage.percent >= 100 && dice_.below(2) == 0) usage.regain_after = minutes{dice_.between(1, 30)};
    }
}

}  // namespace ig::simulator
