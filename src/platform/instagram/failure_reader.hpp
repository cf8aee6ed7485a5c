// Tells an answer worth reading from a failure, and says what the failure means.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "platform/failure.hpp"
#include "platform/received.hpp"
#include "platform/json.hpp"
#include "platform/platform.hpp"

namespace ig::platform::instagram {

// What was asked, as far as it matters for a failure.
struct Asked {
    Login login = Login::facebook;
    const std::vector<std::string> *metrics = nullptr;  // nullptr: it was not about metrics
    bool list = false;                                  // the answer has to be a list, as that of a batch is
};

// Either a failure, or a body that is a JSON object (or the list asked for) without an error in it.
struct Answer {
    Json body;
    std::optional<Failure> failure;
};

// Transport first, then the body's own error whatever the status, then the status, then the form of the body.
Answer open_answer(const Received &received, const Asked &asked);

// An answer that is there and cannot be read; `why` is for people.
Failure unreadable_answer(int status, std::string_view why);

}  // namespace ig::platform::instagram
