// Which accounts a token reaches, in every shape the two logins answer.
#include <gtest/gtest.h>

#include <gmock/gmock.h>

#include "samples.hpp"
#include "support.hpp"

namespace ig::platform {

using testing::HasSubstr;

namespace {

Discovery discover(Login login, std::string_view body, int status = 200)
{
    return Instagram(Endpoints()).read_discovery(login, answer(body, status));
}

std::string page_list(std::size_t count, std::string_view paging)
{
    std::string body = "{\"data\":[";
    for (std::size_t i = 0; i < count; ++i) body += std::string(i ? "," : "") + "{\"id\":\"1\"}";
    return body + "],\"paging\":" + std::string(paging) + "}";
}

}  // namespace

TEST(Discovery, PagesWithoutInstagramAreSkipped)
{
    const Discovery discovery = discover(Login::facebook, samples::pages);
    EXPECT_FALSE(discovery.failure);
    ASSERT_EQ(discovery.accounts.size(), 1u);
    EXPECT_EQ(discovery.accounts[0].account_id, "17841400000000001");
    EXPECT_EQ(discovery.accounts[0].username, "acme");
    EXPECT_EQ(discovery.accounts[0].name, "");
    EXPECT_FALSE(discovery.next_cursor);
}

TEST(Discovery, TheFirstPageThatLeadsToAnAccountIsNamed)
{
    const Discovery discovery =
        discover(Login::facebook, R"({"data":[{"id":"5","instagram_business_account":{"id":"17"}},
        {"id":6,"instagram_business_account":{"id":"17"}},{"id":7,"instagram_business_account":{"id":"18"}},
        {"instagram_business_account":{"id":"19"}}]})");
    ASSERT_EQ(discovery.accounts.size(), 3u);
    EXPECT_EQ(discovery.accounts[0].page_id, "5");
    EXPECT_EQ(discovery.accounts[1].page_id, "7");
    EXPECT_EQ(discovery.accounts[2].page_id, "");
    EXPECT_EQ(discover(Login::instagram, samples::me_flat).accounts.at(0).page_id, "");
}

TEST(Discovery, NoPagesIsATrueAnswer)
{
    const Discovery discovery = discover(Login::facebook, R"({"data":[]})");
    EXPECT_FALSE(discovery.failure);
    EXPECT_TRUE(discovery.accounts.empty());
}

TEST(Discovery, FollowsTheCursorWhileThereIsMore)
{
    const char *more =
        R"({"cursors":{"before":"B","after":"A"},"next":"https://graph.facebook.com/x?access_token=EAA"})";
    const char *last = R"({"cursors":{"before":"B","after":"A"}})";
    EXPECT_EQ(discover(Login::facebook, page_list(3, more)).next_cursor, "A");
    EXPECT_FALSE(discover(Login::facebook, page_list(3, last)).next_cursor);
    EXPECT_EQ(discover(Login::facebook, page_list(100, last)).next_cursor, "A");
    EXPECT_FALSE(discover(Login::facebook, page_list(0, more)).next_cursor);
    EXPECT_FALSE(discover(Login::facebook, page_list(3, R"({"next":"https://x","cursors":{"after":7}})")).next_cursor);
}

TEST(Discovery, OneAccountOfTwoPagesComesOnce)
{
    EXPECT_EQ(discover(Login::facebook, R"({"data":[{"instagram_business_account":{"id":"17"}},
        {"instagram_business_account":{"id":17}},{"instagram_business_account":{"id":"18"}}]})")
                  .accounts.size(),
              2u);
}

TEST(Discovery, AnUnreadableIdCostsOnlyItsPage)
{
    const Discovery some = discover(Login::facebook, R"({"data":[{"instagram_business_account":{"id":"../me"}},
        {"instagram_business_account":{"id":"18"}}]})");
    EXPECT_FALSE(some.failure);
    EXPECT_EQ(some.accounts.size(), 1u);
    const Discovery none = discover(Login::facebook, R"({"data":[{"instagram_business_account":{"id":1.5}}]})");
    ASSERT_TRUE(none.failure);
    EXPECT_EQ(none.failure->kind, FailureKind::malformed);
}

TEST(Discovery, UserNodeFlatOrWrappedIdAsTextOrNumber)
{
    for (const char *body :
         {R"({"user_id":17841400000000001,"username":"acme","name":"A","account_type":"BUSINESS"})",
          R"({"data":[{"user_id":"17841400000000001","username":"acme","name":"A"}]})",
          R"({"data":{"user_id":"17841400000000001","username":"acme","name":"A"}})",
          R"({"id":"17841400000000001","username":"acme","name":"A","account_type":"MEDIA_CREATOR"})"}) {
        const Discovery discovery = discover(Login::instagram, body);
        ASSERT_EQ(discovery.accounts.size(), 1u) << body;
        EXPECT_EQ(discovery.accounts[0].account_id, "17841400000000001");
        EXPECT_EQ(discovery.accounts[0].username, "acme");
        EXPECT_EQ(discovery.accounts[0].name, "A");
    }
    EXPECT_EQ(discover(Login::instagram, samples::me_flat).accounts.at(0).account_id, "17841400000000001");
    EXPECT_EQ(discover(Login::instagram, samples::me_wrapped).accounts.at(0).account_id, "17841400000000001");
}

TEST(Discovery, PersonalAccountIsSaidToBeOne)
{
    const Discovery discovery = discover(Login::instagram, R"({"user_id":"1","account_type":"PERSONAL"})");
    ASSERT_TRUE(discovery.failure);
    EXPECT_EQ(discovery.failure->kind, FailureKind::not_supported);
    EXPECT_THAT(discovery.failure->hint, HasSubstr("professional"));
}

TEST(Discovery, AnswersWithoutAnAccountAreMalformed)
{
    for (const char *body : {"{}", R"({"data":[]})", R"({"username":"acme"})", R"({"user_id":true})", "[]", "7", ""}) {
        const Discovery discovery = discover(Login::instagram, body);
        ASSERT_TRUE(discovery.failure) << body;
        EXPECT_EQ(discovery.failure->kind, FailureKind::malformed) << body;
        EXPECT_TRUE(discovery.accounts.empty());
    }
    EXPECT_TRUE(discover(Login::facebook, "{}").failure);
}

TEST(Discovery, ErrorsAreJudgedAsEverywhere)
{
    const Discovery discovery = discover(Login::facebook, samples::error_debug);
    ASSERT_TRUE(discovery.failure);
    EXPECT_EQ(discovery.failure->kind, FailureKind::needs_login);
    EXPECT_EQ(discovery.failure->subcode, 463);
}

}  // namespace ig::platform
