// Says why a transfer brought no answer: libcurl's codes become our kinds and our own sentences.
#pragma once

#include <curl/curl.h>

#include <string>

#include "http/client.hpp"
#include "http/message.hpp"
#include "http/target.hpp"

namespace ig::http {

constexpr int curle_too_large = 100;  // CURLE_TOO_LARGE, which libcurl's header names from 8.6 on

// What is known of a transfer at its end.
struct Ending {
    CURLcode code = CURLE_OK;
    long os_error = 0;
    long verify_result = 0;  // the certificate check's own code
    bool looked_up = false;  // the host name had been found
    bool tcp_connected = false;
    bool connected = false;     // the request could be sent
    bool answer_begun = false;  // bytes of the answer came
    bool headers_ended = false;
};

struct Explanation {
    TransportFailure failure = TransportFailure::none;
    std::string text;
};

// libcurl's own error texts are never used: they may quote what we sent or received.
Explanation explain(const Ending &ending, const Target &target, const ClientOptions &options);

}  // namespace ig::http
