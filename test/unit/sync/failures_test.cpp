// Engine: what a failure costs - one metric, one request, one account or one app, and never more.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "account.hpp"

namespace ig::test {

using sync::Engine;
using sync::Outcome;
using sync::Status;

namespace {

const Names ten = {"m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8", "m9"};

std::vector<MetricState> totals(std::optional<Day> synced = std::nullopt)
{
    std::vector<MetricState> metrics;
    for (const std::string &name : ten) metrics.push_back(total(name, synced));
    return metrics;
}

}  // namespace

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

TEST(BadMetric, WhenAllAreRefusedTheWorkFailsAtOnce)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {total("views")}), [](const InsightsQuery &) {
        return failed(unsupported());
    });
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
    const Outcome outcome = runner.sync(what, [](const InsightsQuery &query) {
        return asks(query, "reach") ? failed(transient()) : answered(query);
    });
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
    const Outcome outcome = runner.sync(last_try, [](const InsightsQuery &) {
        return failed(throttled(FailureReach::account, 1140s));
    });
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
    outcome = negative.sync(work(3, {series("reach")}), [](const InsightsQuery &) {
        return failed(throttled(FailureReach::account, -5s));
    });
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
