// How many calls a request carries: as many as may be, fewer where a host works them off one by one or does not manage.
#include <gtest/gtest.h>

#include <algorithm>

#include "sync/batch_size.hpp"
#include "sync/random.hpp"

namespace ig::test {

namespace {

using std::chrono::milliseconds;
using sync::BatchSize;

constexpr std::size_t plenty = 1000;  // calls that wait

// Measured often enough, in requests of many sizes, that what a host takes is known.
void measure(BatchSize &size, milliseconds fixed, int microseconds_each)
{
    for (int round = 0; round < 20; ++round)
        for (const std::size_t items : {1, 2, 5, 10, 25, 50})
            size.on_answer(items, 0, fixed + milliseconds(microseconds_each * static_cast<int>(items) / 1000));
}

void good(BatchSize &size, std::size_t items, int times)
{
    for (int i = 0; i < times; ++i) size.on_answer(items, 0, milliseconds(50));
}

}  // namespace

TEST(BatchSize, BeginsWithTheMost)
{
    const BatchSize size(50);
    EXPECT_EQ(size.next(plenty, 200), 50U);
    EXPECT_EQ(size.next(plenty, 1), 50U);
    EXPECT_EQ(size.next(30, 200), 30U) << "never more than there are";
}

TEST(BatchSize, WhoWaitsAloneIsNotMadeToWaitForCompany)
{
    BatchSize size(50);
    EXPECT_EQ(size.next(1, 200), 1U);
    measure(size, milliseconds(100), 0);
    EXPECT_EQ(size.next(1, 200), 1U);
    EXPECT_EQ(size.next(0, 200), 1U);
}

TEST(BatchSize, StaysLargeWhereTheHostAnswersAllAtOnce)
{
    BatchSize size(50);
    measure(size, milliseconds(80), 0);
    EXPECT_EQ(size.next(plenty, 200), 50U);
    EXPECT_EQ(size.next(200, 4), 50U);
}

TEST(BatchSize, GoesDownToManySmallRequestsWhereEachCallCostsTheHostLong)
{
    BatchSize size(50);
    measure(size, milliseconds(20), 4500);
    EXPECT_LE(size.next(200, 200), 6U) << "38 ms in parallel instead of 245 ms";
    EXPECT_LE(size.next(20, 200), 3U);
    EXPECT_GE(size.next(200, 200), 1U);
}

TEST(BatchSize, StaysLargeWithoutFreeConnectionsHoweverLongACallTakes)
{
    BatchSize size(50);
    measure(size, milliseconds(20), 4500);
    EXPECT_EQ(size.next(50, 1), 50U) << "one after another the fixed part would be paid each time";
    EXPECT_GE(size.next(plenty, 8), 25U);
}

TEST(BatchSize, SingleCallsWhereACallInCompanyTakesForEver)
{
    BatchSize size(50);
    measure(size, milliseconds(20), 100000);
    EXPECT_EQ(size.next(40, 200), 1U);
}

TEST(BatchSize, ForgetsWhatWasMeasuredLongAgo)
{
    BatchSize size(50);
    measure(size, milliseconds(20), 4500);
    ASSERT_LE(size.next(200, 200), 6U);
    for (int i = 0; i < 5; ++i) measure(size, milliseconds(20), 10);
    EXPECT_EQ(size.next(200, 200), 50U);
}

TEST(BatchSize, WhatAHostDoesNotFinishIsNotAskedAgainAtOnceAndTriedAgainLater)
{
    BatchSize size(50);
    size.on_answer(50, 20, milliseconds(50));
    EXPECT_EQ(size.next(plenty, 200), 30U) << "it finished 30";
    good(size, 30, 4);
    EXPECT_EQ(size.next(plenty, 200), 30U);
    good(size, 30, 1);
    EXPECT_EQ(size.next(plenty, 200), 37U) << "a quarter more after five good ones";
    for (int i = 0; i < 10; ++i) good(size, size.next(plenty, 1), 20);
    EXPECT_EQ(size.next(plenty, 200), 50U);
}

TEST(BatchSize, SmallRequestsProveNothingAboutLargeOnes)
{
    BatchSize size(50);
    size.on_answer(50, 20, milliseconds(50));
    good(size, 29, 100);
    EXPECT_EQ(size.next(plenty, 1), 30U);
}

TEST(BatchSize, AFailureHalvesDownToSingleCallsFromWhichItComesBack)
{
    BatchSize size(50);
    for (const std::size_t expected : {25U, 12U, 6U, 3U, 1U}) {
        size.on_failure(size.next(plenty, 1));
        EXPECT_EQ(size.next(plenty, 1), expected);
    }
    size.on_failure(1);
    EXPECT_EQ(size.next(plenty, 1), 1U);
    for (int i = 0; i < 40; ++i) good(size, size.next(plenty, 1), 20);
    EXPECT_EQ(size.next(plenty, 1), 50U);
}

TEST(BatchSize, FailuresNowAndThenDoNotEndAtSingleCalls)
{
    BatchSize size(50);
    std::size_t calls = 0;
    for (int request = 1; request <= 2000; ++request) {
        const std::size_t items = size.next(plenty, 1);
        calls += items;
        if (request % 30 == 0) size.on_failure(items);
        else good(size, items, 1);
    }
    EXPECT_GT(calls / 2000, 30U);
}

TEST(BatchSize, NothingFinishedMeansSingleCalls)
{
    BatchSize size(50);
    size.on_answer(50, 50, milliseconds(30000));
    EXPECT_EQ(size.next(plenty, 200), 1U);
    size.on_answer(2, 7, milliseconds(1));
    EXPECT_EQ(size.next(plenty, 200), 1U) << "more unfinished than were asked, too";
}

TEST(BatchSize, OneTurnsItOffAndANewMostHolds)
{
    BatchSize size(50);
    size.set_most(1);
    EXPECT_EQ(size.next(plenty, 200), 1U);
    EXPECT_EQ(size.most(), 1U);
    size.set_most(20);
    EXPECT_EQ(size.next(plenty, 200), 20U);
    size.set_most(0);
    EXPECT_EQ(size.most(), 1U);
    EXPECT_EQ(BatchSize(0).next(plenty, 200), 1U);
    BatchSize used(50);
    good(used, 50, 1);
    used.set_most(10);
    EXPECT_EQ(used.next(plenty, 200), 10U);
    used.set_most(50);
    EXPECT_EQ(used.next(plenty, 200), 50U) << "a higher setting counts at once";
    used.on_failure(40);
    used.set_most(30);
    used.set_most(50);
    EXPECT_EQ(used.next(plenty, 200), 20U) << "but not where the host has shown less";
}

TEST(BatchSize, IsNeverNoneNeverMoreThanTheMostAndNeverMoreThanThereAre)
{
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        sync::Random random(seed);
        const auto any = [&random](int limit) {
            return static_cast<std::size_t>(random.up_to(milliseconds(limit)).count());
        };
        BatchSize size(50);
        std::size_t most = 50;
        for (int step = 0; step < 400; ++step) {
            const std::size_t waiting = any(3000);
            const std::size_t next = size.next(waiting, any(300));
            ASSERT_GE(next, 1U);
            ASSERT_LE(next, most);
            ASSERT_LE(next, std::max<std::size_t>(waiting, 1));
            switch (any(9)) {
            case 0: size.on_failure(any(60)); break;
            case 1: size.set_most(most = std::max<std::size_t>(any(50), 1)); break;
            case 2: size.on_answer(next, any(60), milliseconds(any(100000))); break;
            default: size.on_answer(next, 0, milliseconds(any(2000))); break;
            }
        }
    }
}

}  // namespace ig::test
