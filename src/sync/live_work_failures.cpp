// What a failed answer leads to: split off, ask less, wait, ask again, or give up. Every path leaves fewer metrics,
// fewer days or one try less, so that a work always ends.
#include "sync/live_work.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "sync/retry.hpp"

namespace ig::sync {

using platform::Failure;
using platform::FailureKind;
using platform::MetricShape;
using std::chrono::days;

namespace {

// Metric lists keep the order of the plan, so that the same failures ask the same questions.
template <typename Predicate> MetricList select(const MetricList &metrics, Predicate wanted)
{
    MetricList chosen;
    std::copy_if(metrics.begin(), metrics.end(), std::back_inserter(chosen), wanted);
    return chosen;
}

MetricList without(const MetricList &metrics, const MetricList &removed)
{
    return select(metrics, [&removed](MetricIndex metric) {
        return std::find(removed.begin(), removed.end(), metric) == removed.end();
    });
}

}  // namespace

MetricList LiveWork::named(const MetricList &metrics, const Failure &failure) const
{
    return select(metrics, [this, &failure](MetricIndex metric) {
        const auto &names = failure.metrics;
        return std::find(names.begin(), names.end(), ledger_.metric(metric).name) != names.end();
    });
}

MetricList LiveWork::still_wanted(const MetricList &metrics) const
{
    return select(metrics, [this](MetricIndex metric) { return !ledger_.refused(metric); });
}

void LiveWork::ask_again(Question question)
{
    if (question.metrics.empty()) return;
    question.tries = 0;
    ready_.push_front(std::move(question));
}

void LiveWork::ask_later(Question question, Instant at)
{
    if (question.metrics.empty()) return;
    ++question.pauses;
    delayed_.emplace(at, std::move(question));
}

// Metrics that made trouble alone go apart from the others; without any, the first half from the second.
LiveWork::Questions LiveWork::split_metrics(const Question &question) const
{
    MetricList apart = select(question.metrics, [this](MetricIndex metric) { return ledger_.doubtful(metric); });
    if (apart.empty() || apart.size() == question.metrics.size()) {
        const auto middle = question.metrics.begin() + static_cast<std::ptrdiff_t>((question.metrics.size() + 1) / 2);
        apart.assign(question.metrics.begin(), middle);
    }
    Questions parts{question, question};
    parts.first.tries = parts.second.tries = 0;
    parts.second.metrics = without(question.metrics, apart);
    parts.first.metrics = std::move(apart);
    return parts;
}

std::optional<LiveWork::Questions> LiveWork::split(const Question &question) const
{
    if (question.metrics.size() > 1) return split_metrics(question);
    const bool series = question.shape == MetricShape::time_series;
    if (!series || question.first == question.last) return std::nullopt;
    const Day middle = question.first + (question.last - question.first) / 2;
    Questions parts{question, question};
    parts.first.tries = parts.second.tries = 0;
    parts.first.first = middle + days{1};  // newest first
    parts.first.since = calendar_->start_of(parts.first.first);
    parts.second.last = middle;
    parts.second.until = calendar_->end_of(middle);
    return parts;
}

void LiveWork::on_metrics_failure(Question question, const Failure &failure, Instant now, const EngineOptions &options,
                                  Random &random)
{
    const MetricList asked = std::exchange(question.metrics, still_wanted(question.metrics));
    if (question.metrics.empty()) return;
    Question culprit = question;
    culprit.metrics = named(question.metrics, failure);
    if (culprit.metrics.empty()) {
        if (question.metrics.size() < asked.size()) {
            // Another answer meanwhile said which metric it is: the rest deserves to be asked without it.
            ask_again(std::move(question));
            return;
        }
        if (question.metrics.size() > 1) {
            Questions parts = split_metrics(question);
            ask_again(std::move(parts.second));
            ask_again(std::move(parts.first));
            return;
        }
        culprit.metrics = question.metrics;
    }
    question.metrics = without(question.metrics, culprit.metrics);
    if (failure.kind == FailureKind::no_data) {
        settle_no_data(culprit, failure);
    } else if (failure.retry || failure.ask_less) {
        on_request_failure(std::move(culprit), failure, now, options, random);
    } else {
        refuse(culprit.metrics, failure, now);
        question.metrics = still_wanted(question.metrics);
    }
    ask_again(std::move(question));
}

void LiveWork::on_request_failure(Question question, const Failure &failure, Instant now, const EngineOptions &options,
                                  Random &random)
{
    question.metrics = still_wanted(question.metrics);
    if (question.metrics.empty()) return;
    if (failure.kind == FailureKind::no_data) {
        settle_no_data(question, failure);
        return;
    }
    // A long wait is the job's to wait, not that of a worker holding its lease.
    const milliseconds wait = named_wait(failure);
    if (wait > options.call_backoff_limit) {
        give_up(question, failure);
        return;
    }
    const Instant at = now + std::max(call_pause(options, question.pauses + 1, random), wait);
    if (failure.ask_less) {
        if (std::optional<Questions> parts = split(question)) {
            ask_later(std::move(parts->first), at);
            ask_later(std::move(parts->second), at);
            return;
        }
    }
    if (failure.retry && question.tries < options.tries_per_call) {
        ask_later(std::move(question), at);
        return;
    }
    if (worth_asking_apart(question, failure)) {
        Questions parts = split_metrics(question);
        ask_later(std::move(parts.first), at);
        ask_later(std::move(parts.second), at);
        return;
    }
    give_up(question, failure);
}

// An error of the server that comes again and again, while it answers other requests of this account, may be the work
// of one metric; that one must not cost the others their values.
bool LiveWork::worth_asking_apart(const Question &question, const Failure &failure) const
{
    if (!failure.retry || failure.kind == FailureKind::network) return false;
    return question.metrics.size() > 1 && ledger_.any_answer();
}

// "No data" for these days is an answer; other days of the same metrics may have some.
void LiveWork::settle_no_data(const Question &question, const Failure &failure)
{
    for (const MetricIndex metric : question.metrics) {
        ledger_.told_no_data(metric, failure);
        ledger_.answered(metric, question.first, question.last);
        ledger_.doubt(metric);
    }
}

// Strips the metrics from every question that waits; without this each of 29 windows would fail for them again.
void LiveWork::refuse(const MetricList &metrics, const Failure &failure, Instant now)
{
    for (const MetricIndex metric : metrics) ledger_.refuse(metric, failure, now);
    const auto strip = [&metrics](Question &question) {
        question.metrics = without(question.metrics, metrics);
        return question.metrics.empty();
    };
    ready_.erase(std::remove_if(ready_.begin(), ready_.end(), strip), ready_.end());
    for (auto entry = delayed_.begin(); entry != delayed_.end();) {
        entry = strip(entry->second) ? delayed_.erase(entry) : std::next(entry);
    }
}

void LiveWork::give_up(const Question &question, const Failure &failure)
{
    for (const MetricIndex metric : question.metrics) ledger_.fail(metric, failure);
    if (question.metrics.size() == 1) ledger_.doubt(question.metrics.front());
    if (ledger_.missed(question.metrics)) note_retry(failure);
}

void LiveWork::note_retry(const Failure &failure)
{
    if (!failure.retry || is_final(failure.kind)) return;
    retry_wanted_ = true;
    longest_wait_ = std::max(longest_wait_, named_wait(failure));
}

}  // namespace ig::sync
