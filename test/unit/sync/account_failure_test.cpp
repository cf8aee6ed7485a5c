// Engine: failures of a whole account or app - who ends, who waits, and who goes on.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "account.hpp"

namespace ig::test {

using sync::Engine;
using sync::Outcome;
using sync::Status;

TEST(BadAccount, ALoginThatIsGoneEndsTheWorkAtOnceAndNobodyElse)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach"), total("views")}), noon);
    engine.add(work(2, {series("reach")}), noon);
    std::map<sync::WorkId, std::vector<sync::Call>> calls;
    while (auto call = engine.next_call(noon)) calls[call->work].push_back(*call);
    engine.on_reading(calls[1][0].id, answered(calls[1][0].query), noon);
    engine.on_reading(calls[1][1].id, failed(failure(FailureKind::needs_login, FailureReach::account)), noon);
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].status, Status::needs_login);
    EXPECT_EQ(outcomes[0].values.size(), 29U) << "what came before stays";
    ASSERT_EQ(outcomes[0].errors.size(), 1U);
    EXPECT_EQ(outcomes[0].errors[0].metric, "");
    EXPECT_FALSE(outcomes[0].retry_at);
    engine.on_reading(calls[1][2].id, answered(calls[1][2].query), noon);
    EXPECT_FALSE(engine.next_call(noon));
    engine.on_reading(calls[2][0].id, answered(calls[2][0].query), noon);
    EXPECT_EQ(engine.take_finished().at(0).status, Status::succeeded);
}

TEST(BadAccount, NeverComesBackByItselfForLoginOrPermission)
{
    for (const FailureKind kind : {FailureKind::needs_login, FailureKind::permission, FailureKind::token_unreadable}) {
        Runner runner;
        int count = 0;
        const Outcome outcome = runner.sync(work(1, {series("reach"), total("views")}), [&](const InsightsQuery &) {
            return ++count < 9 ? failed(transient()) : failed(failure(kind, FailureReach::account, true));
        });
        EXPECT_FALSE(outcome.retry_at);
    }
}

TEST(BadAccount, AnotherFailureOfTheWholeAccountIsFailedOrPartialAndMayComeBack)
{
    for (const bool something : {false, true}) {
        Engine engine(us_pacific(), {}, 1);
        engine.add(work(1, {series("reach"), total("views")}), noon);
        const auto first = engine.next_call(noon);
        const auto second = engine.next_call(noon);
        if (something) engine.on_reading(first->id, answered(first->query), noon);
        engine.on_reading(second->id, failed(failure(FailureKind::transient, FailureReach::account, true)), noon);
        const Outcome outcome = engine.take_finished().at(0);
        EXPECT_EQ(outcome.status, something ? Status::partial : Status::failed);
        EXPECT_TRUE(outcome.retry_at);
    }
}

TEST(Throttle, TheAccountWaitsTheTimeTheApiNames)
{
    Runner runner;
    sync::Work last_try = work(1, {series("reach"), total("views")});
    last_try.attempt = 6;
    const Outcome outcome =
        runner.sync(last_try, [](const InsightsQuery &) { return failed(throttled(FailureReach::account, 1140s)); });
    EXPECT_EQ(outcome.status, Status::throttled);
    EXPECT_EQ(outcome.blocked_until, noon + 1140s);
    ASSERT_TRUE(outcome.retry_at) << "waiting is not one of the attempts";
    EXPECT_GE(*outcome.retry_at, *outcome.blocked_until);
    EXPECT_LE(*outcome.retry_at - *outcome.blocked_until, 60s);
}

TEST(Throttle, WithoutANamedTimeOurOwnAndNeverAnAbsurdOne)
{
    Runner runner;
    Outcome outcome = runner.sync(work(1, {series("reach")}), [](const InsightsQuery &) {
        return failed(throttled(FailureReach::request));  // a limit speaks for the account even so
    });
    EXPECT_EQ(outcome.status, Status::throttled);
    EXPECT_EQ(outcome.blocked_until, noon + 900s);
    Runner absurd;
    outcome = absurd.sync(work(2, {series("reach")}), [](const InsightsQuery &) {
        return failed(throttled(FailureReach::account, seconds::max()));
    });
    EXPECT_EQ(outcome.blocked_until, noon + days{7});
    Runner negative;
    outcome = negative.sync(work(3, {series("reach")}),
                            [](const InsightsQuery &) { return failed(throttled(FailureReach::account, -5s)); });
    EXPECT_EQ(outcome.blocked_until, noon + 1s);
}

TEST(Throttle, AnAppWideLimitEndsTheWorksOfThatLoginAndKeepsNewOnesOutUntilItIsOver)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach")}), noon);
    engine.add(work(2, {series("reach")}), noon);
    sync::Work other = work(3, {series("reach")});
    other.input.login = Login::instagram;
    engine.add(other, noon);
    const auto call = engine.next_call(noon);
    engine.on_reading(call->id, failed(throttled(FailureReach::app, 600s)), noon);
    auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 2U);
    for (const Outcome &outcome : outcomes) {
        EXPECT_EQ(outcome.status, Status::throttled);
        EXPECT_EQ(outcome.blocked_until, noon + 600s);
    }
    EXPECT_EQ(engine.live_works(), 1U);
    EXPECT_EQ(engine.next_call(noon)->work, 3U);

    engine.add(work(4, {series("reach")}), noon + 599s);
    outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].status, Status::throttled);
    EXPECT_EQ(outcomes[0].calls_done, 0);
    EXPECT_EQ(outcomes[0].blocked_until, noon + 600s);
    EXPECT_EQ(outcomes[0].errors.at(0).failure.reach, FailureReach::app);

    engine.add(work(5, {series("reach")}), noon + 600s);
    EXPECT_EQ(engine.next_call(noon + 600s)->work, 5U);
}

TEST(Throttle, AnAppThatIsBrokenOtherwiseFailsItsWorksWithoutAWait)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach")}), noon);
    engine.add(work(2, {series("reach")}), noon);
    const auto call = engine.next_call(noon);
    engine.on_reading(call->id, failed(failure(FailureKind::permission, FailureReach::app)), noon);
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 2U);
    EXPECT_EQ(outcomes[1].status, Status::failed);
    EXPECT_FALSE(outcomes[1].retry_at);
    engine.add(work(3, {series("reach")}), noon);
    EXPECT_TRUE(engine.next_call(noon));
}

TEST(JobRetry, JobsThatFailTogetherDoNotComeBackTogether)
{
    std::set<Instant> moments;
    Engine engine(us_pacific(), {}, 1);
    for (sync::WorkId id = 1; id <= 200; ++id) {
        engine.add(work(id, {series("reach")}), noon);
        const auto call = engine.next_call(noon);
        engine.on_reading(call->id, failed(failure(FailureKind::transient, FailureReach::account, true)), noon);
    }
    for (const Outcome &outcome : engine.take_finished()) moments.insert(outcome.retry_at.value());
    EXPECT_GT(moments.size(), 150U);
}

TEST(JobRetry, PausesDoubleAndTheLastAttemptIsFinal)
{
    for (int attempt = 1; attempt <= 6; ++attempt) {
        Runner runner;
        sync::Work again = work(1, {series("reach")});
        again.attempt = attempt;
        const Outcome outcome = runner.sync(again, [](const InsightsQuery &) { return failed(transient()); });
        EXPECT_EQ(outcome.status, Status::failed);
        if (attempt == 6) {
            EXPECT_FALSE(outcome.retry_at);
            continue;
        }
        ASSERT_TRUE(outcome.retry_at);
        const seconds full = std::min<seconds>(60s * (1 << (attempt - 1)), 3600s);
        EXPECT_GE(*outcome.retry_at - runner.now, full / 2);
        EXPECT_LE(*outcome.retry_at - runner.now, full);
    }
}

}  // namespace ig::test
