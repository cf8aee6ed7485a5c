// Plain HTTP request and response values, shared by those who build them and those who move them.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "vault/secret.hpp"

namespace ig {

enum class HttpMethod { get, post };

struct HttpHeader {
    std::string name;
    std::string value;
};

// What to send. The URL never holds a secret: the token travels as `Authorization: Bearer`.
struct HttpRequest {
    HttpMethod method = HttpMethod::get;
    std::string url;
    Secret bearer;  // empty: no Authorization header
    Secret form;    // POST body, application/x-www-form-urlencoded; may hold secrets
    // Appended to the URL's query when the request is sent, where the API leaves no choice (app secrets, codes, tokens
    // to look at, appsecret_proof): "name=value&name=value", percent-encoded. Wiped afterwards; no text ever holds it.
    Secret secret_query;
};

// Why no HTTP answer came. `none` means that status, headers and body are real.
enum class TransportFailure {
    none,
    resolve,      // the host name was not found
    connect,      // refused, unreachable, or the connect time ran out before a connection stood
    tls,          // handshake or certificate
    timeout,      // request_timeout ran out
    interrupted,  // the connection broke, or the body was shorter than announced
    too_large,    // body or headers exceed the cap
    refused,      // we would not send it: scheme, host or URL not allowed
    cancelled     // taken back by the caller
};

struct HttpResponse {
    TransportFailure failure = TransportFailure::none;
    std::string failure_text;  // for people; holds neither URL query, header nor body
    int status = 0;
    std::vector<HttpHeader> headers;
    std::string body;
    std::chrono::milliseconds elapsed{0};

    // The first header of this name (compared without case), or an empty view.
    std::string_view header(std::string_view name) const noexcept
    {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        for (const HttpHeader &entry : headers) {
            if (entry.name.size() != name.size()) continue;
            std::size_t i = 0;
            while (i < name.size() && lower(entry.name[i]) == lower(name[i])) ++i;
            if (i == name.size()) return entry.value;
        }
        return {};
    }
};

}  // namespace ig
