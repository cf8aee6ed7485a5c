// The table of the API's error codes: what each means for the work and for the person who has to act.
#pragma once

#include <string>
#include <string_view>

#include "platform/failure.hpp"
#include "platform/instagram/api_error.hpp"
#include "platform/platform.hpp"

namespace ig::platform::instagram {

inline constexpr int any_subcode = -1;

// One row: an error whose code lies in first..last, whose subcode is this one, and whose text holds `words`.
struct CodeRule {
    int first;
    int last;
    int subcode;
    std::string_view words;
    FailureKind kind;
    FailureReach reach;
    bool retry;
    std::string_view hint;  // {scopes} stands for the permissions of the login
};

// The first row that fits; nullptr when the code is unknown, and then the HTTP status decides.
const CodeRule *find_rule(const ApiError &error) noexcept;

// The hint of a row for this login.
std::string hint_for(const CodeRule &rule, Login login);

// The permissions that reading insights takes with this login.
std::string_view scopes_of(Login login) noexcept;

namespace hints {
inline constexpr std::string_view connect_again =
    "Connect the account again: ig_authorize_url(), then ig_connect(); or hand in a new token with ig_connect_token().";
inline constexpr std::string_view wait_and_see =
    "Nothing needs to be done: it is tried again later. If it lasts for days, look at Meta's status page.";
inline constexpr std::string_view slow_down =
    "Nothing needs to be done: the calls go on when the limit allows. If it happens daily, raise "
    "instagram_insights.spread or switch off metrics nobody reads.";
inline constexpr std::string_view grant_scopes =
    "Grant {scopes} and connect the account again; the app needs advanced access to them in Meta's App Dashboard.";
}  // namespace hints

}  // namespace ig::platform::instagram
