// TLS: only a certificate for this host, in its time, from an authority that we were told to trust, will do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/driver.hpp"
#include "http/tls_server.hpp"

namespace ig::test {
namespace {

using ::testing::HasSubstr;

class Tls : public ::testing::Test {
protected:
    void SetUp() override { ASSERT_FALSE(certificate_folder().empty()) << "openssl could not make the certificates"; }

    static http::ClientOptions trusting(const std::string &file)
    {
        http::ClientOptions options;
        options.ca_file = certificate_folder() + "/" + file;
        return options;
    }

    static void expect_tls_failure(const HttpResponse &response, const std::string &text)
    {
        EXPECT_EQ(response.failure, TransportFailure::tls) << response.failure_text;
        EXPECT_THAT(response.failure_text, HasSubstr(text));
        EXPECT_EQ(response.failure_text.find("nobody-may-see"), std::string::npos);
        EXPECT_EQ(response.status, 0);
    }
};

TEST_F(Tls, TheRightAuthorityIsTrusted)
{
    const TlsServer server("good");
    ASSERT_NE(server.port(), 0);
    Driver driver(trusting("ca.pem"));
    const HttpResponse response = driver.fetch(get(server.url("graph.test")));
    EXPECT_EQ(response.failure, TransportFailure::none) << response.failure_text;
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.body, "sealed");
}

TEST_F(Tls, AnotherAuthorityIsNot)
{
    const TlsServer server("good");
    Driver driver(trusting("other_ca.pem"));
    expect_tls_failure(driver.fetch(secret_get(server.url("graph.test"))), "an authority that is not trusted here");
    Driver by_system{http::ClientOptions{}};
    expect_tls_failure(by_system.fetch(secret_get(server.url("graph.test"))), "an authority that is not trusted here");
}

TEST_F(Tls, AnExpiredCertificateIsNot)
{
    const TlsServer server("expired");
    Driver driver(trusting("ca.pem"));
    expect_tls_failure(driver.fetch(secret_get(server.url("graph.test"))), "its certificate has expired");
}

TEST_F(Tls, ACertificateForAnotherHostIsNot)
{
    const TlsServer server("good");
    Driver driver(trusting("ca.pem"));
    expect_tls_failure(driver.fetch(secret_get(server.url("127.0.0.1"))), "its certificate is not for this host");
}

TEST_F(Tls, AMissingAuthorityFileIsSaid)
{
    const TlsServer server("good");
    Driver driver(trusting("missing.pem"));
    expect_tls_failure(driver.fetch(secret_get(server.url("graph.test"))), "trusted certificates cannot be read");
}

TEST_F(Tls, OldVersionsAreNotSpoken)
{
    const TlsServer server("good", "-tls1_1");
    Driver driver(trusting("ca.pem"));
    expect_tls_failure(driver.fetch(secret_get(server.url("graph.test"))), "the handshake failed");
}

TEST_F(Tls, AnAuthorityThatIsNoLongerTrustedCountsAtOnce)
{
    const TlsServer server("good");
    Driver driver(trusting("ca.pem"));
    EXPECT_EQ(driver.fetch(get(server.url("graph.test"))).status, 200);
    driver.client.set_options(trusting("other_ca.pem"));  // neither an old connection nor an old session may help
    expect_tls_failure(driver.fetch(secret_get(server.url("graph.test"))), "an authority that is not trusted here");
}

}  // namespace
}  // namespace ig::test
