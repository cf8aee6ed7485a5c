// The secret part of a query: the server gets it, and nothing else does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/driver.hpp"
#include "http/scripted_server.hpp"

namespace ig::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using Then = Reply::Then;

Reply plain_ok(const SeenRequest &) { return {http_answer(200, "", "ok"), Then::keep}; }

HttpRequest with_secret(std::string url, std::string_view query)
{
    HttpRequest request = get(std::move(url));
    request.secret_query = Secret(query);
    return request;
}

TEST(SecretQuery, IsSentAfterWhatTheUrlAsks)
{
    ScriptedServer server(plain_ok);
    Driver driver;
    for (const char *path : {"/v25.0/me", "/x?a=1", "/x?", "", "/x?a=1#part"})
        EXPECT_EQ(driver.fetch(with_secret(server.url(path), "code=a%20b&s=1")).body, "ok") << path;
    std::vector<std::string> paths;
    for (const SeenRequest &seen : server.seen()) paths.push_back(seen.path());
    EXPECT_THAT(paths, ElementsAre("/v25.0/me?code=a%20b&s=1", "/x?a=1&code=a%20b&s=1", "/x?code=a%20b&s=1",
                                   "/?code=a%20b&s=1", "/x?a=1&code=a%20b&s=1"));
}

TEST(SecretQuery, GoesWithATokenAndWithAForm)
{
    ScriptedServer server(plain_ok);
    Driver driver;
    HttpRequest request = post(server.url("/p"), "f=1");
    request.bearer = Secret("token");
    request.secret_query = Secret("proof=2");
    EXPECT_EQ(driver.fetch(std::move(request)).body, "ok");
    const SeenRequest seen = server.seen().at(0);
    EXPECT_EQ(seen.path(), "/p?proof=2");
    EXPECT_EQ(seen.body, "f=1");
    EXPECT_THAT(seen.headers("Authorization"), ElementsAre("Bearer token"));
}

// A handle is used again, and so is its connection.
TEST(SecretQuery, IsGoneWithItsRequest)
{
    ScriptedServer server(plain_ok);
    Driver driver;
    driver.fetch(with_secret(server.url("/one"), "code=1"));
    driver.fetch(get(server.url("/two?x=1")));
    driver.fetch(with_secret(server.url("/three"), "code=3"));
    EXPECT_EQ(server.connections_made(), 1);
    EXPECT_EQ(server.seen().at(1).path(), "/two?x=1");
    EXPECT_EQ(server.seen().at(2).path(), "/three?code=3");
    for (const SeenRequest &seen : server.seen()) EXPECT_THAT(seen.headers("Referer"), testing::IsEmpty());
}

TEST(SecretQuery, ThatCouldEndTheRequestLineIsNotSent)
{
    ScriptedServer server(plain_ok);
    Driver driver;
    for (const std::string &bad : {std::string("code=a b"), std::string("a=1\r\nX-Evil: 1"), std::string("a=1#"),
                                   std::string("a=\xc3\xa4"), std::string("a=\0b", 4), std::string(40000, 'a')}) {
        const HttpResponse response = driver.fetch(with_secret(server.url("/x"), bad));
        EXPECT_EQ(response.failure, TransportFailure::refused) << bad.substr(0, 20);
        EXPECT_THAT(response.failure_text, HasSubstr("secret part of the query"));
        EXPECT_THAT(response.failure_text, Not(HasSubstr("a=1")));
    }
    EXPECT_EQ(server.requests(), 0u);
}

TEST(SecretQuery, AppearsInNoTextOfAFailure)
{
    const std::vector<Reply> replies = {{"", Then::reset},
                                        {"", Then::close},
                                        {"no HTTP at all\r\n\r\n", Then::close},
                                        {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab", Then::close},
                                        {http_answer(200, "", std::string(5000, 'x')), Then::close},
                                        {"", Then::hold}};
    http::ClientOptions options;
    options.max_response_bytes = 1000;
    options.request_timeout = std::chrono::milliseconds{150};
    for (const Reply &reply : replies) {
        ScriptedServer server([&](const SeenRequest &) { return reply; });
        Driver driver(options);
        const HttpResponse response = driver.fetch(with_secret(server.url("/x"), "code=nobody-may-see"));
        EXPECT_NE(response.failure, TransportFailure::none);
        EXPECT_THAT(response.failure_text, Not(HasSubstr("nobody-may-see")));
        EXPECT_NE(response.failure_text, "");
    }
}

TEST(SecretQuery, IsNotRepeatedAfterARedirect)
{
    ScriptedServer server([](const SeenRequest &) {
        return Reply{http_answer(302, "Location: /elsewhere\r\n", ""), Then::keep};
    });
    Driver driver;
    const HttpResponse response = driver.fetch(with_secret(server.url("/x"), "code=nobody-may-see"));
    EXPECT_EQ(response.status, 302);
    EXPECT_EQ(server.requests(), 1u);
    for (const HttpHeader &header : response.headers) EXPECT_THAT(header.value, Not(HasSubstr("nobody-may-see")));
}

}  // namespace
}  // namespace ig::test
