// The parts of numbers: breakdowns, demographics and hours, in every shape seen and in odd ones.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <string>

#include "platform/instagram/parts_reader.hpp"
#include "samples.hpp"
#include "support.hpp"

namespace ig::platform {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

InsightsQuery lifetime(InsightsQuery query)
{
    query.period = "lifetime";
    return query;
}

// views of a day, with this list of breakdowns.
Reading read_parts(const std::string &breakdowns)
{
    return read(total_query({"views"}),
                R"({"data":[{"name":"views","period":"day","total_value":{"value":9,"breakdowns":)" + breakdowns +
                    "}}]}");
}

Reading read_results(const std::string &results)
{
    return read_parts(R"([{"dimension_keys":["follow_type"],"results":)" + results + "}]");
}

Reading read_hours(const std::string &value)
{
    return read(lifetime(series_query({"online_followers"})),
                R"({"data":[{"name":"online_followers","period":"lifetime","values":[{"value":)" + value +
                    R"(,"end_time":"2026-11-20T08:00:00+0000"}]}]})");
}

// "value metadata" of each value.
std::vector<std::string> kept(const Reading &reading)
{
    std::vector<std::string> result;
    for (const Value &value : reading.values) result.push_back(value.value + " " + metadata_json(value.parts));
    return result;
}

}  // namespace

TEST(Parts, ATotalKeepsItsNumberAndItsParts)
{
    const Reading reading = read(total_query({"reach"}), samples::totals);
    EXPECT_THAT(kept(reading), ElementsAre(R"(910 {"breakdowns":{"media_product_type":{"REEL":655,"POST":318}}})"));
    EXPECT_THAT(reading.dropped, IsEmpty());
}

TEST(Parts, TheSumOfPartsIsNeverTakenForTheNumber)
{
    const Reading reading = read(total_query({"follows_and_unfollows"}), samples::follows_busy);
    EXPECT_THAT(kept(reading), ElementsAre(R"( {"breakdowns":{"follow_type":{"FOLLOWER":33,"NON_FOLLOWER":12}}})"));
    EXPECT_THAT(kept(read(total_query({"follows_and_unfollows"}), samples::follows_quiet)), ElementsAre("0 "));
}

TEST(Parts, TheTimeframeIsNoDimension)
{
    const Reading reading = read(lifetime(total_query({"engaged_audience_demographics"})), samples::demographics);
    EXPECT_THAT(kept(reading), ElementsAre(R"( {"breakdowns":{"country":{"BR":31,"US":12}}})"));
    EXPECT_EQ(reading.values[0].period, "lifetime");
    EXPECT_EQ(reading.values[0].end_time, moment(2026, 11, 21, 8));
    EXPECT_THAT(kept(read_parts(R"([{"dimension_keys":["age","timeframe","gender"],
                             "results":[{"dimension_values":["25-34","THIS_MONTH","F"],"value":41}]}])")),
                ElementsAre(R"(9 {"breakdowns":{"age,gender":{"25-34,F":41}}})"));
}

TEST(Parts, HoursAreKeptByDayAndAnEmptyDayIsNone)
{
    const Reading reading = read(lifetime(series_query({"online_followers"})), samples::online_followers);
    EXPECT_THAT(kept(reading), ElementsAre(R"( {"hours":{"0":61,"7":15,"22":940}})"));
    EXPECT_EQ(reading.values[0].end_time, moment(2026, 11, 20, 8));
    EXPECT_THAT(reading.dropped, IsEmpty());
}

TEST(Parts, OddHoursAreLeftOutAndOddTablesNamed)
{
    EXPECT_THAT(kept(read_hours(R"({"0":1,"5":null,"23":"2"})")), ElementsAre(R"( {"hours":{"0":1,"23":2}})"));
    const Reading wrong = read_hours(R"({"0":1,"7":[2]})");
    EXPECT_THAT(kept(wrong), ElementsAre(R"( {"hours":{"0":1}})"));
    ASSERT_EQ(wrong.dropped.size(), 1U);
    EXPECT_EQ(wrong.dropped[0].kind, FailureKind::malformed);
    for (const char *table : {R"({"24":1})", R"({"F.25-34":7})", R"({"-1":1})", R"({"":1})", R"({"007":1})"}) {
        const Reading reading = read_hours(table);
        EXPECT_THAT(reading.values, IsEmpty()) << table;
        ASSERT_EQ(reading.dropped.size(), 1U) << table;
        EXPECT_EQ(reading.dropped[0].kind, FailureKind::not_supported);
        EXPECT_THAT(reading.dropped[0].message, HasSubstr("tables"));
        EXPECT_THAT(reading.dropped[0].hint, HasSubstr("ig_set_metrics"));
    }
    EXPECT_THAT(read_hours(R"({"3":null})").without_data, ElementsAre("online_followers"));
}

TEST(Parts, AMissingPartIsNotZeroAndAZeroIsAPart)
{
    const Reading reading = read_results(R"([{"dimension_values":["A"],"value":0},{"dimension_values":["B"]},
        {"dimension_values":["C"],"value":null},null])");
    EXPECT_THAT(kept(reading), ElementsAre(R"(9 {"breakdowns":{"follow_type":{"A":0}}})"));
    EXPECT_THAT(reading.dropped, IsEmpty());
}

TEST(Parts, DigitsStayAsTheyCame)
{
    for (const char *digits : {"9007199254740993", "-1.50", "1e3", "0.1", "0"}) {
        for (const std::string &written : {std::string(digits), '"' + std::string(digits) + '"'}) {
            EXPECT_THAT(kept(read_results(R"([{"dimension_values":["A"],"value":)" + written + "}]")),
                        ElementsAre(R"(9 {"breakdowns":{"follow_type":{"A":)" + std::string(digits) + "}}}"));
        }
    }
}

TEST(Parts, NamesAreEscaped)
{
    const Reading reading = read_results(R"([{"dimension_values":["a\"b\\\u0001\u00e9"],"value":1}])");
    ASSERT_EQ(reading.values.size(), 1U);
    const Json json = Json::parse(metadata_json(reading.values[0].parts));
    ASSERT_TRUE(json.valid()) << json.problem();
    EXPECT_EQ(json.root().member("breakdowns").member("follow_type").first().key(), "a\"b\\\x01\xC3\xA9");
}

TEST(Parts, WhatIsNoNumberOrHasNoNameIsDroppedAloneAndCounted)
{
    const Reading reading =
        read_results(R"([{"dimension_values":["A"],"value":"many"},{"dimension_values":["B"],"value":1},
        {"dimension_values":["C","D"],"value":2},{"dimension_values":"E","value":3},{"value":4},7,
        {"dimension_values":["F"],"value":"007"},{"dimension_values":[{}],"value":5},{"dimension_values":["G"],"value":{}}])");
    EXPECT_THAT(kept(reading), ElementsAre(R"(9 {"breakdowns":{"follow_type":{"B":1}}})"));
    ASSERT_EQ(reading.dropped.size(), 1U);
    EXPECT_THAT(reading.dropped[0].message, HasSubstr("left out 8 values of views"));
    EXPECT_FALSE(reading.dropped[0].retry);
}

TEST(Parts, OddBreakdownsLeaveTheNumber)
{
    for (const char *nothing : {"null", "[]", "[null]", R"([{"dimension_keys":["a"]}])",
                                R"([{"dimension_keys":["a"],"results":[]}])", R"([{"results":null}])"}) {
        const Reading reading = read_parts(nothing);
        EXPECT_THAT(kept(reading), ElementsAre("9 ")) << nothing;
        EXPECT_THAT(reading.dropped, IsEmpty()) << nothing;
    }
    for (const char *odd : {"7", "{}", R"(["x"])", R"([{"results":[{"dimension_values":["A"],"value":1}]}])",
                            R"([{"dimension_keys":["timeframe"],"results":[{"dimension_values":["A"],"value":1}]}])",
                            R"([{"dimension_keys":[""],"results":[{"dimension_values":["A"],"value":1}]}])",
                            R"([{"dimension_keys":[1],"results":[{"dimension_values":["A"],"value":1}]}])",
                            R"([{"dimension_keys":["a"],"results":{"A":1}}])"}) {
        const Reading reading = read_parts(odd);
        EXPECT_THAT(kept(reading), ElementsAre("9 ")) << odd;
        EXPECT_EQ(reading.dropped.size(), 1U) << odd;
    }
}

TEST(Parts, SeveralDimensionsStandSideBySideAndTheLastOfOneCounts)
{
    EXPECT_THAT(kept(read_parts(R"([{"dimension_keys":["a"],"results":[{"dimension_values":["x"],"value":1}]},
        {"dimension_keys":["b"],"results":[{"dimension_values":["y"],"value":2}]},
        {"dimension_keys":["a"],"results":[{"dimension_values":["z"],"value":3}]}])")),
                ElementsAre(R"(9 {"breakdowns":{"a":{"z":3},"b":{"y":2}}})"));
}

TEST(Parts, TheyAreLimited)
{
    std::string results;
    for (int i = 0; i < 10050; ++i)
        results += (i ? "," : "") + std::string(R"({"dimension_values":[")") + std::to_string(i) + R"("],"value":1})";
    const Reading reading = read_results("[" + results + "]");
    ASSERT_EQ(reading.values.size(), 1U);
    ASSERT_EQ(reading.dropped.size(), 1U);
    EXPECT_THAT(reading.dropped[0].message, HasSubstr("left out 50 values of views beyond the limit"));
}

TEST(Parts, OfSeveralDaysTheyAreNoDaysParts)
{
    const Reading reading = read(series_query({"follows_and_unfollows"}), samples::follows_busy);
    EXPECT_THAT(reading.values, IsEmpty());
    ASSERT_EQ(reading.dropped.size(), 1U);
    EXPECT_THAT(reading.dropped[0].message, HasSubstr("sum up several days"));
}

TEST(Parts, HoursAndBreakdownsOfOneValueShareItsMetadata)
{
    EXPECT_EQ(metadata_json({}), "");
    EXPECT_EQ(metadata_json({{"", R"({"0":1})"}, {"a", R"({"x":2})"}}),
              R"({"breakdowns":{"a":{"x":2}},"hours":{"0":1}})");
    std::vector<Parts> parts{{"a", "{\"x\":1}"}, {"b", "{\"y\":1}"}};
    merge_parts(parts, {{"a", "{\"x\":2}"}, {"c", "{}"}});
    EXPECT_EQ(metadata_json(parts), R"({"breakdowns":{"a":{"x":2},"b":{"y":1},"c":{}}})");
}

TEST(Parts, AWindowIsNoDimensionOfTheSameName)
{
    std::vector<Parts> parts{{"week", "{\"x\":1}"}, {"week", "310", true}};
    merge_parts(parts, {{"days_28", "905", true}, {"week", "311", true}});
    EXPECT_EQ(metadata_json(parts), R"({"breakdowns":{"week":{"x":1}},"windows":{"week":311,"days_28":905}})");
}

}  // namespace ig::platform
