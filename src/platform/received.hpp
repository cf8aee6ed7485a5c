// Received: an answer as the readers see it, whether it came alone or as an item of a batch; views only, no copies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/message.hpp"

namespace ig::platform {

// The headers that say something to the readers, found in one walk over all that came.
class ToldHeaders {
public:
    enum class Name : std::uint8_t { app_usage, business_usage, retry_after, challenge };
    struct Header {
        Name name;
        std::string_view value;
    };

    // Keeps it if it is one of these; beyond the limit nothing more, as no true answer repeats them so often.
    void add(std::string_view name, std::string_view value) noexcept;
    // The first of this name, or an empty view.
    std::string_view first(Name name) const noexcept;
    const Header *begin() const noexcept { return headers_.data(); }
    const Header *end() const noexcept { return headers_.data() + count_; }

private:
    std::array<Header, 8> headers_{};
    std::size_t count_ = 0;
};

// What it was made from must outlive it.
struct Received {
    TransportFailure failure = TransportFailure::none;
    std::string_view failure_text;
    int status = 0;
    std::string_view body;
    ToldHeaders headers;

    Received() noexcept = default;
    Received(const HttpResponse &response) noexcept;  // implicit: every reader takes a response as it came
};

}  // namespace ig::platform
