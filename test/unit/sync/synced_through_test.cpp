// Engine: the day synced through moves only over answered days, and what is remembered of each metric.
#include <gtest/gtest.h>

#include <utility>

#include "account.hpp"

namespace ig::test {

using sync::Outcome;
using sync::Status;

TEST(SyncedThrough, AHoleStopsTheDaySyncedThrough)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {total("views")}), [](const InsightsQuery &query) {
        return query.first == day(2026, 11, 10) ? failed(failure(FailureKind::malformed, FailureReach::request))
                                                : answered(query);
    });
    EXPECT_EQ(outcome.status, Status::partial);
    EXPECT_EQ(values_of(outcome, "views"), 28U);
    EXPECT_EQ(progress_of(outcome, "views").synced_through, day(2026, 11, 9));
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].failure.kind, FailureKind::malformed);
}

TEST(SyncedThrough, WhatWasSyncedStaysSyncedWhenReadingAgainFails)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {total("views", yesterday - days{1})}), [](const InsightsQuery &query) {
        return query.first == yesterday - days{2} ? failed(failure(FailureKind::malformed, FailureReach::request))
                                                  : answered(query);
    });
    EXPECT_EQ(progress_of(outcome, "views").synced_through, yesterday - days{1});
}

TEST(SyncedThrough, NothingAnsweredMeansNothingSynced)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {series("reach")}), [](const InsightsQuery &) {
        return failed(failure(FailureKind::malformed, FailureReach::request));
    });
    EXPECT_EQ(outcome.status, Status::failed);
    EXPECT_FALSE(progress_of(outcome, "reach").synced_through);
}

TEST(SyncedThrough, ClippedDaysDoNotHoldTheSyncBack)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {series("follower_count", day(2026, 9, 1), 30)}), answered);
    EXPECT_EQ(progress_of(outcome, "follower_count").synced_through, yesterday);
    EXPECT_EQ(progress_of(outcome, "follower_count").clipped_before, yesterday - days{29});
}

namespace {

Outcome explicit_sync(std::vector<MetricState> metrics, Day first, Day last)
{
    Runner runner;
    sync::Work what = work(1, std::move(metrics));
    what.input.first = first;
    what.input.last = last;
    return runner.sync(std::move(what), answered);
}

}  // namespace

TEST(SyncedThrough, ABackfillNeverMovesTheSyncBackwards)
{
    const Outcome outcome = explicit_sync({total("views", yesterday)}, day(2026, 6, 1), day(2026, 6, 30));
    EXPECT_EQ(values_of(outcome, "views"), 30U);
    EXPECT_EQ(progress_of(outcome, "views").synced_through, yesterday);
}

TEST(SyncedThrough, AnExplicitRangeMovesTheSyncForwardOnlyWhenItJoins)
{
    const Day known = day(2026, 11, 10);
    const Outcome joins = explicit_sync({total("v", known)}, known + days{1}, yesterday);
    EXPECT_EQ(progress_of(joins, "v").synced_through, yesterday);
    const Outcome leaves_a_gap = explicit_sync({total("v", known)}, known + days{2}, yesterday);
    EXPECT_EQ(progress_of(leaves_a_gap, "v").synced_through, known);
}

TEST(SyncedThrough, AnExplicitRangeIsAFirstSyncOnlyIfItCoversOne)
{
    const Day start = yesterday - days{28};
    EXPECT_EQ(progress_of(explicit_sync({total("v")}, start, yesterday), "v").synced_through, yesterday);
    EXPECT_FALSE(progress_of(explicit_sync({total("v")}, start + days{1}, yesterday), "v").synced_through);
    EXPECT_FALSE(progress_of(explicit_sync({total("v")}, yesterday, yesterday), "v").synced_through);
    EXPECT_FALSE(progress_of(explicit_sync({total("v")}, start - days{30}, start - days{2}), "v").synced_through);
    EXPECT_EQ(progress_of(explicit_sync({snapshot("f")}, yesterday, yesterday), "f").synced_through, today);
}

TEST(SyncedThrough, ARefusedMetricThatAnswersAgainIsToldSo)
{
    MetricState refused = total("views");
    refused.unsupported_since = noon - days{8};
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {refused, total("likes")}), answered);
    EXPECT_TRUE(progress_of(outcome, "views").supported_again);
    EXPECT_FALSE(progress_of(outcome, "views").unsupported_since);
    EXPECT_FALSE(progress_of(outcome, "likes").supported_again);
}

TEST(SyncedThrough, AMetricThatAnswersOneDayAndIsRefusedTheNextIsStillRefused)
{
    MetricState refused = total("views", yesterday);
    refused.unsupported_since = noon - days{8};
    sync::EngineOptions options;
    options.max_calls_per_work = 1;
    Runner runner(options);
    const Outcome outcome = runner.sync(work(1, {refused}), [](const InsightsQuery &query) {
        return query.first == yesterday ? answered(query) : failed(unsupported());
    });
    EXPECT_EQ(values_of(outcome, "views"), 1U);
    EXPECT_FALSE(progress_of(outcome, "views").supported_again);
    EXPECT_EQ(progress_of(outcome, "views").unsupported_since, noon);
}

TEST(SyncedThrough, AnUnreadableValueThatMayComeLaterLeavesItsDaysOpen)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {series("reach"), series("other")}), [](const InsightsQuery &query) {
        Reading reading = answered(query);
        Failure cut = failure(FailureKind::malformed, FailureReach::metrics, true);
        cut.metrics = {"other"};
        reading.dropped = {cut};
        return reading;
    });
    EXPECT_FALSE(progress_of(outcome, "other").synced_through);
    EXPECT_EQ(progress_of(outcome, "reach").synced_through, yesterday);
    EXPECT_TRUE(outcome.retry_at);
}

}  // namespace ig::test
