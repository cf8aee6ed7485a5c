// What an answer says about an error, in whichever of its many shapes it says it; no judgement yet.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "platform/received.hpp"
#include "platform/json.hpp"

namespace ig::platform::instagram {

struct ApiError {
    int code = 0;
    int subcode = 0;
    std::string text;  // the API's own words, not yet redacted
    std::optional<bool> is_transient;
    std::optional<std::chrono::seconds> wait;  // error_data.estimated_time_to_regain_access
};

// Looks in the body (also of a 200), then in WWW-Authenticate of a refusal. Nothing if there is no error in it.
std::optional<ApiError> find_api_error(const Received &received, JsonView body);

// estimated_time_to_regain_access: minutes, an integer in all samples; of anything finer the next whole minute counts.
// Nothing for zero and less; at most a day.
std::optional<std::chrono::seconds> regain_time(JsonView view);

// How long the answer's headers say to wait: X-Business-Use-Case-Usage, else Retry-After in seconds.
std::optional<std::chrono::seconds> wait_in_headers(const Received &received);

}  // namespace ig::platform::instagram
