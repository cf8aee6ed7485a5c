// Percent encoding by RFC 3986; runs of plain characters, which is nearly everything, are copied at once.
#include "platform/url.hpp"

#include <array>

namespace ig::platform {

namespace {

constexpr std::array<bool, 256> plain_bytes()
{
    std::array<bool, 256> plain{};
    for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"))
        plain[static_cast<unsigned char>(c)] = true;
    return plain;
}

constexpr std::array<bool, 256> is_plain = plain_bytes();

void append_encoded(std::string &to, std::string_view text, std::string_view sign)
{
    constexpr std::string_view hex = "0123456789ABCDEF";
    for (std::size_t at = 0; at < text.size();) {
        std::size_t end = at;
        while (end < text.size() && is_plain[static_cast<unsigned char>(text[end])]) ++end;
        to.append(text, at, end - at);
        if (end < text.size()) {
            const auto byte = static_cast<unsigned char>(text[end++]);
            to += sign;
            to += hex[byte >> 4];
            to += hex[byte & 0xF];
        }
        at = end;
    }
}

}  // namespace

void append_percent_encoded(std::string &to, std::string_view text) { append_encoded(to, text, "%"); }

void append_twice_encoded(std::string &to, std::string_view text) { append_encoded(to, text, "%25"); }

std::string percent_encoded(std::string_view text)
{
    std::string encoded;
    append_percent_encoded(encoded, text);
    return encoded;
}

std::string joined_path(std::string_view base, std::initializer_list<std::string_view> parts)
{
    constexpr std::size_t usual_rest = 160;  // the query that follows
    while (!base.empty() && base.back() == '/') base.remove_suffix(1);
    std::string url;
    url.reserve(base.size() + usual_rest);
    url = base;
    for (const std::string_view part : parts) {
        if (part.empty()) continue;
        url += '/';
        // "." and ".." would climb; nothing we ask for has such a name.
        if (part == ".") url += "%2E";
        else if (part == "..") url += "%2E%2E";
        else append_percent_encoded(url, part);
    }
    return url;
}

std::string encoded_list(const std::vector<std::string> &items)
{
    std::string list;
    append_encoded_list(list, items);
    return list;
}

void append_encoded_list(std::string &to, const std::vector<std::string> &items)
{
    bool first = true;
    for (const std::string &item : items) {
        if (!first) to += ',';
        first = false;
        append_percent_encoded(to, item);
    }
}

}  // namespace ig::platform
