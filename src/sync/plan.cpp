// Turns what is known of an account's metrics into the fewest requests that bring the days that are due.
#include "sync/plan.hpp"

#include <algorithm>
#include <forward_list>
#include <string_view>

namespace ig::sync {

namespace {

using platform::InsightsQuery;
using platform::MetricShape;
using std::chrono::days;

constexpr std::size_t usual_queries = 12;  // of a day's sync

// One metric and the days [first, last] it is to be asked for, but for those it has been answered.
struct Due {
    const MetricState *metric;
    Day first;
    Day last;
    Day oldest;  // the API answers nothing before it
    const DayStretches *answered;
};

// Metrics that may share a request.
struct Group {
    MetricShape shape;
    std::string_view period;
    std::string_view breakdown;
    std::string_view timeframe;
    std::vector<Due> due;
};

constexpr int last_turn = 3;  // of totals

// What is true now goes first: it cannot be had tomorrow.
int turn_of(const Group &group)
{
    if (group.shape == MetricShape::snapshot) return 0;
    if (group.due.front().metric->of_now()) return 1;
    return group.shape == MetricShape::time_series ? 2 : last_turn;
}

class Planner {
public:
    Planner(const PlanInput &input, const Calendar &calendar, Instant now, const PlanOptions &options)
        : input_(input), calendar_(calendar), options_(options), now_(now), today_(calendar.day_at(now)),
          yesterday_(calendar.last_complete_day(now))
    {
        plan_.last_day = input.last ? std::min(*input.last, yesterday_) : yesterday_;
    }

    Plan make()
    {
        if (input_.first && *input_.first > plan_.last_day) return std::move(plan_);
        for (std::size_t i = 0; i < input_.metrics.size(); ++i) {
            const MetricState &metric = input_.metrics[i];
            if (metric.name.empty() || listed_before(i)) continue;
            if (is_refused(metric)) {
                plan_.skipped_unsupported.push_back(metric.key());
            } else if (metric.of_now()) {
                add_of_now(metric);
            } else {
                add_dated(metric);
            }
        }
        std::stable_sort(groups_.begin(), groups_.end(),
                         [](const Group &left, const Group &right) { return turn_of(left) < turn_of(right); });
        plan_.queries.reserve(usual_queries);
        const auto totals = std::find_if(groups_.begin(), groups_.end(),
                                         [](const Group &group) { return turn_of(group) == last_turn; });
        for (auto group = groups_.begin(); group != totals; ++group) ask(*group);
        ask_totals(totals);
        return std::move(plan_);
    }

private:
    bool listed_before(std::size_t index) const
    {
        const MetricState &metric = input_.metrics[index];
        for (std::size_t i = 0; i < index; ++i) {
            if (input_.metrics[i].same_entry(metric.name, metric.shape, metric.period)) return true;
        }
        return false;
    }

    bool is_refused(const MetricState &metric) const
    {
        if (!metric.unsupported_since || input_.ask_unsupported) return false;
        return now_ < *metric.unsupported_since + days{options_.reprobe_unsupported_days};
    }

    void add_due(const Due &due)
    {
        const MetricState &metric = *due.metric;
        if (metric.shape != MetricShape::total_value || metric.breakdowns.empty()) return join_group(metric, {}, due);
        for (const std::string &breakdown : metric.breakdowns) join_group(metric, breakdown, due);
    }

    // What earlier tries of the job have brought. The newest of it may be late or corrected; a job that waited beyond
    // midnight reads it again, for the next daily sync may come too late for that.
    const DayStretches &answered_before(const MetricState &metric)
    {
        const auto &[stretches, through] = metric.answered;
        if (stretches.empty() || through >= plan_.last_day) return stretches;
        const days young{std::max(options_.reread_days, 1) - 1};
        return settled_.emplace_front(up_to(stretches, through - young));
    }

    void join_group(const MetricState &metric, std::string_view breakdown, const Due &due)
    {
        for (Group &group : groups_) {
            if (group.shape == metric.shape && group.period == metric.period && group.breakdown == breakdown &&
                group.timeframe == metric.timeframe) {
                group.due.push_back(due);
                return;
            }
        }
        groups_.push_back({metric.shape, metric.period, breakdown, metric.timeframe, {due}});
    }

    void clip(const MetricState &metric, Day first, Day last)
    {
        if (first <= last) plan_.clips.push_back({metric.key(), first, last});
    }

    // What is true now has no past: days that were due and not asked in time are gone. A first sync owes none; an explicit
    // range owes those a person asked for.
    void add_of_now(const MetricState &metric)
    {
        if (input_.first) {
            const Day known = metric.synced_through ? *metric.synced_through : *input_.first - days{1};
            clip(metric, std::max(*input_.first, known + days{1}), plan_.last_day);
        } else if (metric.synced_through) {
            clip(metric, *metric.synced_through + days{1}, plan_.last_day);
        }
        if (plan_.last_day == yesterday_ && !holds(metric.answered.days, today_))
            add_due({&metric, today_, today_, today_, &metric.answered.days});
    }

    void add_dated(const MetricState &metric)
    {
        Day first = due_from(metric);
        const DayStretches &answered = answered_before(metric);
        // What lies before the calendar cannot be asked either: we would not know where its days begin.
        const Day oldest = std::max(yesterday_ - days{std::max(metric.history_days, 0) - 1}, calendar_.first_day());
        if (first < oldest) {
            // Days that are only read again are not lost when the API no longer has them.
            const Day lost = input_.first || !metric.synced_through ? first : *metric.synced_through + days{1};
            const auto gone = outside(answered, std::max(first, lost), std::min(plan_.last_day, oldest - days{1}));
            if (gone) clip(metric, gone->first, gone->last);
            first = oldest;
        }
        Day last = plan_.last_day;
        while (last >= first && !metric.wants(last)) last -= days{1};
        while (first <= last && !metric.wants(first)) first += days{1};
        if (const auto due = outside(answered, first, last))
            add_due({&metric, due->first, due->last, oldest, &answered});
    }

    Day due_from(const MetricState &metric) const
    {
        if (input_.first) return *input_.first;
        if (!metric.synced_through) return plan_.last_day - days{options_.first_sync_days - 1};
        return std::min(*metric.synced_through + days{1}, plan_.last_day - days{options_.reread_days - 1});
    }

    void ask(const Group &group)
    {
        if (group.due.front().metric->of_now()) {
            ask_days(group, group.due, today_, today_);
            // The value is of now; the day before it is what made it due.
            plan_.queries.back().since = calendar_.start_of(yesterday_);
        } else {
            ask_series(group);
        }
    }

    static Day earliest(const std::vector<Due> &due)
    {
        return std::min_element(due.begin(), due.end(), [](const Due &a, const Due &b) { return a.first < b.first; })
            ->first;
    }

    // Windows run backwards from the last day, so that metrics with more and with fewer due days share them.
    void ask_series(const Group &group)
    {
        const Day first = earliest(group.due);
        const days step{std::max(options_.max_window_days, 1)};
        for (Day end = plan_.last_day; end >= first; end -= step) {
            const Day begin = std::max(first, end - step + days{1});
            std::vector<Due> open;
            for (const Due &due : group.due) {
                if (const auto part = outside(*due.answered, std::max(due.first, begin), std::min(due.last, end)))
                    open.push_back({due.metric, part->first, part->last, due.oldest, due.answered});
            }
            ask_window(group, std::move(open));
        }
    }

    // Reading a few days again costs nothing, another request does: metrics join the widest window of those that wait,
    // unless it asks for days the API does not answer for them, which would fail the request.
    void ask_window(const Group &group, std::vector<Due> open)
    {
        while (!open.empty()) {
            const Day first = earliest(open);
            const auto apart = std::stable_partition(open.begin(), open.end(),
                                                     [first](const Due &due) { return due.oldest <= first; });
            const auto latest =
                std::max_element(open.begin(), apart, [](const Due &a, const Due &b) { return a.last < b.last; });
            ask_days(group, {open.begin(), apart}, first, latest->last);
            open.erase(open.begin(), apart);
        }
    }

    // Day by day: a try that ends early has whole days, which the next one need not ask again.
    void ask_totals(std::vector<Group>::const_iterator totals)
    {
        Day first = plan_.last_day + days{1};
        for (auto group = totals; group != groups_.cend(); ++group) first = std::min(first, earliest(group->due));
        std::vector<Due> due;
        for (Day day = plan_.last_day; day >= first; day -= days{1}) {
            for (auto group = totals; group != groups_.cend(); ++group) {
                due.clear();
                for (const Due &entry : group->due) {
                    const bool open = entry.first <= day && day <= entry.last && !holds(*entry.answered, day);
                    if (open && entry.metric->wants(day)) due.push_back(entry);
                }
                if (!due.empty()) ask_days(*group, due, day, day);
            }
        }
    }

    void ask_days(const Group &group, const std::vector<Due> &due, Day first, Day last)
    {
        InsightsQuery &query = plan_.queries.emplace_back();
        query.account_id = input_.account_id;
        query.login = input_.login;
        query.shape = group.shape;
        query.period = std::string(group.period);
        query.breakdown = std::string(group.breakdown);
        query.timeframe = std::string(group.timeframe);
        query.metrics.reserve(due.size());
        for (const Due &entry : due) query.metrics.push_back(entry.metric->name);
        query.first = first;
        query.last = last;
        query.since = calendar_.start_of(first);
        query.until = calendar_.end_of(last);
    }

    const PlanInput &input_;
    const Calendar &calendar_;
    const PlanOptions &options_;
    const Instant now_;
    const Day today_;
    const Day yesterday_;
    std::vector<Group> groups_;
    std::forward_list<DayStretches> settled_;  // where what is left of a metric's answered days lives
    Plan plan_;
};

}  // namespace

void tell_answered(std::vector<MetricState> &metrics, const AnsweredDays &answered)
{
    if (answered.empty()) return;
    for (MetricState &metric : metrics) {
        if (const auto found = answered.find(metric.key()); found != answered.end()) metric.answered = found->second;
    }
}

Plan make_plan(const PlanInput &input, const Calendar &calendar, Instant now, const PlanOptions &options)
{
    return Planner(input, calendar, now, options).make();
}

}  // namespace ig::sync
