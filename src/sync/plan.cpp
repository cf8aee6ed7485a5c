// Turns what is known of an account's metrics into the fewest requests that bring the days that are due.
#include "sync/plan.hpp"

#include <algorithm>
#include <string_view>

namespace ig::sync {

namespace {

using platform::InsightsQuery;
using platform::MetricShape;
using std::chrono::days;

constexpr std::size_t usual_queries = 12;  // of a day's sync

// One metric and the days [first, the plan's last day] it is to be asked for.
struct Due {
    const MetricState *metric;
    Day first;
    Day oldest;  // the API answers nothing before it
};

// Metrics that may share a request.
struct Group {
    MetricShape shape;
    std::string_view period;
    std::string_view breakdown;
    std::string_view timeframe;
    std::vector<Due> due;
};

// What is true now goes first: it cannot be had tomorrow.
int turn_of(const Group &group)
{
    if (group.shape == MetricShape::snapshot) return 0;
    if (group.due.front().metric->of_now()) return 1;
    return group.shape == MetricShape::time_series ? 2 : 3;
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
        for (const Group &group : groups_) ask(group);
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

    void add_due(const MetricState &metric, Day first, Day oldest)
    {
        if (metric.shape != MetricShape::total_value || metric.breakdowns.empty())
            return join_group(metric, {}, {&metric, first, oldest});
        for (const std::string &breakdown : metric.breakdowns) join_group(metric, breakdown, {&metric, first, oldest});
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
        if (plan_.last_day == yesterday_) add_due(metric, today_, today_);
    }

    void add_dated(const MetricState &metric)
    {
        Day first = due_from(metric);
        // What lies before the calendar cannot be asked either: we would not know where its days begin.
        const Day oldest = std::max(yesterday_ - days{std::max(metric.history_days, 0) - 1}, calendar_.first_day());
        if (first < oldest) {
            // Days that are only read again are not lost when the API no longer has them.
            const Day lost = input_.first || !metric.synced_through ? first : *metric.synced_through + days{1};
            clip(metric, std::max(first, lost), std::min(plan_.last_day, oldest - days{1}));
            first = oldest;
        }
        if (first <= plan_.last_day) add_due(metric, first, oldest);
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
        } else if (group.shape == MetricShape::time_series) {
            ask_series(group);
        } else {
            ask_totals(group);
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
                if (due.first <= end) open.push_back({due.metric, std::max(due.first, begin), due.oldest});
            }
            ask_window(group, std::move(open), end);
        }
    }

    // Reading a few days again costs nothing, another request does: metrics join the widest window of those that wait,
    // unless it asks for days the API does not answer for them, which would fail the request.
    void ask_window(const Group &group, std::vector<Due> open, Day last)
    {
        while (!open.empty()) {
            const Day first = earliest(open);
            const auto apart = std::stable_partition(open.begin(), open.end(),
                                                     [first](const Due &due) { return due.oldest <= first; });
            ask_days(group, {open.begin(), apart}, first, last);
            open.erase(open.begin(), apart);
        }
    }

    void ask_totals(const Group &group)
    {
        const Day first = earliest(group.due);
        for (Day day = plan_.last_day; day >= first; day -= days{1}) {
            std::vector<Due> due;
            for (const Due &entry : group.due) {
                if (entry.first <= day) due.push_back(entry);
            }
            ask_days(group, due, day, day);
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
    Plan plan_;
};

}  // namespace

Plan make_plan(const PlanInput &input, const Calendar &calendar, Instant now, const PlanOptions &options)
{
    return Planner(input, calendar, now, options).make();
}

}  // namespace ig::sync
