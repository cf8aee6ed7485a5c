// Writes JSON texts of our own.
#pragma once

#include <string>
#include <string_view>

namespace ig::platform {

// Appends `text` (UTF-8) as a JSON string, with its quotes.
void append_json_string(std::string &json, std::string_view text);

}  // namespace ig::platform
