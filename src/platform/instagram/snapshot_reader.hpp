// Reads the user node: totals of this moment, such as followers_count, and the account's names.
#pragma once

#include "platform/json.hpp"
#include "platform/platform.hpp"

namespace ig::platform::instagram {

// The fields asked, under end_time = query.until. The node may be wrapped in data[] (graph.instagram.com).
Reading read_snapshot(const InsightsQuery &query, JsonView root);

// The node itself, out of its wrapping if it has one.
JsonView user_node(JsonView root) noexcept;

// A name for display: one line, bounded; empty when there is none.
std::string display_text(JsonView view);

}  // namespace ig::platform::instagram
