// The `total_value` member: one number for a window, its breakdowns, and the demographics.
#pragma once

#include <optional>
#include <string>

#include "insights.hpp"

namespace ig::sandbox {

// The JSON object; nothing when there is no data.
std::optional<std::string> total_value_json(const World &world, const Account &account, const Metric &metric,
                                            const InsightsRequest &request);

}  // namespace ig::sandbox
