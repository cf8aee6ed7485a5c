// Puts secrets into "name=value&name=value" form without leaving copies of them in memory.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "vault/secret.hpp"

namespace ig::platform {

// A string that is overwritten when dropped; whoever fills it reserves first, as growing would leave a copy behind.
struct WipedText {
    std::string text;

    explicit WipedText(std::size_t size) { text.reserve(size); }
    WipedText(const WipedText &) = delete;
    WipedText &operator=(const WipedText &) = delete;
    ~WipedText() { wipe_memory(text.data(), text.size()); }
};

struct FormField {
    std::string_view name;   // plain letters and underscores
    std::string_view value;  // any bytes
};

// The values percent-encoded, in this order.
Secret encoded_form(std::initializer_list<FormField> fields);

}  // namespace ig::platform
