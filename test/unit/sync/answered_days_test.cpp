// A job that its budget interrupts goes on where its last try ended: nothing is asked again, nothing is left out.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <utility>

#include "account.hpp"

namespace ig::test {

using sync::AnsweredDays;
using sync::DayStretches;
using sync::Outcome;
using sync::Status;

namespace {

// A job, tried again and again with so many calls an hour, as the worker does it.
struct Job {
    explicit Job(std::vector<MetricState> asked, int calls_per_hour) : metrics(std::move(asked))
    {
        options.budgets.calls_per_hour = calls_per_hour;
        options.max_calls_per_work = 1;
    }

    // Each answered question is counted by metric, breakdown and day.
    template <typename Answer> Outcome one_try(Answer answer)
    {
        Runner runner(options);
        runner.now = now;
        sync::Work what = work(1, metrics, 1);
        what.input.first = first;
        what.input.last = last;
        Outcome outcome = runner.sync(std::move(what), answer);
        for (const InsightsQuery &query : runner.asked) {
            if (answer(query).failure) continue;
            for (const std::string &name : query.metrics)
                for (Day date = query.first; date <= query.last; date += days{1})
                    ++answers[{name + query.breakdown, date}];
        }
        for (const Value &value : outcome.values)
            stored.insert(value.metric + std::to_string(value.end_time.time_since_epoch().count()));
        for (MetricState &state : metrics) {
            const auto &through = progress_of(outcome, state.name).synced_through;
            if (through) state.synced_through = std::max(state.synced_through.value_or(*through), *through);
            state.answered = {};
        }
        tell_answered(metrics, sync::read_answered_days(answered_days_json(outcome.answered)));
        ++tries;
        return outcome;
    }

    template <typename Answer> Outcome until_it_ends(Answer answer)
    {
        while (true) {
            Outcome outcome = one_try(answer);
            if (!outcome.retry_at || tries > 100) return outcome;
            now = std::chrono::ceil<hours>(*outcome.retry_at);
        }
    }

    int most_answers(Day from, Day to) const
    {
        int most = 0;
        for (const auto &[what, count] : answers)
            if (what.second >= from && what.second <= to) most = std::max(most, count);
        return most;
    }

    using hours = std::chrono::hours;
    std::vector<MetricState> metrics;
    sync::EngineOptions options;
    std::optional<Day> first, last;
    Instant now = noon;
    int tries = 0;
    std::map<std::pair<std::string, Day>, int> answers;
    std::set<std::string> stored;
};

MetricState parted(std::string name)
{
    MetricState state = total(std::move(name));
    state.breakdowns = {"media_product_type", "follow_type"};
    return state;
}

}  // namespace

TEST(AnsweredDays, ABackfillOfMoreCallsThanAnHourAllowsEndsAndAsksNoDayTwice)
{
    Job job({series("reach"), total("views"), parted("likes"), snapshot("followers")}, 20);
    job.first = yesterday - days{119};
    job.last = yesterday;
    const Outcome outcome = job.until_it_ends(answered);
    EXPECT_EQ(outcome.status, Status::succeeded);
    EXPECT_EQ(job.tries, 19) << "366 calls";
    EXPECT_EQ(job.stored.size(), 3 * 120U + 1);
    EXPECT_LE(job.most_answers(*job.first, *job.last), 2) << "the day on which a try ended half way";
    int twice = 0;
    for (const auto &[what, count] : job.answers) twice += count > 1 ? 1 : 0;
    EXPECT_LE(twice, job.tries) << "one breakdown of it";
    for (const char *name : {"reach", "views", "likes"})
        for (Day date = *job.first; date <= *job.last; date += days{1})
            EXPECT_TRUE(
                job.answers.count({name + std::string(name == std::string("likes") ? "follow_type" : ""), date}));
}

TEST(AnsweredDays, AFirstSyncThatTakesHoursIsSyncedThroughInTheEnd)
{
    Job job({total("views"), total("likes")}, 7);
    const Outcome first_try = job.one_try(answered);
    EXPECT_EQ(first_try.status, Status::throttled);
    EXPECT_FALSE(progress_of(first_try, "views").synced_through) << "the older days are still missing";
    EXPECT_EQ(first_try.answered, (AnsweredDays{{"likes", {{{yesterday - days{6}, yesterday}}, yesterday}},
                                                {"views", {{{yesterday - days{6}, yesterday}}, yesterday}}}));
    job.now = noon + std::chrono::hours{1};
    const Outcome end = job.until_it_ends(answered);
    EXPECT_EQ(end.status, Status::succeeded);
    EXPECT_EQ(job.metrics[0].synced_through, yesterday);
    EXPECT_EQ(job.most_answers(yesterday - days{28}, yesterday), 1);
    EXPECT_TRUE(end.answered.empty()) << "the job is over";
}

TEST(AnsweredDays, ADayThatFailsStaysOpenAndIsAllThatIsAskedAgain)
{
    Job job({total("views")}, 0);
    const Day bad = yesterday - days{4};
    const auto fails = [bad](const InsightsQuery &query) {
        return query.first == bad ? failed(transient()) : answered(query);
    };
    const Outcome first_try = job.one_try(fails);
    ASSERT_TRUE(first_try.retry_at);
    EXPECT_EQ(progress_of(first_try, "views").synced_through, bad - days{1});
    Runner runner;
    const Outcome second_try = runner.sync(work(1, job.metrics), answered);
    ASSERT_EQ(runner.asked.size(), 1U);
    EXPECT_EQ(runner.asked[0].first, bad);
    EXPECT_EQ(progress_of(second_try, "views").synced_through, yesterday) << "what was answered before counts";
}

TEST(AnsweredDays, AHoleThatStaysIsNeverCountedAsSynced)
{
    Job job({total("views")}, 10);
    const Day bad = yesterday - days{12};
    const auto fails = [bad](const InsightsQuery &query) {
        return query.first == bad ? failed(failure(FailureKind::malformed, FailureReach::request)) : answered(query);
    };
    EXPECT_EQ(job.until_it_ends(fails).status, Status::partial);
    EXPECT_EQ(job.tries, 3) << "28 days, and the bad one in each try";
    EXPECT_EQ(job.metrics[0].synced_through, bad - days{1});
}

TEST(AnsweredDays, AJobThatWaitedBeyondMidnightReadsTheNewestDaysAgainAndTheNewOne)
{
    MetricState views = total("views", yesterday - days{40});
    views.answered = {{{yesterday - days{10}, yesterday}}, yesterday};
    sync::PlanInput input = account({views});
    std::vector<Day> asked;
    for (const InsightsQuery &query : make_plan(input, *us_pacific(), noon + days{1}, {}).queries)
        asked.push_back(query.first);
    ASSERT_EQ(asked.size(), 3U + 29U);
    EXPECT_EQ(asked[0], today);
    EXPECT_EQ(asked[2], yesterday - days{1});
    EXPECT_EQ(asked[3], yesterday - days{11}) << "then on with the older ones";
}

TEST(AnsweredDays, WhereTheNewestDaysFailTheOthersAreNotReadAgain)
{
    Job job({total("views")}, 10);
    const auto fails = [](const InsightsQuery &query) {
        return query.first > yesterday - days{2} ? failed(failure(FailureKind::malformed, FailureReach::request))
                                                 : answered(query);
    };
    job.until_it_ends(fails);
    EXPECT_EQ(job.most_answers(yesterday - days{28}, yesterday - days{2}), 1) << "no midnight has passed";
}

TEST(AnsweredDays, TriesThatEndAtOnceAfterMidnightLoseNoMoreThanIsReadAgain)
{
    MetricState views = total("views");
    views.answered = {{{yesterday - days{28}, yesterday}}, yesterday};
    sync::EngineOptions options;
    for (int i = 0; i < 5; ++i) {
        Runner runner(options);
        runner.now = noon + days{1} + i * 1h;
        const Outcome outcome = runner.sync(
            work(1, {views}), [](const InsightsQuery &) { return failed(throttled(FailureReach::account, 3600s)); });
        ASSERT_TRUE(outcome.retry_at);
        views.answered = outcome.answered.at("views");
        EXPECT_EQ(views.answered, (sync::Answered{{{yesterday - days{28}, yesterday - days{2}}}, yesterday + days{1}}));
    }
}

TEST(AnsweredDays, WhatIsTrueNowIsAskedOnceADay)
{
    MetricState followers = snapshot("followers", yesterday);
    followers.answered = {{{today, today}}, yesterday};
    EXPECT_TRUE(make_plan(account({followers}), *us_pacific(), noon, {}).queries.empty());
    EXPECT_EQ(make_plan(account({followers}), *us_pacific(), noon + days{1}, {}).queries.size(), 1U);
}

TEST(AnsweredDays, WhatWasAnsweredIsNotToldAsClipped)
{
    MetricState reach = series("reach", std::nullopt, 30);
    reach.answered = {{{yesterday - days{30}, yesterday - days{25}}, {yesterday, yesterday}}, yesterday};
    sync::PlanInput input = account({reach});
    input.first = yesterday - days{30};
    const sync::Plan plan = make_plan(input, *us_pacific(), noon, {});
    EXPECT_TRUE(plan.clips.empty());
    ASSERT_EQ(plan.queries.size(), 1U);
    EXPECT_EQ(plan.queries[0].first, yesterday - days{24});
}

TEST(AnsweredDays, ATryThatIsNotMadeKeepsWhatOthersWereAnswered)
{
    sync::Engine engine(us_pacific(), {}, 1);
    MetricState views = total("views");
    views.answered = {{{yesterday - days{10}, yesterday}}, yesterday};
    MetricState likes = total("likes", yesterday);
    likes.answered = {{{yesterday - days{28}, yesterday}}, yesterday};
    const sync::Work what = work(1, {views, likes});
    engine.governor().on_throttled({what.user_id, what.input.account_id, what.input.login}, false, noon + 1h, noon);
    engine.add(what, noon);
    const auto outcomes = engine.take_finished();
    ASSERT_EQ(outcomes.size(), 1U);
    EXPECT_EQ(outcomes[0].answered, (AnsweredDays{{"likes", likes.answered}, {"views", views.answered}}));
}

TEST(AnsweredDays, AreReadAsTheyAreWrittenAndNothingElseIs)
{
    const AnsweredDays days_of = {{"reach", {{{yesterday, yesterday}, {today, today}}, yesterday}},
                                  {"views", {{{day(2026, 1, 1), today}}, today}}};
    EXPECT_EQ(answered_days_json(days_of),
              R"({"reach":{"through":"2026-11-20","days":[["2026-11-20","2026-11-20"],["2026-11-21","2026-11-21"]]},)"
              R"("views":{"through":"2026-11-21","days":[["2026-01-01","2026-11-21"]]}})");
    EXPECT_EQ(sync::read_answered_days(answered_days_json(days_of)), days_of);
    for (const char *odd : {R"({"a":[["2026-01-01","2026-01-02"]]})", R"({"a":{"days":[["2026-01-01","2026-01-02"]]}})",
                            R"({"a":{"through":"2026-01-02","days":[["2026-01-02","2026-01-01"]]}})",
                            R"({"a":{"through":"2026-01-02","days":[["x","y"]]}})",
                            R"({"a":{"through":"2026-01-02","days":[["2026-01-01"]]}})",
                            R"({"a":{"through":"2026-01-02","days":1}})", "", "{}", "[]", "1", R"({"a":1})"})
        EXPECT_TRUE(sync::read_answered_days(odd).empty()) << odd;
}

}  // namespace ig::test
