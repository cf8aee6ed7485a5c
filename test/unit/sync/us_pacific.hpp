// A US-Pacific calendar for tests, computed from the rules in force since 2007: summer time from the second Sunday of
// March to the first Sunday of November, switching at 02:00, so that a switch day's midnight still has the old offset.
#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include "sync/calendar.hpp"

namespace ig::test {

inline Day day(int year, unsigned month, unsigned of_month)
{
    return std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{of_month};
}

inline Instant utc(Day date, int hour, int minute = 0, int second = 0)
{
    return Instant{date} + std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second};
}

inline Instant pacific_midnight(Day date)
{
    using namespace std::chrono;
    const std::chrono::year year = year_month_day{date}.year();
    const Day spring = year / March / Sunday[2];
    const Day autumn = year / November / Sunday[1];
    const bool summer = date > spring && date <= autumn;
    return Instant{date} + hours{summer ? 7 : 8};
}

inline std::shared_ptr<const sync::Calendar> us_pacific(Day first = day(2024, 1, 1), Day last = day(2028, 12, 31))
{
    std::vector<Instant> starts;
    for (Day date = first; date <= last + std::chrono::days{1}; date += std::chrono::days{1})
        starts.push_back(pacific_midnight(date));
    return std::make_shared<sync::Calendar>(first, std::move(starts));
}

}  // namespace ig::test
