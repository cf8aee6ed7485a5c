// What the sandbox promises about faults, hanging, records and its own life.
#include <sys/wait.h>

#include <curl/curl.h>
#include <gtest/gtest.h>

#include "sandbox_process.hpp"

namespace ig::sandbox {

namespace {

const std::string account = "17841400000000001";
const std::string token = "EAAsandbox000000000001";
const std::string target = "/v25.0/" + account + "/insights?metric=reach,follower_count&period=day";

// The sandbox with one account, and short ways to speak with it.
struct Faults : testing::Test {
    SandboxProcess sandbox{{"--accounts", "2", "--now", "2026-11-22T12:00:00Z"}};

    Reply ask(long timeout_ms = 20000)
    {
        Ask ask;
        ask.url = sandbox.https(target);
        ask.token = token;
        ask.ca_file = sandbox.ca_file();
        ask.timeout_ms = timeout_ms;
        return fetch(ask);
    }
    void fault(const std::string &json) { ASSERT_EQ(sandbox.control("/faults", json).status, 200) << json; }
    void clear() { ASSERT_EQ(sandbox.control("/faults", "", "DELETE").status, 200); }
    std::vector<Ask> many(std::size_t number)
    {
        Ask one;
        one.url = sandbox.https(target);
        one.token = token;
        one.ca_file = sandbox.ca_file();
        return std::vector<Ask>(number, one);
    }
};

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_F(Faults, AnswerAsToldAsOftenAsToldAfterWhatWasToPass)
{
    fault(R"([{"match":{"route":"insights","metric":"follower_count"},"after":1,"times":2,
        "do":{"error":{"code":190,"subcode":463,"message":"gone","is_transient":false}}}])");
    EXPECT_EQ(ask().status, 200);
    EXPECT_TRUE(contains(
        ask().body, R"("message":"gone","type":"OAuthException","code":190,"error_subcode":463,"is_transient":false)"));
    EXPECT_EQ(ask().status, 400);
    EXPECT_EQ(ask().status, 200);
    EXPECT_EQ(sandbox.api("/v25.0/me", token).status, 200);
}

TEST_F(Faults, CanBeAnyBody)
{
    fault(R"({"match":{},"times":1,"do":{"status":502,"body":"<html>Bad</html>","content_type":"text/html"}})");
    fault(R"({"match":{},"times":1,"do":{"body_base64":"//4="}})");
    fault(R"({"match":{},"times":1,"do":{"empty":true}})");
    fault(R"({"match":{},"times":1,"do":{"huge_bytes":100000}})");
    fault(R"({"match":{},"times":1,"do":{"deep_json":3}})");
    fault(R"({"match":{},"times":1,"do":{"omit_metrics":["reach"]}})");
    fault(R"({"match":{},"times":1,"do":{"headers":{"X-App-Usage":"{\"call_count\":91}"}}})");
    const Reply html = ask();
    EXPECT_EQ(html.status, 502);
    EXPECT_EQ(html.body, "<html>Bad</html>");
    EXPECT_EQ(ask().body, "\xff\xfe");
    EXPECT_EQ(ask().body, R"({"data":[]})");
    EXPECT_EQ(ask().body.size(), 100000u);
    EXPECT_EQ(ask().body, R"({"data":[[[]]]})");
    EXPECT_FALSE(contains(ask().body, "\"name\":\"reach\""));
    const Reply usage = ask();
    EXPECT_TRUE(contains(usage.head, "X-App-Usage: {\"call_count\":91}"));
    EXPECT_TRUE(contains(usage.body, "\"name\":\"reach\""));
}

TEST_F(Faults, CanCutTheConnectionAnywhere)
{
    const std::size_t whole = ask().body.size();
    for (const std::string place : {"before", "in_headers", "in_body", "reset"}) {
        fault(R"({"match":{},"do":{"close":")" + place + "\"}}");
        const Reply reply = ask();
        // Of a head that is cut, curl makes an answer without a body; all else is an error to it.
        EXPECT_TRUE(reply.error != CURLE_OK || place == "in_headers") << place;
        EXPECT_EQ(contains(reply.head, "\r\n\r\n"), place == "in_body") << place;
        EXPECT_EQ(reply.body.size(), place == "in_body" ? whole / 2 : 0u) << place;
        clear();
    }
    EXPECT_EQ(ask().error, CURLE_OK);
}

TEST_F(Faults, DripAByteAtATime)
{
    fault(R"({"match":{},"do":{"drip_ms":1,"empty":true}})");
    EXPECT_EQ(ask().body, R"({"data":[]})");
    clear();
    fault(R"({"match":{},"do":{"drip_ms":1000}})");
    EXPECT_EQ(ask(300).error, CURLE_OPERATION_TIMEDOUT);
}

TEST_F(Faults, HangUntilReleasedAndThenTellTheTruth)
{
    const std::string truth = ask().body;
    for (const char *place : {"before_headers", "in_headers", "in_body"}) {
        fault(std::string(R"({"match":{},"do":{"hang":")") + place + "\"}}");
        bool released = false;
        const auto replies = fetch_together(many(1), [&] {
            if (released || sandbox.counter("/hanging", "count") != 1) return;
            released = sandbox.control("/release", "{}").status == 200;
        });
        EXPECT_TRUE(released) << place;
        EXPECT_EQ(replies[0].body, truth) << place;
        EXPECT_EQ(sandbox.counter("/hanging", "count"), 0) << place;
        clear();
    }
}

TEST_F(Faults, ForgetAClientThatWentAwayWhileItHung)
{
    fault(R"({"match":{},"do":{"hang":"before_headers"}})");
    EXPECT_EQ(ask(200).error, CURLE_OPERATION_TIMEDOUT);
    while (sandbox.counter("/hanging", "count") != 0) {
    }  // ends by the test's own time limit
    EXPECT_EQ(sandbox.counter("/stats", "in_flight"), 0);
}

TEST_F(Faults, HoldTwoHundredRequestsAtOnce)
{
    fault(R"({"match":{},"do":{"hang":"before_headers"}})");
    bool released = false;
    const auto replies = fetch_together(many(200), [&] {
        if (released || sandbox.counter("/hanging", "count") != 200) return;
        released = sandbox.control("/release", "{}").status == 200;
    });
    for (const Reply &reply : replies) EXPECT_EQ(reply.status, 200);
    EXPECT_EQ(sandbox.counter("/stats", "highest_concurrency"), 200);
    EXPECT_EQ(sandbox.counter("/stats", "calls"), 200);
    EXPECT_EQ(sandbox.counter("/stats", "connections"), 200);
}

TEST_F(Faults, CanHangBeforeTheHandshake)
{
    fault(R"({"match":{"route":"accept"},"times":1,"do":{"accept":"tls_hang"}})");
    bool released = false;
    const auto replies = fetch_together(many(1), [&] {
        if (released || sandbox.counter("/hanging", "count") != 1) return;
        released = sandbox.control("/release", "{}").status == 200;
    });
    EXPECT_EQ(replies[0].status, 200);
    fault(R"({"match":{"route":"accept"},"times":1,"do":{"accept":"reset"}})");
    EXPECT_NE(ask().error, CURLE_OK);
    EXPECT_EQ(ask().status, 200);
}

TEST_F(Faults, ThrottleWithHeadersAndCountCallsMadeAllTheSame)
{
    fault(R"({"match":{},"times":1,"do":{"throttle":{"code":80002,"minutes":5}}})");
    const Reply reply = ask();
    EXPECT_EQ(reply.status, 400);
    EXPECT_TRUE(contains(reply.body, "\"code\":80002"));
    EXPECT_TRUE(contains(reply.head, "\"call_count\":100"));
    EXPECT_TRUE(contains(reply.head, "\"estimated_time_to_regain_access\":5"));
    EXPECT_EQ(sandbox.counter("/stats", "calls_while_blocked"), 0);
    EXPECT_EQ(ask().status, 200);
    EXPECT_EQ(sandbox.counter("/stats", "calls_while_blocked"), 1);
    sandbox.control("/config", R"({"refuse_while_blocked":true})");
    EXPECT_TRUE(contains(ask().body, "\"code\":80002"));
    sandbox.control("/clock", R"({"advance_seconds":361})");
    EXPECT_EQ(ask().status, 200);
    EXPECT_EQ(sandbox.counter("/stats", "calls_while_blocked"), 2);
}

TEST_F(Faults, AreRefusedWhenMisspelt)
{
    EXPECT_EQ(sandbox.control("/faults", R"({"match":{},"do":{"hangs":"in_body"}})").status, 400);
    EXPECT_EQ(sandbox.control("/faults", R"({"match":{"path":"x"},"do":{"empty":true}})").status, 400);
    EXPECT_EQ(sandbox.control("/faults", R"({"match":{"route":"accept"},"do":{"empty":true}})").status, 400);
    EXPECT_EQ(sandbox.control("/faults", "[1").status, 400);
    EXPECT_EQ(sandbox.control("/config", R"({"pagin":true})").status, 400);
    EXPECT_EQ(sandbox.control("/nowhere").status, 404);
}

TEST_F(Faults, LeaveRecordsOfEveryCall)
{
    ask();
    const std::string calls = sandbox.control("/calls?route=insights").body;
    for (const char *part :
         {R"("route":"insights")", R"("account_id":"17841400000000001")", R"("token":"EAAsandbox000000000001")",
          R"("metrics":["reach","follower_count"])", R"("period":"day")", R"("status":200)",
          R"("host_flavour":"facebook")", R"("http_version":"1.1")"}) {
        EXPECT_TRUE(contains(calls, part)) << part << "\n" << calls;
    }
    EXPECT_EQ(sandbox.control("/reset", "{}").status, 200);
    EXPECT_EQ(sandbox.control("/calls").body, "[]\n");
    EXPECT_EQ(sandbox.counter("/stats", "calls"), 0);
}

TEST_F(Faults, IncludeAPortOnWhichEveryConnectHangs)
{
    Ask ask;
    ask.url = "http://127.0.0.1:" + sandbox.port("connect_hang") + "/";
    ask.connect_timeout_ms = 300;
    EXPECT_EQ(fetch(ask).error, CURLE_OPERATION_TIMEDOUT);
}

TEST_F(Faults, IncludePortsWhoseCertificatesNobodyShouldTrust)
{
    for (const std::string flaw : {"expired", "not_yet_valid", "wrong_host", "self_signed"}) {
        Ask ask;
        ask.url = "https://localhost:" + sandbox.port(flaw) + target;
        ask.token = token;
        ask.ca_file = sandbox.ca_file();
        EXPECT_EQ(fetch(ask).error, CURLE_PEER_FAILED_VERIFICATION) << flaw;
    }
    EXPECT_EQ(sandbox.counter("/stats", "calls"), 0);
    EXPECT_EQ(ask().status, 200);
}

TEST(Process, ThatCannotStartIsToldAtOnce) { EXPECT_THROW(SandboxProcess({"--accounts", "many"}), std::runtime_error); }

TEST(Process, EndsWhenItsParentIsGone)
{
    SandboxProcess sandbox({});
    const int status = sandbox.close_stdin_and_wait();
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

}  // namespace ig::sandbox
