// What a transfer that works brings back, and what the server gets to see of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>

#include "http/driver.hpp"
#include "http/program_output.hpp"
#include "http/scripted_server.hpp"

namespace ig::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Then = Reply::Then;

Reply plain_ok(const SeenRequest &) { return {http_answer(200, "", "ok"), Then::keep}; }

TEST(Client, BringsStatusHeadersAndBody)
{
    ScriptedServer server([](const SeenRequest &) {
        return Reply{http_answer(404, "X-One:  first \r\nSet-Cookie: a\r\nset-cookie: b\r\nX-Empty:\r\n", "{\"a\":1}"),
                     Then::keep};
    });
    Driver driver;
    const HttpResponse response = driver.fetch(get(server.url("/x")));
    EXPECT_EQ(response.failure, TransportFailure::none) << response.failure_text;
    EXPECT_EQ(response.failure_text, "");
    EXPECT_EQ(response.status, 404);
    EXPECT_EQ(response.body, "{\"a\":1}");
    EXPECT_EQ(response.header("x-one"), "first");
    EXPECT_EQ(response.header("X-EMPTY"), "");
    std::vector<std::string> cookies;
    for (const HttpHeader &header : response.headers) {
        if (header.name == "Set-Cookie" || header.name == "set-cookie") cookies.push_back(header.value);
    }
    EXPECT_THAT(cookies, ElementsAre("a", "b"));
}

TEST(Client, AnEmptyBodyIsAnAnswer)
{
    ScriptedServer server([](const SeenRequest &) { return Reply{"HTTP/1.1 204 No\r\n\r\n", Then::keep}; });
    Driver driver;
    const HttpResponse response = driver.fetch(get(server.url("/x")));
    EXPECT_EQ(response.failure, TransportFailure::none);
    EXPECT_EQ(response.status, 204);
    EXPECT_EQ(response.body, "");
}

TEST(Client, DropsTheHeadersOfInterimAnswersAndTrailers)
{
    ScriptedServer server([](const SeenRequest &) {
        return Reply{"HTTP/1.1 103 Early\r\nX-Early: 1\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                     "HTTP/1.1 200 OK\r\nX-Real: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
                     "2\r\nok\r\n0\r\nX-Trailer: 1\r\nHTTP/1.1: 5\r\n\r\n",
                     Then::keep};
    });
    Driver driver;
    const HttpResponse response = driver.fetch(get(server.url("/x")));
    EXPECT_EQ(response.status, 200) << response.failure_text;
    EXPECT_EQ(response.body, "ok");
    EXPECT_EQ(response.header("X-Real"), "1");
    EXPECT_EQ(response.header("X-Early"), "");
    EXPECT_EQ(response.header("X-Trailer"), "");
}

TEST(Client, JoinsFoldedHeaderLines)
{
    ScriptedServer server([](const SeenRequest &) {
        return Reply{http_answer(200, "X-Long: a\r\n  b\r\n", ""), Then::keep};
    });
    Driver driver;
    EXPECT_EQ(driver.fetch(get(server.url("/x"))).header("X-Long"), "a b");
}

TEST(Client, InflatesCompressedAnswers)
{
    const std::string packed = output_of("printf '{\"reach\":12}' | gzip -c");
    ASSERT_FALSE(packed.empty());
    ScriptedServer server([&](const SeenRequest &) {
        return Reply{http_answer(200, "Content-Encoding: gzip\r\n", packed), Then::keep};
    });
    Driver driver;
    EXPECT_EQ(driver.fetch(get(server.url("/x"))).body, "{\"reach\":12}");
    EXPECT_THAT(server.seen().front().headers("Accept-Encoding"), ElementsAre("gzip"));
}

TEST(Client, DoesNotFollowARedirect)
{
    ScriptedServer elsewhere(plain_ok);
    ScriptedServer server([&](const SeenRequest &) {
        return Reply{http_answer(302, "Location: " + elsewhere.url("/stolen") + "\r\n", ""), Then::keep};
    });
    Driver driver;
    const HttpResponse response = driver.fetch(secret_get(server.url("/x")));
    EXPECT_EQ(response.status, 302);
    EXPECT_EQ(response.header("Location"), elsewhere.url("/stolen"));
    EXPECT_EQ(elsewhere.connections_made(), 0);
}

TEST(Client, SendsTheTokenExactlyOnceAndOnlyWithItsOwnRequest)
{
    ScriptedServer server(plain_ok);
    Driver driver;
    HttpRequest with_token = get(server.url("/with"));
    with_token.bearer = Secret("EAAB-token");
    EXPECT_EQ(driver.fetch(std::move(with_token)).status, 200);
    EXPECT_EQ(driver.fetch(get(server.url("/without"))).status, 200);
    const auto seen = server.seen();
    ASSERT_EQ(seen.size(), 2u);
    EXPECT_THAT(seen[0].headers("Authorization"), ElementsAre("Bearer EAAB-token"));
    EXPECT_THAT(seen[1].headers("Authorization"), IsEmpty());
    EXPECT_EQ(seen[1].head.find("EAAB"), std::string::npos);
    EXPECT_EQ(seen[1].connection, seen[0].connection) << "the promise is about one connection";
}

TEST(Client, PostsAForm)
{
    ScriptedServer server(plain_ok);
    Driver driver;
    const std::string form = "client_secret=a%26b&code=" + std::string(2 << 20, 'c');  // large enough for "Expect:"
    EXPECT_EQ(driver.fetch(post(server.url("/token"), form)).status, 200);
    EXPECT_EQ(driver.fetch(post(server.url("/empty"), "")).status, 200);
    EXPECT_EQ(driver.fetch(get(server.url("/get"))).status, 200);
    const auto seen = server.seen();
    ASSERT_EQ(seen.size(), 3u);
    EXPECT_EQ(seen[0].head.substr(0, 5), "POST ");
    EXPECT_THAT(seen[0].headers("Content-Type"), ElementsAre("application/x-www-form-urlencoded"));
    EXPECT_THAT(seen[0].headers("Expect"), IsEmpty());
    EXPECT_TRUE(seen[0].body == form);
    EXPECT_EQ(seen[1].head.substr(0, 5), "POST ");
    EXPECT_EQ(seen[1].body, "");
    EXPECT_EQ(seen[2].head.substr(0, 4), "GET ");
    EXPECT_THAT(seen[2].headers("Content-Type"), IsEmpty());
}

TEST(Client, KeepsTheConnectionForTheNextRequest)
{
    ScriptedServer server(plain_ok);
    Driver driver;
    for (int i = 0; i < 5; ++i) EXPECT_EQ(driver.fetch(get(server.url("/x"))).status, 200);
    EXPECT_EQ(server.connections_made(), 1);
}

TEST(Client, AConnectionThatTheServerClosedIsReplaced)
{
    ScriptedServer server([](const SeenRequest &) { return Reply{http_answer(200, "", "ok"), Then::close}; });
    Driver driver;
    for (int i = 1; i <= 3; ++i) {
        EXPECT_EQ(driver.fetch(get(server.url("/x"))).status, 200);
        EXPECT_TRUE(server.wait_for([&] { return server.connections_open() == 0; }));
    }
    EXPECT_EQ(server.connections_made(), 3);
}

TEST(Client, AHundredRequestsShareFourConnections)
{
    ScriptedServer server([](const SeenRequest &request) {
        return Reply{http_answer(200, "", request.path()), Then::keep};
    });
    http::ClientOptions options;
    options.max_connections_per_host = 4;
    Driver driver(options);
    for (http::TransferId id = 0; id < 100; ++id) driver.client.start(id, get(server.url("/" + std::to_string(id))));
    EXPECT_EQ(driver.client.in_flight(), 100u);
    ASSERT_TRUE(driver.until_completed(100));
    EXPECT_EQ(driver.client.in_flight(), 0u);
    EXPECT_LE(server.connections_made(), 4);
    std::set<http::TransferId> ids;
    for (const http::Completed &ended : driver.completed) {
        EXPECT_EQ(ended.response.body, "/" + std::to_string(ended.id));
        ids.insert(ended.id);
    }
    EXPECT_EQ(ids.size(), 100u);
}

TEST(Client, WaitingForAConnectionDoesNotCountAsRequestTime)
{
    std::atomic<int> hanging{0};
    ScriptedServer server([&](const SeenRequest &request) {
        if (request.path() != "/slow") return plain_ok(request);
        ++hanging;
        return Reply{"", Then::hold};
    });
    http::ClientOptions options;
    options.max_connections_per_host = 1;
    options.request_timeout = std::chrono::milliseconds{500};
    Driver driver(options);
    driver.client.start(1, get(server.url("/slow")));
    driver.client.start(2, get(server.url("/slow")));
    driver.client.start(3, get(server.url("/fast")));
    ASSERT_TRUE(driver.until_completed(3));
    EXPECT_EQ(driver.completed[0].response.failure, TransportFailure::timeout);
    EXPECT_EQ(driver.completed[1].response.failure, TransportFailure::timeout);
    EXPECT_EQ(driver.completed[2].response.status, 200) << driver.completed[2].response.failure_text;
    EXPECT_EQ(hanging, 2);
}

TEST(Client, AFullHostDoesNotHoldUpAnother)
{
    ScriptedServer stuck([](const SeenRequest &) { return Reply{"", Then::hold}; });
    ScriptedServer quick(plain_ok);
    http::ClientOptions options;
    options.max_connections_per_host = 2;
    Driver driver(options);
    for (http::TransferId id = 0; id < 10; ++id) driver.client.start(id, get(stuck.url("/x")));
    for (http::TransferId id = 100; id < 110; ++id) driver.client.start(id, get(quick.url("/x")));
    ASSERT_TRUE(driver.until_completed(10));
    for (const http::Completed &ended : driver.completed) EXPECT_GE(ended.id, 100u);
    EXPECT_EQ(driver.client.in_flight(), 10u);
    EXPECT_LE(stuck.connections_made(), 2);
}

TEST(Client, TakesNoProxyFromTheEnvironment)
{
    ScriptedServer proxy([](const SeenRequest &) { return Reply{http_answer(200, "", "from the proxy"), Then::keep}; });
    ScriptedServer server(plain_ok);
    const std::string address = "http://" + proxy.name();
    const char *const names[] = {"http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"};
    for (const char *name : names) setenv(name, address.c_str(), 1);
    http::ClientOptions options;
    options.connect_timeout = std::chrono::milliseconds{500};
    Driver driver(options);
    EXPECT_EQ(driver.fetch(get(server.url("/x"))).body, "ok");
    driver.fetch(get("https://" + server.name() + "/x"));  // fails, but must not ask the proxy
    for (const char *name : names) unsetenv(name);
    EXPECT_EQ(proxy.connections_made(), 0);
}

TEST(Client, TakesNoPasswordFromANetrcFile)
{
    char home[] = "/tmp/ig_netrc_XXXXXX";
    ASSERT_NE(mkdtemp(home), nullptr);
    const std::string file = std::string(home) + "/.netrc";
    std::ofstream(file) << "machine 127.0.0.1 login who password what\ndefault login who password what\n";
    const char *const before = getenv("HOME");
    const std::string old_home = before != nullptr ? before : "";
    setenv("HOME", home, 1);
    ScriptedServer server(plain_ok);
    Driver driver;
    EXPECT_EQ(driver.fetch(get(server.url("/x"))).status, 200);
    setenv("HOME", old_home.c_str(), 1);
    EXPECT_THAT(server.seen().front().headers("Authorization"), IsEmpty());
    std::remove(file.c_str());
    rmdir(home);
}

TEST(Client, OptionsHoldForTheTransfersThatStartAfterThem)
{
    ScriptedServer server([](const SeenRequest &) {
        return Reply{http_answer(200, "", std::string(100, 'x')), Then::keep};
    });
    Driver driver;
    http::ClientOptions small;
    small.max_response_bytes = 10;
    driver.client.start(1, get(server.url("/x")));
    driver.client.set_options(small);
    driver.client.start(2, get(server.url("/x")));
    ASSERT_TRUE(driver.until_completed(2));
    for (const http::Completed &ended : driver.completed) {
        EXPECT_EQ(ended.response.failure, ended.id == 1 ? TransportFailure::none : TransportFailure::too_large);
    }
}

}  // namespace
}  // namespace ig::test
