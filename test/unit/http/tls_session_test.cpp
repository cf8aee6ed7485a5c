// Sessions of TLS: a connection that must be opened anew resumes one, unless the options changed.
#include <gtest/gtest.h>

#include "http/driver.hpp"
#include "http/nginx_front.hpp"
#include "http/tls_server.hpp"

namespace ig::test {
namespace {

using std::chrono::milliseconds;

Reply at_once(const SeenRequest &) { return {http_answer(200, "", "ok"), Reply::Then::keep}; }

http::ClientOptions trusting()
{
    http::ClientOptions options;
    options.ca_file = certificate_folder() + "/ca.pem";
    return options;
}

TEST(TlsSession, ANewConnectionResumesTheSessionOfAnEarlierOne)
{
    ScriptedServer server(at_once);
    NginxFront front(server, false, "keepalive_requests 1;");
    Driver driver(trusting());
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    EXPECT_FALSE(resumed(server.seen().back()));
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    EXPECT_TRUE(resumed(server.seen().back()));
    EXPECT_EQ(driver.fetch(post(front.url("/"), "a=b")).status, 200);
    EXPECT_TRUE(resumed(server.seen().back())) << "whatever kind of request it is";
}

TEST(TlsSession, EndsWithTheOptionsItWasMadeUnder)
{
    ScriptedServer server(at_once);
    NginxFront front(server, false, "keepalive_requests 1;");
    http::ClientOptions options = trusting();
    Driver driver(options);
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    driver.client.set_options(options);  // the same ones
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    EXPECT_TRUE(resumed(server.seen().back())) << server.seen().front().head << server.seen().back().head;
    options.connect_timeout += milliseconds{1};
    driver.client.set_options(options);
    EXPECT_EQ(driver.fetch(get(front.url("/"))).status, 200);
    EXPECT_FALSE(resumed(server.seen().back()));
}

}  // namespace
}  // namespace ig::test
