// A call that waits for room after it was given out is asked about again before it is sent.
#include <gtest/gtest.h>

#include "account.hpp"

namespace ig::test {

namespace {

Reading blocked_with_values(const sync::Call &call)
{
    Reading reading = answered(call.query);
    platform::Usage usage;
    usage.account_id = call.query.account_id;
    usage.percent = 100;
    usage.regain_after = std::chrono::minutes(10);
    reading.usage.push_back(usage);
    return reading;
}

}  // namespace

TEST(MaySend, AWaitingCallOfAnAccountThatCameToBeBlockedGoesWhenTheBlockIsOver)
{
    sync::Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, totals(yesterday)), noon);
    const sync::Call first = engine.next_call(noon).value();
    const sync::Call second = engine.next_call(noon).value();
    EXPECT_TRUE(engine.may_send(second.id, noon));
    engine.on_reading(first.id, blocked_with_values(first), noon);
    EXPECT_FALSE(engine.may_send(second.id, noon));
    EXPECT_TRUE(engine.calls_in_flight(1).empty());

    EXPECT_FALSE(engine.next_call(noon).has_value());
    std::vector<sync::Outcome> ended = engine.take_finished();
    ASSERT_EQ(ended.size(), 1U) << "a block of ten minutes is not waited for in hand";
    EXPECT_EQ(ended[0].status, sync::Status::throttled);
    EXPECT_EQ(ended[0].calls_done, 1) << "what was not sent is no call";
    EXPECT_EQ(ended[0].blocked_until, noon + 10min);
}

TEST(MaySend, AShortBlockKeepsTheQuestionAndItIsGivenOutAgain)
{
    sync::Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, totals(yesterday)), noon);
    const sync::Call first = engine.next_call(noon).value();
    const sync::Call second = engine.next_call(noon).value();
    engine.governor().on_throttled({"", second.query.account_id, Login::facebook}, false, noon + 20s, noon);
    EXPECT_FALSE(engine.may_send(second.id, noon));
    engine.on_reading(second.id, answered(second.query), noon);
    EXPECT_EQ(engine.progress(1)->calls_done, 0) << "a call that was taken back has no answer";
    engine.on_reading(first.id, answered(first.query), noon);
    EXPECT_FALSE(engine.next_call(noon).has_value());
    EXPECT_EQ(engine.next_wakeup(), noon + 20s);
    const sync::Call again = engine.next_call(noon + 20s).value();
    EXPECT_EQ(again.query.first, second.query.first);
    EXPECT_NE(again.id, second.id);
}

TEST(MaySend, NoCallOfAWorkThatEnded)
{
    sync::Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, totals(yesterday)), noon);
    const sync::Call first = engine.next_call(noon).value();
    const sync::Call second = engine.next_call(noon).value();
    engine.on_reading(first.id, failed(throttled(FailureReach::account, 600s)), noon);
    EXPECT_FALSE(engine.may_send(second.id, noon));
}

}  // namespace ig::test
