// Failure: what went wrong, whether trying again can help, how far it reaches, and what a person can do.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ig::platform {

// The kinds of the public contract (sql-api.md, `errors`), in its spelling.
enum class FailureKind {
    no_data,
    not_supported,
    needs_login,
    permission,
    throttled,
    transient,
    malformed,
    timeout,
    network,
    invalid_request,
    token_unreadable,
    cancelled
};

// How much of the work a failure ends.
enum class FailureReach {
    metrics,  // the metrics of this request; ask the others alone
    request,  // this request only
    account,  // every request of this account
    app       // every request of the app on this host
};

struct Failure {
    FailureKind kind = FailureKind::transient;
    FailureReach reach = FailureReach::request;
    bool retry = false;     // trying the same again later can help
    bool ask_less = false;  // "reduce the amount of data": halve the request first
    int code = 0;           // API code, 0 if none
    int subcode = 0;
    int http_status = 0;
    std::string message;                       // redacted; one line; what happened
    std::string hint;                          // one or two sentences; what the reader can do
    std::vector<std::string> metrics;          // those the answer names; empty: not said
    std::optional<std::chrono::seconds> wait;  // the API's own "not before", if it named one
};

std::string_view to_string(FailureKind kind) noexcept;

}  // namespace ig::platform
