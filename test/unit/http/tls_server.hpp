// TlsServer: `openssl s_server` on loopback, and the certificates that the TLS tests need.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

namespace ig::test {

// Made once: ca.pem and other_ca.pem; good and expired certificates for graph.test signed by the first.
// Empty if openssl could not make them.
const std::string &certificate_folder();

class TlsServer {
public:
    // `certificate` is "good" or "expired". It answers /answer with status 200 and body "sealed".
    explicit TlsServer(const std::string &certificate, const std::string &extra_option = {});
    ~TlsServer();
    TlsServer(const TlsServer &) = delete;
    TlsServer &operator=(const TlsServer &) = delete;

    std::uint16_t port() const noexcept { return port_; }  // 0 if it did not start
    std::string url(const std::string &host) const
    {
        return "https://" + host + ":" + std::to_string(port_) + "/answer";
    }

private:
    pid_t process_ = -1;
    int output_ = -1;
    std::uint16_t port_ = 0;
};

}  // namespace ig::test
