// What is remembered of an account's metrics: comes back as it was written, only goes forward, survives odd texts.
#include <gtest/gtest.h>

#include "account.hpp"
#include "platform/json.hpp"
#include "sync/metric_state.hpp"

namespace ig::test {

namespace {

using sync::KnownMetric;
using sync::KnownMetrics;
using sync::learn;
using sync::metric_state_json;
using sync::MetricProgress;
using sync::read_metric_state;

MetricProgress news(std::string metric, std::optional<Day> through = std::nullopt)
{
    MetricProgress progress;
    progress.metric = std::move(metric);
    progress.synced_through = through;
    return progress;
}

MetricProgress refused(std::string metric, std::string reason)
{
    MetricProgress progress = news(std::move(metric));
    progress.unsupported_since = noon;
    progress.reason = std::move(reason);
    return progress;
}

}  // namespace

TEST(MetricStateText, ComesBackAsItWasWritten)
{
    KnownMetrics known;
    known["reach"] = {yesterday, day(2025, 10, 1), std::nullopt, ""};
    known["views"] = {std::nullopt, std::nullopt, noon + 123ms, "(#100) \"odd\" \\ reason\n\x01 \xC3\xA9"};
    known["likes"] = {};
    const KnownMetrics again = read_metric_state(metric_state_json(known));
    ASSERT_EQ(again.size(), 3U);
    for (const auto &[name, metric] : known) {
        EXPECT_EQ(again.at(name).through, metric.through) << name;
        EXPECT_EQ(again.at(name).clipped_before, metric.clipped_before) << name;
        EXPECT_EQ(again.at(name).unsupported_since, metric.unsupported_since) << name;
        EXPECT_EQ(again.at(name).reason, metric.reason) << name;
    }
    EXPECT_EQ(metric_state_json(again), metric_state_json(known));
}

TEST(MetricStateText, IsTheJsonThatTheServerKeeps)
{
    KnownMetrics known;
    EXPECT_EQ(metric_state_json(known), "{}");
    known["reach"].through = yesterday;
    known["reach"].clipped_before = day(2025, 1, 2);
    known["views"].unsupported_since = noon;
    known["views"].reason = "no";
    EXPECT_EQ(metric_state_json(known), R"({"reach":{"through":"2026-11-20","clipped_before":"2025-01-02"},)"
                                        R"("views":{"unsupported_since":"2026-11-21 12:00:00.000+00","reason":"no"}})");
}

TEST(MetricStateText, ReadsAMomentAsTheServersJsonWritesIt)
{
    const KnownMetrics known = read_metric_state(R"({"views": {"unsupported_since": "2026-11-21T13:00:00.5+01:00"}})");
    EXPECT_EQ(known.at("views").unsupported_since, noon + 500ms);
}

TEST(MetricStateText, PartsThatCannotBeReadAreAsIfTheyWereNotThere)
{
    for (const char *text : {"", "{}", "[]", "null", "7", "{\"reach\":", "not json", "\"reach\""})
        EXPECT_TRUE(read_metric_state(text).empty()) << text;
    const KnownMetrics known = read_metric_state(
        R"({"reach":{"through":"2026-11-31","clipped_before":"2026-11-01","unknown":[{}]},"views":7,)"
        R"("likes":{"through":20261120,"unsupported_since":"yesterday","reason":{"no":"text"}},"saves":null,)"
        R"("shares":{"through":"2026-11-20"}})");
    EXPECT_FALSE(known.at("reach").through) << "there is no 31st";
    EXPECT_EQ(known.at("reach").clipped_before, day(2026, 11, 1));
    for (const char *name : {"views", "likes", "saves"}) {
        EXPECT_FALSE(known.at(name).through) << name;
        EXPECT_FALSE(known.at(name).unsupported_since) << name;
        EXPECT_EQ(known.at(name).reason, "") << name;
    }
    EXPECT_EQ(known.at("shares").through, yesterday) << "and what stands beside them is read";
}

TEST(MetricStateLearning, DaysOnlyGoForward)
{
    KnownMetrics known;
    known["reach"].through = yesterday;
    known["reach"].clipped_before = day(2026, 1, 1);
    MetricProgress older = news("reach", yesterday - days{5});
    older.clipped_before = day(2025, 1, 1);
    learn(known, {older, news("reach")});
    EXPECT_EQ(known["reach"].through, yesterday) << "somebody else stored a later sync meanwhile";
    EXPECT_EQ(known["reach"].clipped_before, day(2026, 1, 1));
    MetricProgress newer = news("reach", today);
    newer.clipped_before = day(2026, 2, 1);
    learn(known, {newer, news("views", yesterday)});
    EXPECT_EQ(known["reach"].through, today);
    EXPECT_EQ(known["reach"].clipped_before, day(2026, 2, 1));
    EXPECT_EQ(known["views"].through, yesterday) << "a metric not known before";
}

TEST(MetricStateLearning, ARefusalStaysUntilTheMetricIsAnsweredAgain)
{
    KnownMetrics known;
    known["views"].through = yesterday;
    learn(known, {refused("views", "not for this account")});
    EXPECT_EQ(known["views"].unsupported_since, noon);
    EXPECT_EQ(known["views"].reason, "not for this account");
    learn(known, {news("views"), news("reach", today)});
    EXPECT_EQ(known["views"].unsupported_since, noon) << "a sync that did not ask says nothing";
    EXPECT_EQ(known["views"].reason, "not for this account");
    EXPECT_EQ(known["views"].through, yesterday);
    MetricProgress again = news("views", today);
    again.supported_again = true;
    learn(known, {again});
    EXPECT_FALSE(known["views"].unsupported_since);
    EXPECT_EQ(known["views"].reason, "");
    EXPECT_EQ(known["views"].through, today);
    EXPECT_EQ(metric_state_json(known).find("unsupported"), std::string::npos);
}

}  // namespace ig::test
