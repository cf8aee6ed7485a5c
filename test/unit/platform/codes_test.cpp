// Every row of the table of codes, the metrics a text names, and how long to wait.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <string>

#include "failures.hpp"
#include "samples.hpp"
#include "support.hpp"

namespace ig::platform {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;
using Kind = FailureKind;
using Reach = FailureReach;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

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
        {10, 0, "(#10) Not enough viewers for the media to show insights", Kind::no_data, Reach::metrics, false,
         "enough"},
        {17, 0, "User request limit reached", Kind::throttled, Reach::account, true, "limit"},
        {32, 0, "(#32) Page request limit reached", Kind::throttled, Reach::account, true, "limit"},
        {100, 0, "Invalid parameter", Kind::invalid_request, Reach::metrics, false, "api_version"},
        {100, 33,
         "Unsupported get request. Object with ID '1' does not exist, cannot be loaded due to missing permissions, or "
         "does not support this operation",
         Kind::permission, Reach::account, false, "three things"},
        {100, 0, "Unsupported get request. Object with ID '1' does not exist, cannot be loaded", Kind::permission,
         Reach::account, false, "three things"},
        {100, 2108006, "Invalid parameter", Kind::not_supported, Reach::metrics, false, "professional"},
        {100, 36007, "This authorization code has expired", Kind::needs_login, Reach::account, false, "login"},
        {100, 36008, "Error validating verification code", Kind::invalid_request, Reach::account, false, "redirect"},
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
        {80002, 0, "There have been too many calls to this Instagram account", Kind::throttled, Reach::account, true,
         "limit"},
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
        {"(#100) The following metrics (views,profile_views) should be specified with parameter "
         "metric_type=total_value",
         Kind::not_supported,
         {"views", "profile_views"}},
        {"Starting from version 22 and above, the impressions metric is no longer supported for the queried user.",
         Kind::not_supported,
         {"impressions"}},
        {"(#100) The Media Insights API does not support the views metric for this media product type.",
         Kind::not_supported,
         {"views"}},
        {"(#100) The metric reach is not supported for this media type", Kind::not_supported, {"reach"}},
        {"(#100) The value must be a valid insights metric", Kind::not_supported, {}},
        {"(#100) Something about impressions", Kind::not_supported, {"impressions"}},
        {"(#100) Something about profile_views", Kind::not_supported, {"profile_views"}},
        {"(#100) Something about reachability", Kind::invalid_request, {}},
        {"(#100) Incompatible metrics (impressions, reach)", Kind::not_supported, {"reach", "impressions"}},
        {"(#100) period must be one of the following values: day, reach", Kind::invalid_request, {}},
        {"(#100) (follower_count) metric only supports querying data for the last 30 days excluding the current day",
         Kind::invalid_request,
         {"follower_count"}},
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
    EXPECT_THAT(
        fail(error_body(100, 0, "(#100) metric[0] must be one of the following values: reach, follower_count")).message,
        HasSubstr("values: reach, follower_count"));
}

TEST(Codes, TooLongAWindowIsTheRequestsFault)
{
    const Failure failure =
        fail(error_body(100, 0, "(#100) There cannot be more than 30 days (2592000 s) between since and until"));
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
    HttpResponse response =
        answer(error_body(80002, 0, "too many", R"(,"error_data":{"estimated_time_to_regain_access":7})"), 400);
    response.headers.push_back({"retry-after", "30"});
    response.headers.push_back({"x-business-use-case-usage",
                                R"({"17":[{"type":"instagram","call_count":100,"estimated_time_to_regain_access":19},
            {"estimated_time_to_regain_access":3}],"18":[]})"});
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
        return fail(error_body(80002, 0, "x",
                               ",\"error_data\":{\"estimated_time_to_regain_access\":" + minutes_text + "}"))
            .wait;
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

}  // namespace ig::platform
