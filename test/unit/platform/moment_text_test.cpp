// Days and moments as text: what is written, what is read back, what is refused.
#include <gtest/gtest.h>

#include <stdexcept>

#include "platform/moment_text.hpp"
#include "platform/timestamp.hpp"

namespace ig::platform {

namespace {

Day date(int year, unsigned month, unsigned of_month)
{
    return std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{of_month};
}

}  // namespace

TEST(MomentText, WritesDaysWithAllTheirDigits)
{
    EXPECT_EQ(day_text(date(2026, 11, 21)), "2026-11-21");
    EXPECT_EQ(day_text(date(2026, 1, 2)), "2026-01-02");
    EXPECT_EQ(day_text(date(2024, 2, 29)), "2024-02-29");
    EXPECT_EQ(day_text(date(987, 6, 5)), "0987-06-05");
    EXPECT_EQ(day_text(Day{}), "1970-01-01");
}

TEST(MomentText, EveryDayOfACenturyComesBack)
{
    for (Day day = date(1969, 12, 25); day < date(2070, 1, 5); day += std::chrono::days{1})
        ASSERT_EQ(parse_day(day_text(day)), day) << day_text(day);
}

TEST(MomentText, RefusesWhatIsNoDay)
{
    for (const char *text : {"",
                             "2026",
                             "2026-11",
                             "2026-11-",
                             "2026-11-31",
                             "2026-02-29",
                             "2026-00-10",
                             "2026-13-01",
                             "2026-11-00",
                             "2026-11-21 ",
                             " 2026-11-21",
                             "2026-11-21x",
                             "2026-11-21-1",
                             "2026/11/21",
                             "-2026-11-21",
                             "2026--11-21",
                             "2026-11--2",
                             "+2026-11-21",
                             "99999999999-01-01",
                             "2026-01-257",
                             "2026-257-01",
                             "67562-01-01",
                             "infinity",
                             "2026-11-21 08:00:00+00"})
        EXPECT_THROW(parse_day(text), std::invalid_argument) << text;
}

TEST(MomentText, DoesNotReadBeyondItsText)
{
    const std::string_view text = "2026-11-219";
    EXPECT_EQ(parse_day(text.substr(0, 10)), date(2026, 11, 21));
    EXPECT_THROW(parse_day(text.substr(0, 8)), std::invalid_argument);
}

TEST(MomentText, WritesMomentsToTheMillisecondInUtc)
{
    using namespace std::chrono_literals;
    const Instant midnight{date(2026, 11, 21)};
    EXPECT_EQ(instant_text(midnight), "2026-11-21 00:00:00.000+00");
    EXPECT_EQ(instant_text(midnight + 8h + 5min + 9s + 7ms), "2026-11-21 08:05:09.007+00");
    EXPECT_EQ(instant_text(midnight - 1ms), "2026-11-20 23:59:59.999+00");
    EXPECT_EQ(instant_text(Instant{} - 1ms), "1969-12-31 23:59:59.999+00") << "before the epoch as after it";
}

TEST(MomentText, MomentsComeBackFromTheReaderOfTimestamps)
{
    using namespace std::chrono_literals;
    for (Instant moment{date(2024, 2, 28)}; moment < Instant{date(2027, 3, 2)}; moment += 7h + 13min + 17s + 123ms)
        ASSERT_EQ(parse_timestamp(instant_text(moment)), moment) << instant_text(moment);
}

}  // namespace ig::platform
