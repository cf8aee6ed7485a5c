// The registry of the simulation, as schema/30_metrics.sql has these metrics.
#include "numbers.hpp"

#include <array>
#include <string>

#include "trace.hpp"

namespace ig::simulator {

namespace {

using platform::MetricShape;

constexpr std::array<RowFacts, row_kinds> facts = {{
    {"reach", "reach", "day", MetricShape::time_series, 400, false},
    {"follower_count", "follower_count", "day", MetricShape::time_series, 29, false},
    {"profile_views", "profile_views", "day", MetricShape::total_value, 365, false},
    {"accounts_engaged", "accounts_engaged", "day", MetricShape::total_value, 365, false},
    {"followers_count", "followers_count", "day", MetricShape::snapshot, 0, true},
    {"reach/week", "reach", "week", MetricShape::time_series, 400, false},
    {"views", "views", "day", MetricShape::total_value, 365, false},
    {"follower_demographics", "follower_demographics", "lifetime", MetricShape::total_value, 0, true},
}};

std::vector<sync::RegisteredMetric> make_registry()
{
    std::vector<sync::RegisteredMetric> metrics;
    for (const RowFacts &row : facts) {
        if (row.key != row.name) {
            metrics.front().windows.emplace_back(row.period);  // reach/week, of reach
            continue;
        }
        sync::RegisteredMetric &metric = metrics.emplace_back();
        metric.name = row.name;
        metric.platform = "instagram";
        metric.shape = row.shape;
        metric.period = row.period;
        metric.history_days = row.history_days;
        metric.enabled_by_default = metrics.size() <= 5;
        if (row.name == "views")
            metric.breakdowns.assign(std::begin(breakdowns_of_views), std::end(breakdowns_of_views));
        if (row.name == "follower_demographics") {
            metric.breakdowns = {"country"};
            metric.timeframe = "this_month";
        }
    }
    return metrics;
}

sync::MetricChoice make_everything()
{
    sync::MetricChoice choice;
    for (const sync::RegisteredMetric &metric : registry()) choice.emplace(metric.name, std::nullopt);
    return choice;
}

}  // namespace

const RowFacts &facts_of(RowKind kind) noexcept { return facts[static_cast<std::size_t>(kind)]; }

RowKind row_kind_of(std::string_view name, std::string_view period)
{
    for (std::size_t i = 0; i < facts.size(); ++i)
        if (facts[i].name == name && facts[i].period == period) return static_cast<RowKind>(i);
    throw Violation("only known metrics are asked", std::string(name) + " by " + std::string(period));
}

const std::vector<sync::RegisteredMetric> &registry()
{
    static const std::vector<sync::RegisteredMetric> metrics = make_registry();
    return metrics;
}

const sync::MetricChoice &everything()
{
    static const sync::MetricChoice choice = make_everything();
    return choice;
}

}  // namespace ig::simulator
