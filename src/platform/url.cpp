// Percent encoding by RFC 3986.
#include "platform/url.hpp"

namespace ig::platform
{

void append_percent_encoded(std::string &to, std::string_view text)
{
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        if (plain) {
            to += c;
        } else {
            to += '%';
            to += hex[byte >> 4];
            to += hex[byte & 0xF];
        }
    }
}

std::string percent_encoded(std::string_view text)
{
    std::string encoded;
    append_percent_encoded(encoded, text);
    return encoded;
}

std::string joined_path(std::string_view base, const std::vector<std::string_view> &parts)
{
    while (!base.empty() && base.back() == '/')
        base.remove_suffix(1);
    std::string url(base);
    for (const std::string_view part : parts) {
        if (part.empty()) continue;
        url += '/';
        // "." and ".." would climb; nothing we ask for has such a name.
        url += part == "." ? "%2E" : part == ".." ? "%2E%2E" : percent_encoded(part);
    }
    return url;
}

std::string encoded_list(const std::vector<std::string> &items)
{
    std::string list;
    for (const std::string &item : items) {
        if (!list.empty()) list += ',';
        list += percent_encoded(item);
    }
    return list;
}

} // namespace ig::platform
