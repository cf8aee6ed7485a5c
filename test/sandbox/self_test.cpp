// What the sandbox promises about its answers: days, values, refusals, nodes, tokens.
#include <algorithm>
#include <sstream>

#include <curl/curl.h>
#include <gtest/gtest.h>

#include "sandbox_process.hpp"

namespace ig::sandbox {

namespace {

const std::string facebook_account = "17841400000000001";
const std::string facebook_token = "EAAsandbox000000000001";
const std::string instagram_account = "17841400000000002";
const std::string instagram_token = "IGAAsandbox000000000002";
// 2026-11-22 12:00 UTC; its last complete Pacific day is 2026-11-21.
const std::vector<std::string> standard = {"--accounts", "3", "--seed", "7", "--now", "2026-11-22T12:00:00Z"};

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::string insights(const std::string &account, const std::string &query)
{
    return "/v25.0/" + account + "/insights?" + query;
}

// Every end_time of an answer, in order.
std::vector<std::string> end_times(const std::string &body)
{
    std::vector<std::string> times;
    const std::string name = "\"end_time\":\"";
    for (std::size_t at = body.find(name); at != std::string::npos; at = body.find(name, at + 1)) {
        times.push_back(body.substr(at + name.size(), 24));
    }
    return times;
}

}  // namespace

TEST(Tls, IsTrustedThroughItsOwnAuthorityOnly)
{
    const SandboxProcess sandbox(standard);
    EXPECT_EQ(sandbox.api("/v25.0/me", facebook_token).status, 200);
    Ask ask;
    ask.token = facebook_token;
    ask.ca_file = sandbox.ca_file();
    ask.url = "https://127.0.0.1:" + sandbox.port("https") + "/v25.0/me";
    EXPECT_EQ(fetch(ask).status, 200);
    ask.ca_file.clear();
    EXPECT_EQ(fetch(ask).error, CURLE_PEER_FAILED_VERIFICATION);
}

TEST(Days, EndAtSevenInSummerAndAtEightInWinter)
{
    const SandboxProcess sandbox(standard);
    ASSERT_EQ(sandbox.control("/config", R"({"missing_percent":0})").status, 200);
    // 2026-10-30 00:00 UTC to 2026-11-04 00:00 UTC: the clocks go back on 2026-11-01.
    Reply reply = sandbox.api(insights(facebook_account, "metric=reach&period=day&since=2026-10-30&until=2026-11-04"),
                              facebook_token);
    EXPECT_EQ(end_times(reply.body), (std::vector<std::string>{"2026-10-30T07:00:00+0000", "2026-10-31T07:00:00+0000",
                                                               "2026-11-01T07:00:00+0000", "2026-11-02T08:00:00+0000",
                                                               "2026-11-03T08:00:00+0000"}));
    // And forward on 2026-03-08.
    reply = sandbox.api(insights(facebook_account, "metric=reach&period=day&since=2026-03-07&until=2026-03-10"),
                        facebook_token);
    EXPECT_EQ(end_times(reply.body), (std::vector<std::string>{"2026-03-07T08:00:00+0000", "2026-03-08T08:00:00+0000",
                                                               "2026-03-09T07:00:00+0000"}));
}

TEST(Days, ThatHaveNotEndedAreNotThere)
{
    const SandboxProcess sandbox(standard);
    sandbox.control("/config", R"({"missing_percent":0})");
    const std::string query = insights(facebook_account, "metric=reach&period=day&since=1795248000&until=1795680000");
    EXPECT_EQ(end_times(sandbox.api(query, facebook_token).body), std::vector<std::string>{"2026-11-22T08:00:00+0000"});
    sandbox.control("/clock", R"({"now":"2026-11-23T07:59:59Z"})");
    EXPECT_EQ(end_times(sandbox.api(query, facebook_token).body).size(), 1u);
    sandbox.control("/clock", R"({"now":"2026-11-23T08:00:00Z"})");
    EXPECT_EQ(end_times(sandbox.api(query, facebook_token).body).size(), 2u);
}

TEST(Days, WithoutBoundsAreTheLastTwo)
{
    const SandboxProcess sandbox(standard);
    sandbox.control("/config", R"({"missing_percent":0})");
    const Reply reply = sandbox.api(insights(facebook_account, "metric=reach&period=day"), facebook_token);
    EXPECT_EQ(end_times(reply.body),
              (std::vector<std::string>{"2026-11-21T08:00:00+0000", "2026-11-22T08:00:00+0000"}));
}

TEST(Values, OfExpectedCsvAreThoseOfTheApi)
{
    const SandboxProcess sandbox(standard);
    std::istringstream lines(
        sandbox.control("/expected.csv?account_id=" + facebook_account + "&first=2026-10-28&last=2026-11-10").body);
    std::string line;
    int compared = 0;
    while (std::getline(lines, line)) {
        std::vector<std::string> cells;
        std::istringstream row(line);
        for (std::string cell; std::getline(row, cell, ',');) cells.push_back(cell);
        ASSERT_EQ(cells.size(), 5u) << line;
        const bool series = cells[1] == "reach" || cells[1] == "follower_count";
        // The day's own window: its end is known, its start is 23 to 25 hours before; one second suffices.
        std::string end = cells[3].substr(0, 19);
        std::replace(end.begin(), end.end(), ' ', 'T');
        const std::string window = "&since=" + cells[2] + "T09:00:00Z&until=" + end + "Z";
        const Reply reply = sandbox.api(insights(facebook_account, "period=day&metric=" + cells[1] + window +
                                                                       (series ? "" : "&metric_type=total_value")),
                                        facebook_token);
        EXPECT_TRUE(contains(reply.body, "\"value\":" + cells[4] + (series ? "," : "}"))) << line << "\n" << reply.body;
        ++compared;
    }
    EXPECT_GT(compared, 40);
}

TEST(Values, AreTheSameForTheSameSeedAndOthersForAnother)
{
    const std::string query = "/expected.csv?first=2026-10-01&last=2026-11-10";
    const SandboxProcess one(standard);
    const SandboxProcess same(standard);
    const SandboxProcess other({"--accounts", "3", "--seed", "8", "--now", "2026-11-22T12:00:00Z"});
    EXPECT_EQ(one.control(query).body, same.control(query).body);
    EXPECT_NE(one.control(query).body, other.control(query).body);
}

TEST(Values, CanBeOverriddenDigitByDigitOrTakenAway)
{
    const SandboxProcess sandbox(standard);
    const auto set = [&](const std::string &value) {
        return sandbox.control("/values", "{\"account_id\":\"" + facebook_account +
                                              "\",\"metric\":\"reach\",\"day\":\"2026-11-21\",\"value\":" + value +
                                              "}");
    };
    const std::string query = insights(facebook_account, "metric=reach&period=day&since=1795248000&until=1795334400");
    ASSERT_EQ(set("9007199254740993").status, 200);
    EXPECT_TRUE(contains(sandbox.api(query, facebook_token).body, "\"value\":9007199254740993,"));
    ASSERT_EQ(set("{\"raw\":\"1.5\"}").status, 200);
    EXPECT_TRUE(contains(sandbox.api(query, facebook_token).body, "\"value\":1.5,"));
    ASSERT_EQ(set("null").status, 200);
    EXPECT_TRUE(contains(sandbox.api(query, facebook_token).body, "{\"data\":[]"));
    EXPECT_EQ(sandbox.control("/expected.csv?metric=reach&first=2026-11-21&account_id=" + facebook_account).body, "");
}

TEST(Refusals, AreThoseOfTheApi)
{
    const SandboxProcess sandbox(standard);
    struct Case {
        std::string target, token, text;
        long status = 400;
    };
    const std::string day = "&period=day";
    const std::string own = facebook_account;
    const std::vector<Case> cases = {
        {insights(own, "metric=reach" + day), "EAAunknown", "\"code\":190"},
        {insights(own, "metric=reach" + day), "", "\"code\":2500"},
        {insights("17841400000000003", "metric=reach" + day), facebook_token, "\"code\":100,\"error_subcode\":33"},
        {insights("17841409999999999", "metric=reach" + day), facebook_token, "\"code\":100,\"error_subcode\":33"},
        {"/v25.0/" + own + "/nonsense", facebook_token, "\"code\":2500"},
        {insights(own, "period=day"), facebook_token, "The parameter metric is required"},
        {insights(own, "metric=reach"), facebook_token, "The parameter period is required"},
        {insights(own, "metric=reach&period=hour"), facebook_token, "period must be one of the following values"},
        {insights(own, "metric=reach,foo" + day), facebook_token,
         "metric[1] must be one of the following values: reach, "},
        {insights(own, "metric=impressions" + day), facebook_token,
         "Starting from version 22 and above, the impressions"},
        {insights(own, "metric=reach,views,profile_views" + day), facebook_token,
         "(#100) The following metrics (views,profile_views) should be specified with parameter "
         "metric_type=total_value"},
        {insights(own, "metric=reach" + day + "&since=1792742400&until=1795334401"), facebook_token,
         "There cannot be more than 30 days (2592000 s) between since and until"},
        {insights(own, "metric=reach" + day + "&since=1795248000&until=1795161600"), facebook_token,
         "since param must be"},
        {insights(own, "metric=follower_count" + day + "&since=1790000000&until=1790172800"), facebook_token,
         "(#100) (follower_count) metric only supports querying data for the last 30 days excluding the current day"},
        {insights(own, "metric=views" + day + "&metric_type=total_value&breakdown=follower_mood"), facebook_token,
         "An unknown error has occurred.", 500},
        {insights(own, "metric=threads_views" + day), facebook_token, "not supported on this Instagram account"},
        {"/v25.0/" + own + "?fields=user_id", facebook_token, "nonexisting field (user_id)"},
        {"/v99.0/" + own, facebook_token, "\"code\":2500"},
    };
    for (const Case &each : cases) {
        const Reply reply = sandbox.api(each.target, each.token);
        EXPECT_EQ(reply.status, each.status) << each.target;
        EXPECT_TRUE(contains(reply.body, each.text)) << each.target << "\n" << reply.body;
        EXPECT_TRUE(contains(reply.body, "\"fbtrace_id\":")) << each.target;
    }
}

TEST(Refusals, OfFollowerCountSpareTheOldestDayThatIsAllowed)
{
    const SandboxProcess sandbox(standard);
    // 2026-10-23 00:00 Pacific is the 30th day before 2026-11-22, the current one.
    const std::string query = "metric=follower_count&period=day&until=1795248000&since=";
    EXPECT_EQ(sandbox.api(insights(facebook_account, query + "1792738800"), facebook_token).status, 200);
    EXPECT_EQ(sandbox.api(insights(facebook_account, query + "1792738799"), facebook_token).status, 400);
}

TEST(InstagramHost, DropsMetricsOfTheOtherShapeSilently)
{
    const SandboxProcess sandbox(standard);
    sandbox.control("/config", R"({"missing_percent":0})");
    const Reply reply =
        sandbox.api(insights(instagram_account, "metric=reach,profile_views&period=day"), instagram_token);
    EXPECT_EQ(reply.status, 200);
    EXPECT_TRUE(contains(reply.body, "\"name\":\"reach\""));
    EXPECT_FALSE(contains(reply.body, "\"name\":\"profile_views\""));
    EXPECT_TRUE(contains(reply.head, "instagram-api-version: v25.0"));
}

TEST(Nodes, TellFollowersAsANumberAndIdsAsStrings)
{
    const SandboxProcess sandbox(standard);
    sandbox.control("/accounts", R"([{"account_id":"17841400000000077","username":"acme","login":"instagram",
        "token":"IGAAacme","followers":1200}])");
    const Reply reply = sandbox.api("/v25.0/me?fields=user_id,username,followers_count", "IGAAacme");
    EXPECT_EQ(reply.body, R"({"user_id":"17841400000000077","username":"acme","followers_count":1200,)"
                          R"("id":"27841400000000077"})");
    EXPECT_EQ(sandbox.api("/v25.0/27841400000000077?fields=username", "IGAAacme").status, 200);
    EXPECT_EQ(sandbox.control("/expected.csv?account_id=17841400000000077&metric=followers_count").body,
              "17841400000000077,followers_count,2026-11-22,2026-11-23 08:00:00+00,1200\n");
}

TEST(Nodes, OfMeAccountsComeInPagesSomeWithoutInstagram)
{
    const SandboxProcess sandbox(standard);
    for (const char *id : {"17841400000000101", "17841400000000102", "17841400000000103"}) {
        sandbox.control("/accounts", std::string(R"({"account_id":")") + id + R"(","token":"EAAagency"})");
    }
    std::string target = "/v25.0/me/accounts?limit=2&fields=id,name,instagram_business_account%7Bid,username%7D";
    const Reply first = sandbox.api(target, "EAAagency");
    EXPECT_TRUE(contains(first.body, "17841400000000101"));
    EXPECT_TRUE(contains(first.body, "Page without Instagram"));
    EXPECT_TRUE(contains(first.body, "\"next\":\"https:\\/\\/localhost"));
    const Reply last = sandbox.api(target + "&after=QVFIsandbox1ZD", "EAAagency");
    EXPECT_TRUE(contains(last.body, "17841400000000103"));
    EXPECT_FALSE(contains(last.body, "\"next\""));
    EXPECT_TRUE(contains(sandbox.api(target + "&after=nonsense", "EAAagency").body, "Invalid cursors"));
}

TEST(Tokens, HaveTheStateThatATestGaveThem)
{
    const SandboxProcess sandbox(standard);
    const auto answer = [&](const std::string &state) {
        sandbox.control("/tokens", "{\"token\":\"" + facebook_token + "\",\"state\":\"" + state + "\"}");
        return sandbox.api(insights(facebook_account, "metric=reach&period=day"), facebook_token).body;
    };
    EXPECT_TRUE(contains(answer("expired"), "\"code\":190,\"error_subcode\":463"));
    EXPECT_TRUE(contains(answer("revoked"), "\"code\":190,\"error_subcode\":467"));
    EXPECT_TRUE(contains(answer("app_removed"), "\"code\":190,\"error_subcode\":458"));
    EXPECT_TRUE(contains(answer("no_scope"), "\"code\":10"));
    EXPECT_TRUE(contains(answer("valid"), "\"data\":["));
}

TEST(Tokens, InTheQueryWinAndAreCounted)
{
    const SandboxProcess sandbox(standard);
    const std::string target = "/v25.0/" + facebook_account + "?fields=username";
    EXPECT_EQ(sandbox.api(target, facebook_token).status, 200);
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 0);
    EXPECT_EQ(sandbox.api(target + "&access_token=wrong", facebook_token).status, 400);
    EXPECT_EQ(sandbox.counter("/stats", "tokens_in_urls"), 1);
}

}  // namespace ig::sandbox
