// Calendar: where each US-Pacific day begins and ends, from a table its maker filled (zone data stays outside).
#pragma once

#include <vector>

#include "platform/time.hpp"

namespace ig::sync {

// Days [first, first + starts.size() - 1): the last entry only closes the day before it. Days of 23 and 25 hours are
// in the table as they are (graph-api.md 1.5).
class Calendar {
public:
    // starts[i] is the moment the day first + i begins; strictly rising. Throws std::invalid_argument otherwise.
    Calendar(Day first, std::vector<Instant> starts);

    Day first_day() const noexcept;
    Day last_day() const noexcept;
    bool covers(Day day) const noexcept;

    // Throw std::out_of_range outside the table.
    Instant start_of(Day day) const;
    Instant end_of(Day day) const;
    Day day_at(Instant moment) const;           // the day that contains the moment
    Day day_ending_at(Instant end_time) const;  // the day a value measures: the one that contains end_time - 1 s
    Day last_complete_day(Instant now) const;   // yesterday, in Pacific time

private:
    Day first_;
    std::vector<Instant> starts_;
};

}  // namespace ig::sync
