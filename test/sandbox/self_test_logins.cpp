// What the sandbox promises about dialogs, codes and the accounts a login reaches.
#include "self_test_login.hpp"

namespace ig::sandbox {

TEST_F(WithLogins, SendTheBrowserBackWithCodeAndState)
{
    const std::string facebook = dialog(false);
    EXPECT_EQ(facebook.rfind("https://app.example/back?x=1&code=AQB", 0), 0u) << facebook;
    EXPECT_TRUE(contains(facebook, "&state=abc"));
    EXPECT_FALSE(contains(facebook, "#"));
    const std::string instagram = dialog(true);
    EXPECT_EQ(instagram.substr(instagram.size() - 12), "&state=abc#_") << instagram;
    EXPECT_TRUE(contains(dialog(false, "&state=a%26b%3D"), "&state=a%26b%3D"));
    EXPECT_EQ(count("dialogs"), 3);
}

TEST_F(WithLogins, TellOfARefusal)
{
    sandbox.control("/persons", R"([{"user_id":"1","login":"facebook","deny":true},
        {"user_id":"2","accounts":["17841400000000002"],"deny":true}])");
    EXPECT_EQ(dialog(false), "https://app.example/back?x=1&error=access_denied&error_code=200&"
                             "error_description=Permissions+error&error_reason=user_denied&state=abc");
    EXPECT_EQ(dialog(true), "https://app.example/back?x=1&error=access_denied&error_reason=user_denied&"
                            "error_description=The+user+denied+your+request&state=abc#_");
    EXPECT_EQ(count("dialogs_denied"), 2);
}

TEST_F(WithLogins, ShowAPageInsteadOfRedirectingWhereNobodyAskedFor)
{
    const std::string ours = "&response_type=code&scope=instagram_basic&redirect_uri=" + encoded(redirect_uri);
    const std::string client = std::string("/v25.0/dialog/oauth?client_id=") + facebook_app;
    for (const std::string &target :
         {std::string("/v25.0/dialog/oauth?client_id=1") + ours,
          std::string("/oauth/authorize?client_id=") + facebook_app + ours,
          client + "&response_type=code&redirect_uri=" + encoded("https://app.example/back"),
          client + "&response_type=code&redirect_uri=" + encoded(redirect_uri) + "&scope=everything",
          client + "&response_type=token&redirect_uri=" + encoded(redirect_uri), client + ours + "&sandbox_person=5"}) {
        const Reply reply = get(target);
        EXPECT_EQ(reply.status, 400) << target;
        EXPECT_TRUE(contains(reply.head, "text/html")) << target;
        EXPECT_FALSE(contains(reply.head, "Location")) << target;
    }
    EXPECT_EQ(count("dialogs_refused"), 6);
}

TEST_F(WithLogins, ExchangeACodeOnceAndOnlyForItsOwnAppSecretAndRedirect)
{
    const std::string facebook = code(false);
    EXPECT_TRUE(contains(exchange(false, facebook, "wrong").body, "Error validating client secret."));
    EXPECT_TRUE(contains(exchange(false, facebook, "", "https://app.example/other").body, "\"error_subcode\":36008"));
    EXPECT_TRUE(contains(exchange(false, facebook, "", "https://app.example/back?x=1&").body, "36008"));
    EXPECT_TRUE(contains(exchange(false, facebook, "", "", "77").body, "\"code\":101"));
    EXPECT_TRUE(contains(exchange(false, code(true)).body, "Invalid verification code format."));
    const Reply good = exchange(false, facebook);
    EXPECT_EQ(good.status, 200);
    EXPECT_TRUE(contains(good.body, R"("token_type":"bearer","expires_in":)")) << good.body;
    const Reply again = exchange(false, facebook);
    EXPECT_EQ(again.status, 400);
    EXPECT_TRUE(contains(again.body, R"("code":100,"error_subcode":36009)")) << again.body;
    EXPECT_EQ(count("code_exchanges"), 1);
    EXPECT_EQ(count("code_exchanges_refused"), 6);
}

TEST_F(WithLogins, LetCodesExpire)
{
    const std::string facebook = code(false);
    const std::string instagram = code(true);
    advance("600");
    EXPECT_TRUE(contains(exchange(false, facebook).body, "36007"));
    EXPECT_EQ(exchange(true, instagram).status, 200);
    const std::string late = code(true);
    advance("3600");
    EXPECT_EQ(exchange(true, late).status, 400);
}

TEST_F(WithLogins, ExchangeInstagramCodesFromAFormOnlyInBothShapes)
{
    const std::string first = code(true);
    EXPECT_TRUE(contains(exchange(true, first + "#_").body, R"("error_type":"OAuthException","code":400)"));
    EXPECT_EQ(exchange(true, first, "wrong").status, 400);
    EXPECT_EQ(exchange(true, first, "", "https://app.example/other").status, 400);
    const std::string in_url = std::string("/oauth/access_token?grant_type=authorization_code&client_id=") +
                               instagram_app + "&client_secret=" + instagram_secret +
                               "&redirect_uri=" + encoded(redirect_uri) + "&code=" + first;
    EXPECT_EQ(get(in_url).status, 400);
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 1);
    const Reply flat = exchange(true, first);
    EXPECT_TRUE(contains(flat.body, R"("user_id":"26000000000000088","permissions":["instagram_business_basic",)"))
        << flat.body;
    EXPECT_FALSE(contains(flat.body, "expires_in"));
    EXPECT_TRUE(
        contains(exchange(true, first).body, R"("error_message":"Matching code was not found or was already used")"));
    sandbox.control("/config", R"({"code_answer":"wrapped","user_id_as_number":true})");
    const Reply wrapped = exchange(true, code(true));
    EXPECT_EQ(wrapped.body.rfind(R"({"data":[{"access_token":"IGAAsandbox)", 0), 0u) << wrapped.body;
    EXPECT_TRUE(contains(wrapped.body, R"("user_id":26000000000000088,"permissions":"instagram_business_basic,)"));
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 1);
}

TEST_F(WithLogins, ReachTheAccountsOfWhoeverLoggedIn)
{
    const std::string token = long_token(false);
    EXPECT_TRUE(contains(get("/v25.0/me?fields=id,name", token).body, R"("id":"10220000000000077","name":"Ada")"));
    const std::string pages = get("/v25.0/me/accounts?fields=id,access_token,instagram_business_account", token).body;
    EXPECT_TRUE(contains(pages, "\"17841400000000001\"") && contains(pages, "\"17841400000000003\"")) << pages;
    EXPECT_FALSE(contains(pages, "\"17841400000000002\""));
    const std::string page = member_of(pages, "access_token");
    EXPECT_EQ(get("/v25.0/17841400000000001?fields=username", page).status, 200);
    EXPECT_EQ(get("/v25.0/17841400000000003?fields=username", page).status, 400);
    const std::string other = long_token(true);
    EXPECT_TRUE(contains(get("/v25.0/me?fields=user_id,id", other).body,
                         R"("user_id":"17841400000000002","id":"26000000000000088")"));
    sandbox.control("/config", R"({"me_wrapped":true})");
    EXPECT_EQ(get("/v25.0/me?fields=id", other).body, R"({"data":[{"id":"26000000000000088"}]})");
}

TEST_F(WithLogins, LetOneAccountBeReachedByBoth)
{
    sandbox.control("/persons", R"({"user_id":"55","login":"facebook","accounts":["17841400000000002"]})");
    const std::string facebook = long_token(false);
    const std::string instagram = long_token(true);
    EXPECT_TRUE(
        contains(get("/v25.0/me/accounts?fields=instagram_business_account", facebook).body, "\"17841400000000002\""));
    const std::string target = "/v25.0/17841400000000002/insights?metric=reach&period=day";
    EXPECT_TRUE(contains(get(target, facebook).head, "facebook-api-version"));
    EXPECT_TRUE(contains(get(target, instagram).head, "instagram-api-version"));
}

TEST_F(WithLogins, NameAPersonInTheUrlAndHaveSomebodyWithoutAny)
{
    sandbox.control("/persons", R"({"user_id":"55","login":"facebook","accounts":[]})");
    const std::string nobody = long_token(false);
    EXPECT_FALSE(contains(get("/v25.0/me/accounts?fields=instagram_business_account", nobody).body, "1784140"));
    EXPECT_TRUE(contains(dialog(false, std::string("&sandbox_person=") + facebook_user), "code="));
    EXPECT_TRUE(contains(sandbox.control("/codes").body, std::string(R"("user_id":")") + facebook_user));
}

TEST_F(WithLogins, SignRequestsAsMetaDoes)
{
    // Checked with Python's hmac and base64.
    const std::string asked = R"({"app_id":"1234567890","payload":"{\"a\":1}")";
    const std::string right = sandbox.control("/signed_request", asked + "}").body;
    EXPECT_EQ(member_of(right, "signed_request"), "AzRHWOrdM9n6w3SafIcH4TWVZdrGz9sIHhE0lnmUhTg.eyJhIjoxfQ");
    const std::string wrong = sandbox.control("/signed_request", asked + R"(,"wrong_signature":true})").body;
    EXPECT_EQ(member_of(wrong, "signed_request").substr(43), ".eyJhIjoxfQ");
    EXPECT_NE(wrong, right);
    EXPECT_EQ(sandbox.control("/signed_request", R"({"app_id":"7","user_id":"1"})").status, 400);
}

TEST_F(WithLogins, RefuseMistakesInTheirOwnSetUp)
{
    EXPECT_EQ(sandbox.control("/apps", R"({"app_id":"1"})").status, 400);
    const std::string proof = R"({"app_id":"1","secret":"s","login":"instagram","require_proof":true})";
    EXPECT_EQ(sandbox.control("/apps", proof).status, 400);
    EXPECT_EQ(sandbox.control("/persons", R"({"user_id":"1","accounts":["5"]})").status, 400);
    EXPECT_EQ(sandbox.control("/persons", R"({"user_id":"1","login":"instagram","accounts":[]})").status, 400);
    EXPECT_EQ(sandbox.control("/persons", R"({"user_id":"1","declined":["nothing"]})").status, 400);
    EXPECT_EQ(sandbox.control("/budgets", R"({"calls":1})").status, 400);
    EXPECT_EQ(sandbox.control("/config", R"({"code_answer":"round"})").status, 400);
}

}  // namespace ig::sandbox
