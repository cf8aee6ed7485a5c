// What the sandbox promises about batches: each item is a call like any other, and the whole can fail as well.
#include <chrono>

#include <curl/curl.h>
#include <gtest/gtest.h>

#include "call.hpp"
#include "sandbox_process.hpp"

namespace ig::sandbox {

namespace {

const std::string first = "17841400000000001";
const std::string first_token = "EAAsandbox000000000001";
const std::string third = "17841400000000003";
const std::string third_token = "EAAsandbox000000000003";
const std::string instagram_token = "IGAAsandbox000000000002";

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::size_t count(const std::string &text, const std::string &part)
{
    std::size_t number = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++number;
    return number;
}

std::string user(const std::string &account, const std::string &token = {})
{
    return R"({"method":"GET","relative_url":"v25.0/)" + account + "?fields=username" +
           (token.empty() ? "" : "&access_token=" + token) + "\"}";
}

// The sandbox with three accounts, of which the first and the third log in with Facebook.
struct Batch : testing::Test {
    SandboxProcess sandbox{{"--accounts", "3", "--now", "2026-11-22T12:00:00Z"}};

    Reply post(const std::string &items, const std::string &token = first_token, const std::string &more = {},
               const std::string &path = "/v25.0/")
    {
        Ask ask;
        ask.url = sandbox.https(path);
        ask.ca_file = sandbox.ca_file();
        ask.body = "batch=" + percent_encode(items) + (token.empty() ? "" : "&access_token=" + token) + more;
        return fetch(ask);
    }
    void fault(const std::string &json) { ASSERT_EQ(sandbox.control("/faults", json).status, 200) << json; }
    std::string both() const { return "[" + user(first) + "," + user(third, third_token) + "]"; }
};

const std::string first_name = R"(\"username\":\"sandbox_00001\")";
const std::string third_name = R"(\"username\":\"sandbox_00003\")";

}  // namespace

TEST_F(Batch, AnswersEachItemWithItsOwnTokenInTheirOrder)
{
    for (const char *path : {"/", "/v25.0/", "/v25.0"}) {
        const std::string items =
            "[" + user(third, third_token) + "," + user(first) + "," + user(first, third_token) + "]";
        const Reply reply = post(items, first_token, "&include_headers=true", path);
        EXPECT_EQ(reply.status, 200);
        const std::size_t at_third = reply.body.find(third_name), at_first = reply.body.find(first_name);
        const std::size_t refused = reply.body.find(R"({"code":400,)");
        ASSERT_NE(refused, std::string::npos) << reply.body;
        EXPECT_LT(at_third, at_first);
        EXPECT_LT(at_first, refused) << "the third account's token does not reach the first account";
        EXPECT_EQ(reply.body.rfind(R"([{"code":200,"headers":[{"name":")", 0), 0u);
        EXPECT_TRUE(contains(reply.body, R"({"name":"X-Business-Use-Case-Usage","value":"{\"17841400000000001\":)"));
        EXPECT_TRUE(contains(reply.head, "facebook-api-version: v25.0"));
    }
    EXPECT_FALSE(contains(post(both(), first_token, "&include_headers=false").body, "headers"));
}

TEST_F(Batch, SaysTheSameAsTheCallAlone)
{
    const std::string target = "v25.0/" + first + "/insights?metric=reach,follower_count&period=day";
    std::string alone = sandbox.api("/" + target, first_token).body;
    std::string inside = post(R"([{"method":"GET","relative_url":")" + target + "\"}]").body;
    // The paging of an item's answer differs by nothing but the way the request came.
    alone.resize(alone.find("\"paging\""));
    std::string escaped;
    for (const char c : alone) escaped += c == '"' ? "\\\"" : c == '\\' ? "\\\\" : c == '/' ? "\\/" : std::string(1, c);
    EXPECT_TRUE(contains(inside, escaped)) << inside;
}

TEST_F(Batch, IsRefusedAsAWholeWithoutALivingToken)
{
    EXPECT_TRUE(contains(post(both(), "").body, R"("error")"));
    EXPECT_TRUE(contains(post(both(), "EAAnobody").body, R"("code":190)"));
    ASSERT_EQ(sandbox.control("/tokens", R"({"token":"EAAsandbox000000000001","state":"revoked"})").status, 200);
    const Reply dead = post(both());
    EXPECT_EQ(dead.status, 400);
    EXPECT_TRUE(contains(dead.body, R"("error_subcode":467)"));
    EXPECT_EQ(sandbox.counter("/stats", "calls"), 0);
    EXPECT_EQ(sandbox.counter("/stats", "batches"), 3);
    const Reply alive = post("[" + user(first, first_token) + "," + user(third) + "]", third_token);
    EXPECT_EQ(alive.status, 200) << "a dead item leaves the others alone";
    EXPECT_TRUE(contains(alive.body, R"(\"error_subcode\":467)"));
    EXPECT_TRUE(contains(alive.body, third_name));
}

TEST_F(Batch, HoldsOneToFiftyItems)
{
    std::string items = user(first);
    for (int i = 1; i < 50; ++i) items += "," + user(first);
    EXPECT_EQ(count(post("[" + items + "]").body, first_name), 50u);
    const Reply more = post("[" + items + "," + user(first) + "]");
    EXPECT_EQ(more.status, 400);
    EXPECT_EQ(more.body, R"({"error":{"message":"Too many requests in batch message. Maximum batch size is 50",)"
                         R"("type":"GraphBatchException"}})");
    for (const char *odd : {"[]", "{}", "nonsense", "[1]", R"([{"method":"GET"}])"})
        EXPECT_TRUE(contains(post(odd).body, R"("code":100)")) << odd;
}

TEST_F(Batch, IsUnknownToTheHostOfTheInstagramLogin)
{
    const Reply reply = post(both(), instagram_token);
    EXPECT_EQ(reply.status, 400);
    EXPECT_TRUE(contains(reply.body, R"("type":"IGApiException","code":100,"error_subcode":33)")) << reply.body;
}

TEST_F(Batch, CountsEachItemAsACallAndNoTokenAsMisplaced)
{
    post(both());
    EXPECT_EQ(sandbox.counter("/stats", "calls"), 2);
    EXPECT_EQ(sandbox.counter("/stats", "batches"), 1);
    EXPECT_EQ(sandbox.counter("/stats", "batch_items"), 2);
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 0);
    EXPECT_EQ(sandbox.counter("/stats", "highest_concurrency"), 1);
    EXPECT_EQ(sandbox.counter("/stats", third), 1);
    EXPECT_TRUE(
        contains(sandbox.control("/calls?route=user&token=" + third_token).body, R"("batch":1,"route":"user")"));
    EXPECT_TRUE(contains(sandbox.control("/calls?route=batch").body, R"("n":1,"batch":0,"route":"batch")"));
    post(both(), first_token, "", "/v25.0/?access_token=" + first_token);
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 1) << "the batch's own URL needs none";
}

TEST_F(Batch, ItemsUseUpTheirBudgets)
{
    ASSERT_EQ(sandbox.control("/budgets", R"({"account_calls":2,"minutes":10})").status, 200);
    const Reply reply =
        post("[" + user(first) + "," + user(first) + "," + user(first) + "," + user(third, third_token) + "]");
    EXPECT_EQ(count(reply.body, first_name), 2u);
    EXPECT_EQ(count(reply.body, R"(\"code\":80002)"), 1u);
    EXPECT_EQ(count(reply.body, third_name), 1u);
    EXPECT_EQ(sandbox.counter("/stats", "calls_while_blocked"), 1);
}

TEST_F(Batch, FaultsOfItemsLeaveTheOthersAlone)
{
    fault(R"({"match":{"route":"user","account_id":")" + third + R"("},"times":1,"do":{"error":{"code":10}}})");
    const Reply refused = post(both());
    EXPECT_TRUE(contains(refused.body, first_name));
    EXPECT_TRUE(contains(refused.body, R"(\"code\":10,)"));
    fault(R"({"match":{"account_id":")" + third + R"("},"times":1,"do":{"null":true}})");
    EXPECT_EQ(sandbox.api("/v25.0/" + third + "?fields=username", third_token).status, 200) << "null is of items only";
    const std::string body = post(both()).body;
    EXPECT_EQ(body.substr(body.size() - 6), ",null]") << body;
    EXPECT_TRUE(contains(post(both()).body, third_name));
    fault(R"({"match":{},"times":1,"do":{"status":502,"body":"<html>","content_type":"text/html"}})");
    EXPECT_TRUE(contains(post(both()).body, R"({"code":502,)")) << "a rule for any route means the items";
}

TEST_F(Batch, AnItemThatHangsOrCutsHoldsUpTheWhole)
{
    fault(R"({"match":{"account_id":")" + third + R"("},"times":1,"do":{"hang":"before_headers"}})");
    Ask ask;
    ask.url = sandbox.https("/");
    ask.ca_file = sandbox.ca_file();
    ask.body = "access_token=" + first_token + "&batch=" + percent_encode(both());
    bool released = false;
    const auto replies = fetch_together({ask}, [&] {
        if (released || sandbox.counter("/hanging", "count") != 1) return;
        released = sandbox.control("/release", "{}").status == 200;
    });
    EXPECT_TRUE(released);
    EXPECT_TRUE(contains(replies[0].body, third_name));
    fault(R"({"match":{"account_id":")" + third + R"("},"times":1,"do":{"close":"before"}})");
    EXPECT_NE(post(both()).error, CURLE_OK);
}

TEST_F(Batch, FaultsOfTheWholeAreCalledByItsRoute)
{
    const std::size_t whole = post(both()).body.size();
    const auto next = [this](const std::string &action) {
        fault(R"({"match":{"route":"batch"},"times":1,"do":)" + action + "}");
        return post(both());
    };
    EXPECT_EQ(next(R"({"status":503,"body":"<html>"})").body, "<html>");
    const Reply error = next(R"({"error":{"status":200,"code":190,"message":"gone"}})");
    EXPECT_EQ(error.status, 200);
    EXPECT_EQ(error.body.rfind(R"({"error":{"message":"gone")", 0), 0u);
    EXPECT_EQ(count(next(R"({"items":1})").body, R"({"code":200,)"), 1u);
    EXPECT_EQ(count(next(R"({"items":4})").body, ",null"), 2u);
    const Reply cut = next(R"({"cut_to":40})");
    EXPECT_EQ(cut.error, CURLE_OK);
    EXPECT_EQ(cut.body.size(), 40u);
    const Reply broken = next(R"({"close":"in_body"})");
    EXPECT_EQ(broken.error, CURLE_PARTIAL_FILE);
    EXPECT_LT(broken.body.size(), whole);
    EXPECT_GT(broken.body.size(), whole / 3);
    EXPECT_EQ(next(R"({"close":"reset"})").error, CURLE_RECV_ERROR);
    EXPECT_EQ(next(R"({"headers":{"Content-Length":"10"}})").body.size(), 10u);
    EXPECT_TRUE(contains(post(both()).body, first_name));
    EXPECT_EQ(sandbox.control("/faults", R"({"match":{},"do":{"items":1}})").status, 400);
    EXPECT_EQ(sandbox.control("/faults", R"({"match":{"route":"batch"},"do":{"null":true}})").status, 400);
}

TEST_F(Batch, TakesItsLatencyOnceAndForEachItemAPart)
{
    ASSERT_EQ(sandbox.control("/config", R"({"fixed_latency_ms":100,"batch_item_ms":50})").status, 200);
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(post(both()).status, 200);
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200));
}

TEST_F(Batch, AFaultByChanceHitsItsShareAndTheSameForTheSameSeed)
{
    const std::string rule = R"({"match":{"route":"user"},"chance":30,"do":{"null":true}})";
    std::string items = user(first);
    for (int i = 1; i < 50; ++i) items += "," + user(first);
    const auto nulls = [&](const SandboxProcess &process) {
        Ask ask;
        ask.url = process.https("/");
        ask.ca_file = process.ca_file();
        ask.body = "include_headers=false&access_token=" + first_token + "&batch=" + percent_encode("[" + items + "]");
        std::string shape;
        for (int i = 0; i < 8; ++i) {
            const std::string body = fetch(ask).body;
            for (std::size_t at = 0; at < body.size(); ++at)
                shape += body.compare(at, 4, "null") == 0 ? "n" : body.compare(at, 8, "{\"code\":") == 0 ? "." : "";
        }
        return shape;
    };
    fault(rule);
    SandboxProcess twin{{"--accounts", "3", "--now", "2026-11-22T12:00:00Z"}};
    ASSERT_EQ(twin.control("/faults", rule).status, 200);
    const std::string shape = nulls(sandbox);
    ASSERT_EQ(shape.size(), 400u);
    EXPECT_NEAR(static_cast<double>(count(shape, "n")), 120, 40);
    EXPECT_EQ(nulls(twin), shape);
    EXPECT_EQ(sandbox.control("/faults", R"({"match":{},"chance":101,"do":{"empty":true}})").status, 400);
}

}  // namespace ig::sandbox
