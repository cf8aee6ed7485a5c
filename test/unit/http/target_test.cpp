// Which URLs may be sent, and where they lead.
#include <gtest/gtest.h>

#include <arpa/inet.h>

#include "http/client.hpp"
#include "http/target.hpp"

namespace ig::http {
namespace {

TEST(Target, HttpsIsAllowedAnywhere)
{
    for (const char *url : {"https://graph.facebook.com/v25.0/me", "https://graph.facebook.com", "HTTPS://h:8443/a?b=c",
                            "https://h?query=1", "https://192.0.2.1/", "https://[2001:db8::1]:444/"}) {
        EXPECT_TRUE(url_is_allowed(url)) << url;
    }
}

TEST(Target, PlainHttpIsAllowedToThisMachineOnly)
{
    for (const char *url : {"http://127.0.0.1/", "http://127.9.8.7:80/x", "http://[::1]:8080/", "http://localhost:1/",
                            "http://LocalHost/", "http://127.1/", "http://2130706433/", "http://[0:0:0:0:0:0:0:1]/"}) {
        EXPECT_TRUE(url_is_allowed(url)) << url;
    }
    for (const char *url :
         {"http://graph.facebook.com/", "http://128.0.0.1/", "http://127.0.0.1.example.com/",
          "http://localhost.example.com/", "http://[::2]/", "http://[::ffff:127.0.0.1]/", "http://0.0.0.0/",
          "http://[::]/", "http://127.0.0.1@example.com/", "http://[fe80::1%25lo]/", "http://localhost./"}) {
        EXPECT_FALSE(url_is_allowed(url)) << url;
    }
}

TEST(Target, OtherSchemesAreRefused)
{
    for (const char *url : {"file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "ldap://h/", "smtp://h/",
                            "dict://127.0.0.1/", "scp://h/", "unknown://h/", "javascript:alert(1)", "data:,x"}) {
        EXPECT_FALSE(url_is_allowed(url)) << url;
    }
}

TEST(Target, BrokenUrlsAreRefused)
{
    const std::string with_nul("https://h/\0x", 12);
    for (const std::string &url :
         {std::string(), std::string("graph.facebook.com"), std::string("//h/"), std::string("https://"),
          std::string("https:///"), std::string("https://h:99999/"), std::string("https://h:port/"),
          std::string("https://[::1/"), std::string("https://h/a b"), std::string("https://h/\r\nX: y"),
          std::string("https://h\\@other/"), std::string("https://h\xc3\xa9/"), std::string("https://h%ED/"), with_nul,
          std::string("https://user:word@h/"), std::string("https://user@h/"), "https://h/" + std::string(70000, 'x'),
          "https://" + std::string(300, 'h') + "/"}) {
        EXPECT_FALSE(url_is_allowed(url)) << url.substr(0, 60);
    }
}

TEST(Target, NamesHostAndPortWithTheDefaultFilledIn)
{
    std::string reason;
    EXPECT_EQ(read_target("https://graph.facebook.com/x?y=1", reason)->name(), "graph.facebook.com:443");
    EXPECT_EQ(read_target("http://[::1]/", reason)->name(), "[::1]:80");
    EXPECT_EQ(read_target("https://h/x?y=1#part", reason)->resource, "/x?y=1");
    EXPECT_EQ(read_target("https://h", reason)->resource, "/");
    EXPECT_EQ(read_target("https://h/x?", reason)->resource, "/x");
    EXPECT_EQ(read_target("https://H:8/", reason)->origin(), read_target("https://h:8/other", reason)->origin());
    EXPECT_NE(read_target("https://localhost:8/", reason)->origin(),
              read_target("http://localhost:8/", reason)->origin());
}

TEST(Target, AReasonQuotesNeitherPathNorQuery)
{
    for (const char *url : {"http://example.com/PRIVATE?PRIVATE", "ftp://h/PRIVATE", "https://u:PRIVATE@h/", "PRIVATE",
                            "https://h/ PRIVATE", "https://h:x/PRIVATE", "https:///?PRIVATE"}) {
        std::string reason;
        EXPECT_FALSE(read_target(url, reason).has_value()) << url;
        EXPECT_FALSE(reason.empty()) << url;
        EXPECT_EQ(reason.find("PRIVATE"), std::string::npos) << reason;
    }
}

TEST(Target, OnlyLoopbackAddressesAreThisMachine)
{
    const auto v4 = [](const char *text) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        inet_pton(AF_INET, text, &address.sin_addr);
        return is_loopback_address(reinterpret_cast<const sockaddr &>(address));
    };
    const auto v6 = [](const char *text) {
        sockaddr_in6 address{};
        address.sin6_family = AF_INET6;
        inet_pton(AF_INET6, text, &address.sin6_addr);
        return is_loopback_address(reinterpret_cast<const sockaddr &>(address));
    };
    EXPECT_TRUE(v4("127.0.0.1"));
    EXPECT_TRUE(v4("127.255.0.1"));
    EXPECT_FALSE(v4("10.0.0.1"));
    EXPECT_FALSE(v4("0.0.0.0"));
    EXPECT_TRUE(v6("::1"));
    EXPECT_FALSE(v6("::"));
    EXPECT_FALSE(v6("2001:db8::1"));
}

}  // namespace
}  // namespace ig::http
