// Builds the one request that asks many queries, each with a token of its own (graph-api.md 6.1).
#pragma once

#include <vector>

#include "platform/platform.hpp"

namespace ig::platform::instagram {

// The documented limit of graph.facebook.com; graph.instagram.com knows no batch.
inline constexpr std::size_t most_in_batch = 50;

// Throws std::invalid_argument for fewer than two items, more than most_in_batch, or one of the Instagram login.
HttpRequest batch_request(const Endpoints &endpoints, const std::vector<BatchItem> &items);

}  // namespace ig::platform::instagram
