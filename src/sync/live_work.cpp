// A work's questions: handing them out, taking good answers in, and adding everything up at the end.
#include "sync/live_work.hpp"

#include <algorithm>
#include <iterator>

#include "platform/text.hpp"
#include "sync/retry.hpp"

namespace ig::sync {

using platform::Failure;
using platform::FailureKind;
using platform::FailureReach;
using platform::Reading;
using platform::Value;

LiveWork::LiveWork(Work work, const Plan &plan, std::shared_ptr<const Calendar> calendar, Instant now,
                   const PlanOptions &options)
    : work_(std::move(work)), calendar_(std::move(calendar)), ledger_(work_.input, plan, *calendar_, now, options)
{
    for (const platform::InsightsQuery &query : plan.queries) {
        Question &question = ready_.emplace_back();
        question.metrics = ledger_.metrics_of(query);
        question.shape = query.shape;
        question.breakdown = query.breakdown;
        question.timeframe = query.timeframe;
        question.first = query.first;
        question.last = query.last;
        question.since = query.since;
        question.until = query.until;
    }
}

bool LiveWork::can_ask(int max_calls) const noexcept
{
    return !ready_.empty() && in_flight_.size() < static_cast<std::size_t>(std::max(max_calls, 1));
}

std::optional<Instant> LiveWork::wakes_at(int max_calls) const
{
    if (!ready_.empty() || delayed_.empty()) return std::nullopt;
    if (in_flight_.size() >= static_cast<std::size_t>(std::max(max_calls, 1))) return std::nullopt;
    return delayed_.begin()->first;
}

std::vector<CallId> LiveWork::calls_in_flight() const
{
    std::vector<CallId> calls;
    for (const auto &[call, question] : in_flight_) calls.push_back(call);
    return calls;
}

WorkProgress LiveWork::progress() const noexcept
{
    const std::size_t open = ready_.size() + delayed_.size() + in_flight_.size();
    return {calls_done_, calls_done_ + static_cast<int>(open)};
}

void LiveWork::wake(Instant now)
{
    while (!delayed_.empty() && delayed_.begin()->first <= now) {
        ready_.push_back(std::move(delayed_.begin()->second));
        delayed_.erase(delayed_.begin());
    }
}

Call LiveWork::ask(CallId call)
{
    Question question = std::move(ready_.front());
    ready_.pop_front();
    ++question.tries;
    Call request{call, work_.id, query_of(question)};
    in_flight_.emplace(call, std::move(question));
    return request;
}

void LiveWork::take_back(CallId call)
{
    auto flight = in_flight_.extract(call);
    if (flight.empty()) return;
    --flight.mapped().tries;
    ready_.push_front(std::move(flight.mapped()));
}

platform::InsightsQuery LiveWork::query_of(const Question &question) const
{
    platform::InsightsQuery query;
    query.account_id = work_.input.account_id;
    query.login = work_.input.login;
    query.shape = question.shape;
    query.period = ledger_.metric(question.metrics.front()).period;
    query.breakdown = question.breakdown;
    query.timeframe = question.timeframe;
    query.metrics.reserve(question.metrics.size());
    for (const MetricIndex metric : question.metrics) query.metrics.push_back(ledger_.metric(metric).name);
    query.first = question.first;
    query.last = question.last;
    query.since = question.since;
    query.until = question.until;
    return query;
}

std::optional<Failure> LiveWork::answer(CallId call, Reading &&reading, Instant now, const EngineOptions &options,
                                        Random &random)
{
    auto flight = in_flight_.extract(call);
    if (flight.empty()) return std::nullopt;
    Question question = std::move(flight.mapped());
    ++calls_done_;
    if (!reading.username.empty()) username_ = std::move(reading.username);
    if (!reading.name.empty()) name_ = std::move(reading.name);
    if (!reading.failure) {
        accept(question, reading);
        return std::nullopt;
    }
    switch (reach_of(*reading.failure)) {
    case FailureReach::metrics:
        on_metrics_failure(std::move(question), *reading.failure, now, options, random);
        return std::nullopt;
    case FailureReach::request:
        on_request_failure(std::move(question), *reading.failure, now, options, random);
        return std::nullopt;
    case FailureReach::account:
    case FailureReach::app: break;
    }
    return std::move(reading.failure);
}

bool LiveWork::asked_for(const Question &question, const Value &value) const
{
    // The day a value measures contains the second before its end_time; compared as moments, so that an end_time
    // outside the calendar is no special case.
    const Instant measured = value.end_time - std::chrono::seconds{1};
    return measured >= calendar_->start_of(question.first) && measured < calendar_->end_of(question.last);
}

void LiveWork::keep(const Question &question, Value &&value)
{
    for (const MetricIndex index : question.metrics) {
        const MetricState &metric = ledger_.metric(index);
        if (metric.name != value.metric || metric.period != value.period) continue;
        // A unique count is an estimate: the total of a day may differ from its place in the series, which counts.
        if (metric.parts_only) value.value.clear();
        if (!metric.window_of.empty()) {
            const bool number = platform::is_json_number(value.value);
            if (!number || !metric.wants(calendar_->day_ending_at(value.end_time))) return;
            value.parts = {{metric.period, std::exchange(value.value, {}), true}};
            value.period = metric.window_of;
        }
        if (!value.value.empty() || !value.parts.empty()) ledger_.keep(index, std::move(value));
        return;
    }
}

std::optional<Instant> LiveWork::midnight_after(Instant moment) const
{
    const Calendar &calendar = *calendar_;
    if (moment < calendar.start_of(calendar.first_day()) || moment >= calendar.end_of(calendar.last_day()))
        return std::nullopt;
    return calendar.end_of(calendar.day_at(moment));
}

// What is true now was asked for the day that our clock took for today. Where that is wrong the answer says which day it was;
// and where that day is none we know, the number is not stored under another.
bool LiveWork::date_by_answer(const Question &question, Reading &reading)
{
    if (!reading.answered_at || !ledger_.metric(question.metrics.front()).of_now()) return true;
    const std::optional<Instant> end_time = midnight_after(*reading.answered_at);
    if (!end_time) {
        Failure failure;
        failure.kind = FailureKind::malformed;
        failure.message = "the number could not be dated: this server's clock is more than a month behind the API's";
        failure.hint = "Set the clock of the server's host.";
        for (const MetricIndex metric : question.metrics) ledger_.fail(metric, failure);
        return false;
    }
    for (Value &value : reading.values) value.end_time = *end_time;
    return true;
}

void LiveWork::accept(const Question &question, Reading &reading)
{
    const auto other = [&](const Value &value) { return !asked_for(question, value); };
    reading.values.erase(std::remove_if(reading.values.begin(), reading.values.end(), other), reading.values.end());
    if (date_by_answer(question, reading))
        for (Value &value : reading.values) keep(question, std::move(value));
    const MetricList holes = accept_dropped(question, reading.dropped);
    for (const MetricIndex metric : question.metrics) {
        if (std::find(holes.begin(), holes.end(), metric) == holes.end())
            ledger_.answered(metric, question.first, question.last);
    }
}

// A value nobody can read stays unreadable: its days count as answered, with an error, or they would be asked for
// every day from then on. Only where trying again can help do they stay open.
MetricList LiveWork::accept_dropped(const Question &question, const std::vector<Failure> &dropped)
{
    MetricList holes;
    for (const Failure &failure : dropped) {
        const MetricList metrics = failure.metrics.empty() ? question.metrics : named(question.metrics, failure);
        for (const MetricIndex metric : metrics) ledger_.fail(metric, failure);
        if (!failure.retry || is_final(failure.kind)) continue;
        if (ledger_.missed(metrics)) note_retry(failure);
        holes.insert(holes.end(), metrics.begin(), metrics.end());
    }
    return holes;
}

MetricList LiveWork::unanswered() const
{
    MetricList metrics;
    const auto add = [&metrics](const Question &question) {
        metrics.insert(metrics.end(), question.metrics.begin(), question.metrics.end());
    };
    for (const Question &question : ready_) add(question);
    for (const auto &[at, question] : delayed_) add(question);
    for (const auto &[call, question] : in_flight_) add(question);
    std::sort(metrics.begin(), metrics.end());
    metrics.erase(std::unique(metrics.begin(), metrics.end()), metrics.end());
    return metrics;
}

Status LiveWork::status_of(const std::optional<Ending> &ending) const
{
    if (ending) {
        switch (ending->failure.kind) {
        case FailureKind::needs_login: return Status::needs_login;
        case FailureKind::token_unreadable: return Status::token_unreadable;
        case FailureKind::throttled: return Status::throttled;
        case FailureKind::cancelled: return Status::cancelled;
        case FailureKind::timeout:
            // The public contract: running out of the caller's time is `partial`, however little came.
            if (ending->stopped) return Status::partial;
            break;
        default: break;
        }
    }
    if (!ledger_.any_trouble()) return Status::succeeded;
    return ledger_.any_answer() ? Status::partial : Status::failed;
}

Outcome LiveWork::finish(const std::optional<Ending> &ending, Instant now, const EngineOptions &options, Random &random)
{
    Outcome outcome;
    outcome.work = work_.id;
    outcome.calls_done = calls_done_;
    outcome.calls_planned = progress().calls_planned;
    if (ending) {
        const FailureReach reach = reach_of(ending->failure);
        const bool whole = reach == FailureReach::account || reach == FailureReach::app;
        if (whole || ending->failure.kind == FailureKind::cancelled) {
            ledger_.fail_all(ending->failure);
        } else {
            for (const MetricIndex metric : unanswered()) ledger_.fail(metric, ending->failure);
        }
        note_retry(ending->failure);
    }
    outcome.status = status_of(ending);
    if (outcome.status == Status::throttled) {
        const milliseconds pause = throttle_pause(options, ending->failure);
        if (ending->block) outcome.blocked_until = now + pause;
        outcome.retry_at = now + pause + throttle_jitter(pause, random);
    } else if (retry_wanted_ && work_.attempt < options.max_attempts && !(ending && is_final(ending->failure.kind))) {
        outcome.retry_at = now + std::max(job_pause(options, work_.attempt, random), longest_wait_);
    }
    outcome.values = ledger_.take_values();
    outcome.errors = ledger_.take_errors();
    outcome.metrics = ledger_.progress();
    if (outcome.retry_at) outcome.answered = ledger_.answered_days(work_.input.metrics);
    outcome.username = std::move(username_);
    outcome.name = std::move(name_);
    return outcome;
}

}  // namespace ig::sync
