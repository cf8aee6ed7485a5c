// One request to the fake API, taken apart: path, version, parameters, token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "settings.hpp"

namespace ig::sandbox {

// A request as the connection read it.
struct Incoming {
    std::string method;
    std::string target;
    std::string authorization;
    std::string host;
    std::string http_version;
    std::string body;
    bool tls = false;
    bool keep_alive = true;
};

using Parameters = std::vector<std::pair<std::string, std::string>>;

struct Call {
    std::uint64_t number = 0;
    std::string method;
    std::string base;  // scheme and host, for paging URLs
    std::string http_version;
    std::string version;            // as asked: "v25.0", or empty
    std::vector<std::string> path;  // after the version, decoded
    Parameters query;
    Parameters form;  // the body of a POST
    std::string token;
    std::uint64_t batch = 0;    // the number of the call that brought this one; 0: it came alone
    bool token_in_url = false;  // or another secret, where the API does not demand it
    Flavour flavour = Flavour::facebook;
    std::string route = "unknown";  // insights, user, page, me, me_accounts, dialog, code_exchange, ...
    std::string account_id;         // the account asked about, if it is one
    std::vector<std::string> metrics;

    bool has(std::string_view name) const;
    std::string parameter(std::string_view name) const;  // empty if absent
    std::string form_field(std::string_view name) const;
    std::string given(std::string_view name) const;  // in the form, else in the URL
};

// Never fails: what cannot be understood ends as an unknown path.
Call parse_call(const Incoming &incoming);

std::string percent_decode(std::string_view text);
std::string percent_encode(std::string_view text);
Parameters parse_query(std::string_view query);

}  // namespace ig::sandbox
