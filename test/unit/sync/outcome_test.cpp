// Engine: what an account's answers add up to - values, "no data", single bad values, early ends.
#include <gtest/gtest.h>

#include "account.hpp"

namespace ig::test {

using sync::Engine;
using sync::Outcome;
using sync::Status;

TEST(Outcome, ACleanRunSucceedsWithEveryValueOnce)
{
    Runner runner;
    const sync::Work what = work(1, {series("reach"), total("views"), snapshot("followers_count")});
    const Outcome outcome = runner.sync(what, answered);
    EXPECT_EQ(outcome.work, 1U);
    EXPECT_EQ(outcome.status, Status::succeeded);
    EXPECT_EQ(values_of(outcome, "reach"), 29U);
    EXPECT_EQ(values_of(outcome, "views"), 29U);
    EXPECT_EQ(values_of(outcome, "followers_count"), 1U);
    EXPECT_TRUE(outcome.errors.empty());
    EXPECT_EQ(outcome.calls_done, 31);
    EXPECT_EQ(outcome.calls_planned, 31);
    EXPECT_FALSE(outcome.retry_at);
    EXPECT_FALSE(outcome.blocked_until);
    EXPECT_EQ(progress_of(outcome, "reach").synced_through, yesterday);
    EXPECT_EQ(progress_of(outcome, "views").synced_through, yesterday);
    EXPECT_EQ(progress_of(outcome, "followers_count").synced_through, today);
    EXPECT_EQ(runner.engine.live_works(), 0U);
}

TEST(Outcome, TheSnapshotsValueIsKeptUnderTheComingMidnight)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {snapshot("followers_count", yesterday)}), answered);
    ASSERT_EQ(outcome.values.size(), 1U);
    EXPECT_EQ(outcome.values[0].end_time, pacific_midnight(today + days{1}));
}

// An answer to a clock that is wrong, which says when it was given.
Outcome synced_by_wrong_clock(Instant answered_at)
{
    Runner runner;
    return runner.sync(work(1, {series("reach", yesterday), snapshot("followers_count", yesterday)}),
                       [answered_at](const InsightsQuery &query) {
                           Reading reading = answered(query);
                           reading.answered_at = answered_at;
                           return reading;
                       });
}

Instant dated(const Outcome &outcome, const std::string &metric)
{
    for (const platform::Value &value : outcome.values)
        if (value.metric == metric) return value.end_time;
    return Instant();
}

TEST(Outcome, ByAWrongClockASnapshotIsKeptUnderTheMidnightAfterItsAnswer)
{
    for (const days off : {days{-40}, days{-1}, days{2}, days{20}}) {
        const Instant beginning = pacific_midnight(today + off);
        EXPECT_EQ(dated(synced_by_wrong_clock(beginning), "followers_count"), pacific_midnight(today + off + days{1}));
        EXPECT_EQ(dated(synced_by_wrong_clock(beginning - std::chrono::milliseconds{1}), "followers_count"), beginning);
    }
    const Outcome outcome = synced_by_wrong_clock(pacific_midnight(today - days{3}));
    EXPECT_EQ(outcome.status, Status::succeeded);
    EXPECT_EQ(values_of(outcome, "reach"), 3U) << "other numbers keep the days the API told with them";
    EXPECT_EQ(dated(outcome, "reach"), dated(synced_by_wrong_clock(pacific_midnight(today)), "reach"));
}

TEST(Outcome, ASnapshotThatCannotBeDatedIsNotStoredUnderAnotherDay)
{
    const Outcome outcome = synced_by_wrong_clock(pacific_midnight(today) + days{3650});
    EXPECT_EQ(values_of(outcome, "followers_count"), 0U);
    EXPECT_EQ(values_of(outcome, "reach"), 3U);
    EXPECT_EQ(outcome.status, Status::partial);
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].metric, "followers_count");
    EXPECT_NE(outcome.errors[0].failure.hint.find("clock"), std::string::npos);
}

TEST(Outcome, NamesThatAnAnswerTellsAreHandedOn)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {snapshot("followers_count")}), [](const InsightsQuery &query) {
        Reading reading = answered(query);
        reading.username = "acme";
        reading.name = "Acme Ltd";
        return reading;
    });
    EXPECT_EQ(outcome.username, "acme");
    EXPECT_EQ(outcome.name, "Acme Ltd");
}

TEST(Outcome, NoDataIsToldButDoesNotSpoilSuccess)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {total("views"), total("replies")}), [](const InsightsQuery &query) {
        Reading reading = answered(query);
        reading.values.erase(reading.values.begin() + 1);
        reading.without_data = {"replies"};
        return reading;
    });
    EXPECT_EQ(outcome.status, Status::succeeded);
    ASSERT_EQ(outcome.errors.size(), 1U);  // one, not 29
    EXPECT_EQ(outcome.errors[0].metric, "replies");
    EXPECT_EQ(outcome.errors[0].failure.kind, FailureKind::no_data);
    EXPECT_FALSE(outcome.errors[0].failure.message.empty());
    EXPECT_EQ(progress_of(outcome, "replies").synced_through, yesterday);
    EXPECT_FALSE(outcome.retry_at);
}

TEST(Outcome, AMetricWithOneValueHasData)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {total("views")}), [](const InsightsQuery &query) {
        return query.first == yesterday ? answered(query) : empty_answer(query);
    });
    EXPECT_EQ(outcome.status, Status::succeeded);
    EXPECT_TRUE(outcome.errors.empty());
}

TEST(Outcome, NoDataAsAnErrorOfTheApiIsStillNoData)
{
    Runner runner;
    Failure none = failure(FailureKind::no_data, FailureReach::metrics);
    none.message = "not enough followers";
    const Outcome outcome =
        runner.sync(work(1, {series("follower_count")}), [&](const InsightsQuery &) { return failed(none); });
    EXPECT_EQ(outcome.status, Status::succeeded);
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].failure.message, "not enough followers");
    EXPECT_EQ(progress_of(outcome, "follower_count").synced_through, yesterday);
}

TEST(Outcome, ValuesNobodyAskedForAreDropped)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {series("reach", yesterday)}), [](const InsightsQuery &query) {
        Reading reading = answered(query);
        reading.values.push_back({"impressions", "day", pacific_midnight(today), "1"});
        reading.values.push_back({"reach", "day", pacific_midnight(today + days{1}), "2"});      // a day too late
        reading.values.push_back({"reach", "day", pacific_midnight(yesterday - days{2}), "3"});  // too early
        reading.values.push_back({"reach", "week", pacific_midnight(today), "4"});               // another period
        reading.values.push_back({"reach", "day", pacific_midnight(today + days{90000}), "5"});  // another age
        return reading;
    });
    ASSERT_EQ(outcome.values.size(), 3U);
    for (const Value &value : outcome.values) {
        EXPECT_EQ(value.period, "day");
        EXPECT_EQ(value.value, number_of("reach", us_pacific()->day_ending_at(value.end_time)));
    }
}

TEST(Outcome, OfTwoAnswersForOneValueTheLaterWinsOnce)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {total("views", yesterday)}), [](const InsightsQuery &query) {
        Reading reading = answered(query);
        reading.values.push_back({"views", "day", query.until, "777"});
        return reading;
    });
    ASSERT_EQ(outcome.values.size(), 3U);
    for (const Value &value : outcome.values) EXPECT_EQ(value.value, "777");
}

TEST(Outcome, ValuesTakenEarlyDoNotComeAgain)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {total("views", yesterday)}), noon);
    auto call = engine.next_call(noon);
    engine.on_reading(call->id, answered(call->query), noon);
    const auto early = engine.take_values(1);
    ASSERT_EQ(early.size(), 1U);
    EXPECT_TRUE(engine.take_values(1).empty());
    while ((call = engine.next_call(noon))) engine.on_reading(call->id, answered(call->query), noon);
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].values.size(), 2U);
    for (const Value &value : outcomes[0].values) EXPECT_NE(value.end_time, early[0].end_time);
    EXPECT_EQ(outcomes[0].status, Status::succeeded);
    EXPECT_TRUE(outcomes[0].errors.empty()) << "values taken early still count as data";
}

TEST(Outcome, ASingleUnreadableValueIsAnErrorOfItsMetricOnly)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {series("reach"), series("other")}), [](const InsightsQuery &query) {
        Reading reading = answered(query);
        Failure odd = failure(FailureKind::malformed, FailureReach::metrics);
        odd.metrics = {"other"};
        reading.dropped = {odd, odd};
        return reading;
    });
    EXPECT_EQ(outcome.status, Status::partial);
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].metric, "other");
    EXPECT_EQ(values_of(outcome, "reach"), 29U);
    EXPECT_EQ(progress_of(outcome, "other").synced_through, yesterday) << "asking again would bring the same";
}

TEST(Outcome, WhatCouldNotBeReadIsNotCalledNoData)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {series("reach")}), [](const InsightsQuery &) {
        Reading reading;
        reading.dropped = {failure(FailureKind::malformed, FailureReach::metrics)};
        return reading;
    });
    EXPECT_EQ(outcome.status, Status::partial);
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].failure.kind, FailureKind::malformed);
}

TEST(Outcome, StoppingKeepsWhatCameAndTellsWhatDidNot)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach"), total("views")}), noon);
    const auto call = engine.next_call(noon);
    engine.on_reading(call->id, answered(call->query), noon);
    const auto flying = engine.next_call(noon);
    engine.stop(1, failure(FailureKind::timeout, FailureReach::request, true), noon);
    engine.stop(2, failure(FailureKind::timeout, FailureReach::request, true), noon);
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].status, Status::partial);
    EXPECT_EQ(values_of(outcomes[0], "reach"), 29U);
    ASSERT_EQ(outcomes[0].errors.size(), 1U);
    EXPECT_EQ(outcomes[0].errors[0].metric, "views");
    EXPECT_EQ(outcomes[0].errors[0].failure.kind, FailureKind::timeout);
    EXPECT_EQ(outcomes[0].calls_done, 1);
    EXPECT_EQ(outcomes[0].calls_planned, 30);
    EXPECT_TRUE(outcomes[0].retry_at);
    EXPECT_EQ(progress_of(outcomes[0], "reach").synced_through, yesterday);
    EXPECT_FALSE(progress_of(outcomes[0], "views").synced_through);
    engine.on_reading(flying->id, answered(flying->query), noon);
    EXPECT_TRUE(engine.take_finished().empty());
}

TEST(Outcome, RunningOutOfTimeIsPartialHoweverLittleCame)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach")}), noon);
    engine.stop(1, failure(FailureKind::timeout, FailureReach::request), noon);
    EXPECT_EQ(engine.take_finished().at(0).status, Status::partial);
}

TEST(Outcome, StoppedWorksEndWithTheStatusOfTheReason)
{
    Engine engine(us_pacific(), {}, 1);
    for (sync::WorkId id = 1; id <= 3; ++id) engine.add(work(id, {series("reach"), total("views")}), noon);
    engine.stop(3, failure(FailureKind::token_unreadable, FailureReach::request, true), noon);
    engine.stop(1, failure(FailureKind::cancelled, FailureReach::request, true), noon);
    engine.stop(2, failure(FailureKind::network, FailureReach::request), noon);
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 3U);
    EXPECT_EQ(outcomes[0].work, 3U);
    EXPECT_EQ(outcomes[0].status, Status::token_unreadable);
    EXPECT_EQ(outcomes[1].status, Status::cancelled);
    EXPECT_EQ(outcomes[2].status, Status::failed);
    for (std::size_t i = 0; i < 2; ++i) {
        ASSERT_EQ(outcomes[i].errors.size(), 1U) << "the whole account, said once";
        EXPECT_EQ(outcomes[i].errors[0].metric, "");
        EXPECT_FALSE(outcomes[i].retry_at);
    }
    EXPECT_EQ(outcomes[2].errors.size(), 2U);
}

}  // namespace ig::test
