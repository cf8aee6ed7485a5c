// Adds a work's answers up: values once each, errors once a kind, and the day up to which nothing is missing.
#include "sync/ledger.hpp"

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <utility>

namespace ig::sync {

using platform::Failure;
using platform::FailureKind;
using platform::Value;
using std::chrono::days;

namespace {

constexpr std::size_t most_reserved = 64;  // a day's sync of an account; what is longer may never come

}  // namespace

Ledger::Ledger(const PlanInput &input, const Plan &plan, const Calendar &calendar, Instant now,
               const PlanOptions &options)
    : explicit_range_(input.first || input.last), last_day_(plan.last_day),
      first_sync_from_(calendar.last_complete_day(now) - days{options.first_sync_days - 1})
{
    accounts_.reserve(input.metrics.size());
    for (const platform::InsightsQuery &query : plan.queries) {
        for (const std::string &name : query.metrics) {
            const auto is_entry = [&](const MetricState &state) {
                return state.same_entry(name, query.shape, query.period);
            };
            expect(open(input, is_entry), query.first, query.last);
        }
    }
    std::size_t days_asked = 0;
    for (const MetricAccount &account : accounts_) days_asked += account.open.size();
    values_.reserve(std::min(days_asked, most_reserved));
    for (MetricAccount &account : accounts_) {
        // What was answered before joins the days asked for; where it is asked again, the new answer counts.
        if (account.state->of_now()) continue;
        for (const DayStretch &known : up_to(account.state->answered.days, plan.last_day))
            stretch(account, known.first, known.last);
    }
    for (const Clip &clip : plan.clips) {
        MetricAccount &account = open(input, [&](const MetricState &state) { return state.key() == clip.metric; });
        if (!account.clip_first || clip.first < *account.clip_first) account.clip_first = clip.first;
        if (!account.clip_last || clip.last > *account.clip_last) account.clip_last = clip.last;
    }
}

template <typename Predicate> Ledger::MetricAccount &Ledger::open(const PlanInput &input, Predicate is_entry)
{
    for (MetricAccount &account : accounts_) {
        if (is_entry(*account.state)) return account;
    }
    if (accounts_.size() > std::numeric_limits<MetricIndex>::max())
        throw std::invalid_argument("too many metrics for one account");
    const auto state = std::find_if(input.metrics.begin(), input.metrics.end(), is_entry);
    if (state == input.metrics.end()) throw std::invalid_argument("the plan names a metric it was not given");
    const auto same_rows = [state](const MetricAccount &other) {
        return other.state->name == state->name && other.state->kept_as() == state->kept_as();
    };
    const auto row = std::find_if(accounts_.begin(), accounts_.end(), same_rows) - accounts_.begin();
    MetricAccount &account = accounts_.emplace_back();
    account.state = &*state;
    account.row = static_cast<MetricIndex>(row);
    return account;
}

void Ledger::stretch(MetricAccount &account, Day first, Day last)
{
    if (account.open.empty()) account.first = first;
    if (first < account.first) {
        account.open.insert(account.open.begin(), static_cast<std::size_t>((account.first - first).count()), 0);
        account.first = first;
    }
    const auto length = static_cast<std::size_t>((last - account.first).count()) + 1;
    if (length > account.open.size()) account.open.resize(length);
}

// Queries come in any order; the days asked for stay one stretch.
void Ledger::expect(MetricAccount &account, Day first, Day last)
{
    stretch(account, first, last);
    const auto length = static_cast<std::size_t>((last - account.first).count()) + 1;
    for (auto at = static_cast<std::size_t>((first - account.first).count()); at < length; ++at) ++account.open[at];
}

MetricList Ledger::metrics_of(const platform::InsightsQuery &query) const
{
    MetricList list;
    list.reserve(query.metrics.size());
    for (const std::string &name : query.metrics) {
        for (std::size_t i = 0; i < accounts_.size(); ++i) {
            if (accounts_[i].state->same_entry(name, query.shape, query.period))
                list.push_back(static_cast<MetricIndex>(i));
        }
    }
    return list;
}

bool Ledger::missed(const MetricList &metrics) const
{
    return std::any_of(metrics.begin(), metrics.end(), [this](MetricIndex index) { return !metric(index).unnamed; });
}

void Ledger::keep(MetricIndex index, Value &&value)
{
    auto &known = accounts_[accounts_[index].row].values;
    const auto place = std::lower_bound(known.begin(), known.end(), std::pair(value.end_time, std::size_t{0}));
    if (place == known.end() || place->first != value.end_time) {
        known.emplace(place, value.end_time, values_.size());
        values_.push_back(std::move(value));
    } else {
        Value &kept = values_[place->second];
        if (!value.value.empty()) kept.value = std::move(value.value);
        platform::merge_parts(kept.parts, std::move(value.parts));
    }
    accounts_[index].has_value = true;
}

void Ledger::answered(MetricIndex index, Day first, Day last)
{
    MetricAccount &account = accounts_[index];
    const auto begin = static_cast<std::size_t>((first - account.first).count());
    const auto end = static_cast<std::size_t>((last - account.first).count()) + 1;
    for (std::size_t at = begin; at < end; ++at) {
        if (account.open[at] > 0) --account.open[at];
    }
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
    if ((failure.kind == FailureKind::not_supported || account.state->unnamed) && !account.unsupported_since) {
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
    MetricAccount &account = accounts_[index];
    if (account.state->unnamed) return;
    any_trouble_ = true;
    const std::uint32_t bit = 1U << static_cast<unsigned>(failure.kind);
    if ((account.kinds_told & bit) != 0) return;
    account.kinds_told |= bit;
    errors_.push_back({account.state->key(), failure});
}

void Ledger::fail_all(const Failure &failure)
{
    any_trouble_ = true;
    errors_.push_back({std::string(), failure});
}

std::vector<Value> Ledger::take_values()
{
    for (MetricAccount &account : accounts_) account.values.clear();
    return std::exchange(values_, {});
}

std::vector<MetricError> Ledger::take_errors()
{
    std::vector<MetricError> errors = std::exchange(errors_, {});
    for (const MetricAccount &account : accounts_) {
        if (account.has_value || account.kinds_told != 0 || account.open.empty() || !complete(account)) continue;
        if (account.state->unnamed) continue;
        if (!account.state->answered.days.empty()) continue;  // an earlier try may have brought some
        Failure none;
        none.kind = FailureKind::no_data;
        none.reach = platform::FailureReach::metrics;
        none.message = "no data came for any of the days asked for";
        none.hint = "Nothing was measured, or it is not ready yet; recent days are read again with the next sync.";
        errors.push_back({account.state->key(), account.no_data.value_or(none)});
    }
    return errors;
}

std::vector<MetricProgress> Ledger::progress() const
{
    std::vector<MetricProgress> list;
    list.reserve(accounts_.size());
    for (const MetricAccount &account : accounts_) {
        MetricProgress progress;
        progress.metric = account.state->key();
        progress.synced_through = synced_through(account);
        if (account.clip_last) progress.clipped_before = *account.clip_last + days{1};
        progress.unsupported_since = account.unsupported_since;
        progress.reason = account.reason;
        progress.supported_again = account.state->unsupported_since && account.has_answer && !account.unsupported_since;
        list.push_back(std::move(progress));
    }
    return list;
}

DayStretches Ledger::closed_days(const MetricAccount &account)
{
    DayStretches stretches;
    bool joined = false;
    for (std::size_t at = 0; at < account.open.size(); ++at) {
        const Day day = account.first + days{at};
        const bool closed = account.open[at] == 0;
        if (closed && !joined) stretches.push_back({day, day});
        if (closed) stretches.back().last = day;
        joined = closed;
    }
    return stretches;
}

AnsweredDays Ledger::answered_days(const std::vector<MetricState> &metrics) const
{
    AnsweredDays answered;
    for (const MetricState &metric : metrics) {
        if (!metric.answered.days.empty()) answered.insert_or_assign(metric.key(), metric.answered);
    }
    for (const MetricAccount &account : accounts_) {
        if (account.open.empty()) continue;
        DayStretches stretches = closed_days(account);
        if (stretches.empty()) answered.erase(account.state->key());
        else answered.insert_or_assign(account.state->key(), Answered{std::move(stretches), last_day_});
    }
    return answered;
}

bool Ledger::complete(const MetricAccount &account) const
{
    return std::all_of(account.open.begin(), account.open.end(), [](std::uint16_t open) { return open == 0; });
}

// Whether the days asked for join those known, so that the last answered day speaks for all before it. Days cut off
// count as joined: they are told as clipped and can never be had.
bool Ledger::contiguous(const MetricAccount &account) const
{
    if (!explicit_range_) return true;
    Day from = account.first;
    if (account.clip_first && *account.clip_last + days{1} >= account.first) from = std::min(from, *account.clip_first);
    if (account.state->synced_through) return from <= *account.state->synced_through + days{1};
    return account.state->of_now() || from <= first_sync_from_;
}

std::optional<Day> Ledger::synced_through(const MetricAccount &account) const
{
    const std::optional<Day> known = account.state->synced_through;
    if (account.open.empty() || !contiguous(account)) return known;
    const auto hole =
        std::find_if(account.open.begin(), account.open.end(), [](std::uint16_t open) { return open > 0; });
    if (hole == account.open.begin()) return known;
    const Day through = account.first + days{hole - account.open.begin() - 1};
    if (known) return std::max(*known, through);
    // Never synced: a range that ends before a first sync would begin says nothing about the days between.
    if (through < first_sync_from_ - days{1}) return std::nullopt;
    return through;
}

}  // namespace ig::sync
