// Engine: one metric the API refuses costs the others nothing, named or not.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>

#include "account.hpp"

namespace ig::test {

using sync::Engine;
using sync::Outcome;
using sync::Status;

TEST(BadMetric, ANamedOneIsDroppedAndTheRestAskedAgainAtOnce)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {series("reach", yesterday), series("bad", yesterday), series("other", yesterday)}), noon);
    const auto first = engine.next_call(noon);
    engine.on_reading(first->id, failed(unsupported({"bad", "unheard_of"})), noon);
    const auto second = engine.next_call(noon);
    ASSERT_TRUE(second);
    EXPECT_EQ(second->query.metrics, (Names{"reach", "other"}));
    engine.on_reading(second->id, answered(second->query), noon);
    const Outcome outcome = engine.take_finished().at(0);
    EXPECT_EQ(outcome.status, Status::partial);
    EXPECT_EQ(outcome.calls_done, 2);
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].metric, "bad");
    EXPECT_EQ(progress_of(outcome, "bad").unsupported_since, noon);
    EXPECT_EQ(progress_of(outcome, "bad").reason, "as the API told");
    EXPECT_EQ(progress_of(outcome, "bad").synced_through, yesterday);
    EXPECT_FALSE(outcome.retry_at);
}

TEST(BadMetric, AnUnnamedOneIsFoundByHalvesAndTheOthersKeepAllTheirDays)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, totals()), [](const InsightsQuery &query) {
        return asks(query, "m6") ? failed(unsupported()) : answered(query);
    });
    EXPECT_EQ(outcome.status, Status::partial);
    for (const std::string &name : ten) EXPECT_EQ(values_of(outcome, name), name == "m6" ? 0U : 29U) << name;
    ASSERT_EQ(outcome.errors.size(), 1U) << "one entry, not 29";
    EXPECT_EQ(outcome.errors[0].failure.kind, FailureKind::not_supported);
    EXPECT_EQ(progress_of(outcome, "m6").unsupported_since, noon);
    // Four windows fly when the hunt begins; each costs at most a few calls more, the other 25 none.
    EXPECT_LE(outcome.calls_done, 29 + 4 * 8);
    EXPECT_EQ(outcome.calls_done, outcome.calls_planned);
}

TEST(BadMetric, SeveralBadOnesAreAllFound)
{
    Runner runner;
    const std::set<std::string> bad = {"m0", "m1", "m5", "m9"};
    const Outcome outcome = runner.sync(work(1, totals()), [&](const InsightsQuery &query) {
        for (const std::string &name : query.metrics) {
            if (bad.count(name) != 0) return failed(unsupported());
        }
        return answered(query);
    });
    for (const std::string &name : ten) EXPECT_EQ(values_of(outcome, name), bad.count(name) != 0 ? 0U : 29U) << name;
    EXPECT_EQ(outcome.errors.size(), bad.size());
}

TEST(BadMetric, OnceKnownItIsNotAskedForAgainInThisWork)
{
    sync::EngineOptions options;
    options.max_calls_per_work = 1;
    Runner runner(options);
    const Outcome outcome = runner.sync(work(1, totals()), [](const InsightsQuery &query) {
        return asks(query, "m3") ? failed(unsupported({"m3"})) : answered(query);
    });
    const auto asked = std::count_if(runner.asked.begin(), runner.asked.end(),
                                     [](const InsightsQuery &query) { return asks(query, "m3"); });
    EXPECT_EQ(asked, 1);
    EXPECT_EQ(outcome.calls_done, 30);
}

TEST(BadMetric, ACallThatFlewMeanwhileDoesNotPutTheBlameOnTheInnocent)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {total("good", yesterday), total("bad", yesterday)}), noon);
    const auto first = engine.next_call(noon);
    const auto second = engine.next_call(noon);
    engine.on_reading(first->id, failed(unsupported({"bad"})), noon);
    engine.on_reading(second->id, failed(unsupported()), noon);
    while (const auto call = engine.next_call(noon)) {
        EXPECT_EQ(call->query.metrics, Names{"good"});
        engine.on_reading(call->id, answered(call->query), noon);
    }
    const Outcome outcome = engine.take_finished().at(0);
    EXPECT_EQ(values_of(outcome, "good"), 3U);
    EXPECT_FALSE(error_of(outcome, "good"));
}

TEST(BadMetric, AQuestionThatPausesIsAskedWithoutItToo)
{
    sync::EngineOptions options;
    options.max_calls_per_work = 1;
    Runner runner(options);
    bool first = true;
    runner.sync(work(1, {total("good", yesterday), total("bad", yesterday)}), [&](const InsightsQuery &query) {
        if (std::exchange(first, false)) return failed(transient());
        return asks(query, "bad") ? failed(unsupported({"bad"})) : answered(query);
    });
    const auto asked = std::count_if(runner.asked.begin(), runner.asked.end(),
                                     [](const InsightsQuery &query) { return asks(query, "bad"); });
    EXPECT_EQ(asked, 2) << "the one that paused, and the one that told";
}

TEST(BadMetric, AQuestionThatFailedMeanwhileIsRepeatedWithoutIt)
{
    Engine engine(us_pacific(), {}, 1);
    engine.add(work(1, {total("good", yesterday), total("bad", yesterday)}), noon);
    const auto first = engine.next_call(noon);
    const auto second = engine.next_call(noon);
    engine.on_reading(first->id, failed(unsupported({"bad"})), noon);
    engine.on_reading(second->id, failed(transient()), noon);
    while (const auto call = engine.next_call(noon + 1h)) EXPECT_EQ(call->query.metrics, Names{"good"});
}

TEST(BadMetric, AFailureOfAMetricThatMayPassIsRepeatedNotHeldAgainstIt)
{
    Runner runner;
    int failures = 2;
    const Outcome outcome = runner.sync(work(1, {series("reach"), series("slow")}), [&](const InsightsQuery &query) {
        if (!asks(query, "slow") || failures-- <= 0) return answered(query);
        Failure passing = failure(FailureKind::transient, FailureReach::metrics, true);
        passing.metrics = {"slow"};
        return failed(passing);
    });
    EXPECT_EQ(outcome.status, Status::succeeded);
    EXPECT_EQ(values_of(outcome, "reach"), 29U);
    EXPECT_EQ(values_of(outcome, "slow"), 29U);
    EXPECT_EQ(outcome.calls_done, 4);
}

TEST(BadMetric, WhenAllAreRefusedTheWorkFailsAtOnce)
{
    Runner runner;
    const Outcome outcome =
        runner.sync(work(1, {total("views")}), [](const InsightsQuery &) { return failed(unsupported()); });
    EXPECT_EQ(outcome.status, Status::failed);
    EXPECT_LE(outcome.calls_done, 4);
    EXPECT_FALSE(outcome.retry_at);
}

TEST(BadMetric, InvalidAndForbiddenAreToldButNotRemembered)
{
    for (const FailureKind kind : {FailureKind::invalid_request, FailureKind::permission}) {
        Runner runner;
        const Outcome outcome = runner.sync(work(1, {series("reach"), series("bad")}), [&](const InsightsQuery &query) {
            return asks(query, "bad") ? failed(failure(kind, FailureReach::metrics)) : answered(query);
        });
        EXPECT_EQ(outcome.status, Status::partial);
        EXPECT_EQ(values_of(outcome, "reach"), 29U);
        ASSERT_TRUE(error_of(outcome, "bad"));
        EXPECT_EQ(error_of(outcome, "bad")->failure.kind, kind);
        EXPECT_FALSE(progress_of(outcome, "bad").unsupported_since);
        EXPECT_FALSE(outcome.retry_at);
    }
}

TEST(BadMetric, NotSupportedIsAboutMetricsWhateverReachTheReadingGave)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {series("reach"), series("bad")}), [](const InsightsQuery &query) {
        if (!asks(query, "bad")) return answered(query);
        return failed(failure(FailureKind::not_supported, FailureReach::request));
    });
    EXPECT_EQ(values_of(outcome, "reach"), 29U);
    EXPECT_EQ(progress_of(outcome, "bad").unsupported_since, noon);
}

TEST(BadMetric, NoDataOfOneMetricLeavesTheOthersTheirValues)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, totals()), [](const InsightsQuery &query) {
        return asks(query, "m2") ? failed(failure(FailureKind::no_data, FailureReach::metrics)) : answered(query);
    });
    EXPECT_EQ(outcome.status, Status::succeeded);
    for (const std::string &name : ten) EXPECT_EQ(values_of(outcome, name), name == "m2" ? 0U : 29U) << name;
    ASSERT_EQ(outcome.errors.size(), 1U);
    EXPECT_EQ(outcome.errors[0].failure.kind, FailureKind::no_data);
    EXPECT_EQ(progress_of(outcome, "m2").synced_through, yesterday);
    EXPECT_LE(outcome.calls_done, 29 * 3 + 4 * 8) << "once doubtful it is asked apart, not hunted for each day";
}

}  // namespace ig::test
