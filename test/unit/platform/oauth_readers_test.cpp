// What the answers of both logins are read to, in every shape they come in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "platform/oauth.hpp"
#include "support.hpp"

namespace ig::platform {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

TokenAnswer token_of(std::string_view body, Login login = Login::instagram)
{
    return read_token_answer(login, answer(body));
}

Instant unix_moment(std::int64_t count) { return Instant(seconds(count)); }

}  // namespace

TEST(TokenAnswer, BothShapesOfTheCodeExchangeSayTheSame)
{
    for (const char *body : {R"({"data":[{"access_token":"IGAAs","user_id":"178410000001",
            "permissions":"instagram_business_basic,instagram_business_manage_insights"}]})",
                             R"({"data":{"access_token":"IGAAs","user_id":"178410000001",
            "permissions":"instagram_business_basic instagram_business_manage_insights"}})",
                             R"({"access_token":"IGAAs","user_id":178410000001,
            "permissions":["instagram_business_basic","instagram_business_manage_insights"]})"}) {
        const TokenAnswer token = token_of(body);
        ASSERT_FALSE(token.failure) << body;
        EXPECT_EQ(token.token.expose(), "IGAAs");
        EXPECT_EQ(token.user_id, "178410000001");
        EXPECT_FALSE(token.expires_in);
        EXPECT_THAT(token.permissions, ElementsAre("instagram_business_basic", "instagram_business_manage_insights"));
    }
}

TEST(TokenAnswer, UserIdsAreTextHoweverLong)
{
    EXPECT_EQ(token_of(R"({"access_token":"t","user_id":17841400000000009007})").user_id, "17841400000000009007");
    EXPECT_EQ(token_of(R"({"access_token":"t","user_id":"007"})").user_id, "007");
    for (const char *id : {"1.5", "true", "null", "\"x\"", "-1", "\"1'; DROP\""})
        EXPECT_EQ(token_of(R"({"access_token":"t","user_id":)" + std::string(id) + "}").user_id, "") << id;
}

TEST(TokenAnswer, ALifeThatIsNotSaidIsNotInvented)
{
    EXPECT_EQ(token_of(R"({"access_token":"t","token_type":"bearer","expires_in":5183944})").expires_in,
              seconds(5183944));
    EXPECT_EQ(token_of(R"({"access_token":"t","expires_in":"5183944"})").expires_in, seconds(5183944));
    for (const char *life : {"0", "-1", "null", "\"soon\"", "1.5", "[]"})
        EXPECT_FALSE(token_of(R"({"access_token":"t","expires_in":)" + std::string(life) + "}").expires_in) << life;
    EXPECT_EQ(token_of(R"({"access_token":"t","expires_in":9223372036854775807})").expires_in,
              std::chrono::hours(24 * 365 * 10));
}

TEST(TokenAnswer, WithoutAUsableTokenIsAFailure)
{
    for (const char *body : {"{}", R"({"data":[]})", R"({"access_token":""})", R"({"access_token":7})",
                             R"({"access_token":"a b"})", R"({"access_token":"a\nb"})", "[]", "", "<html>"}) {
        const TokenAnswer token = token_of(body);
        ASSERT_TRUE(token.failure) << body;
        EXPECT_EQ(token.failure->kind, FailureKind::malformed) << body;
        EXPECT_TRUE(token.token.empty());
    }
    EXPECT_TRUE(token_of(R"({"access_token":")" + std::string(9000, 'x') + "\"}").failure);
}

TEST(TokenAnswer, OddPermissionsAreLeftOut)
{
    EXPECT_THAT(token_of(R"({"access_token":"t","permissions":["a",7,null,"b c","a","<b>","d"]})").permissions,
                ElementsAre("a", "d"));
    EXPECT_THAT(token_of(R"({"access_token":"t","permissions":",a,, b,"})").permissions, ElementsAre("a", "b"));
    EXPECT_THAT(token_of(R"({"access_token":"t","permissions":{"a":1}})").permissions, IsEmpty());
}

TEST(TokenAnswer, TransportFailuresStayWhatTheyAre)
{
    const TokenAnswer token = read_token_answer(Login::facebook, transport(TransportFailure::timeout));
    ASSERT_TRUE(token.failure);
    EXPECT_EQ(token.failure->kind, FailureKind::timeout);
}

TEST(Permissions, GrantedAndDeclinedAreToldApart)
{
    const PermissionsAnswer permissions = read_permissions(answer(R"({"data":[
        {"permission":"instagram_basic","status":"granted"},{"permission":"pages_show_list","status":"declined"},
        {"permission":"pages_read_engagement","status":"expired"},{"status":"granted"},7]})"));
    EXPECT_FALSE(permissions.failure);
    EXPECT_THAT(permissions.granted, ElementsAre("instagram_basic"));
    EXPECT_THAT(permissions.declined, ElementsAre("pages_show_list", "pages_read_engagement"));
}

TEST(Permissions, WithoutAListIsAFailureAndAnEmptyListIsNone)
{
    EXPECT_TRUE(read_permissions(answer("{}")).failure);
    EXPECT_FALSE(read_permissions(answer(R"({"data":[]})")).failure);
    EXPECT_TRUE(read_permissions(answer(R"({"error":{"message":"x","code":190}})", 400)).failure);
}

TEST(Identity, IsTheAppScopedId)
{
    EXPECT_EQ(read_identity(Login::facebook, answer(R"({"id":"10220000000000001"})")).user_id, "10220000000000001");
    EXPECT_EQ(
        read_identity(Login::instagram, answer(R"({"user_id":"17841400000000001","id":"99887766554433"})")).user_id,
        "99887766554433");
    EXPECT_EQ(read_identity(Login::instagram, answer(R"({"data":[{"user_id":17841400000000001}]})")).user_id,
              "17841400000000001");
    EXPECT_TRUE(read_identity(Login::facebook, answer(R"({"user_id":"1"})")).failure);
    EXPECT_TRUE(read_identity(Login::instagram, answer("{}")).failure);
}

TEST(TokenDebug, ReadsAllOfALivingToken)
{
    const TokenDebug debug = read_token_debug(answer(R"({"data":{"app_id":"1","type":"USER","application":"Acme",
        "data_access_expires_at":1803081600,"expires_at":1800489600,"is_valid":true,"issued_at":1795305600,
        "scopes":["instagram_basic","pages_show_list"],"user_id":"10220000000000001"}})"));
    EXPECT_FALSE(debug.failure);
    EXPECT_TRUE(debug.valid);
    EXPECT_EQ(debug.type, "USER");
    EXPECT_EQ(debug.expires_at, unix_moment(1800489600));
    EXPECT_EQ(debug.issued_at, unix_moment(1795305600));
    EXPECT_EQ(debug.data_access_expires_at, unix_moment(1803081600));
    EXPECT_THAT(debug.scopes, ElementsAre("instagram_basic", "pages_show_list"));
    EXPECT_EQ(debug.user_id, "10220000000000001");
}

TEST(TokenDebug, ZeroMeansNever)
{
    const TokenDebug debug = read_token_debug(
        answer(R"({"data":{"type":"PAGE","expires_at":0,"data_access_expires_at":0,"is_valid":true}})"));
    EXPECT_TRUE(debug.valid);
    EXPECT_FALSE(debug.expires_at);
    EXPECT_FALSE(debug.data_access_expires_at);
}

TEST(TokenDebug, ADeadTokenSaysWhyAndKeepsTheRest)
{
    const TokenDebug debug = read_token_debug(answer(R"({"data":{"error":{"code":190,
        "message":"Error validating access token: Session has expired","subcode":463},"is_valid":false,"scopes":[],
        "user_id":"5"}})"));
    ASSERT_TRUE(debug.failure);
    EXPECT_FALSE(debug.valid);
    EXPECT_EQ(debug.failure->kind, FailureKind::needs_login);
    EXPECT_EQ(debug.failure->subcode, 463);
    EXPECT_THAT(debug.failure->hint, HasSubstr("expired"));
    EXPECT_EQ(debug.user_id, "5");
}

TEST(TokenDebug, InvalidWithoutAReasonNeedsALogin)
{
    const TokenDebug debug = read_token_debug(answer(R"({"data":{"is_valid":false,"scopes":[]}})"));
    ASSERT_TRUE(debug.failure);
    EXPECT_EQ(debug.failure->kind, FailureKind::needs_login);
    EXPECT_THAT(debug.failure->hint, HasSubstr("ig_authorize_url"));
    EXPECT_EQ(read_token_debug(answer(R"({"data":{}})")).failure->kind, FailureKind::malformed);
    EXPECT_EQ(read_token_debug(answer("{}")).failure->kind, FailureKind::malformed);
}

// The token that is refused here is the app's, so no user's login would mend it.
TEST(TokenDebug, ARefusedAppTokenIsTheAppsFault)
{
    const TokenDebug debug =
        read_token_debug(answer(R"({"error":{"message":"Invalid OAuth access token signature.","code":190}})", 400));
    ASSERT_TRUE(debug.failure);
    EXPECT_EQ(debug.failure->kind, FailureKind::invalid_request);
    EXPECT_EQ(debug.failure->reach, FailureReach::app);
    EXPECT_THAT(debug.failure->hint, HasSubstr("ig_configure_app"));
}

}  // namespace ig::platform
