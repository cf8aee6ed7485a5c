// Target: where a URL leads, read by the same parser that libcurl sends with, and the rule on what may be sent.
#pragma once

#include <optional>
#include <string>

struct sockaddr;

namespace ig::http {

struct Target {
    std::string host;  // as written; an IPv6 address keeps its brackets
    std::string port;
    bool plain = false;          // http, which is for this machine alone
    std::string resource = "/";  // path and query, which is what the host is asked for

    std::string name() const { return host + ":" + port; }
    // Transfers of one origin share connections and limits.
    std::string origin() const;
};

// The target of a URL that may be sent; otherwise nothing, and `reason` says why without quoting the URL.
std::optional<Target> read_target(const std::string &url, std::string &reason);

// Whether an address belongs to this machine: 127.0.0.0/8 or ::1.
bool is_loopback_address(const sockaddr &address) noexcept;

}  // namespace ig::http
