// What the sandbox promises about budgets: they grow with the calls, refuse at 100 %, and come back by the clock.
#include "self_test_login.hpp"

namespace ig::sandbox {

namespace {

const std::string first = "/v25.0/17841400000000001?fields=username";
const std::string first_token = "EAAsandbox000000000001";
const std::string second = "/v25.0/17841400000000002?fields=username";
const std::string second_token = "IGAAsandbox000000000002";
const std::string third = "/v25.0/17841400000000003?fields=username";
const std::string third_token = "EAAsandbox000000000003";

}  // namespace

TEST_F(WithLogins, BlockAnAccountWhoseBudgetIsUsedUp)
{
    ASSERT_EQ(sandbox.control("/budgets", R"({"account_calls":4,"minutes":10,"prolong_minutes":5})").status, 200);
    for (const char *percent : {"25", "50", "75"}) {
        const Reply reply = get(first, first_token);
        EXPECT_TRUE(contains(reply.head, std::string("X-Business-Use-Case-Usage: {\"17841400000000001\":[{\"type\":"
                                                     "\"instagram\",\"call_count\":") +
                                             percent + ","))
            << reply.head;
        EXPECT_TRUE(contains(reply.head, "\"estimated_time_to_regain_access\":0}]}"));
    }
    const Reply last = get(first, first_token);
    EXPECT_EQ(last.status, 200);
    EXPECT_TRUE(contains(last.head, "\"call_count\":100,"));
    EXPECT_TRUE(contains(last.head, "\"estimated_time_to_regain_access\":10}"));
    EXPECT_EQ(sandbox.counter("/stats", "calls_while_blocked"), 0);
    EXPECT_EQ(get(third, third_token).status, 200);  // another account goes on
    const Reply refused = get(first, first_token);
    EXPECT_TRUE(contains(refused.body, "\"code\":80002"));
    EXPECT_TRUE(contains(refused.body, "\"estimated_time_to_regain_access\":15"));
    EXPECT_EQ(sandbox.counter("/stats", "calls_while_blocked"), 1);
    advance("899");
    EXPECT_EQ(get(first, first_token).status, 400);  // longer again
    advance("300");
    EXPECT_EQ(get(first, first_token).status, 400);
    advance("601");
    EXPECT_TRUE(contains(get(first, first_token).head, "\"call_count\":25,"));
    EXPECT_EQ(sandbox.counter("/stats", "calls_while_blocked"), 3);
}

TEST_F(WithLogins, BlockTheWholeAppButNotTheOther)
{
    ASSERT_EQ(sandbox.control("/budgets", R"({"app_calls":2,"minutes":60})").status, 200);
    EXPECT_TRUE(contains(get(first, first_token).head, R"(X-App-Usage: {"call_count":50,"total_time":25,)"));
    EXPECT_TRUE(contains(get(third, third_token).head, R"(X-App-Usage: {"call_count":100,)"));
    EXPECT_TRUE(contains(get(first, first_token).body, "(#4) Application request limit reached"));
    EXPECT_TRUE(contains(get(second, second_token).head, R"(x-app-usage: {"call_volume":50,"cpu_time":25})"));
    EXPECT_TRUE(contains(fb_exchange(first_token).body, "\"code\":4,"));
    dialog(false);  // the browser's calls are none of the app's
    EXPECT_EQ(sandbox.counter("/stats", "calls_while_blocked"), 2);
    EXPECT_TRUE(contains(sandbox.control("/budgets").body,
                         R"({"app":"1234567890","account_id":"","percent":100,"blocked_minutes":62})"));
    advance("3720");
    EXPECT_EQ(get(first, first_token).status, 200);
    EXPECT_EQ(sandbox.control("/reset", "{}").status, 200);
    EXPECT_TRUE(contains(sandbox.control("/budgets").body, R"("used":[])"));
}

}  // namespace ig::sandbox
