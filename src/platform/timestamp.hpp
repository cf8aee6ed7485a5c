// Reads the moments an API writes: ISO 8601 with any usual form of the offset, or Unix seconds.
#pragma once

#include <optional>
#include <string_view>

#include "platform/time.hpp"

namespace ig::platform {

// 2025-12-10T08:00:00+0000, ...+00:00, ...+00, ...Z, a fraction of a second, a space in place of the T. An offset is
// required: a time without one is no moment. Also Unix seconds. Nothing for all else and for years outside 2000 to
// 2199, which no measurement of ours has.
std::optional<Instant> parse_timestamp(std::string_view text) noexcept;

}  // namespace ig::platform
