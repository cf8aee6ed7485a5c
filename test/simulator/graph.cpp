// Implements the API: who is served, what is answered.
#include "graph.hpp"

#include <algorithm>
#include <charconv>

#include "trace.hpp"

namespace ig::simulator {

using platform::Failure;
using platform::FailureKind;
using platform::FailureReach;
using platform::InsightsQuery;
using platform::MetricShape;
using platform::Reading;

namespace {

constexpr milliseconds too_long{30000};
constexpr hours token_life{60 * 24};
constexpr int renewals_failed_in_a_row = 8;  // fewer than the tries before a token ends: else nobody could renew it

// How long after the end of its day a number comes, and when it is corrected. All of it within what is read again.
milliseconds comes_after(std::uint64_t fact)
{
    return fact % 16 == 0 ? milliseconds{hours{static_cast<int>(fact >> 8U) & 15}} : milliseconds{0};
}
milliseconds corrected_after(std::uint64_t fact)
{
    return fact % 8 == 1 ? milliseconds{hours{16 + (static_cast<int>(fact >> 8U) & 15)}} : milliseconds{-1};
}
bool never_comes(std::uint64_t fact) { return fact % 64 == 2; }

}  // namespace

Failure failure_of(FailureKind kind, FailureReach reach, bool retry)
{
    Failure failure;
    failure.kind = kind;
    failure.reach = reach;
    failure.retry = retry;
    failure.message = "simulated";
    return failure;
}

Graph::Graph(const Scenario &scenario, Dice &dice) : scenario_(scenario), dice_(dice)
{
    for (const ConnectionPlan &plan : scenario.connections) {
        Caller &caller = callers_.emplace_back();
        caller.budget.limit = plan.calls_per_hour;
        caller.usage.account_id = plan.account_id;
    }
    for (Budget &app : apps_) app.limit = scenario.app_calls_per_hour;
}

Travel Graph::travel(std::size_t calls, Instant now)
{
    Travel travel;
    travel.takes = dice_.between(scenario_.latency / 2, scenario_.latency * 2) +
                   milliseconds{5} * static_cast<std::int64_t>(calls);
    if (calm_) return travel;
    if (now < down_until_) {
        travel.failure = dice_.below(2) == 0 ? TransportFailure::connect : TransportFailure::timeout;
    } else if (dice_.chance(scenario_.rates.request_fails)) {
        constexpr std::array kinds = {TransportFailure::timeout, TransportFailure::interrupted,
                                      TransportFailure::resolve, TransportFailure::too_large,
                                      TransportFailure::tls,     TransportFailure::none};
        travel.failure = kinds.at(dice_.below(kinds.size()));
        if (travel.failure == TransportFailure::none)
            travel.whole = failure_of(FailureKind::transient, FailureReach::request, true);
    }
    if (travel.failure == TransportFailure::timeout) {
        travel.takes = too_long;
        travel.whole = failure_of(FailureKind::timeout, FailureReach::request, true);
    } else if (travel.failure != TransportFailure::none) {
        travel.whole = failure_of(FailureKind::network, FailureReach::request, true);
    }
    return travel;
}

void Graph::connect(Slot slot, unsigned epoch, std::optional<Instant> expires_at)
{
    Caller &caller = callers_[slot];
    caller.epoch = epoch;
    caller.connected = true;
    caller.dead = false;
    caller.expires_at = expires_at;
}

void Graph::calm_down()
{
    calm_ = true;
    down_until_ = Instant();
    for (Caller &caller : callers_) {
        caller.budget.limit = 0;
        caller.budget.blocked_until.reset();
    }
    for (Budget &app : apps_) {
        app.limit = 0;
        app.blocked_until.reset();
    }
}

bool Graph::refuses(Slot slot, RowKind kind) const
{
    const std::vector<RowKind> &refused = scenario_.connections[slot].refused;
    return !calm_ && std::find(refused.begin(), refused.end(), kind) != refused.end();
}

std::optional<Instant> Graph::renew(Token token, Instant now, bool &dead)
{
    Caller &caller = callers_[token.slot];
    dead = caller.dead || caller.epoch != token.epoch || (caller.expires_at && *caller.expires_at <= now);
    const bool unlucky = !calm_ && dice_.chance(scenario_.rates.renewal_fails);
    if (dead || (unlucky && ++caller.renewals_failed < renewals_failed_in_a_row)) return std::nullopt;
    caller.renewals_failed = 0;
    caller.expires_at = now + token_life;
    return caller.expires_at;
}

std::uint64_t Graph::number(Slot slot, unsigned epoch, RowKind kind, DayIndex day, Instant now) const
{
    Number what{slot, epoch, kind, day, 0};
    if (facts_of(kind).of_now) {
        const auto hour = std::chrono::floor<hours>(now).time_since_epoch().count();
        what.version = static_cast<unsigned>(hour % 1024);
        return what.packed();
    }
    const std::uint64_t fact = mixed(scenario_.seed, what.packed() & ~(std::uint64_t{15} << 22U));
    const Instant over = scenario_.starts[static_cast<std::size_t>(day) + 1];
    if (never_comes(fact) || now < over + comes_after(fact)) return 0;
    const milliseconds corrected = corrected_after(fact);
    if (corrected.count() > 0 && now >= over + corrected) what.version = 1;
    return what.packed();
}

Reading Graph::answer(const InsightsQuery &query, Token token, Instant now)
{
    Caller &caller = callers_[token.slot];
    if (query.account_id != scenario_.connections[token.slot].account_id ||
        query.login != scenario_.connections[token.slot].login)
        throw Violation("each account is asked with its own token", query.account_id);
    Reading reading;
    if (!caller.connected || caller.dead || caller.epoch != token.epoch ||
        (caller.expires_at && *caller.expires_at <= now)) {
        reading.failure = failure_of(FailureKind::needs_login, FailureReach::account, false);
        return reading;
    }
    reading.failure = refusal(query, caller, now);
    if (!calm_) add_usage(reading, query, caller);
    if (!reading.failure) answer_days(reading, query, token.slot, now);
    return reading;
}

void Graph::answer_days(Reading &reading, const InsightsQuery &query, Slot slot, Instant now)
{
    const DayIndex first = scenario_.day_starting_at(query.since);
    const DayIndex last = scenario_.day_starting_at(query.until) - 1;
    const bool series = query.shape == MetricShape::time_series;
    const bool of_now = query.of_now() || query.shape == MetricShape::snapshot;
    if (last < first || last - first > 29 || (!series && !of_now && first != last))
        throw Violation("no window is longer than the API takes", query.metrics.front());
    reading.values.reserve(query.metrics.size() * static_cast<std::size_t>(last - first + 1));
    for (std::size_t metric = 0; metric < query.metrics.size(); ++metric) {
        const RowKind kind = row_kind_of(query.metrics[metric], query.period);
        if (!calm_ && dice_.chance(scenario_.rates.value_dropped)) {
            Failure dropped = failure_of(FailureKind::malformed, FailureReach::metrics, dice_.below(2) == 0);
            dropped.metrics = {query.metrics[metric]};
            reading.dropped.push_back(std::move(dropped));
            continue;
        }
        for (DayIndex day = series ? first : last; day <= last; ++day)
            add_value(reading, query, metric, {slot, callers_[slot].epoch, kind, day, 0},
                      scenario_.starts[static_cast<std::size_t>(day) + 1], now);
    }
}

void Graph::add_value(Reading &reading, const InsightsQuery &query, std::size_t metric, Number what, Instant end_time,
                      Instant now)
{
    const std::uint64_t number = this->number(what.slot, what.epoch, what.kind, what.day, now);
    if (number == 0) return;
    std::array<char, 24> digits{};
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    platform::Value &value = reading.values.emplace_back();
    value.metric = query.metrics[metric];
    value.period = query.period;
    value.end_time = end_time;
    value.value.assign(digits.data(), end);
    if (!query.breakdown.empty()) value.parts.push_back({query.breakdown, "{}"});
}

}  // namespace ig::simulator
