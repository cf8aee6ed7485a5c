// US-Pacific days from the server's own zone data, for the engine that knows no zones; and the clock.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "platform/moment_text.hpp"
#include "sync/calendar.hpp"

namespace ig::pg {

// Covers the days from 2010-10-01 (Instagram began on 2010-10-06) to a month after `now`; made once, renewed as time goes on.
std::shared_ptr<const sync::Calendar> pacific_calendar(Instant now);

// The clock of the server's host.
Instant current_time() noexcept;

using platform::day_text;
using platform::instant_text;
using platform::parse_day;
Instant instant_from_epoch(const std::string &seconds);

}  // namespace ig::pg
