// The plan: which days of which metrics are due for one account, and the requests that ask for them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/platform.hpp"
#include "sync/answered_days.hpp"
#include "sync/calendar.hpp"

namespace ig::sync {

// What a metric is and what is known of it for this account. A metric that is also asked for a rolling window, or for
// the parts of a series, has an entry for each of these (sync/metric_choice.hpp): what befalls one leaves the others.
struct MetricState {
    std::string name;
    platform::MetricShape shape = platform::MetricShape::time_series;
    std::string period = "day";
    int history_days = 0;                      // how many complete days back the API answers; 0 for a snapshot
    std::optional<Day> synced_through;         // last day that was answered, with a value or "no data"
    std::optional<Instant> unsupported_since;  // this account's refusal, remembered; asked again after a week
    std::vector<std::string> breakdowns = {};  // of a total_value: each is asked in a request of its own
    std::string timeframe = {};                // of demographics
    std::string known_as = {};                 // reach/week: what is known is kept under it; empty: under the name
    bool parts_only = false;                   // the number itself comes with another entry
    std::string window_of = {};  // of a rolling window: the period of the rows it is kept beside; empty: it is none
    bool unnamed = false;        // a window that nobody named: asked for ends of weeks alone, and never missed
    Answered answered = {};      // by earlier tries of this job, and stored: not to be asked again in it

    const std::string &key() const noexcept { return known_as.empty() ? name : known_as; }
    // The period of the rows its values are kept in.
    const std::string &kept_as() const noexcept { return window_of.empty() ? period : window_of; }
    // Whether it is asked for this day.
    bool wants(Day day) const noexcept { return !unnamed || std::chrono::weekday(day) == std::chrono::Sunday; }
    // Only what is true at this moment can be asked.
    bool of_now() const noexcept
    {
        return shape == platform::MetricShape::snapshot ||
               (shape == platform::MetricShape::total_value && period == "lifetime");
    }
    // Entries of one metric differ in one of these.
    bool same_entry(std::string_view other_name, platform::MetricShape other_shape, std::string_view other_period) const
    {
        return name == other_name && shape == other_shape && period == other_period;
    }
};

// What earlier tries of a job have brought, told to the entries its next one is planned from.
void tell_answered(std::vector<MetricState> &metrics, const AnsweredDays &answered);

struct PlanOptions {
    int reread_days = 3;
    int first_sync_days = 29;
    int max_window_days = 29;
    int reprobe_unsupported_days = 7;
};

// A stretch of days that was due but that the API no longer answers.
struct Clip {
    std::string metric;  // MetricState::key()
    Day first{};
    Day last{};
};

struct PlanInput {
    std::string account_id;
    platform::Login login = platform::Login::facebook;
    std::vector<MetricState> metrics;
    std::optional<Day> first;  // an explicit range (backfill, fetch with since/until), inclusive
    std::optional<Day> last;
    bool ask_unsupported = false;  // a person named the metrics: ask even what was refused before
};

struct Plan {
    std::vector<platform::InsightsQuery> queries;  // newest days first within a shape; totals day by day
    std::vector<Clip> clips;
    std::vector<std::string> skipped_unsupported;
    Day last_day{};  // the last complete day the plan covers
};

// Pure: same input, same plan. Range rules (design.md, Time): without synced_through the last first_sync_days, else
// from the earlier of synced_through + 1 and last - reread_days + 1; never further back than history_days, and what is
// cut off is a Clip. Metrics of one shape, period, breakdown, timeframe and window share a request; total_value asks
// one-day windows; a rolling window that nobody named is asked for the days that end an ISO week; a snapshot, and a total
// of lifetime, is asked once, when the range reaches the last complete day, and is stored under the coming midnight: its
// first and last day are today, its `since` is the start of the last complete day. An entry listed twice counts once.
// Days that earlier tries of the job have brought are left out; when a day has passed since, the newest of them are read
// again, as each daily sync does.
// Days before the calendar's table are clipped; throws std::out_of_range when it does not hold today and yesterday.
Plan make_plan(const PlanInput &input, const Calendar &calendar, Instant now, const PlanOptions &options);

}  // namespace ig::sync
