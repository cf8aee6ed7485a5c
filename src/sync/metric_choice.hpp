// Which metrics are asked for an account: the registry, what was chosen for the site or the account, what is known.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/metric_state.hpp"

namespace ig::sync {

// A row of the registry, as far as asking needs it.
struct RegisteredMetric {
    std::string name;
    std::string platform;
    platform::MetricShape shape = platform::MetricShape::time_series;
    std::string period = "day";
    std::vector<std::string> windows;
    std::vector<std::string> breakdowns;  // those usually asked
    std::string timeframe;
    int history_days = 0;
    bool enabled_by_default = false;
    bool available = true;  // the API answers it today
};

// What ig_set_metrics() stored: the metrics that are on, each with its breakdowns or nothing for the usual ones.
using MetricChoice = std::map<std::string, std::optional<std::vector<std::string>>, std::less<>>;

// Nothing: the text is empty or no object, so that nothing was chosen.
std::optional<MetricChoice> read_metric_choice(std::string_view json);

// The entries a plan is made from. `choice` is the account's, else the site's; `names`: a person asked for just these.
// Applies the choice as the view account_metrics does. Rolling windows, each of which costs a request, are asked for every
// day where a choice names the metric, else for the days that end an ISO week: of these the weeks are made.
std::vector<MetricState> metrics_to_ask(const std::vector<RegisteredMetric> &registry, std::string_view platform,
                                        const std::optional<MetricChoice> &choice,
                                        const std::optional<std::vector<std::string>> &names,
                                        const KnownMetrics &known);

}  // namespace ig::sync
