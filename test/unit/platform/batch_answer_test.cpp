// The answer to many queries: each item is read like an answer of its own, whatever happened to its neighbours.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <chrono>
#include <string>
#include <vector>

#include "failures.hpp"
#include "samples.hpp"
#include "support.hpp"

namespace ig::platform
{

namespace
{

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = FailureKind;
using Reach = FailureReach;

std::string as_json(std::string_view text)
{
    std::string json = "\"";
    for (const char c : text) {
        if (c == '\n') {
            json += "\\n";
            continue;
        }
        if (c == '"' || c == '\\') json += '\\';
        json += c;
    }
    return json + '"';
}

std::string item(int code, std::string_view body, std::string_view headers = "[]")
{
    return R"({"code":)" + std::to_string(code) + R"(,"headers":)" + std::string(headers) + R"(,"body":)" +
           as_json(body) + "}";
}

std::string reach_of(int value)
{
    return R"({"data":[{"name":"reach","period":"day","values":[{"value":)" + std::to_string(value) +
           R"(,"end_time":"2026-11-21T08:00:00+0000"}]}]})";
}

std::string list(const std::vector<std::string> &items)
{
    std::string json;
    for (const std::string &one : items)
        json += (json.empty() ? "[" : ",") + one;
    return json + "]";
}

BatchReading read_batch(std::size_t count, const HttpResponse &response)
{
    const InsightsQuery query = series_query({"reach"});
    return Instagram(Endpoints()).read_batch(std::vector<const InsightsQuery *>(count, &query), response);
}

// The failure of one item between two good ones, which have to stay good.
Failure fail_between(const std::string &odd)
{
    const BatchReading reading = read_batch(3, answer(list({item(200, reach_of(1)), odd, item(200, reach_of(3))})));
    EXPECT_FALSE(reading.failure) << odd;
    if (reading.items.size() != 3 || !reading.items[0] || !reading.items[1] || !reading.items[2]) {
        ADD_FAILURE() << odd;
        return {};
    }
    EXPECT_THAT(lines(*reading.items[0]), ElementsAre("reach 1 1795248000")) << odd;
    EXPECT_THAT(lines(*reading.items[2]), ElementsAre("reach 3 1795248000")) << odd;
    EXPECT_TRUE(reading.items[1]->failure) << odd;
    EXPECT_TRUE(reading.items[1]->values.empty());
    return reading.items[1]->failure.value_or(Failure());
}

Failure fail_whole(const HttpResponse &response, std::size_t count = 2)
{
    const BatchReading reading = read_batch(count, response);
    EXPECT_TRUE(reading.items.empty());
    EXPECT_TRUE(reading.failure) << response.body;
    return reading.failure.value_or(Failure());
}

} // namespace

TEST(BatchAnswer, ItemsKeepTheOrderOfTheQueries)
{
    std::vector<std::string> items;
    for (int i = 0; i < 50; ++i)
        items.push_back(item(200, reach_of(i)));
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
            .read_batch({&snapshot, &series, &total}, answer(list({item(200, samples::user_node),
                                                                   item(200, samples::time_series),
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
    const BatchReading reading = read_batch(
        2, answer(list({item(200, R"({"data":[{"name":"reach","values":[{"value":90071992547409931.50,)"
                                  R"("end_time":"2026-11-21T08:00:00+0000"}]}]})"),
                        "null"})));
    EXPECT_EQ(reading.items.at(0)->values.at(0).value, "90071992547409931.50");
}

TEST(BatchAnswer, EscapesWithinTheBodyAreReadOnce)
{
    const InsightsQuery series = series_query({"reach"});
    InsightsQuery snapshot = series;
    snapshot.shape = MetricShape::snapshot;
    const std::string node =
        R"({"name":"a\\\"b \ud83d\ude00 \u00e9\/","username":"x\u0000y","followers_count":1})";
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
    for (const Case &one : {Case{400, error_body(190, 463, "Session has expired")},
                            Case{200, error_body(190, 463, "Session has expired")},
                            Case{400, error_body(100, 33, "Unsupported get request. Object with ID 'x'")},
                            Case{400, error_body(100, 0, "(#100) metric[0] must be one of the following: views")},
                            Case{403, error_body(10, 0, "(#10) Application does not have permission")},
                            Case{400, std::string(samples::error_throttled)},
                            Case{400, error_body(4, 0, "(#4) Application request limit reached")},
                            Case{500, error_body(2, 0, "Service temporarily unavailable")},
                            Case{500, error_body(1, 0, "Please reduce the amount of data you're asking for")},
                            Case{502, "<html>Bad Gateway</html>"}, Case{429, ""}, Case{302, ""}, Case{200, "<html>"},
                            Case{200, "[]"}, Case{200, R"({"data":[{"name":"rea)"}, Case{200, "{}"},
                            Case{200, std::string(5000, '[')}}) {
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
    for (const char *odd : {
             "17", "\"text\"", "[]", "false", "{}", R"({"body":"{}"})", R"({"code":"x","body":"{}"})",
             R"({"code":200.5,"body":"{}"})", R"({"code":0,"body":"{}"})", R"({"code":-1})", R"({"code":1000})",
             R"({"code":99999999999999999999,"body":"{}"})", R"({"code":[200],"body":"{}"})",
             R"({"code":200,"body":{"data":[]}})", R"({"code":200,"body":[]})", R"({"code":200,"body":5})",
             R"({"code":200,"body":true})", R"({"code":200})", R"({"code":200,"body":null})",
             R"({"code":200,"body":""})", R"({"code":200,"headers":{},"body":"x","more":[[[{}]]]})"}) {
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
    HttpResponse response = answer(list({item(200, reach_of(1), usage), item(400, error_body(80002, 0, "x"), usage),
                                         item(200, reach_of(2))}));
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

TEST(BatchWhole, ARefusalIsOneFailureAndNoItems)
{
    struct Case {
        HttpResponse response;
        Kind kind;
        bool retry;
        Reach reach;
        int code;
    };
    const std::string dead = error_body(190, 460, "Error validating access token");
    const std::string many =
        R"({"error":{"message":"Too many requests in batch message. Maximum batch size is 50",)"
        R"("type":"GraphBatchException"}})";
    for (const Case &one : {Case{answer(dead, 400), Kind::needs_login, false, Reach::account, 190},
                            Case{answer(dead, 200), Kind::needs_login, false, Reach::account, 190},
                            Case{answer(many, 400), Kind::invalid_request, false, Reach::request, 0},
                            Case{answer(many, 200), Kind::invalid_request, false, Reach::request, 0},
                            Case{answer(error_body(4, 0, "x"), 403), Kind::throttled, true, Reach::app, 4},
                            Case{answer(error_body(2, 0, "x"), 500), Kind::transient, true, Reach::request, 2},
                            Case{answer(error_body(506, 0, "x"), 400), Kind::invalid_request, false, Reach::request,
                                 506},
                            Case{answer(error_body(200, 0, "no"), 403), Kind::permission, false, Reach::request, 200},
                            Case{answer("<html>", 502), Kind::transient, true, Reach::request, 0},
                            Case{answer("[null,null]", 503), Kind::transient, true, Reach::request, 0},
                            Case{answer("", 429), Kind::throttled, true, Reach::account, 0},
                            Case{answer("<html>"), Kind::malformed, true, Reach::request, 0},
                            Case{answer(""), Kind::malformed, true, Reach::request, 0},
                            Case{answer("{}"), Kind::malformed, true, Reach::request, 0},
                            Case{answer(R"({"data":[]})"), Kind::malformed, true, Reach::request, 0},
                            Case{answer("null"), Kind::malformed, true, Reach::request, 0},
                            Case{answer(R"([{"code":200,"body":"{}"},nul)"), Kind::malformed, true, Reach::request, 0},
                            Case{answer(std::string(100, '[')), Kind::malformed, true, Reach::request, 0},
                            Case{transport(TransportFailure::timeout), Kind::timeout, true, Reach::request, 0},
                            Case{transport(TransportFailure::interrupted), Kind::network, true, Reach::request, 0},
                            Case{transport(TransportFailure::refused), Kind::invalid_request, false, Reach::account, 0},
                            Case{transport(TransportFailure::cancelled), Kind::cancelled, false, Reach::request, 0}}) {
        const Failure failure = fail_whole(one.response);
        EXPECT_EQ(to_string(failure.kind), to_string(one.kind)) << one.response.body;
        EXPECT_EQ(failure.retry, one.retry) << one.response.body;
        EXPECT_EQ(failure.reach, one.reach) << one.response.body;
        EXPECT_EQ(failure.code, one.code) << one.response.body;
        EXPECT_EQ(failure.http_status, one.response.status);
    }
    EXPECT_TRUE(fail_whole(transport(TransportFailure::too_large)).ask_less);
}

TEST(BatchWhole, AListOfAnotherLengthIsBelievedInNothing)
{
    const std::string good = item(200, reach_of(1));
    for (const std::string &body : {list({good}), list({good, good, good}), std::string("[]")}) {
        const Failure failure = fail_whole(answer(body));
        EXPECT_EQ(failure.kind, Kind::malformed);
        EXPECT_TRUE(failure.retry);
        EXPECT_THAT(failure.message, HasSubstr("for 2 queries"));
    }
}

TEST(BatchWhole, UsageIsToldWithARefusalToo)
{
    HttpResponse response = answer(error_body(4, 0, "limit"), 400);
    response.headers = {{"x-app-usage", R"({"call_count":100})"}};
    const BatchReading reading = read_batch(2, response);
    EXPECT_TRUE(reading.failure);
    ASSERT_EQ(reading.usage.size(), 1u);
    EXPECT_EQ(reading.usage[0].percent, 100);
}

TEST(BatchWhole, AnAnswerOfTheLargestSizeIsRead)
{
    std::string filler(4u << 20, ' ');
    std::string body = reach_of(7);
    body.insert(1, filler.substr(0, filler.size() - 4096));
    const BatchReading reading = read_batch(2, answer(list({item(200, body), item(200, reach_of(8))})));
    ASSERT_FALSE(reading.failure) << reading.failure->message;
    EXPECT_THAT(lines(*reading.items[0]), ElementsAre("reach 7 1795248000"));
    EXPECT_THAT(lines(*reading.items[1]), ElementsAre("reach 8 1795248000"));
}

} // namespace ig::platform
