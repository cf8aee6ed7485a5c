// Escapes what JSON demands and nothing more.
#include "platform/json_text.hpp"

namespace ig::platform {

void append_json_string(std::string &json, std::string_view text)
{
    static const char digits[] = "0123456789abcdef";
    json.push_back('"');
    for (const char c : text) {
        const unsigned char byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            json.push_back('\\');
            json.push_back(c);
        } else if (byte < 0x20) {
            json += "\\u00";
            json.push_back(digits[byte >> 4]);
            json.push_back(digits[byte & 15]);
        } else {
            json.push_back(c);
        }
    }
    json.push_back('"');
}

}  // namespace ig::platform
