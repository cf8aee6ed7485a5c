// The exact requests of both logins, and that nothing secret gets into the text of a URL.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "platform/instagram/instagram.hpp"
#include "platform/oauth.hpp"

namespace ig::platform {

namespace {

constexpr std::string_view app_secret = "5ecret&of=app";
constexpr std::string_view token = "EAAinvented|token";

App app_of(Login login)
{
    App app;
    app.app_id = "1234567890";
    app.secret = Secret(app_secret);
    app.login = login;
    return app;
}

const LoginEndpoints endpoints;
const std::string redirect = "https://acme.example/cb?a=1&b=2";

void expect_get(const HttpRequest &request, std::string_view url, std::string_view secret_query)
{
    EXPECT_EQ(request.method, HttpMethod::get);
    EXPECT_EQ(request.url, url);
    EXPECT_EQ(request.secret_query.expose(), secret_query);
    EXPECT_TRUE(request.form.empty());
    for (const char *secret : {"5ecret", "EAA", "AQB"}) EXPECT_EQ(request.url.find(secret), std::string::npos);
}

}  // namespace

TEST(AuthorizeUrl, NamesEverythingOfTheFacebookDialog)
{
    EXPECT_EQ(
        authorize_url(endpoints, Login::facebook, "12", redirect, {"instagram_basic", "pages_show_list"}, "s-T_1"),
        "https://www.facebook.com/v25.0/dialog/oauth?client_id=12"
        "&redirect_uri=https%3A%2F%2Facme.example%2Fcb%3Fa%3D1%26b%3D2&response_type=code"
        "&scope=instagram_basic,pages_show_list&state=s-T_1");
}

TEST(AuthorizeUrl, NamesEverythingOfTheInstagramDialog)
{
    EXPECT_EQ(
        authorize_url(endpoints, Login::instagram, "12", "https://a/", {}, "s&x"),
        "https://www.instagram.com/oauth/authorize?client_id=12&redirect_uri=https%3A%2F%2Fa%2F&response_type=code"
        "&scope=instagram_business_basic,instagram_business_manage_insights&state=s%26x");
}

TEST(Scopes, DefaultsHoldAllThatIsRequired)
{
    for (const Login login : {Login::facebook, Login::instagram}) {
        const std::vector<std::string> defaults = default_scopes(login);
        for (const std::string &scope : required_scopes(login))
            EXPECT_NE(std::find(defaults.begin(), defaults.end(), scope), defaults.end()) << scope;
    }
    EXPECT_EQ(required_scopes(Login::instagram).size(), 2u);
    EXPECT_EQ(required_scopes(Login::facebook).size(), 4u);
}

TEST(Code, IsFreedOfWhatTheBrowserHangsOn)
{
    for (const char *code : {"AQB-x_1", "AQB-x_1#_", "AQB-x_1#_=_", " AQB-x_1#_\n"})
        EXPECT_EQ(trimmed_code(code), "AQB-x_1") << code;
    EXPECT_EQ(trimmed_code("AQB_"), "AQB_");
    EXPECT_EQ(trimmed_code("#_"), "");
    EXPECT_EQ(trimmed_code(" \n"), "");
}

TEST(Exchange, FacebookCodeTravelsWithTheSecretInTheSecretQuery)
{
    const App app = app_of(Login::facebook);
    expect_get(code_exchange_request(endpoints, app, Secret("AQB/1#_"), redirect),
               "https://graph.facebook.com/v25.0/oauth/access_token?client_id=1234567890"
               "&redirect_uri=https%3A%2F%2Facme.example%2Fcb%3Fa%3D1%26b%3D2",
               "client_secret=5ecret%26of%3Dapp&code=AQB%2F1");
}

TEST(Exchange, InstagramCodeTravelsInAForm)
{
    const HttpRequest request =
        code_exchange_request(endpoints, app_of(Login::instagram), Secret("AQB1#_"), "https://a/");
    EXPECT_EQ(request.method, HttpMethod::post);
    EXPECT_EQ(request.url, "https://api.instagram.com/oauth/access_token");
    EXPECT_EQ(request.form.expose(),
              "client_id=1234567890&client_secret=5ecret%26of%3Dapp&grant_type=authorization_code"
              "&redirect_uri=https%3A%2F%2Fa%2F&code=AQB1");
    EXPECT_TRUE(request.secret_query.empty());
    EXPECT_TRUE(request.bearer.empty());
}

TEST(Exchange, FacebookTokensAreExchangedAgainToRenewThem)
{
    const App app = app_of(Login::facebook);
    const char *url =
        "https://graph.facebook.com/v25.0/oauth/access_token?grant_type=fb_exchange_token&client_id=1234567890";
    const char *secret = "client_secret=5ecret%26of%3Dapp&fb_exchange_token=EAAinvented%7Ctoken";
    expect_get(long_token_request(endpoints, app, Secret(token)), url, secret);
    expect_get(refresh_request(endpoints, app, Secret(token)), url, secret);
}

TEST(Exchange, InstagramTokensAreRenewedWithoutASecret)
{
    const App app = app_of(Login::instagram);
    expect_get(long_token_request(endpoints, app, Secret(token)),
               "https://graph.instagram.com/access_token?grant_type=ig_exchange_token",
               "client_secret=5ecret%26of%3Dapp&access_token=EAAinvented%7Ctoken");
    expect_get(refresh_request(endpoints, app, Secret(token)),
               "https://graph.instagram.com/refresh_access_token?grant_type=ig_refresh_token",
               "access_token=EAAinvented%7Ctoken");
}

TEST(Proof, IsTheHmacOfTheTokenUnderTheAppSecret)
{
    EXPECT_EQ(proof_query("Jefe", "what do ya want for nothing?").expose(),
              "appsecret_proof=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_TRUE(proof_query("", token).empty());
    EXPECT_TRUE(proof_query(app_secret, "").empty());
}

TEST(Proof, GoesWithEveryCallInTheUsersName)
{
    const App facebook = app_of(Login::facebook);
    const Secret proof = proof_query(app_secret, token);
    const HttpRequest permissions = permissions_request(endpoints, facebook, Secret(token));
    expect_get(permissions, "https://graph.facebook.com/v25.0/me/permissions", proof.expose());
    EXPECT_EQ(permissions.bearer.expose(), token);
    expect_get(identity_request(endpoints, facebook, Secret(token)), "https://graph.facebook.com/v25.0/me?fields=id",
               proof.expose());
    const HttpRequest identity = identity_request(endpoints, app_of(Login::instagram), Secret(token));
    expect_get(identity, "https://graph.instagram.com/v25.0/me?fields=user_id,id", proof.expose());
    EXPECT_EQ(identity.bearer.expose(), token);
    App without_secret = app_of(Login::facebook);
    without_secret.secret.clear();
    EXPECT_TRUE(identity_request(endpoints, without_secret, Secret(token)).secret_query.empty());
}

TEST(Proof, GoesWithInsightsAndDiscovery)
{
    const Instagram instagram{Endpoints()};
    expect_get(instagram.discovery_request(Login::facebook, Secret(token), std::nullopt, Secret("appsecret_proof=1")),
               "https://graph.facebook.com/v25.0/me/accounts"
               "?fields=id,name,instagram_business_account%7Bid,username,name%7D&limit=100",
               "appsecret_proof=1");
    InsightsQuery query;
    query.account_id = "17";
    query.metrics = {"reach"};
    EXPECT_EQ(instagram.insights_request(query, Secret(token), Secret("appsecret_proof=1")).secret_query.expose(),
              "appsecret_proof=1");
    EXPECT_TRUE(instagram.insights_request(query, Secret(token)).secret_query.empty());
}

TEST(Debug, TheAppsOwnTokenIsIdAndSecret)
{
    const HttpRequest request = debug_token_request(endpoints, app_of(Login::facebook), Secret(token));
    expect_get(request, "https://graph.facebook.com/v25.0/debug_token",
               "input_token=EAAinvented%7Ctoken&access_token=1234567890%7C5ecret%26of%3Dapp");
    EXPECT_TRUE(request.bearer.empty());
}

TEST(LoginHosts, AreThoseOfTheSettings)
{
    LoginEndpoints other;
    other.api = {"http://127.0.0.1:1/", "http://127.0.0.1:2", "v24.0"};
    other.instagram_login_url = "http://127.0.0.1:3/";
    other.facebook_dialog_url = "http://127.0.0.1:4";
    other.instagram_dialog_url = "http://127.0.0.1:5";
    const auto starts = [](const std::string &url, std::string_view with) { return url.rfind(with, 0) == 0; };
    EXPECT_TRUE(
        starts(authorize_url(other, Login::facebook, "1", "u", {}, "s"), "http://127.0.0.1:4/v24.0/dialog/oauth?"));
    EXPECT_TRUE(
        starts(authorize_url(other, Login::instagram, "1", "u", {}, "s"), "http://127.0.0.1:5/oauth/authorize?"));
    EXPECT_TRUE(starts(code_exchange_request(other, app_of(Login::facebook), Secret("c"), "u").url,
                       "http://127.0.0.1:1/v24.0/oauth/access_token?"));
    EXPECT_EQ(code_exchange_request(other, app_of(Login::instagram), Secret("c"), "u").url,
              "http://127.0.0.1:3/oauth/access_token");
    EXPECT_TRUE(starts(refresh_request(other, app_of(Login::instagram), Secret("c")).url,
                       "http://127.0.0.1:2/refresh_access_token?"));
}

}  // namespace ig::platform
