// HTTP/2: which requests share connections, how few these are, and that one that breaks or dies ends nobody's hope.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <signal.h>

#include "http/driver.hpp"
#include "http/nginx_front.hpp"
#include "http/tls_server.hpp"

namespace ig::test {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using Clock = std::chrono::steady_clock;
using Then = Reply::Then;

Reply held(const SeenRequest &) { return {"", Then::hold}; }
Reply at_once(const SeenRequest &) { return {http_answer(200, "", "ok"), Then::keep}; }
Reply held_if_asked(const SeenRequest &request) { return request.path() == "/held" ? held(request) : at_once(request); }

http::ClientOptions trusting()
{
    http::ClientOptions options;
    options.ca_file = certificate_folder() + "/ca.pem";
    return options;
}

http::ClientOptions brisk()
{
    http::ClientOptions options = trusting();
    options.request_timeout = milliseconds{400};
    return options;
}

void start_gets(Driver &driver, int count, const std::string &url)
{
    for (int i = 0; i < count; ++i) driver.client.start(++driver.last_id, get(url));
}

int count_of(const Driver &driver, TransportFailure failure)
{
    int found = 0;
    for (const http::Completed &ended : driver.completed) found += ended.response.failure == failure ? 1 : 0;
    return found;
}

void expect_version(const std::vector<SeenRequest> &seen, const std::string &version)
{
    for (const SeenRequest &request : seen) EXPECT_EQ(version_of(request), version);
}

TEST(Http2, GetsShareOneConnectionAtTheSameTime)
{
    ScriptedServer server(held);
    NginxFront front(server, true);
    Driver driver(trusting());
    start_gets(driver, 90, front.url("/"));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 90; })) << "all are under way at once";
    expect_version(server.seen(), "HTTP/2.0");
    EXPECT_EQ(connections_of(server.seen()).size(), 1u);
    server.release(http_answer(200, "", "shared"));
    ASSERT_TRUE(driver.until_completed(90));
    EXPECT_EQ(count_of(driver, TransportFailure::none), 90);
    EXPECT_EQ(driver.completed.back().response.body, "shared");
}

TEST(Http2, AFullConnectionIsFollowedByOneMoreNotByMany)
{
    ScriptedServer server(held);
    NginxFront front(server, true);
    Driver driver(trusting());
    start_gets(driver, 190, front.url("/"));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 190; }));
    EXPECT_EQ(connections_of(server.seen()).size(), 2u);
}

TEST(Http2, AHostThatAllowsFewStreamsAnswersAll)
{
    ScriptedServer server(at_once);
    NginxFront front(server, true, "http2_max_concurrent_streams 10;");
    Driver driver(trusting());
    start_gets(driver, 200, front.url("/"));
    ASSERT_TRUE(driver.until_completed(200));
    EXPECT_EQ(count_of(driver, TransportFailure::none), 200);
}

TEST(Http2, PostsNeverTravelOnConnectionsOfGets)
{
    ScriptedServer server(held_if_asked);
    NginxFront front(server, true);
    Driver driver(trusting());
    for (int i = 0; i < 3; ++i) {  // the connections stand idle when the next comes
        EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
        EXPECT_EQ(driver.fetch(post(front.url("/"), "a=b")).status, 200);
    }
    driver.client.start(++driver.last_id, get(front.url("/held")));  // and with one in use
    ASSERT_TRUE(driver.until([&] { return server.requests() == 7; }));
    EXPECT_EQ(driver.fetch(post(front.url("/"), "a=b")).status, 200);
    std::set<std::string> of_gets, of_posts;
    for (const SeenRequest &request : server.seen()) {
        const bool is_post = request.head.substr(0, 5) == "POST ";
        EXPECT_EQ(version_of(request), is_post ? "HTTP/1.1" : "HTTP/2.0");
        (is_post ? of_posts : of_gets).insert(connection_of(request));
    }
    EXPECT_EQ(of_gets.size(), 1u);
    EXPECT_EQ(of_posts.size(), 1u) << "their own connections are used again, too";
}

TEST(Http2, IsNotAskedForWhenTheOptionIsOff)
{
    ScriptedServer server(at_once);
    NginxFront front(server, true);
    http::ClientOptions options = trusting();
    Driver driver(options);
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    options.http2 = false;
    driver.client.set_options(options);  // the old connection still stands
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    EXPECT_EQ(version_of(server.seen().front()), "HTTP/2.0");
    EXPECT_EQ(version_of(server.seen().back()), "HTTP/1.1");
}

TEST(Http2, AHostWithoutItServesAllAtOnce)
{
    ScriptedServer server(held);
    NginxFront front(server, false);
    Driver driver(trusting());
    start_gets(driver, 50, front.url("/"));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 50; })) << "nobody waits for another's answer";
    expect_version(server.seen(), "HTTP/1.1");
    EXPECT_EQ(connections_of(server.seen()).size(), 50u);
}

TEST(Http2, TheLimitOfTransfersToAHostHoldsAcrossBothKinds)
{
    ScriptedServer server(held);
    NginxFront front(server, true);
    http::ClientOptions options = trusting();
    options.max_connections_per_host = 5;
    Driver driver(options);
    start_gets(driver, 10, front.url("/"));
    for (int i = 0; i < 10; ++i) driver.client.start(++driver.last_id, post(front.url("/post"), "a=b"));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 5; }));
    for (int i = 0; i < 20; ++i) driver.step(milliseconds{2});
    EXPECT_EQ(server.requests(), 5u);
    int posts = 0;
    for (const SeenRequest &request : server.seen()) posts += request.path() == "/post" ? 1 : 0;
    EXPECT_GE(posts, 1) << "neither kind starves the other";
    EXPECT_LE(posts, 4);
}

TEST(Http2, AHostThatSaysGoodByeAnswersOrInterruptsEveryRequest)
{
    ScriptedServer server(at_once);
    NginxFront front(server, true, "keepalive_requests 50;");  // after which it sends GOAWAY
    Driver driver(trusting());
    start_gets(driver, 300, front.url("/"));
    ASSERT_TRUE(driver.until_completed(300));
    EXPECT_EQ(count_of(driver, TransportFailure::none) + count_of(driver, TransportFailure::interrupted), 300);
    EXPECT_GE(count_of(driver, TransportFailure::none), 150);
    expect_version(server.seen(), "HTTP/2.0");
}

TEST(Http2, AStreamThatIsBrokenOffIsInterruptedAloneAndAtOnce)
{
    ScriptedServer server(held_if_asked);
    NginxFront front(server, true);
    Driver driver(trusting());
    driver.client.start(++driver.last_id, get(front.url("/held")));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 1; }));
    const HttpResponse broken = driver.fetch(secret_get(front.url("/broken")));
    EXPECT_EQ(broken.failure, TransportFailure::interrupted);
    EXPECT_THAT(broken.failure_text, HasSubstr("broke the request off"));
    EXPECT_EQ(broken.failure_text.find("nobody-may-see"), std::string::npos);
    driver.completed.clear();
    server.release(http_answer(200, "", "unhurt"));
    ASSERT_TRUE(driver.until_completed(1));
    EXPECT_EQ(driver.completed.front().response.body, "unhurt") << driver.completed.front().response.failure_text;
}

TEST(Http2, AConnectionThatBreaksInterruptsItsTransfersAtOnce)
{
    ScriptedServer server(held);
    NginxFront front(server, true);
    Driver driver(trusting());
    start_gets(driver, 20, front.url("/"));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 20; }));
    front.signal(SIGKILL);
    ASSERT_TRUE(driver.until_completed(20)) << "30 seconds are left to answer";
    EXPECT_EQ(count_of(driver, TransportFailure::interrupted), 20);
    EXPECT_THAT(driver.completed.front().response.failure_text, HasSubstr("closed the connection without an answer"));
}

TEST(Http2, ADeadConnectionIsNotUsedAgain)
{
    ScriptedServer server(at_once);
    NginxFront front(server, true);
    Driver driver(brisk());
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    front.signal(SIGSTOP);
    EXPECT_EQ(driver.fetch(get(front.url("/"))).failure, TransportFailure::timeout);
    front.signal(SIGCONT);
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    EXPECT_NE(connection_of(server.seen().back()), connection_of(server.seen().front()));
}

TEST(Http2, ASlowAnswerDoesNotEndTheConnectionOfOthers)
{
    ScriptedServer server(held_if_asked);
    NginxFront front(server, true);
    Driver driver(brisk());
    driver.client.start(1000, get(front.url("/held")));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 1; }));
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    driver.completed.clear();
    ASSERT_TRUE(driver.until_completed(1));
    EXPECT_EQ(driver.completed.front().response.failure, TransportFailure::timeout);
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    EXPECT_EQ(connections_of(server.seen()).size(), 1u);
}

TEST(Http2, ACancelledStreamLeavesTheOthersAlone)
{
    ScriptedServer server(held);
    NginxFront front(server, true);
    Driver driver(trusting());
    start_gets(driver, 10, front.url("/"));
    ASSERT_TRUE(driver.until([&] { return server.requests() == 10; }));
    for (http::TransferId id = 1; id <= 5; ++id) driver.client.cancel(id);
    server.release(http_answer(200, "", "left"));
    ASSERT_TRUE(driver.until_completed(5));
    EXPECT_EQ(count_of(driver, TransportFailure::none), 5);
    EXPECT_EQ(driver.client.in_flight(), 0u);
}

TEST(Http2, AHostWhoseHandshakeHangsHoldsUpNoOther)
{
    ScriptedServer silent([](const SeenRequest &) { return Reply{}; });
    ScriptedServer server(at_once);
    NginxFront front(server, true);
    Driver driver(trusting());
    start_gets(driver, 20, "https://" + silent.name() + "/");
    ASSERT_TRUE(driver.until([&] { return silent.connections_made() >= 1; }));
    const auto begin = Clock::now();
    start_gets(driver, 150, front.url("/"));
    ASSERT_TRUE(driver.until_completed(150));
    EXPECT_EQ(count_of(driver, TransportFailure::none), 150);
    EXPECT_LT(Clock::now() - begin, trusting().connect_timeout);
}

TEST(Http2, ThoseWhoWaitForAHostThatCannotBeReachedFindOutTogether)
{
    ScriptedServer silent([](const SeenRequest &) { return Reply{}; });
    http::ClientOptions options = trusting();
    options.connect_timeout = milliseconds{200};
    Driver driver(options);
    const auto begin = Clock::now();
    start_gets(driver, 33, "https://" + silent.name() + "/");
    ASSERT_TRUE(driver.until_completed(33));
    EXPECT_EQ(count_of(driver, TransportFailure::connect), 33);
    EXPECT_LT(Clock::now() - begin, milliseconds{3000}) << "one after another would take 6600 ms";
}

TEST(Http2, WaitingForAPlaceDoesNotCountAsTimeOfTheRequest)
{
    ScriptedServer server(held);
    NginxFront front(server, true);
    http::ClientOptions options = brisk();
    options.max_connections_per_host = 1;
    Driver driver(options);
    start_gets(driver, 3, front.url("/"));
    ASSERT_TRUE(driver.until_completed(2)) << "the first two have run out of their time";
    ASSERT_TRUE(driver.until([&] { return server.requests() == 3; }));
    server.release(http_answer(200, "", "in time"));
    ASSERT_TRUE(driver.until_completed(3));
    EXPECT_EQ(driver.completed.back().response.body, "in time");
}

}  // namespace
}  // namespace ig::test
