// Each refusal of a login says what happened and what to do next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failures.hpp"
#include "platform/oauth.hpp"

namespace ig::platform {

using testing::HasSubstr;
using testing::Not;

namespace {

using Kind = FailureKind;
using Reach = FailureReach;

std::string flat(std::string_view message)
{
    return R"({"error_type":"OAuthException","code":400,"error_message":")" + std::string(message) + "\"}";
}

Failure refusal(std::string_view body, int status = 400, Login login = Login::facebook)
{
    const TokenAnswer token = read_token_answer(login, answer(body, status));
    EXPECT_TRUE(token.failure) << body;
    EXPECT_TRUE(token.token.empty());
    return token.failure.value_or(Failure());
}

struct Case {
    std::string body;
    Kind kind;
    Reach reach;
    const char *hint;
};

}  // namespace

TEST(LoginRefusal, SaysWhatToDo)
{
    const char *redirect =
        "Error validating verification code. Please make sure your redirect_uri is identical to the one "
        "you used in the OAuth dialog request";
    const std::vector<Case> cases = {
        {error_body(100, 36009, "This authorization code has been used."), Kind::needs_login, Reach::account,
         "used before"},
        {error_body(100, 36007, "This authorization code has expired."), Kind::needs_login, Reach::account,
         "code expired"},
        {error_body(100, 36008, redirect), Kind::invalid_request, Reach::request, "redirect URI must be the same"},
        // The subcode decides where the text says less or something else.
        {error_body(100, 36009, redirect), Kind::needs_login, Reach::account, "used before"},
        {error_body(100, 36007, "Invalid parameter"), Kind::needs_login, Reach::account, "code expired"},
        {error_body(100, 36008, "Invalid parameter"), Kind::invalid_request, Reach::request, "redirect URI"},
        {error_body(100, 0, "This authorization code has been used."), Kind::needs_login, Reach::account,
         "used before"},
        {error_body(100, 0, "This authorization code has expired."), Kind::needs_login, Reach::account, "code expired"},
        {error_body(100, 0, redirect), Kind::invalid_request, Reach::request, "redirect URI"},
        {error_body(100, 0, "Invalid verification code format."), Kind::needs_login, Reach::account, "was cut"},
        {flat("Matching code was not found or was already used"), Kind::needs_login, Reach::account, "used before"},
        {flat("This authorization code has been used"), Kind::needs_login, Reach::account, "used before"},
        {flat("This authorization code has expired"), Kind::needs_login, Reach::account, "code expired"},
        {flat(redirect), Kind::invalid_request, Reach::request, "redirect URI"},
        {flat("Invalid redirect_uri"), Kind::invalid_request, Reach::request, "redirect URI"},
        {flat("Invalid authorization code"), Kind::needs_login, Reach::account, "was cut"},
        {flat("Invalid platform app"), Kind::invalid_request, Reach::app, "app id"},
        {flat("Something new"), Kind::invalid_request, Reach::request, "ig_configure_app"},
        {error_body(1, 0, "Error validating client secret."), Kind::invalid_request, Reach::app, "app secret is not"},
        {error_body(101, 0, "Error validating client secret."), Kind::invalid_request, Reach::app, "app secret is not"},
        {error_body(101, 0, "Error validating application. Cannot get application info due to a system error."),
         Kind::invalid_request, Reach::app, "app id"},
        {error_body(101, 0, "Something new"), Kind::invalid_request, Reach::app, "ig_configure_app"},
        {flat("Invalid client_secret"), Kind::invalid_request, Reach::app, "app secret is not"},
        {error_body(100, 0, "API calls from the server require an appsecret_proof argument"), Kind::invalid_request,
         Reach::app, "demands appsecret_proof"},
        {error_body(100, 0, "Invalid appsecret_proof provided in the API argument"), Kind::invalid_request, Reach::app,
         "app secret is not"},
        {error_body(100, 0, "The App_id in the input_token did not match the Viewing App"), Kind::invalid_request,
         Reach::account, "another app"},
        {error_body(100, 0, "Unsupported request - method type: get"), Kind::permission, Reach::account, "tester"},
        {error_body(190, 463, "Error validating access token: Session has expired on Friday"), Kind::needs_login,
         Reach::account, "token expired"},
        {error_body(190, 458, "The user has not authorized application 1"), Kind::needs_login, Reach::account,
         "removed the app"},
        {error_body(190, 460, "The session has been invalidated because the user changed the password"),
         Kind::needs_login, Reach::account, "password"},
        {error_body(100, 0, "Invalid parameter"), Kind::invalid_request, Reach::request, "redirect URIs"},
    };
    for (const Case &expected : cases) {
        const Failure failure = refusal(expected.body);
        EXPECT_EQ(failure.kind, expected.kind) << expected.body;
        EXPECT_EQ(failure.reach, expected.reach) << expected.body;
        EXPECT_FALSE(failure.retry) << expected.body;
        EXPECT_THAT(failure.hint, HasSubstr(expected.hint)) << expected.body;
        EXPECT_NE(failure.message, "");
    }
}

TEST(LoginRefusal, AYoungTokenNeedsNobody)
{
    for (const int code : {100, 190}) {
        const Failure failure =
            refusal(error_body(code, 0, "The access token must be at least 24 hours old"), 400, Login::instagram);
        EXPECT_EQ(failure.kind, Kind::transient);
        EXPECT_TRUE(failure.retry);
        EXPECT_EQ(failure.wait, std::chrono::hours(24));
    }
}

TEST(LoginRefusal, ABlockIsNoMistakeOfTheLogin)
{
    const Failure blocked = refusal(error_body(4, 0, "Application request limit reached for client_id, wait 24 hours"));
    EXPECT_EQ(blocked.kind, Kind::throttled);
    EXPECT_EQ(blocked.reach, Reach::app);
    EXPECT_TRUE(blocked.retry);
    const Failure outage = refusal(error_body(2, 0, "Service temporarily unavailable"), 500);
    EXPECT_EQ(outage.kind, Kind::transient);
    EXPECT_TRUE(outage.retry);
}

TEST(LoginRefusal, RepeatsNoSecret)
{
    const Failure failure = refusal(error_body(
        100, 0, "Invalid verification code format. code=AQBinvented&client_secret=5ecret access_token=EAAinvented"));
    for (const char *secret : {"AQBinvented", "5ecret", "EAAinvented"})
        EXPECT_THAT(failure.message, Not(HasSubstr(secret)));
}

}  // namespace ig::platform
