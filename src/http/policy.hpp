// Policy: the options that a transfer starts with, and the TLS sessions that were made under exactly these options.
#pragma once

#include <curl/curl.h>

#include <stdexcept>
#include <utility>

#include "http/client.hpp"

namespace ig::http {

// Sessions of TLS, so that a connection that must be opened anew resumes one. By itself libcurl keeps them with each of
// its handles. Nobody locks: the client and all that it owns belong to one thread.
class TlsSessions {
public:
    TlsSessions() : share_(curl_share_init())
    {
        if (share_ == nullptr) throw std::runtime_error("cannot create a libcurl share");
        if (curl_share_setopt(share_, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) != CURLSHE_OK) {
            curl_share_cleanup(share_);
            throw std::runtime_error("libcurl cannot share TLS sessions");
        }
    }
    ~TlsSessions() { curl_share_cleanup(share_); }
    TlsSessions(const TlsSessions &) = delete;
    TlsSessions &operator=(const TlsSessions &) = delete;

    CURLSH *share() const noexcept { return share_; }

private:
    CURLSH *share_;
};

// Other options are another policy, whose sessions begin anew: none outlives the authorities that vouched for it.
struct Policy {
    explicit Policy(ClientOptions its_options) : options(std::move(its_options)) {}
    const ClientOptions options;
    const TlsSessions sessions;
};

}  // namespace ig::http
