// Short ways to say in a test what an account has, what was asked and what the API answered.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine.hpp"
#include "us_pacific.hpp"

namespace ig::test {

using platform::Failure;
using platform::FailureKind;
using platform::FailureReach;
using platform::InsightsQuery;
using platform::Login;
using platform::MetricShape;
using platform::Reading;
using platform::Value;
using std::chrono::days;
using std::chrono::milliseconds;
using std::chrono::seconds;
using sync::MetricState;
using namespace std::chrono_literals;
using Names = std::vector<std::string>;

// Noon UTC of 2026-11-21: the Pacific day is 11-21, the last complete day 11-20.
inline const Day today = day(2026, 11, 21);
inline const Day yesterday = day(2026, 11, 20);
inline const Instant noon = utc(today, 12);

inline MetricState metric(std::string name, MetricShape shape, int history_days,
                          std::optional<Day> synced_through = std::nullopt)
{
    MetricState state;
    state.name = std::move(name);
    state.shape = shape;
    state.history_days = history_days;
    state.synced_through = synced_through;
    return state;
}

inline MetricState series(std::string name, std::optional<Day> synced = std::nullopt, int history_days = 400)
{
    return metric(std::move(name), MetricShape::time_series, history_days, synced);
}

inline MetricState total(std::string name, std::optional<Day> synced = std::nullopt, int history_days = 365)
{
    return metric(std::move(name), MetricShape::total_value, history_days, synced);
}

inline MetricState snapshot(std::string name, std::optional<Day> synced = std::nullopt)
{
    return metric(std::move(name), MetricShape::snapshot, 0, synced);
}

// The window of this period that is asked beside a metric.
inline MetricState window(MetricState metric, const std::string &period)
{
    metric.window_of = std::exchange(metric.period, period);
    metric.known_as = metric.name + "/" + period;
    return metric;
}

inline sync::PlanInput account(std::vector<MetricState> metrics)
{
    sync::PlanInput input;
    input.account_id = "17841400000000001";
    input.metrics = std::move(metrics);
    return input;
}

inline sync::Work work(sync::WorkId id, std::vector<MetricState> metrics, int priority = 1)
{
    sync::Work result;
    result.id = id;
    result.priority = priority;
    result.input = account(std::move(metrics));
    return result;
}

inline Failure failure(FailureKind kind, FailureReach reach, bool retry = false)
{
    Failure result;
    result.kind = kind;
    result.reach = reach;
    result.retry = retry;
    result.message = "as the API told";
    return result;
}

inline Failure transient() { return failure(FailureKind::transient, FailureReach::request, true); }

inline Failure unsupported(Names named = {})
{
    Failure result = failure(FailureKind::not_supported, FailureReach::metrics);
    result.metrics = std::move(named);
    return result;
}

inline Failure throttled(FailureReach reach, std::optional<seconds> wait = std::nullopt)
{
    Failure result = failure(FailureKind::throttled, reach, true);
    result.wait = wait;
    return result;
}

inline Reading failed(Failure what)
{
    Reading reading;
    reading.failure = std::move(what);
    return reading;
}

inline const Names ten = {"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"};

inline std::vector<MetricState> totals(std::optional<Day> synced = std::nullopt)
{
    std::vector<MetricState> metrics;
    for (const std::string &name : ten) metrics.push_back(total(name, synced));
    return metrics;
}

// The number that the fake API holds for a metric and day, in every answer the same.
inline std::string number_of(const std::string &metric, Day date)
{
    std::size_t mixed = static_cast<std::size_t>(date.time_since_epoch().count());
    for (const char c : metric) mixed = mixed * 31 + static_cast<unsigned char>(c);
    return std::to_string(mixed % 100000);
}

inline Reading answered(const InsightsQuery &query)
{
    Reading reading;
    for (const std::string &name : query.metrics) {
        if (query.shape == MetricShape::time_series) {
            for (Day date = query.first; date <= query.last; date += days{1})
                reading.values.push_back({name, query.period, pacific_midnight(date + days{1}), number_of(name, date)});
        } else {
            reading.values.push_back({name, query.period, query.until, number_of(name, query.last)});
        }
    }
    return reading;
}

inline Reading empty_answer(const InsightsQuery &query)
{
    Reading reading;
    reading.without_data = query.metrics;
    return reading;
}

inline bool asks(const InsightsQuery &query, const std::string &name)
{
    return std::find(query.metrics.begin(), query.metrics.end(), name) != query.metrics.end();
}

inline const sync::MetricError *error_of(const sync::Outcome &outcome, const std::string &name)
{
    for (const sync::MetricError &error : outcome.errors) {
        if (error.metric == name) return &error;
    }
    return nullptr;
}

inline const sync::MetricProgress &progress_of(const sync::Outcome &outcome, const std::string &name)
{
    static const sync::MetricProgress none;
    for (const sync::MetricProgress &progress : outcome.metrics) {
        if (progress.metric == name) return progress;
    }
    return none;
}

inline std::size_t values_of(const sync::Outcome &outcome, const std::string &name)
{
    return static_cast<std::size_t>(std::count_if(outcome.values.begin(), outcome.values.end(),
                                                  [&name](const Value &value) { return value.metric == name; }));
}

// An engine with one kind of answerer: runs until nothing can move any more, jumping over pauses.
struct Runner {
    explicit Runner(sync::EngineOptions options = {}, std::uint64_t seed = 1) : engine(us_pacific(), options, seed) {}

    template <typename Answer> std::vector<sync::Outcome> run(Answer answer)
    {
        while (true) {
            while (auto call = engine.next_call(now)) {
                asked.push_back(call->query);
                flying.push_back(std::move(*call));
            }
            if (!flying.empty()) {
                const sync::Call call = std::move(flying.front());
                flying.erase(flying.begin());
                engine.on_reading(call.id, answer(call.query), now);
            } else if (const auto wakeup = engine.next_wakeup()) {
                now = *wakeup;
            } else {
                return engine.take_finished();
            }
        }
    }

    template <typename Answer> sync::Outcome sync(sync::Work what, Answer answer)
    {
        engine.add(std::move(what), now);
        auto outcomes = run(answer);
        return outcomes.empty() ? sync::Outcome{} : std::move(outcomes.front());
    }

    sync::Engine engine;
    Instant now = noon;
    std::vector<sync::Call> flying;
    std::vector<InsightsQuery> asked;
};

}  // namespace ig::test
