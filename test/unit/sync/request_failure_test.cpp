// Engine: what the failure of one request leads to - repeated, divided, given up, and never more than that request.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "account.hpp"

namespace ig::test {

using sync::Engine;
using sync::Outcome;
using sync::Status;

TEST(BadRequest, ATransientFailureIsRepeatedAndLeavesNoTrace)
{
    Runner runner;
    int failures = 2;
    const Outcome outcome = runner.sync(work(1, {series("reach")}), [&](const InsightsQuery &query) {
        return failures-- > 0 ? failed(transient()) : answered(query);
    });
    EXPECT_EQ(outcome.status, Status::succeeded);
    EXPECT_EQ(outcome.calls_done, 3);
    EXPECT_TRUE(outcome.errors.empty());
    EXPECT_FALSE(outcome.retry_at);
    EXPECT_LE(runner.now - noon, 500ms + 1000ms);
}

TEST(BadRequest, GivesUpAfterThreeTriesAndTheJobComesBack)
{
    Runner runner;
    const sync::Work what = work(1, {series("reach"), total("views", yesterday)});
    const Outcome outcome = runner.sync(
        what, [](const InsightsQuery &query) { return asks(query, "reach") ? failed(transient()) : answered(query); });
    EXPECT_EQ(outcome.status, Status::partial);
    EXPECT_EQ(outcome.calls_done, 6);
    EXPECT_EQ(values_of(outcome, "views"), 3U);
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].metric, "reach");
    ASSERT_TRUE(outcome.retry_at);
    EXPECT_GE(*outcome.retry_at - runner.now, 30s);
    EXPECT_LE(*outcome.retry_at - runner.now, 60s);
}

TEST(BadRequest, AMetricThatBreaksTheServerIsAskedApartWhenOthersAnswer)
{
    Runner runner;
    std::vector<MetricState> metrics = totals(yesterday);
    metrics.push_back(series("reach", yesterday));
    const Outcome outcome = runner.sync(work(1, metrics), [](const InsightsQuery &query) {
        return asks(query, "m4") ? failed(transient()) : answered(query);
    });
    EXPECT_EQ(outcome.status, Status::partial);
    for (const std::string &name : ten) EXPECT_EQ(values_of(outcome, name), name == "m4" ? 0U : 3U) << name;
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].metric, "m4");
    EXPECT_TRUE(outcome.retry_at);
}

TEST(BadRequest, WhenNothingAnswersAtAllTheServerIsNotAskedEvenMore)
{
    Runner runner;
    const auto down = [](const InsightsQuery &) { return failed(transient()); };
    const Outcome outcome = runner.sync(work(1, totals(yesterday)), down);
    EXPECT_EQ(outcome.status, Status::failed);
    EXPECT_EQ(outcome.calls_done, 3 * 3);
    EXPECT_EQ(outcome.errors.size(), 10U);
}

TEST(BadRequest, PausesGrowAreJitteredAndCapped)
{
    sync::EngineOptions options;
    options.tries_per_call = 12;
    milliseconds longest{0};
    std::set<milliseconds> firsts;
    for (std::uint64_t seed = 1; seed <= 200; ++seed) {
        Engine engine(us_pacific(), options, seed);
        engine.add(work(1, {series("reach")}), noon);
        Instant now = noon;
        milliseconds cap{500};
        for (int attempt = 1; attempt < 12; ++attempt) {
            const auto call = engine.next_call(now);
            ASSERT_TRUE(call);
            engine.on_reading(call->id, failed(transient()), now);
            const milliseconds pause = *engine.next_wakeup() - now;
            ASSERT_LE(pause, cap);
            if (attempt == 1) firsts.insert(pause);
            longest = std::max(longest, pause);
            cap = std::min(cap * 2, options.call_backoff_limit);
            now += pause;
        }
    }
    EXPECT_GT(firsts.size(), 100U);
    EXPECT_GT(longest, 7s);
}

TEST(BadRequest, ALongNamedWaitIsLeftToTheJob)
{
    Runner runner;
    Failure later = transient();
    later.wait = 5000s;
    const auto answer = [&later](const InsightsQuery &) { return failed(later); };
    const Outcome outcome = runner.sync(work(1, {series("reach")}), answer);
    EXPECT_EQ(outcome.calls_done, 1);
    EXPECT_EQ(outcome.status, Status::failed);
    EXPECT_EQ(outcome.retry_at, noon + 5000s);
}

TEST(BadRequest, AFailureThatWillNotChangeIsNotRepeated)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, totals(yesterday)), [](const InsightsQuery &query) {
        if (query.first != yesterday) return answered(query);
        return failed(failure(FailureKind::malformed, FailureReach::request));
    });
    EXPECT_EQ(outcome.calls_done, 3);
    EXPECT_EQ(outcome.status, Status::partial);
    EXPECT_EQ(outcome.errors.size(), 10U);
    EXPECT_FALSE(outcome.retry_at);
}

TEST(AskLess, FewerMetricsThenFewerDays)
{
    Runner runner;
    Failure less = transient();
    less.ask_less = true;
    const sync::Work what = work(1, {series("a"), series("b"), series("c")});
    const Outcome outcome = runner.sync(what, [&](const InsightsQuery &query) {
        const bool heavy = query.metrics.size() > 1 || query.last - query.first > days{9};
        return heavy ? failed(less) : answered(query);
    });
    EXPECT_EQ(outcome.status, Status::succeeded);
    for (const char *name : {"a", "b", "c"}) EXPECT_EQ(values_of(outcome, name), 29U);
    for (const InsightsQuery &query : runner.asked) {
        EXPECT_EQ(query.since, pacific_midnight(query.first));
        EXPECT_EQ(query.until, pacific_midnight(query.last + days{1}));
    }
    EXPECT_EQ(runner.asked[1].metrics, (Names{"a", "b"}));
}

TEST(AskLess, WhatCannotBeHalvedIsRepeatedAndThenGivenUp)
{
    Runner runner;
    Failure less = transient();
    less.ask_less = true;
    const Outcome outcome = runner.sync(work(1, totals(yesterday)), [&](const InsightsQuery &query) {
        return asks(query, "m7") ? failed(less) : answered(query);
    });
    EXPECT_EQ(outcome.status, Status::partial);
    for (const std::string &name : ten) EXPECT_EQ(values_of(outcome, name), name == "m7" ? 0U : 3U) << name;
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_TRUE(outcome.retry_at);
}

}  // namespace ig::test
