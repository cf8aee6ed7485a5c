// The two time types that platform and sync share: an instant in UTC, and a calendar day without zone.
#pragma once

#include <chrono>

namespace ig {

using Instant = std::chrono::sys_time<std::chrono::milliseconds>;
using Day = std::chrono::sys_days;  // a label such as 2026-11-21, not a moment

}  // namespace ig
