// US-Pacific days from the server's own zone data, for the engine that knows no zones; and the clock.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sync/calendar.hpp"

namespace ig::pg {

// Covers the days from 2010-10-01 (Instagram began on 2010-10-06) to a month after `now`; made once, renewed as time goes on.
std::shared_ptr<const sync::Calendar> pacific_calendar(Instant now);

// The clock of the server's host.
Instant current_time() noexcept;

// "2026-11-21" and back; "2026-11-21 08:00:00+00" for a moment. Days outside the calendar are clamped to its ends.
std::string day_text(Day day);
Day parse_day(const std::string &text);
std::string instant_text(Instant moment);
Instant instant_from_epoch(const std::string &seconds);

}  // namespace ig::pg
