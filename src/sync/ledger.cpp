// Adds a work's answers up: values once each, errors once a kind, and the day up to which nothing is missing.
#include "sync/ledger.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace ig::sync {

using platform::Failure;
using platform::FailureKind;
using platform::MetricShape;
using platform::Value;
using std::chrono::days;

Ledger::Ledger(const PlanInput &input, const Plan &plan, const Calendar &calendar, Instant now,
               const PlanOptions &options)
    : explicit_range_(input.first || input.last),
      first_sync_from_(calendar.last_complete_day(now) - days{options.first_sync_days - 1})
{
    for (const platform::InsightsQuery &query : plan.queries) {
        for (const std::string &name : query.metrics) {
            MetricAccount &account = open(name, input);
            if (account.answered.empty()) {
                account.first = query.first;
                account.answered.resize(static_cast<std::size_t>((query.last - query.first).count()) + 1);
            }
            // Queries come in any order; the days asked for stay one stretch.
            if (query.first < account.first) {
                const auto more = static_cast<std::size_t>((account.first - query.first).count());
                account.answered.resize(account.answered.size() + more);
                account.first = query.first;
            }
            const auto length = static_cast<std::size_t>((query.last - account.first).count()) + 1;
            if (length > account.answered.size()) account.answered.resize(length);
        }
    }
    for (const Clip &clip : plan.clips) {
        MetricAccount &account = open(clip.metric, input);
        if (!account.clip_first || clip.first < *account.clip_first) account.clip_first = clip.first;
        if (!account.clip_last || clip.last > *account.clip_last) account.clip_last = clip.last;
    }
}

Ledger::MetricAccount &Ledger::open(std::string_view name, const PlanInput &input)
{
    if (const auto known = find(name)) return accounts_[*known];
    if (accounts_.size() > std::numeric_limits<MetricIndex>::max())
        throw std::invalid_argument("too many metrics for one account");
    const auto state = std::find_if(input.metrics.begin(), input.metrics.end(),
                                    [name](const MetricState &metric) { return metric.name == name; });
    if (state == input.metrics.end()) throw std::invalid_argument("the plan names a metric it was not given");
    index_.emplace(name, static_cast<MetricIndex>(accounts_.size()));
    accounts_.emplace_back().state = *state;
    return accounts_.back();
}

MetricList Ledger::metrics_of(const platform::InsightsQuery &query) const
{
    MetricList list;
    for (const std::string &name : query.metrics) {
        if (const auto index = find(name)) list.push_back(*index);
    }
    return list;
}

std::optional<MetricIndex> Ledger::find(std::string_view name) const
{
    const auto entry = index_.find(name);
    if (entry == index_.end()) return std::nullopt;
    return entry->second;
}

void Ledger::keep(MetricIndex index, Value value)
{
    const auto [place, fresh] = value_index_.try_emplace({index, value.end_time}, values_.size());
    if (fresh) {
        values_.push_back(std::move(value));
    } else {
        values_[place->second] = std::move(value);
    }
    accounts_[index].has_value = true;
}

void Ledger::answered(MetricIndex index, Day first, Day last)
{
    MetricAccount &account = accounts_[index];
    const auto begin = static_cast<std::size_t>((first - account.first).count());
    const auto end = static_cast<std::size_t>((last - account.first).count()) + 1;
    std::fill(account.answered.begin() + static_cast<std::ptrdiff_t>(begin),
              account.answered.begin() + static_cast<std::ptrdiff_t>(end), true);
    account.has_answer = true;
    any_answer_ = true;
}

void Ledger::told_no_data(MetricIndex index, const Failure &failure)
{
    MetricAccount &account = accounts_[index];
    if (!account.no_data) account.no_data = failure;
}

void Ledger::refuse(MetricIndex index, const Failure &failure, Instant now)
{
    MetricAccount &account = accounts_[index];
    account.refused = true;
    if (failure.kind == FailureKind::not_supported && !account.unsupported_since) {
        account.unsupported_since = now;
        account.reason = failure.message;
    }
    fail(index, failure);
}

void Ledger::fail(MetricIndex index, const Failure &failure)
{
    if (failure.kind == FailureKind::no_data) {
        told_no_data(index, failure);
        return;
    }
    any_trouble_ = true;
    MetricAccount &account = accounts_[index];
    const std::uint32_t bit = 1U << static_cast<unsigned>(failure.kind);
    if ((account.kinds_told & bit) != 0) return;
    account.kinds_told |= bit;
    errors_.push_back({account.state.name, failure});
}

void Ledger::fail_all(const Failure &failure)
{
    any_trouble_ = true;
    errors_.push_back({std::string(), failure});
}

std::vector<Value> Ledger::take_values()
{
    value_index_.clear();
    return std::exchange(values_, {});
}

std::vector<MetricError> Ledger::take_errors()
{
    std::vector<MetricError> errors = std::exchange(errors_, {});
    for (const MetricAccount &account : accounts_) {
        if (account.has_value || account.kinds_told != 0 || account.answered.empty() || !complete(account)) continue;
        Failure none;
        none.kind = FailureKind::no_data;
        none.reach = platform::FailureReach::metrics;
        none.message = "no data came for any of the days asked for";
        none.hint = "Nothing was measured, or it is not ready yet; recent days are read again with the next sync.";
        errors.push_back({account.state.name, account.no_data.value_or(none)});
    }
    return errors;
}

std::vector<MetricProgress> Ledger::progress() const
{
    std::vector<MetricProgress> list;
    for (const MetricAccount &account : accounts_) {
        MetricProgress progress;
        progress.metric = account.state.name;
        progress.synced_through = synced_through(account);
        if (account.clip_last) progress.clipped_before = *account.clip_last + days{1};
        progress.unsupported_since = account.unsupported_since;
        progress.reason = account.reason;
        progress.supported_again =
            account.state.unsupported_since && account.has_answer && !account.unsupported_since;
        list.push_back(std::move(progress));
    }
    return list;
}

bool Ledger::complete(const MetricAccount &account) const
{
    return std::find(account.answered.begin(), account.answered.end(), false) == account.answered.end();
}

// Whether the days asked for join those known, so that the last answered day speaks for all before it. Days cut off
// count as joined: they are told as clipped and can never be had.
bool Ledger::contiguous(const MetricAccount &account) const
{
    if (!explicit_range_) return true;
    Day from = account.first;
    if (account.clip_first && *account.clip_last + days{1} >= account.first) from = std::min(from, *account.clip_first);
    if (account.state.synced_through) return from <= *account.state.synced_through + days{1};
    return account.state.shape == MetricShape::snapshot || from <= first_sync_from_;
}

std::optional<Day> Ledger::synced_through(const MetricAccount &account) const
{
    const std::optional<Day> known = account.state.synced_through;
    if (account.answered.empty() || !contiguous(account)) return known;
    const auto hole = std::find(account.answered.begin(), account.answered.end(), false);
    if (hole == account.answered.begin()) return known;
    const Day through = account.first + days{hole - account.answered.begin() - 1};
    if (known) return std::max(*known, through);
    // Never synced: a range that ends before a first sync would begin says nothing about the days between.
    if (through < first_sync_from_ - days{1}) return std::nullopt;
    return through;
}

}  // namespace ig::sync
