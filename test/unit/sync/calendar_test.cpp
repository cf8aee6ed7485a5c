// Calendar: days are looked up, never computed from 24 hours.
#include <gtest/gtest.h>

#include <stdexcept>

#include "us_pacific.hpp"

namespace ig::test {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::seconds;

TEST(Calendar, OrdinaryDaysLast24Hours)
{
    const auto calendar = us_pacific();
    const Day date = day(2026, 11, 20);
    EXPECT_EQ(calendar->start_of(date), utc(date, 8));
    EXPECT_EQ(calendar->end_of(date), utc(date + days{1}, 8));
}

TEST(Calendar, TheDayOfTheSpringSwitchHas23Hours)
{
    const auto calendar = us_pacific();
    const Day date = day(2026, 3, 8);
    EXPECT_EQ(calendar->start_of(date), utc(date, 8));
    EXPECT_EQ(calendar->end_of(date) - calendar->start_of(date), hours{23});
    EXPECT_EQ(calendar->end_of(date - days{1}) - calendar->start_of(date - days{1}), hours{24});
}

TEST(Calendar, TheDayOfTheAutumnSwitchHas25Hours)
{
    const auto calendar = us_pacific();
    const Day date = day(2026, 11, 1);
    EXPECT_EQ(calendar->start_of(date), utc(date, 7));
    EXPECT_EQ(calendar->end_of(date) - calendar->start_of(date), hours{25});
}

TEST(Calendar, AMomentBelongsToTheDayThatHoldsIt)
{
    const auto calendar = us_pacific();
    const Day date = day(2026, 11, 20);
    EXPECT_EQ(calendar->day_at(utc(date, 7, 59, 59)), date - days{1});
    EXPECT_EQ(calendar->day_at(utc(date, 8)), date);
    EXPECT_EQ(calendar->day_at(utc(date + days{1}, 7, 59, 59)), date);
}

TEST(Calendar, AValueBelongsToTheDayThatEndedNotToTheUtcDate)
{
    const auto calendar = us_pacific();
    EXPECT_EQ(calendar->day_ending_at(utc(day(2026, 11, 21), 8)), day(2026, 11, 20));
    EXPECT_EQ(calendar->day_ending_at(utc(day(2026, 7, 1), 7)), day(2026, 6, 30));
    EXPECT_EQ(calendar->day_ending_at(utc(day(2026, 3, 9), 7)), day(2026, 3, 8));
    EXPECT_EQ(calendar->day_ending_at(utc(day(2026, 11, 2), 8)), day(2026, 11, 1));
}

TEST(Calendar, TheLastCompleteDayIsYesterdayInPacificTimeAlsoAtNewYear)
{
    const auto calendar = us_pacific();
    EXPECT_EQ(calendar->last_complete_day(utc(day(2027, 1, 1), 7, 59, 59)), day(2026, 12, 30));
    EXPECT_EQ(calendar->last_complete_day(utc(day(2027, 1, 1), 8)), day(2026, 12, 31));
}

TEST(Calendar, EveryDayOfFiveYearsEndsWhereTheNextBeginsAndFindsItself)
{
    const auto calendar = us_pacific();
    for (Day date = calendar->first_day(); date < calendar->last_day(); date += days{1}) {
        ASSERT_EQ(calendar->end_of(date), calendar->start_of(date + days{1}));
        ASSERT_EQ(calendar->day_at(calendar->start_of(date)), date);
        ASSERT_EQ(calendar->day_ending_at(calendar->end_of(date)), date);
    }
}

TEST(Calendar, OutsideTheTableIsAnErrorNotAGuess)
{
    const auto calendar = us_pacific(day(2026, 1, 1), day(2026, 1, 31));
    EXPECT_EQ(calendar->first_day(), day(2026, 1, 1));
    EXPECT_EQ(calendar->last_day(), day(2026, 1, 31));
    EXPECT_TRUE(calendar->covers(day(2026, 1, 31)));
    EXPECT_FALSE(calendar->covers(day(2026, 2, 1)));
    EXPECT_FALSE(calendar->covers(day(2025, 12, 31)));
    EXPECT_THROW(calendar->start_of(day(2026, 2, 1)), std::out_of_range);
    EXPECT_THROW(calendar->end_of(day(2025, 12, 31)), std::out_of_range);
    EXPECT_THROW(calendar->day_at(utc(day(2026, 2, 1), 8)), std::out_of_range);
    EXPECT_THROW(calendar->day_at(utc(day(2026, 1, 1), 7, 59, 59)), std::out_of_range);
    EXPECT_THROW(calendar->last_complete_day(utc(day(2026, 1, 1), 12)), std::out_of_range);
}

TEST(Calendar, RefusesATableThatIsNoCalendar)
{
    const Day date = day(2026, 1, 1);
    EXPECT_THROW(sync::Calendar(date, {}), std::invalid_argument);
    EXPECT_THROW(sync::Calendar(date, {utc(date, 8)}), std::invalid_argument);
    EXPECT_THROW(sync::Calendar(date, {utc(date, 8), utc(date, 8)}), std::invalid_argument);
    EXPECT_THROW(sync::Calendar(date, {utc(date, 8), utc(date, 7)}), std::invalid_argument);
}

}  // namespace ig::test
