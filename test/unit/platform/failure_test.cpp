// Every shape of an error, every status, every way a transfer fails.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include <string>

#include "failures.hpp"
#include "samples.hpp"
#include "support.hpp"

namespace ig::platform {

using testing::HasSubstr;
using testing::Not;
using Kind = FailureKind;
using Reach = FailureReach;

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
        {samples::error_full, 400, Kind::not_supported, 100, 2108006,
         "Media posted before business account conversion"},
        {samples::error_flat, 400, Kind::needs_login, 400, 0, "Matching code was not found"},
        {samples::error_debug, 200, Kind::needs_login, 190, 463, "Session has expired on Friday"},
        {samples::error_legacy, 200, Kind::transient, 1, 0, "An unknown error occurred"},
        {R"({"error_code":190,"error_description":"Invalid OAuth access token."})", 200, Kind::needs_login, 190, 0,
         "Invalid OAuth"},
        {R"({"message":"Unknown path components: \/x","type":"IGApiException","code":2500})", 400,
         Kind::invalid_request, 2500, 0, "Unknown path components: /x"},
        {R"({"error":{"message":"Too many requests in batch message. Maximum batch size is 50",
            "type":"GraphBatchException"}})",
         200, Kind::invalid_request, 0, 0, "Too many requests in batch"},
        {R"({"error":{"message":"(#4) Application request limit reached"}})", 403, Kind::throttled, 4, 0, "limit"},
        {R"({"error":{"code":"190","message":"x"}})", 400, Kind::needs_login, 190, 0, "x"},
        {R"({"error":"invalid_grant","error_description":"gone"})", 401, Kind::needs_login, 0, 0,
         "invalid_grant: gone"},
        {R"({"error":{},"data":[]})", 200, Kind::invalid_request, 0, 0, "without an explanation"},
        {R"({"error":{"code":100,"message":"Invalid","error_data":"no json"}})", 400, Kind::invalid_request, 100, 0,
         "Invalid"},
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
    for (const char *body : {R"({"error":null,"data":[]})", R"({"error_code":0,"data":[]})",
                             R"({"data":[],"message":"hello"})", R"({"error":"","data":[]})"})
        EXPECT_FALSE(read(series_query({"reach"}), body).failure) << body;
}

TEST(Shapes, ChallengeHeaderTellsWhenTheBodyDoesNot)
{
    HttpResponse response = answer("", 403);
    response.headers.push_back(
        {"WWW-Authenticate",
         R"(OAuth "Facebook Platform" "invalid_request" "(#4) Application request limit reached")"});
    const Failure failure = fail(response);
    EXPECT_EQ(failure.kind, Kind::throttled);
    EXPECT_EQ(failure.code, 4);
    EXPECT_EQ(failure.message, "Instagram answered (code 4): (#4) Application request limit reached");
    for (const char *header :
         {"", "\"", "OAuth", "Basic realm=\"x\"", "\"(#\"", "\"(#99999999999999999999)\"", "\"(#4\""}) {
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
    for (const Case &expected :
         {Case{500, Kind::transient, true, Reach::request}, Case{502, Kind::transient, true, Reach::request},
          Case{503, Kind::transient, true, Reach::request}, Case{408, Kind::transient, true, Reach::request},
          Case{429, Kind::throttled, true, Reach::account}, Case{401, Kind::needs_login, false, Reach::account},
          Case{403, Kind::permission, false, Reach::request}, Case{404, Kind::invalid_request, false, Reach::request},
          Case{400, Kind::invalid_request, false, Reach::request},
          Case{302, Kind::invalid_request, false, Reach::request},
          Case{304, Kind::invalid_request, false, Reach::request},
          Case{0, Kind::invalid_request, false, Reach::request}}) {
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
    for (const char *body :
         {"", "<html>", R"({"data":[{"name":"reach")", "[]", "null", "\"x\"", "{\"data\":[]} trailing"}) {
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
    const Failure failure =
        fail(error_body(190, 0, "Malformed access token EAAinventedtokeninventedtoken\\nat " + std::string(2000, 'x')));
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
