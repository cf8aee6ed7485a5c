// Tells an answer worth reading from a failure, and says what the failure means.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "platform/failure.hpp"
#include "platform/instagram/api_error.hpp"
#include "platform/json.hpp"
#include "platform/platform.hpp"

namespace ig::platform::instagram
{

// What was asked, as far as it matters for a failure.
struct Asked {
    Login login = Login::facebook;
    std::vector<std::string> metrics;
};

// Either a failure, or a body that is a JSON object without an error in it.
struct Answer {
    Json body;
    std::optional<Failure> failure;
};

// Transport first, then the body's own error whatever the status, then the status, then the form of the body.
Answer open_answer(const HttpResponse &response, const Asked &asked);

} // namespace ig::platform::instagram
