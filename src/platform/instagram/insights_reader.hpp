// Reads the answer to a query to numbers.
#pragma once

#include "platform/json.hpp"
#include "platform/platform.hpp"
#include "platform/received.hpp"

namespace ig::platform::instagram {

// Any answer, alone or an item of a batch: its failure, or what it says of the metrics; with its usage.
Reading read_answer(const InsightsQuery &query, const Received &received);

// Takes both shapes, a series (values) and a total (total_value), by what is there and not by what was asked. Only
// metrics and the period that were asked count, and only days within the window. A metric that gave no number is in
// `without_data` - or in `dropped`, with the reason, when it gave something that this version does not keep.
Reading read_insights(const InsightsQuery &query, JsonView root);

}  // namespace ig::platform::instagram
