// When a call may go, by what the API said of its budgets: thresholds, blocks, pace, our own cap, what a table keeps.
// Long because the governor and the engine that asks it are tested in one place.
#include <gtest/gtest.h>

#include "account.hpp"
#include "sync/governor.hpp"

namespace ig::test {

namespace {

using platform::Usage;
using std::chrono::minutes;
using sync::BudgetKey;
using sync::BudgetRow;
using sync::Governor;
using sync::Hold;
using Reason = Hold::Reason;

const BudgetKey ada{"00000000-0000-0000-0000-00000000000a", "17841400000000001", Login::facebook};
const BudgetKey bob{"00000000-0000-0000-0000-00000000000b", "17841400000000003", Login::facebook};
const BudgetKey eve{"00000000-0000-0000-0000-00000000000e", "17841400000000002", Login::instagram};

std::vector<Usage> app_used(int percent, std::optional<minutes> regain = std::nullopt)
{
    return {Usage{true, "", percent, regain}};
}

std::vector<Usage> account_used(const BudgetKey &key, int percent, std::optional<minutes> regain = std::nullopt)
{
    return {Usage{false, key.account_id, percent, regain}};
}

// One call and its good answer.
void served(Governor &governor, const BudgetKey &key, const std::vector<Usage> &usage, Instant now)
{
    governor.on_call(key, now);
    governor.on_gone(key);
    governor.on_answer(key, usage, std::nullopt, now);
}

std::optional<Instant> until(const Governor &governor, const BudgetKey &key, int priority, Instant now)
{
    const auto hold = governor.hold(key, priority, now);
    return hold ? hold->until : std::nullopt;
}

}  // namespace

TEST(Governor, NothingKnownHoldsNobody)
{
    const Governor governor;
    for (int priority = 0; priority <= 2; ++priority) EXPECT_FALSE(governor.hold(ada, priority, noon));
    EXPECT_TRUE(governor.changed_rows(noon).empty());
}

TEST(Governor, NearTheThresholdBackfillStopsDailyIsPacedAndAPersonIsServed)
{
    Governor governor;
    served(governor, ada, account_used(ada, 79), noon);
    for (int priority = 0; priority <= 2; ++priority) EXPECT_FALSE(governor.hold(ada, priority, noon));
    served(governor, ada, account_used(ada, 80), noon);
    EXPECT_FALSE(governor.hold(ada, 0, noon));
    EXPECT_EQ(until(governor, ada, 1, noon), noon + 1s);
    EXPECT_FALSE(governor.hold(ada, 1, noon + 1s));
    EXPECT_EQ(until(governor, ada, 2, noon + 1s), noon + 1h);
    EXPECT_FALSE(governor.hold(bob, 2, noon)) << "another account's budget is not touched";
}

TEST(Governor, ThePaceSlowsAsTheLimitComesNearer)
{
    Governor governor;
    served(governor, ada, app_used(90), noon);
    EXPECT_EQ(until(governor, bob, 1, noon), noon + 15500ms);
    served(governor, ada, app_used(99), noon);
    EXPECT_EQ(until(governor, bob, 1, noon), noon + 28550ms);
    EXPECT_FALSE(governor.hold(bob, 0, noon));
    EXPECT_FALSE(governor.hold(eve, 2, noon)) << "the other login is another app and host";
}

TEST(Governor, AHundredPercentStopsEverybodyForTheMinutesNamed)
{
    Governor governor;
    served(governor, ada, account_used(ada, 100, minutes{7}), noon);
    EXPECT_EQ(until(governor, ada, 0, noon + 5min), noon + 7min);
    EXPECT_EQ(governor.blocked_until(ada, noon), noon + 7min);
    EXPECT_FALSE(governor.hold(bob, 1, noon));
    EXPECT_FALSE(governor.hold(ada, 0, noon + 7min));
    EXPECT_FALSE(governor.blocked_until(ada, noon + 7min));
    served(governor, bob, app_used(100), noon);
    EXPECT_EQ(until(governor, ada, 0, noon), noon + 15min) << "without minutes it is a quarter of an hour";
}

TEST(Governor, TheMinutesOfAHeaderStopEvenBelowAHundredPercent)
{
    Governor governor;
    served(governor, ada, account_used(ada, 60, minutes{3}), noon);
    EXPECT_EQ(until(governor, ada, 0, noon), noon + 3min);
}

TEST(Governor, ALateAnswerFromBeforeTheRefusalEndsNoBlock)
{
    Governor governor;
    governor.on_throttled(ada, false, noon + 5min, noon);
    governor.on_answer(ada, account_used(ada, 40), std::nullopt, noon + 1s);
    EXPECT_EQ(until(governor, ada, 0, noon + 2s), noon + 5min);
}

TEST(Governor, AfterABlockAFewCallsFindOutWhetherAllMayGo)
{
    Governor governor;
    governor.on_throttled(ada, true, noon + 5min, noon);
    const Instant over = noon + 5min;
    for (int i = 0; i < 4; ++i) {
        EXPECT_FALSE(governor.hold(i % 2 ? ada : bob, 2, over));
        governor.on_call(i % 2 ? ada : bob, over);
    }
    const auto hold = governor.hold(ada, 0, over);
    ASSERT_TRUE(hold);
    EXPECT_EQ(hold->reason, Reason::in_flight);
    EXPECT_FALSE(hold->until);
    governor.on_gone(ada);
    EXPECT_FALSE(governor.hold(ada, 2, over));
    governor.on_answer(ada, {}, std::nullopt, over);
    for (int i = 0; i < 10; ++i) governor.on_call(bob, over);
    EXPECT_FALSE(governor.hold(ada, 2, over)) << "served without a word: all is free again";
}

TEST(Governor, NearTheLimitOnlyAFewCallsOfTheAppFlyAtOnce)
{
    Governor governor;
    served(governor, ada, app_used(95), noon);
    for (int i = 0; i < 4; ++i) governor.on_call(bob, noon);
    EXPECT_EQ(governor.hold(ada, 0, noon)->reason, Reason::in_flight);
    governor.on_gone(bob);
    EXPECT_FALSE(governor.hold(ada, 0, noon));
}

TEST(Governor, WhatWasSaidAnHourAgoIsNotKnownAnyMore)
{
    Governor governor;
    served(governor, ada, account_used(ada, 99), noon);
    EXPECT_TRUE(governor.hold(ada, 2, noon + 59min));
    EXPECT_FALSE(governor.hold(ada, 2, noon + 1h));
}

TEST(Governor, WhatWasSaidBeforeTheClockWasSetBackIsNotKnownAnyMore)
{
    Governor governor;
    served(governor, ada, account_used(ada, 99), noon);
    EXPECT_FALSE(governor.hold(ada, 2, noon - 1min)) << "nobody waits until the clock is there again";
    EXPECT_FALSE(governor.hold(ada, 1, noon - 1min)) << "nor for the pause after a call that is yet to come";
    served(governor, ada, account_used(ada, 80), noon - 1min);
    EXPECT_EQ(until(governor, ada, 1, noon - 1min), noon - 59s);
}

TEST(Governor, ARowFromBeforeTheClockWasSetBackIsNoNews)
{
    Governor governor;
    served(governor, ada, account_used(ada, 90), noon);
    governor.load({ada, 3, noon + 10s, std::nullopt, 0, {}}, noon + 1s);
    EXPECT_TRUE(governor.hold(ada, 2, noon + 20s)) << "not when its time has come either";
    governor.load({ada, 3, noon + 10s, std::nullopt, 0, {}}, noon + 20s);
    EXPECT_FALSE(governor.hold(ada, 2, noon + 20s));
}

TEST(Governor, CallsOfAnHourYetToComeAreNotThoseOfThisHour)
{
    Governor governor({80, 3, 4, 900s});
    for (int i = 0; i < 3; ++i) served(governor, ada, {}, noon + 1h);
    EXPECT_FALSE(governor.hold(ada, 0, noon)) << "the clock was set back";
    for (int i = 0; i < 3; ++i) served(governor, ada, {}, noon);
    EXPECT_EQ(until(governor, ada, 0, noon), noon + 1h);
    governor.load({ada, std::nullopt, std::nullopt, std::nullopt, 1, noon + 2h}, noon);
    EXPECT_EQ(until(governor, ada, 0, noon), noon + 1h);
}

TEST(Governor, AnotherIdInTheHeaderIsStillTheBudgetOfTheAccountThatCalled)
{
    Governor governor;
    served(governor, ada, {Usage{false, "1900", 70, std::nullopt}, Usage{false, "2000", 85, std::nullopt}}, noon);
    EXPECT_TRUE(governor.hold(ada, 2, noon));
    std::vector<Usage> both = account_used(ada, 10);
    both.push_back(Usage{false, "2000", 90, std::nullopt});
    served(governor, ada, both, noon);
    EXPECT_FALSE(governor.hold(ada, 2, noon)) << "its own id is the better witness";
}

TEST(Governor, OurOwnCapHoldsUntilTheNextHourAndBackfillLeavesARest)
{
    Governor governor({80, 10, 4, 900s});
    for (int i = 0; i < 8; ++i) served(governor, ada, {}, noon + 10min);
    EXPECT_EQ(until(governor, ada, 2, noon + 10min), noon + 1h);
    EXPECT_FALSE(governor.hold(ada, 1, noon + 10min));
    for (int i = 0; i < 2; ++i) served(governor, ada, {}, noon + 20min);
    EXPECT_EQ(governor.hold(ada, 0, noon + 59min)->reason, Reason::own_cap);
    EXPECT_FALSE(governor.hold(bob, 0, noon + 59min));
    EXPECT_FALSE(governor.hold(ada, 2, noon + 1h));
}

TEST(Governor, CallsOfOtherProcessesCountTowardsTheCap)
{
    Governor governor({80, 10, 4, 900s});
    for (int i = 0; i < 3; ++i) served(governor, ada, {}, noon);
    const auto rows = governor.changed_rows(noon);
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].calls, 3);
    EXPECT_EQ(rows[0].hour, noon);
    governor.saved(rows, noon);
    EXPECT_TRUE(governor.changed_rows(noon).empty());
    BudgetRow row = rows[0];
    row.calls = 9;
    governor.load(row, noon);
    EXPECT_FALSE(governor.hold(ada, 0, noon));
    served(governor, ada, {}, noon);
    EXPECT_TRUE(governor.hold(ada, 0, noon));
    EXPECT_EQ(governor.changed_rows(noon).at(0).calls, 1) << "only what the table does not know of";
}

TEST(Governor, ARestartForgetsNeitherBlockNorUsage)
{
    Governor before;
    served(before, ada, account_used(ada, 85), noon);
    before.on_throttled(eve, true, noon + 5min, noon);
    before.on_throttled(bob, false, noon + 9min, noon);
    Governor after;
    for (const BudgetRow &row : before.changed_rows(noon)) after.load(row, noon + 1s);
    EXPECT_EQ(until(after, eve, 0, noon + 1s), noon + 5min);
    EXPECT_EQ(until(after, bob, 0, noon + 1s), noon + 9min);
    EXPECT_TRUE(after.hold(ada, 2, noon + 1s));
    EXPECT_FALSE(after.hold(ada, 0, noon + 1s));
    EXPECT_TRUE(after.changed_rows(noon + 1s).empty()) << "what was read need not be written";
}

TEST(Governor, TheNewerWordWinsAndABlockIsNeverShortened)
{
    Governor governor;
    served(governor, ada, account_used(ada, 85), noon);
    governor.load({ada, 20, noon - 1min, std::nullopt, 0, {}}, noon);
    EXPECT_TRUE(governor.hold(ada, 2, noon));
    governor.load({ada, 20, noon + 1min, std::nullopt, 0, {}}, noon + 1min);
    EXPECT_FALSE(governor.hold(ada, 2, noon + 1min));
    governor.on_throttled(ada, false, noon + 1h, noon + 1min);
    governor.load({ada, 20, noon + 2min, noon + 30min, 0, {}}, noon + 2min);
    EXPECT_EQ(until(governor, ada, 0, noon + 2min), noon + 1h);
}

TEST(Governor, ABlockThatAPersonLiftsInTheTableIsLifted)
{
    Governor governor;
    governor.on_throttled(ada, false, noon + 1h, noon);
    governor.load({ada, std::nullopt, std::nullopt, std::nullopt, 0, {}}, noon);
    EXPECT_TRUE(governor.hold(ada, 0, noon)) << "the table does not know of it yet";
    governor.saved(governor.changed_rows(noon), noon);
    governor.load({ada, std::nullopt, std::nullopt, std::nullopt, 0, {}}, noon);
    EXPECT_FALSE(governor.hold(ada, 2, noon));
}

TEST(Governor, TheRowOfAnAppIsWrittenAtOnceOnlyIfItMatters)
{
    Governor governor;
    const auto write = [&governor](Instant now) {
        const auto rows = governor.changed_rows(now);
        governor.saved(rows, now);
        return rows.size();
    };
    served(governor, ada, app_used(10), noon);
    EXPECT_EQ(write(noon), 1U);
    served(governor, ada, app_used(11), noon + 1s);
    EXPECT_EQ(write(noon + 1s), 0U) << "no hot row";
    EXPECT_EQ(write(noon + 5s), 1U);
    served(governor, ada, app_used(81), noon + 6s);
    EXPECT_EQ(write(noon + 6s), 1U);
    governor.on_throttled(ada, true, noon + 1min, noon + 7s);
    EXPECT_EQ(write(noon + 7s), 1U);
    EXPECT_EQ(write(noon + 7s), 0U);
}

// --- the engine asks it

TEST(Budgets, ARefusalOfOneAccountHoldsItsOtherWorksAndNobodyElse)
{
    sync::Engine engine(us_pacific(), {}, 1);
    sync::Work other = work(3, {series("reach")});
    other.input.account_id = "17841400000000003";
    engine.add(work(1, {series("reach")}, 0), noon);
    engine.add(work(2, {series("reach")}, 2), noon);
    engine.add(other, noon);
    const auto call = engine.next_call(noon);
    ASSERT_EQ(call->work, 1U);
    engine.on_reading(call->id, failed(throttled(FailureReach::account, 600s)), noon);
    EXPECT_EQ(engine.next_call(noon)->work, 3U);
    EXPECT_FALSE(engine.next_call(noon));
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 2U);
    EXPECT_EQ(outcomes[1].work, 2U);
    EXPECT_EQ(outcomes[1].status, sync::Status::throttled);
    EXPECT_EQ(outcomes[1].calls_done, 0);
    EXPECT_EQ(outcomes[1].blocked_until, noon + 600s);
}

TEST(Budgets, BackfillHeldAtTheThresholdWaitsAsAJobWithoutBlockingTheAccount)
{
    sync::Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach"), series("views")}, 2), noon);
    const auto call = engine.next_call(noon);
    Reading reading = answered(call->query);
    reading.usage = app_used(85);
    engine.add(work(2, {series("reach")}, 2), noon);
    engine.add(work(3, {series("reach")}, 0), noon);
    engine.on_reading(call->id, reading, noon);
    EXPECT_EQ(engine.next_call(noon)->work, 3U);
    EXPECT_FALSE(engine.next_call(noon));
    bool seen = false;
    for (const auto &outcome : engine.take_finished()) {
        if (outcome.work != 2) continue;
        seen = true;
        EXPECT_EQ(outcome.status, sync::Status::throttled);
        EXPECT_FALSE(outcome.blocked_until);
        ASSERT_TRUE(outcome.retry_at);
        EXPECT_GE(*outcome.retry_at, noon + 1h);
        EXPECT_NE(outcome.errors.at(0).failure.message.find("85 percent"), std::string::npos);
    }
    EXPECT_TRUE(seen);
}

TEST(Budgets, DailyWorkGoesOnAtItsPaceAndTheWakeUpIsExact)
{
    sync::Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {total("views", yesterday)}), noon);
    const auto first = engine.next_call(noon);
    Reading reading = answered(first->query);
    reading.usage = app_used(80);
    engine.on_reading(first->id, reading, noon + 300ms);
    EXPECT_FALSE(engine.next_call(noon + 300ms));
    EXPECT_EQ(engine.next_wakeup(), noon + 1s);
    EXPECT_TRUE(engine.next_call(noon + 1s));
}

TEST(Budgets, WhatWaitsTooLongGivesItsPlaceToOthers)
{
    sync::Engine engine(us_pacific(), {}, 1);
    for (sync::WorkId id = 1; id <= 10; ++id) engine.add(work(id, {series("reach")}), noon);
    engine.governor().on_answer(ada, app_used(99), std::nullopt, noon);
    Instant now = noon;
    int calls = 0;
    while (engine.live_works() > 0) {
        while (const auto call = engine.next_call(now)) {
            ++calls;
            Reading reading = answered(call->query);
            reading.usage = app_used(99);
            engine.on_reading(call->id, reading, now);
        }
        if (const auto wakeup = engine.next_wakeup()) now = *wakeup;
    }
    EXPECT_EQ(calls, 4) << "at 0, 29, 57 and 86 seconds";
    EXPECT_LE(now, noon + 90s);
    int waiting = 0;
    for (const auto &outcome : engine.take_finished()) waiting += outcome.status == sync::Status::throttled ? 1 : 0;
    EXPECT_EQ(waiting, 6);
}

TEST(Budgets, AWorkHeldForAnAnswerGoesOnWhenAnotherWorkIsForgotten)
{
    sync::Engine engine(us_pacific(), {}, 1);
    engine.governor().on_answer(ada, app_used(95), std::nullopt, noon);
    engine.add(work(1, {total("views", yesterday), series("reach")}, 0), noon);
    for (int i = 0; i < 4; ++i) (void)engine.next_call(noon);
    engine.add(work(2, {series("reach")}, 0), noon);
    if (const auto call = engine.next_call(noon)) FAIL() << "a fifth call flies";
    EXPECT_FALSE(engine.next_wakeup());
    engine.forget(1);
    EXPECT_EQ(engine.next_wakeup(), noon);
    EXPECT_EQ(engine.next_call(noon)->work, 2U);
}

TEST(Budgets, AnAppNearItsLimitIsNeverCalledWhileBlockedBeyondWhatFlies)
{
    sync::Engine engine(us_pacific(), {}, 1);
    engine.governor().on_answer(ada, app_used(95), std::nullopt, noon);
    for (sync::WorkId id = 1; id <= 50; ++id)
        engine.add(work(id, {series("reach"), total("views", yesterday)}, 0), noon);
    std::vector<sync::Call> flying;
    while (auto call = engine.next_call(noon)) flying.push_back(std::move(*call));
    ASSERT_EQ(flying.size(), 4U);
    engine.on_reading(flying[0].id, failed(throttled(FailureReach::app, 300s)), noon);
    EXPECT_FALSE(engine.next_call(noon));
    EXPECT_EQ(engine.live_works(), 0U);
}

}  // namespace ig::test
