// The answer to many queries: each item is read like an answer of its own, whatever happened to its neighbours.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "batch_answers.hpp"

namespace ig::platform {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = FailureKind;
using Reach = FailureReach;

TEST(BatchAnswer, ItemsKeepTheOrderOfTheQueries)
{
    std::vector<std::string> items;
    for (int i = 0; i < 50; ++i) items.push_back(item(200, reach_of(i)));
    const BatchReading reading = read_batch(50, answer(list(items)));
    ASSERT_FALSE(reading.failure);
    ASSERT_EQ(reading.items.size(), 50u);
    for (int i = 0; i < 50; ++i)
        EXPECT_THAT(lines(*reading.items[static_cast<std::size_t>(i)]),
                    ElementsAre("reach " + std::to_string(i) + " 1795248000"));
}

TEST(BatchAnswer, EachItemIsReadByItsOwnQuery)
{
    const InsightsQuery series = series_query({"reach", "follower_count"});
    const InsightsQuery total = total_query({"views"});
    InsightsQuery snapshot = series_query({"followers_count"});
    snapshot.shape = MetricShape::snapshot;
    const BatchReading reading =
        Instagram(Endpoints())
            .read_batch({&snapshot, &series, &total},
                        answer(list({item(200, samples::user_node), item(200, samples::time_series),
                                     item(200, samples::totals)})));
    ASSERT_EQ(reading.items.size(), 3u);
    EXPECT_THAT(lines(*reading.items[0]), ElementsAre("followers_count 5120 1795248000"));
    EXPECT_EQ(reading.items[0]->username, "acme");
    EXPECT_EQ(reading.items[0]->name, "Acme \xC3\xA9t\xC3\xA9");
    EXPECT_THAT(lines(*reading.items[1]), ElementsAre("reach 1204 1795161600", "reach 1388 1795248000",
                                                      "follower_count 7 1795161600", "follower_count 0 1795248000"));
    EXPECT_THAT(lines(*reading.items[2]), ElementsAre("views 5321 1795248000"));
}

TEST(BatchAnswer, DigitsStayAsTheyCame)
{
    const BatchReading reading =
        read_batch(2, answer(list({item(200, R"({"data":[{"name":"reach","values":[{"value":90071992547409931.50,)"
                                             R"("end_time":"2026-11-21T08:00:00+0000"}]}]})"),
                                   "null"})));
    EXPECT_EQ(reading.items.at(0)->values.at(0).value, "90071992547409931.50");
}

TEST(BatchAnswer, EscapesWithinTheBodyAreReadOnce)
{
    const InsightsQuery series = series_query({"reach"});
    InsightsQuery snapshot = series;
    snapshot.shape = MetricShape::snapshot;
    const std::string node = R"({"name":"a\\\"b \ud83d\ude00 \u00e9\/","username":"x\u0000y","followers_count":1})";
    for (const std::string &other : {reach_of(1), std::string(R"({"data":"\udc00"})")}) {
        const BatchReading reading =
            Instagram(Endpoints()).read_batch({&snapshot, &series}, answer(list({item(200, node), item(200, other)})));
        ASSERT_EQ(reading.items.size(), 2u);
        EXPECT_EQ(reading.items[0]->name, "a\\\"b \xF0\x9F\x98\x80 \xC3\xA9/");
        EXPECT_EQ(reading.items[0]->username, "xy");
    }
}

TEST(BatchAnswer, NullIsNotFinished)
{
    const BatchReading reading = read_batch(3, answer(list({"null", item(200, reach_of(2)), "null"})));
    EXPECT_FALSE(reading.failure);
    ASSERT_EQ(reading.items.size(), 3u);
    EXPECT_FALSE(reading.items[0]);
    EXPECT_TRUE(reading.items[1]);
    EXPECT_FALSE(reading.items[2]);
}

TEST(BatchAnswer, AnErrorOfAnItemIsJudgedLikeThatOfACall)
{
    struct Case {
        int status;
        std::string body;
    };
    for (const Case &one :
         {Case{400, error_body(190, 463, "Session has expired")},
          Case{200, error_body(190, 463, "Session has expired")},
          Case{400, error_body(100, 33, "Unsupported get request. Object with ID 'x'")},
          Case{400, error_body(100, 0, "(#100) metric[0] must be one of the following: views")},
          Case{403, error_body(10, 0, "(#10) Application does not have permission")},
          Case{400, std::string(samples::error_throttled)},
          Case{400, error_body(4, 0, "(#4) Application request limit reached")},
          Case{500, error_body(2, 0, "Service temporarily unavailable")},
          Case{500, error_body(1, 0, "Please reduce the amount of data you're asking for")},
          Case{502, "<html>Bad Gateway</html>"}, Case{429, ""}, Case{302, ""}, Case{200, "<html>"}, Case{200, "[]"},
          Case{200, R"({"data":[{"name":"rea)"}, Case{200, "{}"}, Case{200, std::string(5000, '[')}}) {
        const Failure alone = fail(answer(one.body, one.status));
        const Failure inside = fail_between(item(one.status, one.body));
        EXPECT_EQ(to_string(inside.kind), to_string(alone.kind)) << one.body;
        EXPECT_EQ(inside.reach, alone.reach) << one.body;
        EXPECT_EQ(inside.retry, alone.retry) << one.body;
        EXPECT_EQ(inside.ask_less, alone.ask_less) << one.body;
        EXPECT_EQ(inside.code, alone.code);
        EXPECT_EQ(inside.subcode, alone.subcode);
        EXPECT_EQ(inside.http_status, alone.http_status);
        EXPECT_EQ(inside.message, alone.message);
        EXPECT_EQ(inside.hint, alone.hint);
        EXPECT_EQ(inside.metrics, alone.metrics);
        EXPECT_EQ(inside.wait, alone.wait);
    }
}

TEST(BatchAnswer, WhatIsNoItemIsMalformedAndSpoilsNoOther)
{
    for (const char *odd : {"17",
                            "\"text\"",
                            "[]",
                            "false",
                            "{}",
                            R"({"body":"{}"})",
                            R"({"code":"x","body":"{}"})",
                            R"({"code":200.5,"body":"{}"})",
                            R"({"code":0,"body":"{}"})",
                            R"({"code":-1})",
                            R"({"code":1000})",
                            R"({"code":99999999999999999999,"body":"{}"})",
                            R"({"code":[200],"body":"{}"})",
                            R"({"code":200,"body":{"data":[]}})",
                            R"({"code":200,"body":[]})",
                            R"({"code":200,"body":5})",
                            R"({"code":200,"body":true})",
                            R"({"code":200})",
                            R"({"code":200,"body":null})",
                            R"({"code":200,"body":""})",
                            R"({"code":200,"headers":{},"body":"x","more":[[[{}]]]})"}) {
        const Failure failure = fail_between(odd);
        EXPECT_EQ(to_string(failure.kind), "malformed") << odd;
        EXPECT_TRUE(failure.retry) << odd;
        EXPECT_EQ(failure.reach, Reach::request) << odd;
        EXPECT_FALSE(failure.hint.empty());
    }
}

TEST(BatchAnswer, AnItemWithoutHeadersOrWithOddOnesIsStillRead)
{
    const std::string body = as_json(reach_of(5));
    for (const std::string &rest :
         {std::string(), std::string(R"("headers":null,)"), std::string(R"("headers":{"a":"b"},)"),
          std::string(R"("headers":"x",)"), std::string(R"("headers":[null,5,"x",[],{"name":1},{"value":"x"}],)"),
          std::string(R"("headers":[{"name":"X-App-Usage","value":"{no json"}],"extra":{"a":[1]},)")}) {
        const std::string odd = "{\"code\":200," + rest + "\"body\":" + body + "}";
        const BatchReading reading = read_batch(2, answer(list({odd, "null"})));
        ASSERT_EQ(reading.items.size(), 2u) << odd;
        EXPECT_THAT(lines(*reading.items[0]), ElementsAre("reach 5 1795248000")) << odd;
        EXPECT_TRUE(reading.items[0]->usage.empty());
    }
    const BatchReading text_code = read_batch(2, answer(list({R"({"code":"200","body":)" + body + "}", "null"})));
    EXPECT_THAT(lines(*text_code.items.at(0)), ElementsAre("reach 5 1795248000")) << "a status in quotes says as much";
}

TEST(BatchAnswer, UsageIsToldForEachItemAndForTheWhole)
{
    const std::string usage =
        R"([{"name":"Content-Type","value":"text/javascript"},)"
        R"({"name":"x-business-use-case-usage","value":"{\"17841400000000001\":[{\"type\":\"instagram\",)"
        R"(\"call_count\":41,\"total_time\":7,\"estimated_time_to_regain_access\":19}]}"}])";
    HttpResponse response = answer(
        list({item(200, reach_of(1), usage), item(400, error_body(80002, 0, "x"), usage), item(200, reach_of(2))}));
    response.headers = {{"X-App-Usage", R"({"call_count":28,"total_time":25})"}};
    const BatchReading reading = read_batch(3, response);
    ASSERT_EQ(reading.usage.size(), 1u);
    EXPECT_TRUE(reading.usage[0].whole_app);
    EXPECT_EQ(reading.usage[0].percent, 28);
    for (const std::size_t i : {0u, 1u}) {
        ASSERT_EQ(reading.items.at(i)->usage.size(), 1u);
        EXPECT_EQ(reading.items[i]->usage[0].account_id, "17841400000000001");
        EXPECT_EQ(reading.items[i]->usage[0].percent, 41);
    }
    EXPECT_EQ(reading.items[1]->failure->wait, std::chrono::minutes(19)) << "from the item's own header";
    EXPECT_TRUE(reading.items[2]->usage.empty());
}

}  // namespace ig::platform
