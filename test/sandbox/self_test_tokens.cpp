// What the sandbox promises about the life of tokens, their permissions, and appsecret_proof.
#include "self_test_login.hpp"
#include "signature.hpp"

namespace ig::sandbox {

namespace {

const std::string facebook_target = "/v25.0/17841400000000001/insights?metric=reach&period=day";
const std::string instagram_target = "/v25.0/17841400000000002/insights?metric=reach&period=day";

}  // namespace

TEST_F(WithLogins, MakeShortTokensLong)
{
    const std::string brief = short_token(false);
    EXPECT_TRUE(contains(fb_exchange(brief, "wrong").body, "Error validating client secret."));
    EXPECT_TRUE(contains(fb_exchange("EAAnobody").body, "Cannot parse access token"));
    const std::string lasting = member_of(fb_exchange(brief).body, "access_token");
    const std::string ig_brief = short_token(true);
    EXPECT_TRUE(contains(ig_exchange(ig_brief, "wrong").body, "Error validating client secret."));
    const Reply ig_lasting = ig_exchange(ig_brief);
    EXPECT_TRUE(contains(ig_lasting.body, R"("token_type":"bearer","expires_in":5183944})")) << ig_lasting.body;
    advance("7200");
    EXPECT_TRUE(contains(get(facebook_target, brief).body, "\"error_subcode\":463"));
    EXPECT_EQ(get(facebook_target, lasting).status, 200);
    EXPECT_TRUE(contains(ig_exchange(ig_brief).body, "463"));
    EXPECT_EQ(get(instagram_target, member_of(ig_lasting.body, "access_token")).status, 200);
    EXPECT_EQ(count("long_exchanges"), 2);
    EXPECT_EQ(count("long_exchanges_refused"), 4);
}

TEST_F(WithLogins, RefreshInstagramTokensAfterADayUntilTheyExpire)
{
    const std::string old = long_token(true);
    advance("86399");
    EXPECT_EQ(ig_refresh(old).status, 400);
    advance("1");
    const std::string renewed = member_of(ig_refresh(old).body, "access_token");
    EXPECT_NE(renewed, old);
    EXPECT_EQ(get(instagram_target, old).status, 200);
    advance("5100000");
    EXPECT_TRUE(contains(ig_refresh(old).body, "\"error_subcode\":463"));
    EXPECT_EQ(ig_refresh(renewed).status, 200);
    EXPECT_EQ(ig_refresh(short_token(true)).status, 400);
    EXPECT_EQ(count("refreshes"), 2);
    EXPECT_EQ(count("refreshes_refused"), 3);
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 0);
}

TEST_F(WithLogins, MayReturnTheSameTokenOrEndTheOldOne)
{
    const std::string old = long_token(true);
    advance("90000");
    sandbox.control("/config", R"({"refresh_returns_same":true,"expires_in_missing":true})");
    const Reply same = ig_refresh(old);
    EXPECT_EQ(member_of(same.body, "access_token"), old);
    EXPECT_FALSE(contains(same.body, "expires_in"));
    advance("90000");
    sandbox.control("/config", R"({"refresh_returns_same":false,"refresh_kills_old":true})");
    EXPECT_EQ(ig_refresh(old).status, 200);
    EXPECT_TRUE(contains(get(instagram_target, old).body, "\"error_subcode\":467"));
}

TEST_F(WithLogins, ExchangeFacebookTokensAgainButNotExpiredOnes)
{
    const std::string old = long_token(false);
    advance("43200");
    EXPECT_TRUE(contains(fb_exchange(old).body, "\"expires_in\":5140744"));  // the same end, within a day
    advance("43200");
    const Reply renewed = fb_exchange(old);
    EXPECT_TRUE(contains(renewed.body, "\"expires_in\":5183944")) << renewed.body;
    EXPECT_EQ(count("refreshes"), 2);
    advance("5140000");
    EXPECT_TRUE(contains(fb_exchange(old).body, "463"));
    EXPECT_EQ(fb_exchange("EAAsandbox000000000001").status, 200);  // one that no login made
}

TEST_F(WithLogins, GiveDeadTokensTheirSubcodes)
{
    const std::string token = long_token(false);
    const auto debugged = [&] { return debug(token).body; };
    EXPECT_TRUE(contains(debugged(), R"("type":"USER")"));
    for (const auto &[state, subcode] : {std::pair{"app_removed", "458"},
                                         {"checkpointed", "459"},
                                         {"password_changed", "460"},
                                         {"revoked", "467"},
                                         {"no_role", "492"}}) {
        sandbox.control("/tokens", std::string(R"({"user_id":")") + facebook_user + R"(","state":")" + state + "\"}");
        EXPECT_TRUE(contains(get(facebook_target, token).body, std::string("\"error_subcode\":") + subcode)) << state;
        EXPECT_TRUE(contains(debugged(), std::string("\"subcode\":") + subcode)) << state;
        EXPECT_TRUE(contains(debugged(), "\"is_valid\":false")) << state;
        EXPECT_TRUE(contains(fb_exchange(token).body, subcode)) << state;
    }
}

TEST_F(WithLogins, TellWhatATokenIs)
{
    const std::string token = long_token(false);
    const std::string body = debug(token).body;
    for (const char *part : {R"("app_id":"1234567890")", R"("is_valid":true)", R"("issued_at":1795348800)",
                             R"("expires_at":1800532744)", R"("data_access_expires_at":1803124800)",
                             R"("scopes":["instagram_basic")", R"("user_id":"10220000000000077")"}) {
        EXPECT_TRUE(contains(body, part)) << part << "\n" << body;
    }
    const std::string page = member_of(get("/v25.0/me/accounts?fields=access_token", token).body, "access_token");
    EXPECT_TRUE(contains(debug(page).body, R"("type":"PAGE")"));
    EXPECT_TRUE(contains(debug(page).body, R"("expires_at":0,)"));
    EXPECT_EQ(debug(token, "wrong").status, 400);
    EXPECT_TRUE(contains(debug("EAAnobody").body, R"("is_valid":false)"));
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 0);
    EXPECT_EQ(get("/v25.0/me?access_token=" + token).status, 200);
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 1);
}

TEST_F(WithLogins, EndDataAccessNinetyDaysAfterTheLogin)
{
    std::string token = long_token(false);
    for (int renewals = 0; renewals < 2; ++renewals) {
        advance("3888000");
        token = member_of(fb_exchange(token).body, "access_token");
    }
    EXPECT_TRUE(contains(debug(token).body, R"("is_valid":true)"));
    EXPECT_TRUE(contains(get(facebook_target, token).body, "\"code\":10"));
    EXPECT_EQ(get(facebook_target, long_token(false)).status, 200);
}

TEST_F(WithLogins, RefuseWhatWasDeclined)
{
    sandbox.control("/persons", R"([{"user_id":"5","accounts":["17841400000000001"],
        "declined":["instagram_manage_insights"]},{"user_id":"6","accounts":["17841400000000002"],
        "declined":["instagram_business_manage_insights"]}])");
    const std::string facebook = long_token(false);
    EXPECT_TRUE(contains(get("/v25.0/me/permissions", facebook).body,
                         R"({"permission":"instagram_manage_insights","status":"declined"})"));
    EXPECT_TRUE(contains(get("/v25.0/me/permissions", facebook).body,
                         R"({"permission":"instagram_basic","status":"granted"})"));
    EXPECT_TRUE(contains(get(facebook_target, facebook).body, "\"code\":10,"));
    EXPECT_EQ(get("/v25.0/17841400000000001?fields=username", facebook).status, 200);
    EXPECT_FALSE(contains(exchange(true, code(true)).body, "manage_insights"));
    sandbox.control("/config", R"({"permission_error":200})");
    EXPECT_TRUE(contains(get(instagram_target, long_token(true)).body, "\"code\":200,"));
}

TEST_F(WithLogins, DemandTheProofIfTheAppDoes)
{
    const std::string token = long_token(false);
    const std::string with = facebook_target + "&appsecret_proof=";
    EXPECT_EQ(get(facebook_target, token).status, 200);
    EXPECT_EQ(get(with + appsecret_proof(facebook_secret, token), token).status, 200);
    EXPECT_TRUE(contains(get(with + appsecret_proof("another", token), token).body,
                         R"("message":"Invalid appsecret_proof provided in the API argument",)"
                         R"("type":"GraphMethodException","code":100)"));
    sandbox.control("/apps", R"({"app_id":"1234567890","secret":"fbsecret0123456789abcdef","require_proof":true})");
    EXPECT_TRUE(contains(get(facebook_target, token).body,
                         R"("API calls from the server require an appsecret_proof argument")"));
    EXPECT_EQ(get(with + appsecret_proof(facebook_secret, token), token).status, 200);
    EXPECT_EQ(get(facebook_target, "EAAsandbox000000000001").status, 400);
    EXPECT_EQ(count("proofs_right"), 2);
    EXPECT_EQ(count("proofs_wrong"), 1);
    EXPECT_EQ(count("proofs_missing"), 3);
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 0);
    // Python: hmac.new(b'key', b'message', hashlib.sha256).hexdigest()
    EXPECT_EQ(appsecret_proof("key", "message"), "6e9ef29b75fffc5b7abae527d58fdadb2fe42e7219011976917343065f58ed4a");
}

}  // namespace ig::sandbox
