// Every row of the table of codes, every shape of an error, every way a transfer fails.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <string>

#include "samples.hpp"
#include "support.hpp"

namespace ig::platform {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Kind = FailureKind;
using Reach = FailureReach;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

std::string error_body(int code, int subcode, std::string_view message, std::string_view more = {})
{
    std::string body = R"({"error":{"message":")" + std::string(message) + R"(","type":"OAuthException","code":)" +
                       std::to_string(code);
    if (subcode) body += ",\"error_subcode\":" + std::to_string(subcode);
    return body + std::string(more) + "}}";
}

Failure fail(const HttpResponse &response, std::vector<std::string> metrics = {"reach"}, Login login = Login::facebook)
{
    InsightsQuery query = series_query(std::move(metrics));
    query.login = login;
    const Reading reading = Instagram(Endpoints()).read_insights(query, response);
    EXPECT_TRUE(reading.failure);
    EXPECT_TRUE(reading.values.empty());
    return reading.failure.value_or(Failure());
}

Failure fail(std::string_view body, int status = 400, std::vector<std::string> metrics = {"reach"})
{
    return fail(answer(body, status), std::move(metrics));
}

struct Row {
    int code, subcode;
    const char *message;
    Kind kind;
    Reach reach;
    bool retry;
    const char *hint;
};

}  // namespace

TEST(Codes, EveryRowOfTheTable)
{
    const Row rows[] = {
        {1, 0, "An unknown error occurred", Kind::transient, Reach::request, true, "tried again"},
        {1, 0, "Please reduce the amount of data you're asking for, then retry your request", Kind::transient,
         Reach::request, true, "divided"},
        {2, 0, "Service temporarily unavailable", Kind::transient, Reach::request, true, "tried again"},
        {3, 0, "Application does not have the capability", Kind::permission, Reach::metrics, false, "App Review"},
        {4, 0, "(#4) Application request limit reached", Kind::throttled, Reach::app, true, "limit"},
        {10, 0, "(#10) Application does not have permission", Kind::permission, Reach::metrics, false,
         "instagram_manage_insights"},
        {10, 0, "(#10) Not enough viewers for the media to show insights", Kind::no_data, Reach::metrics, false, "enough"},
        {17, 0, "User request limit reached", Kind::throttled, Reach::account, true, "limit"},
        {32, 0, "(#32) Page request limit reached", Kind::throttled, Reach::account, true, "limit"},
        {100, 0, "Invalid parameter", Kind::invalid_request, Reach::metrics, false, "api_version"},
        {100, 33, "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or does not support this operation",
         Kind::permission, Reach::account, false, "three things"},
        {100, 0, "Unsupported get request. Object with ID '1' does not exist, cannot be loaded", Kind::permission,
         Reach::account, false, "three things"},
        {100, 2108006, "Invalid parameter", Kind::not_supported, Reach::metrics, false, "professional"},
        {100, 36007, "This authorization code has expired", Kind::needs_login, Reach::account, false, "login"},
        {100, 36008, "Error validating verification code", Kind::needs_login, Reach::account, false, "redirect"},
        {100, 36009, "This authorization code has been used", Kind::needs_login, Reach::account, false, "used before"},
        {100, 0, "API calls from the server require an appsecret_proof argument", Kind::invalid_request, Reach::account,
         false, "Require App Secret"},
        {100, 0, "Unsupported request - method type: get", Kind::permission, Reach::account, false, "Basic Display"},
        {102, 0, "Session key invalid", Kind::needs_login, Reach::account, false, "ig_authorize_url"},
        {190, 458, "Error validating access token: The user has not authorized application 1", Kind::needs_login,
         Reach::account, false, "removed the app"},
        {190, 459, "Error validating access token", Kind::needs_login, Reach::account, false, "facebook.com"},
        {190, 460, "Error validating access token", Kind::needs_login, Reach::account, false, "password"},
        {190, 463, "Error validating access token", Kind::needs_login, Reach::account, false, "expired"},
        {190, 464, "Error validating access token", Kind::needs_login, Reach::account, false, "facebook.com"},
        {190, 467, "Error validating access token", Kind::needs_login, Reach::account, false, "logged out"},
        {190, 492, "Error validating access token", Kind::needs_login, Reach::account, false, "role"},
        {190, 0, "Invalid OAuth access token - Cannot parse access token", Kind::needs_login, Reach::account, false,
         "not a token"},
        {190, 0, "Malformed access token", Kind::needs_login, Reach::account, false, "not a token"},
        {190, 0, "Session has expired on Friday", Kind::needs_login, Reach::account, false, "expired"},
        {190, 999, "Something new", Kind::needs_login, Reach::account, false, "ig_connect"},
        {200, 0, "Permissions error", Kind::permission, Reach::metrics, false, "instagram_basic"},
        {210, 0, "User not visible", Kind::permission, Reach::metrics, false, "instagram_basic"},
        {230, 0, "Permissions disallow message to user", Kind::permission, Reach::metrics, false, "instagram_basic"},
        {299, 0, "x", Kind::permission, Reach::metrics, false, "instagram_basic"},
        {341, 0, "Application limit reached", Kind::throttled, Reach::app, true, "limit"},
        {368, 0, "The action attempted has been deemed abusive", Kind::permission, Reach::account, false, "blocked"},
        {506, 0, "Duplicate post", Kind::invalid_request, Reach::request, false, "Check"},
        {1609005, 0, "Bad link", Kind::invalid_request, Reach::request, false, "Check"},
        {613, 1996, "Calls to this api have exceeded the rate limit", Kind::throttled, Reach::account, true, "limit"},
        {803, 0, "Some of the aliases you requested do not exist", Kind::invalid_request, Reach::account, false, "id"},
        {2500, 0, "Unknown path components: /x", Kind::invalid_request, Reach::request, false, "path"},
        {2500, 0, "An active access token must be used to query information", Kind::needs_login, Reach::account, false,
         "ig_connect"},
        {2635, 0, "You are calling a deprecated version", Kind::invalid_request, Reach::account, false, "api_version"},
        {9009, 0, "User unavailable", Kind::invalid_request, Reach::account, false, "id"},
        {110, 0, "Invalid user id", Kind::invalid_request, Reach::account, false, "id"},
        {80000, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {80001, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {80002, 0, "There have been too many calls to this Instagram account", Kind::throttled, Reach::account, true, "limit"},
        {80003, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {80004, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {80005, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {80006, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {80008, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {80009, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {80014, 0, "x", Kind::throttled, Reach::account, true, "limit"},
        {4, 2207051, "Spam", Kind::invalid_request, Reach::request, false, "Check"},
        {-2, 2207003, "Timeout of publishing", Kind::invalid_request, Reach::request, false, "Check"},
        {9, 2207042, "Daily publishing limit", Kind::invalid_request, Reach::request, false, "Check"},
    };
    for (const Row &row : rows) {
        SCOPED_TRACE(std::to_string(row.code) + "/" + std::to_string(row.subcode) + " " + row.message);
        const Failure failure = fail(error_body(row.code, row.subcode, row.message));
        EXPECT_EQ(to_string(failure.kind), to_string(row.kind));
        EXPECT_EQ(failure.reach, row.reach);
        EXPECT_EQ(failure.retry, row.retry);
        EXPECT_EQ(failure.code, row.code);
        EXPECT_EQ(failure.subcode, row.subcode);
        EXPECT_EQ(failure.http_status, 400);
        EXPECT_THAT(failure.hint, HasSubstr(row.hint));
        EXPECT_THAT(failure.message, StartsWith("Instagram answered (code " + std::to_string(row.code)));
        EXPECT_THAT(failure.message, Not(testing::EndsWith(".")));
    }
}

TEST(Codes, ReduceTheAmountAsksForLess)
{
    EXPECT_TRUE(fail(error_body(1, 0, "Please reduce the amount of data you're asking for"), 500).ask_less);
    EXPECT_FALSE(fail(error_body(1, 0, "An unknown error occurred"), 500).ask_less);
}

TEST(Codes, RefusedMetricsAreNamed)
{
    struct Case {
        const char *message;
        Kind kind;
        std::vector<std::string> named;
    };
    const std::vector<std::string> asked = {"views", "reach", "profile_views", "impressions", "follower_count"};
    const Case cases[] = {
        {"(#100) metric[0] must be one of the following values: reach, follower_count", Kind::not_supported, {"views"}},
        {"(#100) metric[2] must be one of the following values: reach", Kind::not_supported, {"profile_views"}},
        {"(#100) metric[9] must be one of the following values: reach", Kind::not_supported, {}},
        {"(#100) metric[18446744073709551617] must be one of the following values: reach", Kind::not_supported, {}},
        {"(#100) The following metrics (views,profile_views) should be specified with parameter metric_type=total_value",
         Kind::not_supported, {"views", "profile_views"}},
        {"Starting from version 22 and above, the impressions metric is no longer supported for the queried user.",
         Kind::not_supported, {"impressions"}},
        {"(#100) The Media Insights API does not support the views metric for this media product type.",
         Kind::not_supported, {"views"}},
        {"(#100) The metric reach is not supported for this media type", Kind::not_supported, {"reach"}},
        {"(#100) The value must be a valid insights metric", Kind::not_supported, {}},
        {"(#100) Something about impressions", Kind::not_supported, {"impressions"}},
        {"(#100) Incompatible metrics (impressions, reach)", Kind::not_supported, {"reach", "impressions"}},
        {"(#100) period must be one of the following values: day, reach", Kind::invalid_request, {}},
        {"(#100) (follower_count) metric only supports querying data for the last 30 days excluding the current day",
         Kind::invalid_request, {"follower_count"}},
    };
    for (const Case &expected : cases) {
        const Failure failure = fail(error_body(100, 0, expected.message), 400, asked);
        EXPECT_EQ(to_string(failure.kind), to_string(expected.kind)) << expected.message;
        EXPECT_EQ(failure.reach, Reach::metrics) << expected.message;
        EXPECT_EQ(failure.metrics, expected.named) << expected.message;
        EXPECT_FALSE(failure.retry);
    }
}

TEST(Codes, AllowedMetricsAreShown)
{
    EXPECT_THAT(fail(error_body(100, 0, "(#100) metric[0] must be one of the following values: reach, follower_count")).message,
                HasSubstr("values: reach, follower_count"));
}

TEST(Codes, TooLongAWindowIsTheRequestsFault)
{
    const Failure failure = fail(error_body(100, 0,
        "(#100) There cannot be more than 30 days (2592000 s) between since and until"));
    EXPECT_EQ(failure.kind, Kind::invalid_request);
    EXPECT_EQ(failure.reach, Reach::request);
    EXPECT_FALSE(failure.retry);
    EXPECT_THAT(failure.hint, HasSubstr("29 days"));
}

TEST(Codes, MissingPermissionsAreThoseOfTheLogin)
{
    const std::string body = error_body(200, 0, "Permissions error");
    EXPECT_THAT(fail(answer(body, 403)).hint, HasSubstr("pages_read_engagement"));
    EXPECT_THAT(fail(answer(body, 403), {"reach"}, Login::instagram).hint,
                HasSubstr("instagram_business_manage_insights"));
}

TEST(Codes, TransientFlagGoesBeforeCodeAndStatus)
{
    const Failure yes = fail(error_body(100, 0, "reach failed", ",\"is_transient\":true"));
    EXPECT_EQ(yes.kind, Kind::transient);
    EXPECT_EQ(yes.reach, Reach::request);
    EXPECT_TRUE(yes.retry);
    EXPECT_THAT(yes.metrics, IsEmpty());
    EXPECT_TRUE(fail(error_body(190, 0, "try later", ",\"is_transient\":true")).retry);
    EXPECT_TRUE(fail(error_body(7777, 0, "x", ",\"is_transient\":true")).retry);
    EXPECT_FALSE(fail(error_body(1, 0, "unknown", ",\"is_transient\":false"), 500).retry);
    EXPECT_FALSE(fail(error_body(7777, 0, "x", ",\"is_transient\":false"), 500).retry);
    EXPECT_TRUE(fail(error_body(4, 0, "limit", ",\"is_transient\":false")).retry);
    EXPECT_EQ(fail(error_body(4, 0, "limit", ",\"is_transient\":true")).kind, Kind::throttled);
    EXPECT_TRUE(fail(error_body(1, 0, "reduce the amount of data", ",\"is_transient\":false"), 500).retry);
}

TEST(Codes, CodeGoesBeforeStatus)
{
    EXPECT_EQ(fail(error_body(100, 0, "Invalid parameter"), 500).kind, Kind::invalid_request);
    EXPECT_EQ(fail(error_body(4, 0, "limit"), 403).kind, Kind::throttled);
    EXPECT_EQ(fail(error_body(190, 463, "expired"), 401).kind, Kind::needs_login);
    EXPECT_EQ(fail(error_body(190, 463, "expired"), 200).kind, Kind::needs_login);
}

TEST(Codes, UnknownCodeIsJudgedByStatus)
{
    EXPECT_EQ(fail(error_body(7777, 0, "x"), 400).kind, Kind::invalid_request);
    EXPECT_FALSE(fail(error_body(7777, 0, "x"), 200).retry);
    EXPECT_TRUE(fail(error_body(7777, 0, "x"), 503).retry);
    EXPECT_EQ(fail(error_body(7777, 0, "x"), 429).kind, Kind::throttled);
    EXPECT_EQ(fail(error_body(7777, 0, "x"), 401).kind, Kind::needs_login);
}

TEST(Wait, ComesFromErrorDataThenHeaderThenRetryAfter)
{
    HttpResponse response = answer(error_body(80002, 0, "too many", R"(,"error_data":{"estimated_time_to_regain_access":7})"), 400);
    response.headers.push_back({"retry-after", "30"});
    response.headers.push_back(
        {"x-business-use-case-usage",
         R"({"17":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":19},{"estimated_time_to_regain_access":3}],"18":[]})"});
    EXPECT_EQ(fail(response).wait, minutes(7));
    response.body = error_body(80002, 0, "too many");
    EXPECT_EQ(fail(response).wait, minutes(19));
    response.headers.pop_back();
    EXPECT_EQ(fail(response).wait, seconds(30));
    response.headers.clear();
    EXPECT_FALSE(fail(response).wait);
    EXPECT_EQ(fail(samples::error_throttled).wait, minutes(19));
}

TEST(Wait, OddNumbersAreNoWaitOrABoundedOne)
{
    const auto wait = [](const std::string &minutes_text) {
        return fail(error_body(80002, 0, "x", ",\"error_data\":{\"estimated_time_to_regain_access\":" + minutes_text + "}")).wait;
    };
    EXPECT_FALSE(wait("0"));
    EXPECT_FALSE(wait("-5"));
    EXPECT_FALSE(wait("null"));
    EXPECT_FALSE(wait("\"soon\""));
    EXPECT_EQ(wait("\"5\""), minutes(5));
    EXPECT_EQ(wait("2.5"), minutes(3));
    EXPECT_EQ(wait("99999999999999999999999"), std::chrono::hours(24));
    EXPECT_EQ(wait("9223372036854775807"), std::chrono::hours(24));
    for (const char *header : {"", "Fri, 20 Nov 2026 10:00:00 GMT", "-1", "1.5", "0"}) {
        HttpResponse response = answer("", 429);
        response.headers.push_back({"Retry-After", header});
        EXPECT_FALSE(fail(response).wait) << header;
    }
    for (const char *header : {"", "{", "[]", "7", R"({"1":7})", R"({"1":[7,null,{}]})"}) {
        HttpResponse response = answer("", 429);
        response.headers.push_back({"X-Business-Use-Case-Usage", header});
        EXPECT_FALSE(fail(response).wait) << header;
    }
}

TEST(Shapes, EveryShapeOfAnErrorIsSeen)
{
    struct Case {
        std::string_view body;
        int status;
        Kind kind;
        int code, subcode;
        const char *words;
    };
    const Case cases[] = {
        {samples::error_full, 400, Kind::not_supported, 100, 2108006, "Media posted before business account conversion"},
        {samples::error_flat, 400, Kind::needs_login, 400, 0, "Matching code was not found"},
        {samples::error_debug, 200, Kind::needs_login, 190, 463, "Session has expired on Friday"},
        {samples::error_legacy, 200, Kind::transient, 1, 0, "An unknown error occurred"},
        {R"({"error_code":190,"error_description":"Invalid OAuth access token."})", 200, Kind::needs_login, 190, 0, "Invalid OAuth"},
        {R"({"message":"Unknown path components: \/x","type":"IGApiException","code":2500})", 400, Kind::invalid_request,
         2500, 0, "Unknown path components: /x"},
        {R"({"error":{"message":"Too many requests in batch message. Maximum batch size is 50","type":"GraphBatchException"}})",
         200, Kind::invalid_request, 0, 0, "Too many requests in batch"},
        {R"({"error":{"message":"(#4) Application request limit reached"}})", 403, Kind::throttled, 4, 0, "limit"},
        {R"({"error":{"code":"190","message":"x"}})", 400, Kind::needs_login, 190, 0, "x"},
        {R"({"error":"invalid_grant","error_description":"gone"})", 401, Kind::needs_login, 0, 0, "invalid_grant: gone"},
        {R"({"error":{},"data":[]})", 200, Kind::invalid_request, 0, 0, "without an explanation"},
        {R"({"error":{"code":100,"message":"Invalid","error_data":"no json"}})", 400, Kind::invalid_request, 100, 0, "Invalid"},
        {R"({"error":{"code":true,"message":[],"error_subcode":{},"is_transient":"x","error_data":[[]]}})", 400,
         Kind::invalid_request, 0, 0, "HTTP 400"},
    };
    for (const Case &expected : cases) {
        const Failure failure = fail(expected.body, expected.status);
        EXPECT_EQ(to_string(failure.kind), to_string(expected.kind)) << expected.body;
        EXPECT_EQ(failure.code, expected.code) << expected.body;
        EXPECT_EQ(failure.subcode, expected.subcode) << expected.body;
        EXPECT_EQ(failure.http_status, expected.status);
        EXPECT_THAT(failure.message, HasSubstr(expected.words));
    }
}

TEST(Shapes, NoErrorIsNotMadeOne)
{
    for (const char *body : {R"({"error":null,"data":[]})", R"({"error_code":0,"data":[]})", R"({"data":[],"message":"hello"})",
                             R"({"error":"","data":[]})"})
        EXPECT_FALSE(read(series_query({"reach"}), body).failure) << body;
}

TEST(Shapes, ChallengeHeaderTellsWhenTheBodyDoesNot)
{
    HttpResponse response = answer("", 403);
    response.headers.push_back({"WWW-Authenticate",
                                R"(OAuth "Facebook Platform" "invalid_request" "(#4) Application request limit reached")"});
    const Failure failure = fail(response);
    EXPECT_EQ(failure.kind, Kind::throttled);
    EXPECT_EQ(failure.code, 4);
    EXPECT_EQ(failure.message, "Instagram answered (code 4): (#4) Application request limit reached");
    for (const char *header : {"", "\"", "OAuth", "Basic realm=\"x\"", "\"(#\"", "\"(#99999999999999999999)\"", "\"(#4\""}) {
        response.headers[0].value = header;
        EXPECT_EQ(fail(response).kind, Kind::permission) << header;
    }
}

TEST(Status, WithoutAnErrorInTheBodyItDecides)
{
    struct Case {
        int status;
        Kind kind;
        bool retry;
        Reach reach;
    };
    for (const Case &expected : {Case{500, Kind::transient, true, Reach::request}, Case{502, Kind::transient, true, Reach::request},
                                 Case{503, Kind::transient, true, Reach::request}, Case{408, Kind::transient, true, Reach::request},
                                 Case{429, Kind::throttled, true, Reach::account}, Case{401, Kind::needs_login, false, Reach::account},
                                 Case{403, Kind::permission, false, Reach::request}, Case{404, Kind::invalid_request, false, Reach::request},
                                 Case{400, Kind::invalid_request, false, Reach::request}, Case{302, Kind::invalid_request, false, Reach::request},
                                 Case{304, Kind::invalid_request, false, Reach::request}, Case{0, Kind::invalid_request, false, Reach::request}}) {
        for (const char *body : {"", "<html><body>Bad Gateway</body></html>", "{}", "[]", R"({"data":[]})"}) {
            const Failure failure = fail(body, expected.status);
            EXPECT_EQ(to_string(failure.kind), to_string(expected.kind)) << expected.status << body;
            EXPECT_EQ(failure.retry, expected.retry) << expected.status;
            EXPECT_EQ(failure.reach, expected.reach) << expected.status;
            EXPECT_THAT(failure.message, HasSubstr("HTTP " + std::to_string(expected.status)));
            EXPECT_FALSE(failure.hint.empty());
        }
    }
}

TEST(Status, OkWithoutJsonIsMalformedAndTriedAgain)
{
    for (const char *body : {"", "<html>", R"({"data":[{"name":"reach")", "[]", "null", "\"x\"", "{\"data\":[]} trailing"}) {
        const Failure failure = fail(body, 200);
        EXPECT_EQ(failure.kind, Kind::malformed) << body;
        EXPECT_TRUE(failure.retry);
        EXPECT_EQ(failure.http_status, 200);
    }
}

TEST(Transport, EachFailureHasItsMeaning)
{
    struct Case {
        TransportFailure failure;
        Kind kind;
        bool retry;
        const char *hint;
    };
    for (const Case &expected : {Case{TransportFailure::resolve, Kind::network, true, "DNS"},
                                 Case{TransportFailure::connect, Kind::network, true, "firewall"},
                                 Case{TransportFailure::tls, Kind::network, true, "ca_file"},
                                 Case{TransportFailure::tls, Kind::network, true, "clock"},
                                 Case{TransportFailure::timeout, Kind::timeout, true, "request_timeout"},
                                 Case{TransportFailure::interrupted, Kind::network, true, "again"},
                                 Case{TransportFailure::too_large, Kind::malformed, false, "max_response_size"},
                                 Case{TransportFailure::refused, Kind::invalid_request, false, "https"},
                                 Case{TransportFailure::cancelled, Kind::cancelled, false, ""}}) {
        const Failure failure = fail(transport(expected.failure, "because of\nEAAinventedtokeninventedtoken"));
        EXPECT_EQ(to_string(failure.kind), to_string(expected.kind));
        EXPECT_EQ(failure.retry, expected.retry);
        EXPECT_EQ(failure.code, 0);
        EXPECT_EQ(failure.http_status, 0);
        EXPECT_THAT(failure.hint, HasSubstr(expected.hint));
        EXPECT_THAT(failure.message, HasSubstr("because of [redacted]"));
    }
    EXPECT_EQ(fail(transport(TransportFailure::refused)).reach, Reach::account);
}

TEST(Transport, ABodyThatCameBeforeIsNotTrusted)
{
    HttpResponse response = transport(TransportFailure::interrupted);
    response.status = 200;
    response.body = samples::time_series;
    EXPECT_EQ(fail(response).kind, Kind::network);
}

TEST(Failures, MessagesAreRedactedOneLineAndBounded)
{
    const Failure failure = fail(error_body(190, 0, "Malformed access token EAAinventedtokeninventedtoken\\nat " + std::string(2000, 'x')));
    EXPECT_THAT(failure.message, Not(HasSubstr("EAAinvented")));
    EXPECT_THAT(failure.message, HasSubstr("[redacted] at x"));
    EXPECT_LE(failure.message.size(), 502u);
}

TEST(Failures, KindsAreSpeltAsInTheContract)
{
    EXPECT_EQ(to_string(Kind::no_data), "no_data");
    EXPECT_EQ(to_string(Kind::token_unreadable), "token_unreadable");
    EXPECT_EQ(to_string(Kind::invalid_request), "invalid_request");
    EXPECT_EQ(to_string(Kind::cancelled), "cancelled");
    EXPECT_EQ(to_string(static_cast<Kind>(99)), "transient");
}

}  // namespace ig::platform
