// Every way in which a transfer can fail: its kind, its sentence, and that nothing secret is in it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/driver.hpp"
#include "http/name_lookup.hpp"
#include "http/program_output.hpp"
#include "http/scripted_server.hpp"
#include "http/unreachable.hpp"

namespace ig::test {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;
using ::testing::Not;
using Then = Reply::Then;

http::ClientOptions patient()
{
    http::ClientOptions options;
    options.max_response_bytes = 100000;
    return options;
}

// For tests that wait for a time-out.
http::ClientOptions brisk()
{
    http::ClientOptions options = patient();
    options.request_timeout = milliseconds{200};
    return options;
}

http::ClientOptions brisk_connect()
{
    http::ClientOptions options = patient();
    options.connect_timeout = milliseconds{100};
    return options;
}

// What holds for every failure: no half answer, one plain sentence, nothing secret.
void expect_failure(const HttpResponse &response, TransportFailure failure, const std::string &text)
{
    EXPECT_EQ(response.failure, failure) << response.failure_text;
    EXPECT_THAT(response.failure_text, HasSubstr(text));
    EXPECT_EQ(response.status, 0);
    EXPECT_TRUE(response.headers.empty());
    EXPECT_EQ(response.body, "");
    EXPECT_THAT(response.failure_text, Not(HasSubstr("nobody-may-see")));
    EXPECT_THAT(response.failure_text, Not(HasSubstr("?")));
    EXPECT_THAT(response.failure_text, Not(HasSubstr("\n")));
}

// A server that answers every request with these bytes.
HttpResponse fetch_bytes(const std::string &bytes, Then then, http::ClientOptions options = patient())
{
    ScriptedServer server([&](const SeenRequest &) { return Reply{bytes, then}; });
    Driver driver(options);
    return driver.fetch(secret_get(server.url("/path")));
}

TEST(Failure, ARefusedConnectionIsConnect)
{
    const std::string name = closed_port();
    Driver driver(patient());
    expect_failure(driver.fetch(secret_get("http://" + name + "/")), TransportFailure::connect,
                   "could not connect to " + name + ": connection refused");
}

TEST(Failure, AHangingConnectEndsAfterConnectTimeout)
{
    const FullBacklog backlog;
    ASSERT_TRUE(backlog.is_full());
    Driver driver(brisk_connect());
    const HttpResponse response = driver.fetch(secret_get("http://" + backlog.name() + "/"));
    expect_failure(response, TransportFailure::connect, "could not connect to " + backlog.name() + " within 100 ms");
    EXPECT_GE(response.elapsed, milliseconds{90});
    EXPECT_LT(response.elapsed, milliseconds{5000});
}

TEST(Failure, AnUnknownHostIsResolve)
{
    Driver driver(patient());
    expect_failure(driver.fetch(secret_get("https://unknown.test/")), TransportFailure::resolve,
                   "could not find the host unknown.test");
}

TEST(Failure, AnUnknownHostIsResolveEachTimeItIsAsked)
{
    Driver driver(patient());
    for (int time = 0; time < 4; ++time)
        expect_failure(driver.fetch(secret_get("https://unknown.test/")), TransportFailure::resolve,
                       "could not find the host unknown.test");
}

TEST(Failure, AHangingLookUpEndsAfterConnectTimeout)
{
    {
        Driver driver(brisk_connect());
        const HttpResponse response = driver.fetch(secret_get("https://hangs.test/"));
        expect_failure(response, TransportFailure::connect, "looking up host hangs.test took longer than 100 ms");
        EXPECT_LT(response.elapsed, milliseconds{5000});
    }
    release_lookups();
}

TEST(Failure, AHangingHandshakeEndsAfterConnectTimeout)
{
    ScriptedServer server([](const SeenRequest &) { return Reply{}; });
    Driver driver(brisk_connect());
    expect_failure(driver.fetch(secret_get("https://" + server.name() + "/")), TransportFailure::connect,
                   "the TLS handshake with " + server.name() + " took longer than 100 ms");
}

TEST(Failure, AServerWithoutTlsIsTls)
{
    ScriptedServer server([](const SeenRequest &) { return Reply{}; }, "220 this is not TLS at all\r\n");
    Driver driver(patient());
    expect_failure(driver.fetch(secret_get("https://" + server.name() + "/")), TransportFailure::tls,
                   "no trusted TLS connection to " + server.name());
}

TEST(Failure, NoAnswerIsTimeout)
{
    const HttpResponse response = fetch_bytes("", Then::hold, brisk());
    expect_failure(response, TransportFailure::timeout, "did not answer within 200 ms");
    EXPECT_GE(response.elapsed, milliseconds{190});
    EXPECT_LT(response.elapsed, milliseconds{5000});
}

TEST(Failure, HalfAnAnswerIsTimeoutToo)
{
    expect_failure(fetch_bytes("HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 10\r\n\r\nhalf", Then::hold, brisk()),
                   TransportFailure::timeout, "did not answer within 200 ms");
}

TEST(Failure, ARequestTimeoutShorterThanConnectTimeoutIsTimeout)
{
    http::ClientOptions options = patient();
    options.connect_timeout = milliseconds{5000};
    options.request_timeout = milliseconds{50};
    const FullBacklog backlog;
    Driver driver(options);
    expect_failure(driver.fetch(secret_get("http://" + backlog.name() + "/")), TransportFailure::timeout,
                   "within 50 ms");
}

TEST(Failure, ZeroAndNegativeTimeoutsAreShortNotEndless)
{
    http::ClientOptions options;
    options.connect_timeout = milliseconds{0};
    options.request_timeout = milliseconds{-5};
    EXPECT_EQ(fetch_bytes("", Then::hold, options).failure, TransportFailure::timeout);
}

TEST(Failure, ABrokenConnectionIsInterrupted)
{
    expect_failure(fetch_bytes("", Then::close), TransportFailure::interrupted,
                   "closed the connection without an answer");
    expect_failure(fetch_bytes("", Then::reset), TransportFailure::interrupted, "broke");
    expect_failure(fetch_bytes("HTTP/1.1 200 OK\r\nX-Half", Then::reset), TransportFailure::interrupted, "broke");
}

TEST(Failure, AShortBodyIsInterrupted)
{
    expect_failure(fetch_bytes("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", Then::close),
                   TransportFailure::interrupted, "shorter than announced");
    expect_failure(fetch_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n", Then::close),
                   TransportFailure::interrupted, "");
}

TEST(Failure, WhatIsNotHttpIsInterrupted)
{
    expect_failure(fetch_bytes("nobody-may-see this\r\n\r\n", Then::close), TransportFailure::interrupted,
                   "is not HTTP");
    expect_failure(fetch_bytes("HTTP/1.1 101 Switch\r\nUpgrade: other\r\nConnection: upgrade\r\n\r\n", Then::close),
                   TransportFailure::interrupted, "");
    expect_failure(fetch_bytes(http_answer(200, "Content-Encoding: gzip\r\n", "nobody-may-see"), Then::keep),
                   TransportFailure::interrupted, "could not be decompressed");
    expect_failure(fetch_bytes("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnobody-may-see\r\n", Then::keep),
                   TransportFailure::interrupted, "");
}

TEST(Failure, ALargeBodyIsTooLargeAsSoonAsItIsAnnounced)
{
    // Only the announcement comes, so nothing but the announcement can end it before the time-out.
    expect_failure(fetch_bytes("HTTP/1.1 200 OK\r\nContent-Length: 100001\r\n\r\n", Then::hold),
                   TransportFailure::too_large, "larger than 100000 bytes");
}

TEST(Failure, ALargeBodyWithoutAnnouncementIsTooLarge)
{
    const std::string start = "HTTP/1.1 200 OK\r\n\r\n";
    EXPECT_EQ(fetch_bytes(start + std::string(100000, 'x'), Then::close).body.size(), 100000u);
    expect_failure(fetch_bytes(start + std::string(100001, 'x'), Then::close), TransportFailure::too_large,
                   "larger than 100000 bytes");
}

TEST(Failure, ABombIsTooLargeByWhatComesOutOfIt)
{
    const std::string bomb = output_of("head -c 30000000 /dev/zero | gzip -9c");
    ASSERT_FALSE(bomb.empty());
    ASSERT_LT(bomb.size(), patient().max_response_bytes);
    expect_failure(fetch_bytes(http_answer(200, "Content-Encoding: gzip\r\n", bomb), Then::keep),
                   TransportFailure::too_large, "larger than 100000 bytes");
}

TEST(Failure, LargeHeadersAreTooLarge)
{
    std::string many;
    for (int i = 0; i < 3000; ++i) many += "X-Header-Of-Some-Length: and a value\r\n";
    expect_failure(fetch_bytes(http_answer(200, many, ""), Then::keep), TransportFailure::too_large, "headers");
    const std::string one = "X-Long: " + std::string(90000, 'x') + "\r\n";
    expect_failure(fetch_bytes(http_answer(200, one, ""), Then::keep), TransportFailure::too_large, "headers");
    expect_failure(fetch_bytes("HTTP/1.1 200 OK\r\nX-Endless: " + std::string(300000, 'x'), Then::hold),
                   TransportFailure::too_large, "headers");
    std::string interim;
    for (int i = 0; i < 5000; ++i) interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
    expect_failure(fetch_bytes(interim, Then::hold), TransportFailure::too_large, "headers");
}

TEST(Failure, WhatMayNotBeSentIsRefusedWithoutAnyNetwork)
{
    const int lookups_before = lookups();
    Driver driver(patient());
    for (const char *url :
         {"http://graph.test/", "http://192.0.2.1/", "file:///etc/hostname", "ftp://127.0.0.1/", "", "x"}) {
        driver.client.start(1, secret_get(url));
        const auto ended = driver.client.take_completed();  // no advance(): it never went out
        ASSERT_EQ(ended.size(), 1u) << url;
        expect_failure(ended.front().response, TransportFailure::refused, "");
        EXPECT_NE(ended.front().response.failure_text, "");
    }
    EXPECT_EQ(driver.client.in_flight(), 0u);
    EXPECT_EQ(lookups(), lookups_before);
}

TEST(Failure, ATokenThatWouldWriteHeadersIsRefused)
{
    ScriptedServer server([](const SeenRequest &) { return Reply{http_answer(200, "", ""), Then::keep}; });
    Driver driver(patient());
    for (const std::string &token : {std::string("nobody-may-see\r\nX: y"), std::string("nobody may see"),
                                     std::string("nobody-may-see\0", 15), std::string("nobody-may-see\xff")}) {
        HttpRequest request = get(server.url("/"));
        request.bearer = Secret(token);
        expect_failure(driver.fetch(std::move(request)), TransportFailure::refused, "the token holds characters");
    }
    EXPECT_EQ(server.connections_made(), 0);
}

TEST(Failure, AGetWithAFormIsRefused)
{
    Driver driver(patient());
    HttpRequest request = get("https://graph.test/");
    request.form = Secret("a=nobody-may-see");
    expect_failure(driver.fetch(std::move(request)), TransportFailure::refused, "GET");
}

TEST(Failure, ANumberInUseIsRefusedAndTheFirstGoesOn)
{
    ScriptedServer server([](const SeenRequest &) { return Reply{http_answer(200, "", "ok"), Then::keep}; });
    Driver driver;
    driver.client.start(7, get(server.url("/")));
    driver.client.start(7, get(server.url("/")));
    ASSERT_TRUE(driver.until_completed(2));
    expect_failure(driver.completed[0].response, TransportFailure::refused, "already under way");
    EXPECT_EQ(driver.completed[1].response.status, 200);
}

}  // namespace
}  // namespace ig::test
