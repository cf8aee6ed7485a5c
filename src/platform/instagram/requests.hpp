// The URLs we ask: everything that came from data is encoded, and none ever holds a token.
#pragma once

#include <optional>
#include <string>

#include "platform/platform.hpp"

namespace ig::platform::instagram {

std::string insights_url(const Endpoints &endpoints, const InsightsQuery &query);
std::string discovery_url(const Endpoints &endpoints, Login login, const std::optional<std::string> &cursor);

}  // namespace ig::platform::instagram
