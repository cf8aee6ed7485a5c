// The Date header: what time it was at the server that answered.
#pragma once

#include <chrono>
#include <optional>

#include "http/message.hpp"

namespace ig::http {

// Nothing when the header is missing or is no date of HTTP ("Sun, 22 Nov 2026 12:00:00 GMT").
std::optional<std::chrono::sys_seconds> date_of(const HttpResponse &response) noexcept;

}  // namespace ig::http
