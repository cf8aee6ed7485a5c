// Rolling windows: of which days they are asked, what stands beside the days they end with, and what a refusal costs.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include "account.hpp"

namespace ig::test {

using sync::Outcome;
using sync::Status;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

MetricState unnamed(MetricState metric)
{
    metric.unnamed = true;
    return metric;
}

// Plain numbers of days; of anything else this failure.
auto days_alone(const Failure &failure)
{
    return [failure](const InsightsQuery &query) { return query.period == "day" ? answered(query) : failed(failure); };
}

}  // namespace

TEST(Windows, WindowsStandBesideTheNumberOfTheDayTheyEndWith)
{
    Runner runner;
    const Outcome outcome = runner.sync(work(1, {series("reach", yesterday), window(series("reach", yesterday), "week"),
                                                 window(series("reach", yesterday), "days_28")}),
                                        answered);
    EXPECT_EQ(outcome.calls_done, 3);
    ASSERT_EQ(outcome.values.size(), 3U);
    for (const Value &value : outcome.values) {
        EXPECT_EQ(value.period, "day");
        const std::string number = number_of("reach", us_pacific()->day_ending_at(value.end_time));
        EXPECT_EQ(value.value, number);
        EXPECT_EQ(platform::metadata_json(value.parts),
                  R"({"windows":{"week":)" + number + R"(,"days_28":)" + number + "}}");
    }
}

// Yesterday is a Friday; the last week ended on 2026-11-15.
TEST(Windows, WindowsThatNobodyNamedAreAskedForTheEndsOfWeeks)
{
    const auto asked = [](std::optional<Day> synced, std::optional<Day> first = std::nullopt) {
        sync::PlanInput input = account({unnamed(window(series("reach", synced), "week"))});
        input.first = first;
        Names texts;
        for (const InsightsQuery &query : sync::make_plan(input, *us_pacific(), noon, {}).queries)
            texts.push_back(std::to_string((today - query.first).count()) + " to " +
                            std::to_string((today - query.last).count()) + " days ago");
        return texts;
    };
    EXPECT_THAT(asked(std::nullopt), ElementsAre("27 to 6 days ago"));
    EXPECT_THAT(asked(day(2026, 11, 8)), ElementsAre("6 to 6 days ago"));
    EXPECT_THAT(asked(day(2026, 11, 15)), IsEmpty());
    EXPECT_THAT(asked(std::nullopt, day(2026, 11, 16)), IsEmpty());
    EXPECT_THAT(asked(std::nullopt, day(2026, 11, 15)), ElementsAre("6 to 6 days ago"));
}

TEST(Windows, TheEndsOfWeeksAreReadAgainAsDaysAre)
{
    const Instant monday = utc(day(2026, 11, 16), 12);
    for (int later = 0; later < 7; ++later) {
        const auto input = account({unnamed(window(series("reach", day(2026, 11, 15)), "week"))});
        const auto plan = sync::make_plan(input, *us_pacific(), monday + days{later}, {});
        EXPECT_EQ(plan.queries.size(), later < 3 ? 1U : 0U) << later;
    }
}

TEST(Windows, OfWindowsThatNobodyNamedTheEndsOfWeeksAreKept)
{
    Runner runner;
    const auto weekly = unnamed(window(series("reach"), "week"));
    const Outcome outcome = runner.sync(work(1, {series("reach"), weekly}), answered);
    std::vector<Instant> with_window;
    for (const Value &value : outcome.values)
        if (!value.parts.empty()) with_window.push_back(value.end_time);
    EXPECT_EQ(outcome.values.size(), 29U);
    EXPECT_THAT(with_window, ElementsAre(pacific_midnight(day(2026, 10, 26)), pacific_midnight(day(2026, 11, 2)),
                                         pacific_midnight(day(2026, 11, 9)), pacific_midnight(day(2026, 11, 16))));
    EXPECT_EQ(progress_of(outcome, "reach/week").synced_through, day(2026, 11, 15));
}

TEST(Windows, AWindowThatNobodyNamedIsNoTroubleWhenItIsRefused)
{
    Failure odd_period = unsupported({});
    odd_period.kind = FailureKind::invalid_request;
    for (const Failure &failure : {unsupported({"reach"}), odd_period}) {
        Runner runner;
        const Outcome outcome =
            runner.sync(work(1, {series("reach"), unnamed(window(series("reach"), "week"))}), days_alone(failure));
        EXPECT_EQ(outcome.status, Status::succeeded);
        EXPECT_THAT(outcome.errors, IsEmpty());
        EXPECT_FALSE(outcome.retry_at);
        EXPECT_EQ(values_of(outcome, "reach"), 29U);
        EXPECT_TRUE(progress_of(outcome, "reach/week").unsupported_since);
    }
}

TEST(Windows, AWindowThatNobodyNamedIsNoTroubleWhenItFailsAndIsDueAgain)
{
    Runner runner;
    const Outcome outcome =
        runner.sync(work(1, {series("reach"), unnamed(window(series("reach"), "week"))}), days_alone(transient()));
    EXPECT_EQ(outcome.status, Status::succeeded);
    EXPECT_THAT(outcome.errors, IsEmpty());
    EXPECT_FALSE(outcome.retry_at);
    EXPECT_FALSE(progress_of(outcome, "reach/week").synced_through);
    EXPECT_FALSE(progress_of(outcome, "reach/week").unsupported_since);
}

TEST(Windows, AWindowThatJsonDoesNotTakeIsLeftOut)
{
    Runner runner;
    const auto answer = [](const InsightsQuery &query) {
        Reading reading = answered(query);
        for (Value &value : reading.values) value.value = query.period == "day" ? "7" : "007";
        return reading;
    };
    const Outcome outcome =
        runner.sync(work(1, {series("reach", yesterday), window(series("reach", yesterday), "week")}), answer);
    ASSERT_EQ(outcome.values.size(), 3U);
    for (const Value &value : outcome.values) EXPECT_THAT(value.parts, IsEmpty());
}

}  // namespace ig::test
