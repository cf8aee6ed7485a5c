// Which metrics are asked: the registry, the choices of site and account, and what becomes an entry of its own.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include "account.hpp"
#include "sync/metric_choice.hpp"

namespace ig::test {

using sync::MetricChoice;
using sync::RegisteredMetric;
using testing::ElementsAre;
using testing::IsEmpty;

namespace {

RegisteredMetric registered(std::string name, MetricShape shape, bool enabled = true)
{
    RegisteredMetric result;
    result.name = std::move(name);
    result.platform = "instagram";
    result.shape = shape;
    result.history_days = 90;
    result.enabled_by_default = enabled;
    return result;
}

std::vector<RegisteredMetric> registry()
{
    std::vector<RegisteredMetric> metrics{registered("reach", MetricShape::time_series),
                                          registered("views", MetricShape::total_value, false),
                                          registered("follower_demographics", MetricShape::total_value, false),
                                          registered("followers_count", MetricShape::snapshot)};
    metrics[0].windows = {"week", "days_28"};
    metrics[1].breakdowns = {"media_product_type"};
    metrics[2].period = "lifetime";
    metrics[2].timeframe = "this_month";
    metrics[2].breakdowns = {"age", "country"};
    return metrics;
}

std::string text_of(const MetricState &entry)
{
    std::string text = entry.key() + " " + entry.period;
    for (const std::string &breakdown : entry.breakdowns) text += " by " + breakdown;
    if (!entry.timeframe.empty()) text += " of " + entry.timeframe;
    if (!entry.window_of.empty()) text += " beside " + entry.window_of;
    if (entry.unnamed) text += " of weeks";
    return text + (entry.parts_only ? " parts" : "");
}

Names asked(const std::string &choice, std::optional<Names> names = std::nullopt,
            const std::vector<RegisteredMetric> &metrics = registry(), const sync::KnownMetrics &known = {})
{
    Names texts;
    for (const MetricState &entry :
         sync::metrics_to_ask(metrics, "instagram", sync::read_metric_choice(choice), names, known))
        texts.push_back(text_of(entry));
    return texts;
}

}  // namespace

TEST(MetricChoice, WithoutOneTheUsualMetricsAreAskedAndTheirWindowsForTheEndsOfWeeks)
{
    EXPECT_THAT(asked(""), ElementsAre("reach day", "reach/week week beside day of weeks",
                                       "reach/days_28 days_28 beside day of weeks", "followers_count day"));
}

TEST(MetricChoice, ItNamesTheWholeListAndBringsTheirWindowsOfEveryDay)
{
    EXPECT_THAT(asked(R"({"reach":null})"),
                ElementsAre("reach day", "reach/week week beside day", "reach/days_28 days_28 beside day"));
    EXPECT_THAT(asked(R"({"views":null})"), ElementsAre("views day by media_product_type"));
    EXPECT_THAT(asked(R"({"unheard_of":null})"), IsEmpty());
    EXPECT_THAT(asked("{}"), IsEmpty());
}

TEST(MetricChoice, ItsBreakdownsReplaceTheUsualOnes)
{
    EXPECT_THAT(asked(R"({"views":[]})"), ElementsAre("views day"));
    EXPECT_THAT(asked(R"({"views":["follow_type","media_product_type,follow_type"]})"),
                ElementsAre("views day by follow_type by media_product_type,follow_type"));
    EXPECT_THAT(asked(R"({"follower_demographics":null})"),
                ElementsAre("follower_demographics lifetime by age by country of this_month"));
}

TEST(MetricChoice, ThePartsOfASeriesAreAnEntryOfTheirOwn)
{
    EXPECT_THAT(asked(R"({"reach":["follow_type"]})"),
                ElementsAre("reach day", "reach/parts day by follow_type parts", "reach/week week beside day",
                            "reach/days_28 days_28 beside day"));
}

TEST(MetricChoice, APersonWhoNamesMetricsGetsThoseAndTheirChosenBreakdowns)
{
    EXPECT_THAT(asked("", Names{"views", "reach"}),
                ElementsAre("reach day", "reach/week week beside day of weeks",
                            "reach/days_28 days_28 beside day of weeks", "views day by media_product_type"));
    EXPECT_THAT(asked(R"({"views":["follow_type"],"reach":null})", Names{"views"}),
                ElementsAre("views day by follow_type"));
}

TEST(MetricChoice, WhatTheApiDoesNotAnswerTodayIsNotAskedHoweverItIsWanted)
{
    std::vector<RegisteredMetric> metrics = registry();
    metrics[0].available = false;
    EXPECT_THAT(asked(R"({"reach":null})", std::nullopt, metrics), IsEmpty());
    EXPECT_THAT(asked("", Names{"reach"}, metrics), IsEmpty());
    metrics[3].platform = "threads";
    EXPECT_THAT(asked("", std::nullopt, metrics), IsEmpty());
}

TEST(MetricChoice, EachEntryKnowsItsOwnPast)
{
    sync::KnownMetrics known;
    known["reach"].through = yesterday;
    known["reach/week"].unsupported_since = noon;
    const auto entries =
        sync::metrics_to_ask(registry(), "instagram", sync::read_metric_choice(R"({"reach":null})"), {}, known);
    ASSERT_EQ(entries.size(), 3U);
    EXPECT_EQ(entries[0].synced_through, yesterday);
    EXPECT_FALSE(entries[0].unsupported_since);
    EXPECT_FALSE(entries[1].synced_through);
    EXPECT_EQ(entries[1].unsupported_since, noon);
    EXPECT_FALSE(entries[2].unsupported_since);
}

TEST(MetricChoice, WhatIsNoObjectIsNoChoice)
{
    for (const char *odd : {"", "null", "[]", "7", "{"}) EXPECT_FALSE(sync::read_metric_choice(odd)) << odd;
}

}  // namespace ig::test
