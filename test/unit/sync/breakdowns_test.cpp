// Breakdowns and what is true now: what is asked, what becomes of the answers, and what a refusal costs.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include "account.hpp"

namespace ig::test {

using sync::Outcome;
using sync::Status;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

namespace {

MetricState by(MetricState metric, Names breakdowns)
{
    metric.breakdowns = std::move(breakdowns);
    return metric;
}

MetricState parts_of(const std::string &name, Names breakdowns, std::optional<Day> synced = yesterday)
{
    MetricState metric = by(total(name, synced), std::move(breakdowns));
    metric.known_as = name + "/parts";
    metric.parts_only = true;
    return metric;
}

MetricState demographics(const std::string &name, Names breakdowns, std::optional<Day> synced = std::nullopt)
{
    MetricState metric = by(total(name, synced, 0), std::move(breakdowns));
    metric.period = "lifetime";
    metric.timeframe = "this_month";
    return metric;
}

std::string text_of(const InsightsQuery &query)
{
    std::string text = query.period + (query.shape == MetricShape::total_value ? " total" : "");
    for (const std::string &name : query.metrics) text += " " + name;
    if (!query.breakdown.empty()) text += " by " + query.breakdown;
    if (!query.timeframe.empty()) text += " of " + query.timeframe;
    return text + " " + std::to_string((query.last - query.first).count() + 1);
}

Names questions(std::vector<MetricState> metrics)
{
    Names texts;
    for (const InsightsQuery &query : sync::make_plan(account(std::move(metrics)), *us_pacific(), noon, {}).queries) {
        const std::string text = text_of(query);
        if (std::find(texts.begin(), texts.end(), text) == texts.end()) texts.push_back(text);
    }
    return texts;
}

// As the API answers: a total brings its number and the parts that were asked for.
Reading with_parts(const InsightsQuery &query)
{
    Reading reading = answered(query);
    if (query.breakdown.empty()) return reading;
    for (Value &value : reading.values) value.parts = {{query.breakdown, "{\"x\":" + value.value + "}"}};
    return reading;
}

Reading parts_alone(const InsightsQuery &query)
{
    Reading reading = with_parts(query);
    for (Value &value : reading.values) value.value.clear();
    return reading;
}

}  // namespace

TEST(Breakdowns, AnOrdinaryPlanAsksWhatItAlwaysAsked)
{
    EXPECT_THAT(questions({snapshot("followers_count", yesterday), series("reach", yesterday),
                           series("follower_count", yesterday), total("profile_views", yesterday),
                           total("accounts_engaged", yesterday)}),
                ElementsAre("day followers_count 1", "day reach follower_count 3",
                            "day total profile_views accounts_engaged 1"));
}

TEST(Breakdowns, EachIsARequestThatMetricsShare)
{
    EXPECT_THAT(questions({by(total("views", yesterday), {"media_product_type", "follow_type"}),
                           by(total("likes", yesterday), {"media_product_type"}), total("replies", yesterday),
                           series("reach", yesterday), parts_of("reach", {"follow_type"})}),
                UnorderedElementsAre("day reach 3", "day total views likes by media_product_type 1",
                                     "day total views reach by follow_type 1", "day total replies 1"));
}

TEST(Breakdowns, WhatIsTrueNowIsAskedOnceBeforeThePast)
{
    EXPECT_THAT(questions({series("reach", yesterday), demographics("follower_demographics", {"age", "country"}),
                           demographics("engaged_audience_demographics", {"age"}), snapshot("followers_count")}),
                ElementsAre("day followers_count 1",
                            "lifetime total follower_demographics engaged_audience_demographics by age of this_month 1",
                            "lifetime total follower_demographics by country of this_month 1", "day reach 3"));
    const sync::Plan plan =
        sync::make_plan(account({demographics("follower_demographics", {"age"})}), *us_pacific(), noon, {});
    ASSERT_EQ(plan.queries.size(), 1U);
    EXPECT_EQ(plan.queries[0].until, pacific_midnight(today + days{1}));
    EXPECT_THAT(plan.clips, IsEmpty());
}

TEST(Breakdowns, DemographicsMissedInAnOutageAreToldAsClipped)
{
    const sync::Plan plan = sync::make_plan(
        account({demographics("follower_demographics", {"age"}, day(2026, 11, 10))}), *us_pacific(), noon, {});
    ASSERT_EQ(plan.clips.size(), 1U);
    EXPECT_EQ(plan.clips[0].last, yesterday);
}

TEST(Breakdowns, PartsOfSeveralAnswersComeTogetherInOneValue)
{
    Runner runner;
    const Outcome outcome =
        runner.sync(work(1, {by(total("views", yesterday), {"media_product_type", "follow_type"})}), with_parts);
    EXPECT_EQ(outcome.status, Status::succeeded);
    ASSERT_EQ(outcome.values.size(), 3U);
    for (const Value &value : outcome.values) {
        EXPECT_EQ(value.value, number_of("views", us_pacific()->day_ending_at(value.end_time)));
        EXPECT_EQ(value.parts.size(), 2U);
    }
}

TEST(Breakdowns, AnAnswerOfPartsAloneLeavesTheNumberOfAnother)
{
    Runner runner;
    const auto answer = [](const InsightsQuery &query) {
        return query.breakdown == "b" ? parts_alone(query) : with_parts(query);
    };
    const Outcome outcome = runner.sync(work(1, {by(total("views", yesterday), {"a", "b"})}), answer);
    ASSERT_EQ(outcome.values.size(), 3U);
    for (const Value &value : outcome.values) {
        EXPECT_FALSE(value.value.empty());
        EXPECT_EQ(value.parts.size(), 2U);
    }
}

TEST(Breakdowns, ADayIsAnsweredWhenAllItsQuestionsAre)
{
    Runner runner;
    const auto answer = [](const InsightsQuery &query) {
        if (query.breakdown == "b" && query.last == yesterday) return failed(transient());
        return with_parts(query);
    };
    const Outcome outcome = runner.sync(work(1, {by(total("views", yesterday - days{5}), {"a", "b"})}), answer);
    EXPECT_EQ(outcome.status, Status::partial);
    EXPECT_EQ(progress_of(outcome, "views").synced_through, yesterday - days{1});
    EXPECT_EQ(values_of(outcome, "views"), 5U);
}

TEST(Breakdowns, PartsJoinTheRowOfTheirSeriesWhoseNumberStays)
{
    Runner runner;
    const auto answer = [](const InsightsQuery &query) {
        Reading reading = with_parts(query);
        if (query.shape == MetricShape::total_value) {
            for (Value &value : reading.values) value.value = "123456";
        }
        return reading;
    };
    const Outcome outcome =
        runner.sync(work(1, {series("reach", yesterday), parts_of("reach", {"follow_type"})}), answer);
    EXPECT_EQ(outcome.calls_done, 4);
    ASSERT_EQ(outcome.values.size(), 3U);
    for (const Value &value : outcome.values) {
        EXPECT_EQ(value.value, number_of("reach", us_pacific()->day_ending_at(value.end_time)));
        EXPECT_EQ(value.parts.size(), 1U);
    }
    EXPECT_EQ(progress_of(outcome, "reach").synced_through, yesterday);
    EXPECT_EQ(progress_of(outcome, "reach/parts").synced_through, yesterday);
}

TEST(Breakdowns, ANumberWithoutPartsIsNothingWherePartsWereAsked)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {parts_of("reach", {"follow_type"})}), answered);
    EXPECT_EQ(outcome.status, Status::succeeded);
    EXPECT_THAT(outcome.values, IsEmpty());
    ASSERT_NE(error_of(outcome, "reach/parts"), nullptr);
    EXPECT_EQ(error_of(outcome, "reach/parts")->failure.kind, FailureKind::no_data);
}

TEST(Breakdowns, ARefusedWindowOrPartDoesNotStopTheMetric)
{
    Runner runner;
    const auto answer = [](const InsightsQuery &query) {
        const bool plain = query.period == "day" && query.breakdown.empty();
        return plain ? answered(query) : failed(unsupported({"reach"}));
    };
    const Outcome outcome = runner.sync(work(1, {series("reach", yesterday), window(series("reach", yesterday), "week"),
                                                 parts_of("reach", {"follow_type"})}),
                                        answer);
    EXPECT_EQ(outcome.status, Status::partial);
    EXPECT_EQ(values_of(outcome, "reach"), 3U);
    EXPECT_FALSE(progress_of(outcome, "reach").unsupported_since);
    EXPECT_TRUE(progress_of(outcome, "reach/week").unsupported_since);
    EXPECT_TRUE(progress_of(outcome, "reach/parts").unsupported_since);
    EXPECT_EQ(error_of(outcome, "reach"), nullptr);
    ASSERT_NE(error_of(outcome, "reach/week"), nullptr);
}

TEST(Breakdowns, DemographicsAreKnownThroughTodayLikeASnapshot)
{
    Runner runner;
    const Outcome outcome =
        runner.sync(work(1, {demographics("follower_demographics", {"age", "country"})}), parts_alone);
    EXPECT_EQ(outcome.status, Status::succeeded);
    ASSERT_EQ(outcome.values.size(), 1U);
    EXPECT_EQ(outcome.values[0].value, "");
    EXPECT_EQ(outcome.values[0].parts.size(), 2U);
    EXPECT_EQ(progress_of(outcome, "follower_demographics").synced_through, today);
}

}  // namespace ig::test
