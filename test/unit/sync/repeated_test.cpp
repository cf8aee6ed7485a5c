// Calls of a batch that have to be sent once more: when, in what company, and what that counts as.
#include <gtest/gtest.h>

#include "account.hpp"
#include "sync/retry.hpp"

namespace ig::test {

namespace {

using platform::Usage;
using sync::after_failed_batch;
using sync::AfterBatch;
using sync::Engine;

Failure of(FailureKind kind) { return failure(kind, FailureReach::request, true); }

const sync::BudgetKey owner{"", "17841400000000001", Login::facebook};

int calls_told(Engine &engine, Instant now)
{
    for (const sync::BudgetRow &row : engine.governor().changed_rows(now))
        if (row.key.account_id == owner.account_id) return row.calls;
    return 0;
}

}  // namespace

TEST(FailedBatch, WhatMayBeTheSizesFaultIsAskedInSmallerCompany)
{
    for (const TransportFailure broken :
         {TransportFailure::timeout, TransportFailure::interrupted, TransportFailure::too_large}) {
        EXPECT_EQ(after_failed_batch(broken, of(FailureKind::network)), AfterBatch::smaller);
    }
    for (const FailureKind kind : {FailureKind::transient, FailureKind::malformed, FailureKind::invalid_request,
                                   FailureKind::timeout, FailureKind::no_data, FailureKind::not_supported}) {
        EXPECT_EQ(after_failed_batch(TransportFailure::none, of(kind)), AfterBatch::smaller);
    }
}

TEST(FailedBatch, WhereNobodyWasReachedEachCallHasMetThat)
{
    for (const TransportFailure unreached :
         {TransportFailure::resolve, TransportFailure::connect, TransportFailure::tls, TransportFailure::refused,
          TransportFailure::cancelled}) {
        EXPECT_EQ(after_failed_batch(unreached, of(FailureKind::network)), AfterBatch::tell_all);
    }
}

TEST(FailedBatch, ALimitIsTheLimitOfAllItsCalls)
{
    EXPECT_EQ(after_failed_batch(TransportFailure::none, throttled(FailureReach::app)), AfterBatch::tell_all);
    EXPECT_EQ(after_failed_batch(TransportFailure::none, throttled(FailureReach::account)), AfterBatch::tell_all);
}

TEST(FailedBatch, ATokenThatSpokeForTheBatchIsAskedAloneBeforeAnyoneIsBlamed)
{
    EXPECT_EQ(after_failed_batch(TransportFailure::none, of(FailureKind::needs_login)), AfterBatch::first_alone);
    EXPECT_EQ(after_failed_batch(TransportFailure::none, of(FailureKind::permission)), AfterBatch::first_alone);
}

TEST(Repeated, EachSendingIsACall)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach", yesterday)}), noon);
    const auto call = engine.next_call(noon);
    ASSERT_TRUE(call);
    (void)engine.on_repeated(call->id, noon);
    (void)engine.on_repeated(call->id, noon);
    EXPECT_EQ(engine.calls_in_flight(1), std::vector<sync::CallId>{call->id}) << "it is still the one call under way";
    EXPECT_FALSE(engine.next_call(noon));
    engine.on_reading(call->id, answered(call->query), noon);
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].status, sync::Status::succeeded);
    EXPECT_EQ(outcomes[0].calls_done, 3);
    EXPECT_EQ(outcomes[0].values.size(), 3U) << "answered once, stored once";
}

TEST(Repeated, CountsTowardsOurOwnCap)
{
    sync::EngineOptions options;
    options.budgets.calls_per_hour = 3;
    Engine engine(us_pacific(), options, 1);
    engine.add(work(1, {total("views", yesterday)}, 0), noon);
    const auto call = engine.next_call(noon);
    EXPECT_TRUE(engine.on_repeated(call->id, noon));
    EXPECT_EQ(calls_told(engine, noon), 2);
    EXPECT_TRUE(engine.next_call(noon));
    EXPECT_FALSE(engine.next_call(noon)) << "three were sent";
}

TEST(Repeated, IsHeldBackByOurOwnCapAndAskedInTheNextHour)
{
    sync::EngineOptions options;
    options.budgets.calls_per_hour = 1;
    Engine engine(us_pacific(), options, 1);
    engine.add(work(1, {series("reach", yesterday)}, 0), noon);
    const auto call = engine.next_call(noon);
    EXPECT_FALSE(engine.on_repeated(call->id, noon));
    EXPECT_EQ(calls_told(engine, noon), 1);
    EXPECT_FALSE(engine.may_send(call->id, noon)) << "the call is no more";
    EXPECT_FALSE(engine.next_call(noon));
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].status, sync::Status::throttled);
    EXPECT_GE(outcomes[0].retry_at, noon + 1h);
    EXPECT_EQ(outcomes[0].calls_done, 1);
}

TEST(Repeated, LeavesTheBudgetBalanced)
{
    Engine engine(us_pacific(), {}, 1);
    engine.governor().on_answer(owner, {Usage{true, "", 95, std::nullopt}}, std::nullopt, noon);
    engine.add(work(1, {series("reach"), total("views")}, 0), noon);
    sync::Work other = work(2, {series("reach"), total("views")}, 0);
    other.input.account_id = "17841400000000003";
    engine.add(other, noon);
    std::vector<sync::Call> flying;
    while (auto call = engine.next_call(noon)) flying.push_back(std::move(*call));
    ASSERT_EQ(flying.size(), 4U) << "near its limit an app is called by four at a time";
    for (int i = 0; i < 10; ++i)
        for (const sync::Call &call : flying) (void)engine.on_repeated(call.id, noon);
    EXPECT_FALSE(engine.next_call(noon)) << "none of the four is gone";
    Reading reading = answered(flying[0].query);
    reading.usage = {Usage{true, "", 95, std::nullopt}};
    engine.on_reading(flying[0].id, reading, noon);
    EXPECT_TRUE(engine.next_call(noon)) << "and none was counted twice";
    EXPECT_FALSE(engine.next_call(noon));
}

TEST(Repeated, OfAWorkThatIsGoneIsIgnored)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach", yesterday)}), noon);
    const auto call = engine.next_call(noon);
    engine.forget(1);
    const int before = calls_told(engine, noon);
    (void)engine.on_repeated(call->id, noon);
    (void)engine.on_repeated(call->id + 1000, noon);
    EXPECT_EQ(calls_told(engine, noon), before);
    EXPECT_TRUE(engine.take_finished().empty());
}

}  // namespace ig::test
