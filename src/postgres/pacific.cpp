// Implements the Pacific calendar with the server's zone functions.
#include "postgres/pacific.hpp"

#include <cstdlib>

#include "postgres/guard.hpp"

namespace ig::pg {

namespace {

constexpr Day first_day{std::chrono::year{2010} / 10 / 1};

// The moment a Pacific day begins.
Instant start_of_day(pg_tz *zone, Day day)
{
    const std::chrono::year_month_day date{day};
    struct pg_tm local = {};
    local.tm_year = static_cast<int>(date.year());
    local.tm_mon = static_cast<int>(static_cast<unsigned>(date.month()));
    local.tm_mday = static_cast<int>(static_cast<unsigned>(date.day()));
    local.tm_isdst = -1;
    const int west_of_utc = DetermineTimeZoneOffset(&local, zone);
    return Instant(day) + std::chrono::seconds(west_of_utc);
}

}  // namespace

Instant current_time() noexcept
{
    return std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::shared_ptr<const sync::Calendar> pacific_calendar(Instant now)
{
    static std::shared_ptr<const sync::Calendar> *const kept = new std::shared_ptr<const sync::Calendar>();
    const Day today = std::chrono::floor<std::chrono::days>(now);
    if (*kept && (*kept)->last_day() >= today + std::chrono::days(3) && today >= first_day) return *kept;

    pg_tz *const zone = pg_call([] { return pg_tzset("America/Los_Angeles"); });
    if (zone == nullptr)
        throw SqlError(not_ready, "the server's time zone data has no America/Los_Angeles",
                       "Install the operating system's time zone data (package tzdata).");
    const Day last = std::max(today, first_day) + std::chrono::days(32);
    std::vector<Instant> starts;
    starts.reserve(static_cast<std::size_t>((last - first_day).count()) + 1);
    // DetermineTimeZoneOffset neither allocates nor raises.
    for (Day day = first_day; day <= last; day += std::chrono::days(1)) starts.push_back(start_of_day(zone, day));
    *kept = std::make_shared<const sync::Calendar>(first_day, std::move(starts));
    return *kept;
}

Instant instant_from_epoch(const std::string &seconds)
{
    return Instant(std::chrono::seconds(std::strtoll(seconds.c_str(), nullptr, 10)));
}

}  // namespace ig::pg
