// Plan: which days are due, cut to what the API answers, in as few requests as possible.
#include <gtest/gtest.h>

#include <stdexcept>

#include "account.hpp"

namespace ig::test {

namespace {

sync::Plan plan_of(const sync::PlanInput &input, Instant now = noon, sync::PlanOptions options = {})
{
    return sync::make_plan(input, *us_pacific(), now, options);
}

}  // namespace

TEST(Plan, FirstSyncOfASeriesIsOneWindowOf29Days)
{
    const sync::Plan plan = plan_of(account({series("reach")}));
    ASSERT_EQ(plan.queries.size(), 1U);
    const InsightsQuery &query = plan.queries[0];
    EXPECT_EQ(query.account_id, "17841400000000001");
    EXPECT_EQ(query.shape, MetricShape::time_series);
    EXPECT_EQ(query.period, "day");
    EXPECT_EQ(query.metrics, Names{"reach"});
    EXPECT_EQ(query.last, yesterday);
    EXPECT_EQ(query.first, yesterday - days{28});
    EXPECT_EQ(query.since, pacific_midnight(query.first));
    EXPECT_EQ(query.until, pacific_midnight(today));
    EXPECT_EQ(plan.last_day, yesterday);
    EXPECT_TRUE(plan.clips.empty());
}

TEST(Plan, AWindowNeverExceedsTheThirtyDaysOfTheApiInSecondsEvenOverTheAutumnSwitch)
{
    for (Day date = day(2026, 10, 20); date < day(2026, 12, 10); date += days{1}) {
        for (const InsightsQuery &query : plan_of(account({series("reach")}), utc(date, 12)).queries)
            EXPECT_LE(query.until - query.since, days{30});
    }
}

TEST(Plan, TotalsAskOneRequestADayForAllMetricsNewestFirst)
{
    const sync::Plan plan = plan_of(account({total("views"), total("likes"), total("saves")}));
    ASSERT_EQ(plan.queries.size(), 29U);
    for (std::size_t i = 0; i < plan.queries.size(); ++i) {
        const InsightsQuery &query = plan.queries[i];
        EXPECT_EQ(query.first, yesterday - days{static_cast<int>(i)});
        EXPECT_EQ(query.last, query.first);
        EXPECT_EQ(query.metrics, (Names{"views", "likes", "saves"}));
    }
}

TEST(Plan, AOneDayWindowIsTheDayItselfAt23And25Hours)
{
    sync::PlanInput input = account({total("views")});
    input.first = input.last = day(2026, 3, 8);
    EXPECT_EQ(plan_of(input).queries.at(0).until - plan_of(input).queries.at(0).since, 23h);
    input.first = input.last = day(2026, 11, 1);
    EXPECT_EQ(plan_of(input).queries.at(0).until - plan_of(input).queries.at(0).since, 25h);
}

TEST(Plan, LaterSyncsReadTheLastDaysAgainAsValuesArriveLate)
{
    const sync::Plan plan = plan_of(account({series("reach", yesterday - days{1}), total("views", yesterday)}));
    ASSERT_EQ(plan.queries.size(), 4U);
    EXPECT_EQ(plan.queries[0].first, yesterday - days{2});
    EXPECT_EQ(plan.queries[1].first, yesterday);
    EXPECT_EQ(plan.queries[3].first, yesterday - days{2});
}

TEST(Plan, DaysMissedInAnOutageAreAskedFor)
{
    const sync::Plan plan = plan_of(account({series("reach", day(2026, 9, 1))}));
    ASSERT_EQ(plan.queries.size(), 3U);  // 80 days: 29 + 29 + 22
    EXPECT_EQ(plan.queries[0].last, yesterday);
    EXPECT_EQ(plan.queries[1].last, yesterday - days{29});
    EXPECT_EQ(plan.queries[2].first, day(2026, 9, 2));
    EXPECT_TRUE(plan.clips.empty());
}

TEST(Plan, WhatTheApiNoLongerHasIsToldAsClipped)
{
    const sync::Plan plan = plan_of(account({series("follower_count", day(2026, 9, 1), 30)}));
    const Day oldest = yesterday - days{29};
    ASSERT_EQ(plan.clips.size(), 1U);
    EXPECT_EQ(plan.clips[0].metric, "follower_count");
    EXPECT_EQ(plan.clips[0].first, day(2026, 9, 2));
    EXPECT_EQ(plan.clips[0].last, oldest - days{1});
    EXPECT_EQ(plan.queries.back().first, oldest);
}

TEST(Plan, ReadingAgainNeverCountsAsClipped)
{
    const sync::Plan plan = plan_of(account({total("brief", yesterday - days{1}, 1)}));
    ASSERT_EQ(plan.queries.size(), 1U);
    EXPECT_EQ(plan.queries[0].first, yesterday);
    EXPECT_TRUE(plan.clips.empty());
}

TEST(Plan, ADatedMetricWithoutHistoryIsClippedNotAsked)
{
    const sync::Plan plan = plan_of(account({series("gone", std::nullopt, 0)}));
    EXPECT_TRUE(plan.queries.empty());
    ASSERT_EQ(plan.clips.size(), 1U);
    EXPECT_EQ(plan.clips[0].last, yesterday);
}

TEST(Plan, NewAndKnownSeriesShareOneRequestAsReadingAgainIsFree)
{
    const sync::Plan plan = plan_of(account({series("reach", yesterday - days{1}), series("new")}));
    ASSERT_EQ(plan.queries.size(), 1U);
    EXPECT_EQ(plan.queries[0].metrics, (Names{"reach", "new"}));
    EXPECT_EQ(plan.queries[0].first, yesterday - days{28});
}

TEST(Plan, AShortHistoryIsNotDraggedBeyondItsLimitByTheOthers)
{
    sync::PlanInput input = account({series("reach"), series("follower_count", std::nullopt, 20)});
    const sync::Plan plan = plan_of(input);
    ASSERT_EQ(plan.queries.size(), 2U);
    EXPECT_EQ(plan.queries[0].metrics, Names{"reach"});
    EXPECT_EQ(plan.queries[0].first, yesterday - days{28});
    EXPECT_EQ(plan.queries[1].metrics, Names{"follower_count"});
    EXPECT_EQ(plan.queries[1].first, yesterday - days{19});
}

TEST(Plan, OlderWindowsAskOnlyThoseWhoNeedThem)
{
    const sync::Plan plan = plan_of(account({series("reach", yesterday - days{40}), series("other", yesterday)}));
    ASSERT_EQ(plan.queries.size(), 2U);
    EXPECT_EQ(plan.queries[0].metrics, (Names{"reach", "other"}));
    EXPECT_EQ(plan.queries[1].metrics, Names{"reach"});
    EXPECT_EQ(plan.queries[1].first, yesterday - days{39});
    EXPECT_EQ(plan.queries[1].last, yesterday - days{29});
}

TEST(Plan, ADayOfTotalsAsksTheMetricsDueThatDay)
{
    const sync::Plan plan = plan_of(account({total("views", yesterday), total("new")}));
    ASSERT_EQ(plan.queries.size(), 29U);
    EXPECT_EQ(plan.queries[2].metrics, (Names{"views", "new"}));
    EXPECT_EQ(plan.queries[3].metrics, Names{"new"});
}

TEST(Plan, ShapesAndPeriodsDoNotMix)
{
    MetricState weekly = series("reach_week");
    weekly.period = "week";
    const sync::Plan plan = plan_of(account({series("reach"), weekly, snapshot("followers_count")}));
    ASSERT_EQ(plan.queries.size(), 3U);
    for (const InsightsQuery &query : plan.queries) EXPECT_EQ(query.metrics.size(), 1U);
    EXPECT_EQ(plan.queries[2].period, "week");
}

TEST(Plan, ASnapshotIsStoredUnderTheComingPacificMidnight)
{
    const sync::Plan plan = plan_of(account({series("reach"), snapshot("followers_count"), snapshot("media_count")}));
    ASSERT_EQ(plan.queries.size(), 2U);
    const InsightsQuery &query = plan.queries[0];
    EXPECT_EQ(query.shape, MetricShape::snapshot);
    EXPECT_EQ(query.metrics, (Names{"followers_count", "media_count"}));
    EXPECT_EQ(query.first, today);
    EXPECT_EQ(query.last, today);
    EXPECT_EQ(query.since, pacific_midnight(yesterday));
    EXPECT_EQ(query.until, pacific_midnight(today + days{1}));
    EXPECT_TRUE(plan.clips.empty());
}

TEST(Plan, DaysWithoutASnapshotAreGone)
{
    const sync::Plan plan = plan_of(account({snapshot("followers_count", today - days{4})}));
    ASSERT_EQ(plan.clips.size(), 1U);
    EXPECT_EQ(plan.clips[0].first, today - days{3});
    EXPECT_EQ(plan.clips[0].last, yesterday);
    EXPECT_EQ(plan.queries.size(), 1U);
    EXPECT_TRUE(plan_of(account({snapshot("followers_count", yesterday)})).clips.empty());
    EXPECT_TRUE(plan_of(account({snapshot("followers_count", today)})).clips.empty());
}

TEST(Plan, ASnapshotIsNotAskedForAPastRange)
{
    sync::PlanInput input = account({snapshot("followers_count"), total("views")});
    input.first = day(2026, 11, 10);
    input.last = day(2026, 11, 11);
    const sync::Plan plan = plan_of(input);
    EXPECT_EQ(plan.queries.size(), 2U);
    ASSERT_EQ(plan.clips.size(), 1U);
    EXPECT_EQ(plan.clips[0].metric, "followers_count");
    EXPECT_EQ(plan.clips[0].first, day(2026, 11, 10));
    EXPECT_EQ(plan.clips[0].last, day(2026, 11, 11));
}

TEST(Plan, AnExplicitRangeEndsAtTheLastCompleteDay)
{
    sync::PlanInput input = account({total("views", yesterday)});
    input.first = day(2026, 11, 18);
    input.last = day(2027, 5, 1);
    const sync::Plan plan = plan_of(input);
    EXPECT_EQ(plan.last_day, yesterday);
    ASSERT_EQ(plan.queries.size(), 3U);
    EXPECT_EQ(plan.queries[0].first, yesterday);
}

TEST(Plan, AnEmptyRangePlansNothing)
{
    sync::PlanInput input = account({total("views"), series("reach"), snapshot("followers_count")});
    input.first = today;
    EXPECT_TRUE(plan_of(input).queries.empty());
    EXPECT_TRUE(plan_of(input).clips.empty());
    input.first = day(2026, 11, 11);
    input.last = day(2026, 11, 10);
    EXPECT_TRUE(plan_of(input).queries.empty());
    EXPECT_TRUE(plan_of(account({})).queries.empty());
}

TEST(Plan, AnExplicitRangeOlderThanTheHistoryIsClipped)
{
    sync::PlanInput input = account({series("follower_count", yesterday, 30), series("reach", yesterday, 400)});
    input.first = yesterday - days{99};
    input.last = yesterday - days{50};
    const sync::Plan plan = plan_of(input);
    ASSERT_EQ(plan.clips.size(), 1U);
    EXPECT_EQ(plan.clips[0].metric, "follower_count");
    EXPECT_EQ(plan.clips[0].first, *input.first);
    EXPECT_EQ(plan.clips[0].last, *input.last);
    for (const InsightsQuery &query : plan.queries) EXPECT_EQ(query.metrics, Names{"reach"});
}

TEST(Plan, BeforeTheCalendarNothingIsAsked)
{
    sync::PlanInput input = account({series("reach", std::nullopt, 100000)});
    input.first = day(1900, 1, 1);
    const sync::Plan plan = plan_of(input);
    ASSERT_EQ(plan.clips.size(), 1U);
    EXPECT_EQ(plan.clips[0].last, day(2023, 12, 31));
    EXPECT_EQ(plan.queries.back().first, day(2024, 1, 1));
    EXPECT_THROW(plan_of(account({series("reach")}), utc(day(2031, 1, 1), 12)), std::out_of_range);
}

TEST(Plan, ARefusedMetricIsLeftAloneForAWeekUnlessAPersonNamesIt)
{
    MetricState refused = total("follows_and_unfollows");
    refused.unsupported_since = noon - days{7} + 1s;
    sync::PlanInput input = account({refused, total("views", yesterday)});
    EXPECT_EQ(plan_of(input).skipped_unsupported, Names{"follows_and_unfollows"});
    EXPECT_EQ(plan_of(input).queries.size(), 3U);
    EXPECT_TRUE(plan_of(input, noon + 1s).skipped_unsupported.empty());
    input.ask_unsupported = true;
    EXPECT_TRUE(plan_of(input).skipped_unsupported.empty());
}

TEST(Plan, AMetricListedTwiceOrWithoutNameCountsOnceOrNever)
{
    const sync::Plan plan = plan_of(account({series("reach"), series("reach"), series("")}));
    ASSERT_EQ(plan.queries.size(), 1U);
    EXPECT_EQ(plan.queries[0].metrics, Names{"reach"});
}

TEST(Plan, YearEndsAreOrdinaryDays)
{
    const sync::Plan plan = plan_of(account({total("views", day(2026, 12, 30))}), utc(day(2027, 1, 2), 12));
    ASSERT_EQ(plan.queries.size(), 3U);
    EXPECT_EQ(plan.queries[0].first, day(2027, 1, 1));
    EXPECT_EQ(plan.queries[1].until, pacific_midnight(day(2027, 1, 1)));
    EXPECT_EQ(plan.queries[2].first, day(2026, 12, 30));
}

}  // namespace ig::test
