// What is known of each metric for one account, kept as JSON with the account: read, brought up to date, written.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/engine.hpp"

namespace ig::sync {

struct KnownMetric {
    std::optional<Day> through;         // last day that was answered
    std::optional<Day> clipped_before;  // days before it could not be had
    std::optional<Instant> unsupported_since;
    std::string reason;  // of unsupported_since
};
using KnownMetrics = std::map<std::string, KnownMetric, std::less<>>;

// Members: through, clipped_before (days), unsupported_since (a moment), reason. What cannot be read is as if it were not
// there: it is learnt again.
KnownMetrics read_metric_state(std::string_view json);
// Takes in what a sync found out. Days only go forward: somebody else may have stored a later sync meanwhile.
void learn(KnownMetrics &known, const std::vector<MetricProgress> &progress);
std::string metric_state_json(const KnownMetrics &known);

}  // namespace ig::sync
