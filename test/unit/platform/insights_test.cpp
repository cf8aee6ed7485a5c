// Insights answers: what becomes a value, what is no data, what is dropped and why.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <string>

#include "samples.hpp"
#include "support.hpp"

namespace ig::platform {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

std::string series_of(std::string_view entries)
{
    return R"({"data":[{"name":"reach","period":"day","values":[)" + std::string(entries) + "]}]}";
}

std::string total_of(std::string_view total)
{
    return R"({"data":[{"name":"views","period":"day","total_value":)" + std::string(total) + "}]}";
}

void expect_one_drop(const Reading &reading, FailureKind kind, std::string_view metric, std::string_view words)
{
    EXPECT_FALSE(reading.failure);
    EXPECT_THAT(reading.without_data, IsEmpty());
    ASSERT_EQ(reading.dropped.size(), 1u);
    EXPECT_EQ(reading.dropped[0].kind, kind);
    EXPECT_EQ(reading.dropped[0].reach, FailureReach::metrics);
    EXPECT_FALSE(reading.dropped[0].retry);
    EXPECT_THAT(reading.dropped[0].metrics, ElementsAre(std::string(metric)));
    EXPECT_THAT(reading.dropped[0].message, HasSubstr(std::string(words)));
    EXPECT_FALSE(reading.dropped[0].hint.empty());
}

}  // namespace

TEST(Reader, SeriesBecomesOneValueADay)
{
    const Reading reading = read(series_query({"reach", "follower_count"}), samples::time_series);
    EXPECT_FALSE(reading.failure);
    EXPECT_THAT(lines(reading), ElementsAre("reach 1204 1795161600", "reach 1388 1795248000",
                                            "follower_count 7 1795161600", "follower_count 0 1795248000"));
    EXPECT_EQ(reading.values[0].period, "day");
    EXPECT_THAT(reading.without_data, IsEmpty());
    EXPECT_THAT(reading.dropped, IsEmpty());
}

TEST(Reader, TotalIsStoredUnderTheEndOfItsWindow)
{
    const Reading reading = read(total_query({"views", "reach"}), samples::totals);
    EXPECT_THAT(lines(reading), ElementsAre("views 5321 1795248000", "reach 910 1795248000"));
    EXPECT_THAT(reading.dropped, IsEmpty());
}

TEST(Reader, ShapeIsChosenByWhatIsThere)
{
    EXPECT_THAT(lines(read(total_query({"views", "likes", "followers_count"}), samples::mixed)),
                ElementsAre("views 20 1795248000", "likes 3 1795248000", "followers_count 51 1795248000"));
    InsightsQuery one_day = series_query({"views"});
    one_day.first = one_day.last;
    EXPECT_THAT(lines(read(one_day, total_of(R"({"value":5})"))), ElementsAre("views 5 1795248000"));
    InsightsQuery navigation = total_query({"navigation"});
    navigation.period = "lifetime";
    EXPECT_THAT(lines(read(navigation, samples::both_shapes)), ElementsAre("navigation 57 1795248000"));
}

TEST(Reader, OfBothShapesTheOneAskedForCounts)
{
    const char *body = R"({"data":[{"name":"reach","total_value":{"value":30},"values":[
        {"value":10,"end_time":"2026-11-20T08:00:00+0000"},{"value":20,"end_time":"2026-11-21T08:00:00+0000"}]}]})";
    EXPECT_THAT(lines(read(series_query({"reach"}), body)), ElementsAre("reach 10 1795161600", "reach 20 1795248000"));
    EXPECT_THAT(lines(read(total_query({"reach"}), body)), ElementsAre("reach 30 1795248000"));
}

TEST(Reader, TotalOfSeveralDaysIsNoDaysValue)
{
    const Reading reading = read(series_query({"views"}), total_of(R"({"value":5})"));
    EXPECT_THAT(reading.values, IsEmpty());
    expect_one_drop(reading, FailureKind::malformed, "views", "sum up several days");
}

TEST(Reader, MissingIsNotZero)
{
    for (const std::string &body :
         {std::string(R"({"data":[]})"), std::string(R"({"data":[],"paging":{"next":"https://x/?access_token=EAA"}})"),
          series_of(""), series_of(R"({"value":null,"end_time":"2026-11-20T08:00:00+0000"})"),
          series_of(R"({"end_time":"2026-11-20T08:00:00+0000"})"), series_of(R"({"value":null})"), series_of("null"),
          series_of(R"({"value":{},"end_time":"2026-11-20T08:00:00+0000"})"),
          std::string(R"({"data":[{"name":"reach"}]})"), std::string(R"({"data":[{"name":"reach","values":null}]})"),
          std::string(R"({"data":[{"name":"reach","total_value":null}]})"),
          std::string(R"({"data":[{"name":"reach","total_value":{}}]})"),
          std::string(R"({"data":[{"name":"reach","total_value":{"value":null}}]})"),
          std::string(
              R"({"data":[{"name":"reach","total_value":{"breakdowns":[{"dimension_keys":["x"],"results":[]}]}}]})")}) {
        const Reading reading = read(series_query({"reach", "views"}), body);
        EXPECT_FALSE(reading.failure) << body;
        EXPECT_THAT(reading.values, IsEmpty()) << body;
        EXPECT_THAT(reading.dropped, IsEmpty()) << body;
        EXPECT_THAT(reading.without_data, ElementsAre("reach", "views")) << body;
    }
}

TEST(Reader, ZeroIsAValue)
{
    EXPECT_THAT(lines(read(total_query({"follows_and_unfollows"}), samples::follows_quiet)),
                ElementsAre("follows_and_unfollows 0 1795248000"));
}

TEST(Reader, SilentlyDroppedMetricIsWithoutData)
{
    const Reading reading = read(series_query({"reach", "profile_views"}),
                                 series_of(R"({"value":1,"end_time":"2026-11-20T08:00:00+0000"})"));
    EXPECT_THAT(lines(reading), ElementsAre("reach 1 1795161600"));
    EXPECT_THAT(reading.without_data, ElementsAre("profile_views"));
}

TEST(Reader, NumbersStayExact)
{
    for (const char *number : {"9007199254740993", "-12", "0.1", "1.50", "1e3", "123456789012345678901234567890"}) {
        for (const std::string &written : {std::string(number), "\"" + std::string(number) + "\""}) {
            const Reading reading = read(total_query({"views"}), total_of("{\"value\":" + written + "}"));
            ASSERT_EQ(reading.values.size(), 1u) << written;
            EXPECT_EQ(reading.values[0].value, number);
        }
    }
}

TEST(Reader, WrongTypesAreDroppedAndNamed)
{
    for (const char *value :
         {"true", "\"many\"", "\"\"", "\"1,200\"", "\"NaN\"", "\" 5\"", "[1]", "1e300",
          "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345"}) {
        const Reading reading = read(total_query({"views"}), total_of(std::string("{\"value\":") + value + "}"));
        EXPECT_THAT(reading.values, IsEmpty()) << value;
        expect_one_drop(reading, FailureKind::malformed, "views", "left out 1 value of views");
    }
}

TEST(Reader, OneBadValueCostsNoOther)
{
    const Reading reading = read(series_query({"reach"}), series_of(
                                                              R"({"value":true,"end_time":"2026-11-20T08:00:00+0000"},7,
               {"value":9,"end_time":"2026-11-21T08:00:00+0000"})"));
    EXPECT_THAT(lines(reading), ElementsAre("reach 9 1795248000"));
    expect_one_drop(reading, FailureKind::malformed, "reach", "left out 2 values of reach that are not numbers");
}

TEST(Reader, SeriesValueWithoutAReadableTimeIsDropped)
{
    for (const char *entry : {R"({"value":5})", R"({"value":5,"end_time":null})", R"({"value":5,"end_time":"soon"})",
                              R"({"value":5,"end_time":"2026-11-20T08:00:00"})", R"({"value":5,"end_time":{}})"})
        expect_one_drop(read(series_query({"reach"}), series_of(entry)), FailureKind::malformed, "reach", "end_time");
}

TEST(Reader, EndTimeInAnyUsualForm)
{
    for (const char *time :
         {R"("2026-11-20T08:00:00+0000")", R"("2026-11-20T08:00:00+00:00")", R"("2026-11-20T08:00:00Z")",
          R"("2026-11-20T00:00:00-0800")", "1795161600", R"("1795161600")"})
        EXPECT_THAT(
            lines(read(series_query({"reach"}), series_of(std::string(R"({"value":5,"end_time":)") + time + "}"))),
            ElementsAre("reach 5 1795161600"))
            << time;
}

TEST(Reader, OnlyTheWindowAskedForCounts)
{
    const Reading reading =
        read(series_query({"reach"}),
             series_of(
                 R"({"value":1,"end_time":"2026-11-19T08:00:00+0000"},{"value":2,"end_time":"2026-11-20T08:00:00+0000"},
           {"value":3,"end_time":"2026-11-21T08:00:00+0000"},{"value":4,"end_time":"2026-11-22T08:00:00+0000"})"));
    EXPECT_THAT(lines(reading), ElementsAre("reach 2 1795161600", "reach 3 1795248000"));
    EXPECT_THAT(reading.dropped, IsEmpty());
}

TEST(Reader, WithoutAWindowEveryDayCounts)
{
    InsightsQuery query = series_query({"reach"});
    query.since = query.until = Instant();
    EXPECT_EQ(read(query, samples::time_series).values.size(), 2u);
}

TEST(Reader, OrderAndRepetitionDoNotMatter)
{
    const Reading reading =
        read(series_query({"reach", "reach"}),
             series_of(
                 R"({"value":3,"end_time":"2026-11-21T08:00:00+0000"},{"value":1,"end_time":"2026-11-20T08:00:00+0000"},
           {"value":2,"end_time":"2026-11-20T08:00:00Z"})"));
    EXPECT_THAT(lines(reading), ElementsAre("reach 2 1795161600", "reach 3 1795248000"));
}

TEST(Reader, OnlyThePeriodAskedForCounts)
{
    const std::string both = R"({"data":[
        {"name":"reach","period":"week","values":[{"value":70,"end_time":"2026-11-20T08:00:00+0000"}]},
        {"name":"reach","period":"day","values":[{"value":10,"end_time":"2026-11-20T08:00:00+0000"}]},
        {"name":"reach","period":"days_28","values":[{"value":280,"end_time":"2026-11-20T08:00:00+0000"}]}]})";
    EXPECT_THAT(lines(read(series_query({"reach"}), both)), ElementsAre("reach 10 1795161600"));
    InsightsQuery month = series_query({"reach"});
    month.period = "month";
    EXPECT_THAT(read(month, both).without_data, ElementsAre("reach"));
}

TEST(Reader, ExtraAndUnaskedThingsAreIgnored)
{
    const Reading reading = read(series_query({"reach"}), R"({"new":{"x":[1]},"data":[
        {"name":"quotes","period":"day","values":[{"value":"?"}]},
        {"name":"reach","surprise":[],"values":[{"value":4,"end_time":"2026-11-20T08:00:00+0000","more":1}]}]})");
    EXPECT_THAT(lines(reading), ElementsAre("reach 4 1795161600"));
    EXPECT_THAT(reading.dropped, IsEmpty());
}

TEST(Reader, NamelessItemsAreDroppedOnce)
{
    const Reading reading = read(series_query({"reach"}), R"({"data":[7,null,{"name":5},{"name":"reach","values":[
        {"value":4,"end_time":"2026-11-20T08:00:00+0000"}]}]})");
    EXPECT_THAT(lines(reading), ElementsAre("reach 4 1795161600"));
    ASSERT_EQ(reading.dropped.size(), 1u);
    EXPECT_THAT(reading.dropped[0].metrics, IsEmpty());
    EXPECT_THAT(reading.dropped[0].message, HasSubstr("left out 3 values"));
}

TEST(Reader, ValuesAreLimited)
{
    std::string entries;
    for (int i = 0; i < 10050; ++i)
        entries += std::string(i ? "," : "") + "{\"value\":1,\"end_time\":" + std::to_string(1795075201 + i) + "}";
    const Reading reading = read(series_query({"reach"}), series_of(entries));
    EXPECT_EQ(reading.values.size(), 10000u);
    expect_one_drop(reading, FailureKind::malformed, "reach", "left out 50 values of reach beyond the limit");
}

TEST(Reader, AnswerWithoutAListIsMalformed)
{
    for (const char *body : {"{}", R"({"data":{}})", R"({"data":null})", R"({"data":"x"})", R"({"username":"acme"})"}) {
        const Reading reading = read(series_query({"reach"}), body);
        ASSERT_TRUE(reading.failure) << body;
        EXPECT_EQ(reading.failure->kind, FailureKind::malformed);
        EXPECT_TRUE(reading.failure->retry);
        EXPECT_THAT(reading.values, IsEmpty());
    }
}

TEST(Snapshot, FieldsOfTheUserNodeUnderTheEndOfTheWindow)
{
    InsightsQuery query = series_query({"followers_count", "media_count"});
    query.shape = MetricShape::snapshot;
    for (const std::string &body :
         {std::string(samples::user_node), "{\"data\":[" + std::string(samples::user_node) + "]}"}) {
        const Reading reading = read(query, body);
        EXPECT_THAT(lines(reading), ElementsAre("followers_count 5120 1795248000"));
        EXPECT_THAT(reading.without_data, ElementsAre("media_count"));
        EXPECT_EQ(reading.username, "acme");
        EXPECT_EQ(reading.name, "Acme \xC3\xA9t\xC3\xA9");
    }
}

TEST(Snapshot, OddFieldsAreDroppedAndNamesBounded)
{
    InsightsQuery query = series_query({"followers_count"});
    query.shape = MetricShape::snapshot;
    expect_one_drop(read(query, R"({"followers_count":[7]})"), FailureKind::malformed, "followers_count",
                    "not numbers");
    const Reading reading =
        read(query, R"({"followers_count":"7","username":7,"name":")" + std::string(900, 'n') + "\"}");
    EXPECT_THAT(lines(reading), ElementsAre("followers_count 7 1795248000"));
    EXPECT_EQ(reading.username, "");
    EXPECT_LE(reading.name.size(), 203u);
    EXPECT_THAT(read(query, R"({"data":[]})").without_data, ElementsAre("followers_count"));
}

}  // namespace ig::platform
