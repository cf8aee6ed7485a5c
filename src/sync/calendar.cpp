// Looks days up in the table of their beginnings; the days' lengths are whatever the table says.
#include "sync/calendar.hpp"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

namespace ig::sync {

using std::chrono::days;

Calendar::Calendar(Day first, std::vector<Instant> starts) : first_(first), starts_(std::move(starts))
{
    if (starts_.size() < 2) throw std::invalid_argument("a calendar needs at least one day and its end");
    if (std::adjacent_find(starts_.begin(), starts_.end(), std::greater_equal<>()) != starts_.end())
        throw std::invalid_argument("the days of a calendar must begin one after the other");
}

Day Calendar::first_day() const noexcept { return first_; }

Day Calendar::last_day() const noexcept { return first_ + days{static_cast<days::rep>(starts_.size()) - 2}; }

bool Calendar::covers(Day day) const noexcept { return day >= first_ && day <= last_day(); }

Instant Calendar::start_of(Day day) const
{
    if (!covers(day)) throw std::out_of_range("day outside the calendar");
    return starts_[static_cast<std::size_t>((day - first_).count())];
}

Instant Calendar::end_of(Day day) const
{
    if (!covers(day)) throw std::out_of_range("day outside the calendar");
    return starts_[static_cast<std::size_t>((day - first_).count()) + 1];
}

Day Calendar::day_at(Instant moment) const
{
    const auto next = std::upper_bound(starts_.begin(), starts_.end(), moment);
    if (next == starts_.begin() || next == starts_.end()) throw std::out_of_range("moment outside the calendar");
    return first_ + days{next - starts_.begin() - 1};
}

Day Calendar::day_ending_at(Instant end_time) const { return day_at(end_time - std::chrono::seconds{1}); }

Day Calendar::last_complete_day(Instant now) const
{
    const Day yesterday = day_at(now) - days{1};
    if (!covers(yesterday)) throw std::out_of_range("day outside the calendar");
    return yesterday;
}

}  // namespace ig::sync
