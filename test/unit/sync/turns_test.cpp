// Engine: who may call when - priorities, fairness, limits, pauses, wake-ups.
#include <gtest/gtest.h>

#include <map>

#include "account.hpp"

namespace ig::test {

using sync::Engine;

TEST(Turns, InteractiveGoesBeforeDailyAndDailyBeforeBackfill)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach")}, 2), noon);
    engine.add(work(2, {series("reach")}, 1), noon);
    engine.add(work(3, {series("reach")}, 0), noon);
    EXPECT_EQ(engine.next_call(noon)->work, 3U);
    EXPECT_EQ(engine.next_call(noon)->work, 2U);
    EXPECT_EQ(engine.next_call(noon)->work, 1U);
    EXPECT_FALSE(engine.next_call(noon));
}

TEST(Turns, WorksOfOnePriorityTakeTurns)
{
    Engine engine(us_pacific(), {}, 1);
    for (sync::WorkId id = 1; id <= 3; ++id) engine.add(work(id, {total("views")}), noon);
    for (int round = 0; round < 4; ++round) {
        for (sync::WorkId id = 1; id <= 3; ++id) EXPECT_EQ(engine.next_call(noon)->work, id);
    }
}

TEST(Turns, ABigBackfillDoesNotHoldUpALateComer)
{
    sync::EngineOptions options;
    options.max_calls_per_work = 1000;
    Engine engine(us_pacific(), options, 1);
    engine.add(work(1, {total("views")}), noon);
    for (int i = 0; i < 5; ++i) engine.next_call(noon);
    engine.add(work(2, {total("views")}), noon);
    EXPECT_EQ(engine.next_call(noon)->work, 1U);
    EXPECT_EQ(engine.next_call(noon)->work, 2U);
    EXPECT_EQ(engine.next_call(noon)->work, 1U);
}

TEST(Turns, AnAnswerDoesNotCostAWorkItsTurn)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {total("views")}), noon);
    engine.add(work(2, {total("views")}), noon);
    const auto first = engine.next_call(noon);
    EXPECT_EQ(engine.next_call(noon)->work, 2U);
    engine.on_reading(first->id, answered(first->query), noon);
    EXPECT_EQ(engine.next_call(noon)->work, 1U);
    EXPECT_EQ(engine.next_call(noon)->work, 2U);
}

TEST(Turns, AtMostFourCallsOfOneAccountFlyAtOnce)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {total("views")}), noon);
    std::vector<sync::Call> calls;
    while (auto call = engine.next_call(noon)) calls.push_back(*call);
    ASSERT_EQ(calls.size(), 4U);
    EXPECT_EQ(engine.calls_in_flight(1).size(), 4U);
    EXPECT_FALSE(engine.next_wakeup());
    engine.on_reading(calls[2].id, answered(calls[2].query), noon);
    EXPECT_EQ(engine.calls_in_flight(1), (std::vector<sync::CallId>{calls[0].id, calls[1].id, calls[3].id}));
    EXPECT_TRUE(engine.next_call(noon));
    EXPECT_FALSE(engine.next_call(noon));
}

TEST(Turns, NewOptionsHoldForWorksUnderWay)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {total("views")}), noon);
    while (engine.next_call(noon)) {
    }
    sync::EngineOptions options;
    options.max_calls_per_work = 6;
    engine.set_options(options);
    EXPECT_EQ(engine.next_wakeup(), noon);
    EXPECT_TRUE(engine.next_call(noon));
    EXPECT_TRUE(engine.next_call(noon));
    EXPECT_FALSE(engine.next_call(noon));
    options.max_calls_per_work = 2;
    engine.set_options(options);
    EXPECT_FALSE(engine.next_call(noon));
    EXPECT_FALSE(engine.next_wakeup());
}

TEST(Turns, NextWakeupIsTheExactMomentOfTheNextTry)
{
    Engine engine(us_pacific(), {}, 7);
    engine.add(work(1, {series("reach")}), noon);
    EXPECT_EQ(engine.next_wakeup(), noon);
    const auto call = engine.next_call(noon);
    EXPECT_FALSE(engine.next_wakeup());
    Failure later = transient();
    later.wait = 2s;
    engine.on_reading(call->id, failed(later), noon);
    const auto wakeup = engine.next_wakeup();
    ASSERT_TRUE(wakeup);
    EXPECT_EQ(*wakeup, noon + 2s);
    EXPECT_FALSE(engine.next_call(*wakeup - milliseconds{1}));
    const auto second = engine.next_call(*wakeup);
    ASSERT_TRUE(second);
    EXPECT_NE(second->id, call->id);
    EXPECT_EQ(second->query.metrics, call->query.metrics);
}

TEST(Turns, APausedQuestionLetsTheOthersOfItsAccountGoOn)
{
    sync::EngineOptions options;
    options.max_calls_per_work = 1;
    Engine engine(us_pacific(), options, 7);
    engine.add(work(1, {series("reach"), total("views", yesterday)}), noon);
    const auto call = engine.next_call(noon);
    Failure later = transient();
    later.wait = 5s;
    engine.on_reading(call->id, failed(later), noon);
    for (int i = 0; i < 3; ++i) {
        const auto next = engine.next_call(noon);
        ASSERT_TRUE(next);
        EXPECT_EQ(next->query.metrics, Names{"views"});
        engine.on_reading(next->id, answered(next->query), noon);
    }
    EXPECT_FALSE(engine.next_call(noon));
    EXPECT_EQ(engine.next_wakeup(), noon + 5s);
}

TEST(Turns, AnIdThatIsLiveIsRefusedAndMayComeBackOnceGone)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach")}), noon);
    EXPECT_THROW(engine.add(work(1, {series("reach")}), noon), std::invalid_argument);
    EXPECT_EQ(engine.live_works(), 1U);
    engine.forget(1);
    EXPECT_EQ(engine.live_works(), 0U);
    EXPECT_NO_THROW(engine.add(work(1, {series("reach")}), noon));
}

TEST(Turns, AMomentOutsideTheCalendarTakesNothing)
{
    Engine engine(us_pacific(day(2026, 1, 1), day(2026, 12, 31)), {}, 1);
    EXPECT_THROW(engine.add(work(1, {series("reach")}), utc(day(2027, 2, 1), 12)), std::out_of_range);
    EXPECT_EQ(engine.live_works(), 0U);
    engine.set_calendar(us_pacific());
    engine.add(work(1, {series("reach")}), utc(day(2027, 2, 1), 12));
    EXPECT_EQ(engine.next_call(utc(day(2027, 2, 1), 12))->query.last, day(2027, 1, 31));
}

TEST(Turns, AForgottenWorkLeavesNoOutcomeAndItsAnswersAreIgnored)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach")}), noon);
    engine.add(work(2, {series("reach")}), noon);
    const auto call = engine.next_call(noon);
    engine.forget(1);
    engine.forget(99);
    engine.on_reading(call->id, answered(call->query), noon);
    EXPECT_TRUE(engine.take_finished().empty());
    EXPECT_TRUE(engine.calls_in_flight(1).empty());
    EXPECT_FALSE(engine.progress(1));
    EXPECT_TRUE(engine.take_values(1).empty());
    EXPECT_EQ(engine.next_call(noon)->work, 2U);
}

TEST(Turns, AnAnswerCountsOnce)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {total("views", yesterday)}), noon);
    const auto call = engine.next_call(noon);
    engine.on_reading(call->id, answered(call->query), noon);
    engine.on_reading(call->id, failed(failure(FailureKind::needs_login, FailureReach::account)), noon);
    engine.on_reading(12345, answered(call->query), noon);
    EXPECT_EQ(engine.progress(1)->calls_done, 1);
    EXPECT_EQ(engine.progress(1)->calls_planned, 3);
    EXPECT_EQ(engine.take_values(1).size(), 1U);
}

TEST(Turns, AWorkWithNothingDueIsDoneAtOnce)
{
    Engine engine(us_pacific(), {}, 1);
    sync::Work nothing = work(1, {series("reach")});
    nothing.input.first = today;
    engine.add(nothing, noon);
    engine.add(work(2, {series("gone", std::nullopt, 0)}), noon);
    EXPECT_EQ(engine.live_works(), 0U);
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 2U);
    EXPECT_EQ(outcomes[0].work, 1U);
    EXPECT_EQ(outcomes[0].status, sync::Status::succeeded);
    EXPECT_TRUE(outcomes[0].metrics.empty());
    EXPECT_EQ(outcomes[1].status, sync::Status::succeeded);
    EXPECT_TRUE(outcomes[1].errors.empty());
    EXPECT_EQ(progress_of(outcomes[1], "gone").clipped_before, today);
}

TEST(Turns, StatusesAreSpelledAsInTheContract)
{
    EXPECT_EQ(to_string(sync::Status::succeeded), "succeeded");
    EXPECT_EQ(to_string(sync::Status::partial), "partial");
    EXPECT_EQ(to_string(sync::Status::failed), "failed");
    EXPECT_EQ(to_string(sync::Status::throttled), "throttled");
    EXPECT_EQ(to_string(sync::Status::needs_login), "needs_login");
    EXPECT_EQ(to_string(sync::Status::token_unreadable), "token_unreadable");
    EXPECT_EQ(to_string(sync::Status::cancelled), "cancelled");
}

}  // namespace ig::test
