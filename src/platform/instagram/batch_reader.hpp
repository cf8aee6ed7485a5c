// Reads the answer to a batch: a list with one answer for each query, in their order.
#pragma once

#include <vector>

#include "platform/platform.hpp"
#include "platform/received.hpp"

namespace ig::platform::instagram {

BatchReading read_batch(const std::vector<const InsightsQuery *> &queries, const Received &received);

}  // namespace ig::platform::instagram
