// US Pacific days from the rule itself (second Sunday of March, first Sunday of November), and the texts of times.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace ig::sandbox {

using Moment = std::chrono::sys_seconds;
using Day = std::chrono::sys_days;

Moment start_of(Day day);  // midnight in Los Angeles: 07:00 UTC in summer, 08:00 UTC in winter
Moment end_of(Day day);
Day day_at(Moment moment);
Day last_complete_day(Moment now);

std::string graph_time(Moment moment);  // 2026-11-21T08:00:00+0000
std::string sql_time(Moment moment);    // 2026-11-21 08:00:00+00
std::string day_text(Day day);          // 2026-11-21

std::optional<Day> parse_day(std::string_view text);
// Unix seconds, 2026-11-21 (midnight UTC), 2026-11-21T08:00:00 with Z, +0000 or +00:00.
std::optional<Moment> parse_moment(std::string_view text);

// The time the sandbox lives in: the real one, or one that stands still until it is moved.
class Clock {
public:
    Moment now() const;
    void freeze(std::optional<Moment> at) { frozen_ = at; }
    void advance(std::chrono::seconds by) { freeze(now() + by); }

private:
    std::optional<Moment> frozen_;
};

}  // namespace ig::sandbox
