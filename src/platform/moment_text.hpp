// Days and moments as the server's SQL and our JSON write them; the reader of the API's many forms is timestamp.hpp.
#pragma once

#include <string>
#include <string_view>

#include "platform/time.hpp"

namespace ig::platform {

// "2026-11-21".
std::string day_text(Day day);
// Throws std::invalid_argument for all but a year, a month and a day with dashes between them.
Day parse_day(std::string_view text);
// "2026-11-21 08:00:00.000+00", which the server reads whatever its settings.
std::string instant_text(Instant moment);

}  // namespace ig::platform
