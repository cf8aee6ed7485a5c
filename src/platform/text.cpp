// UTF-8 by its definition (no overlong forms, no surrogates, nothing above U+10FFFF), and small rules on ASCII.
#include "platform/text.hpp"

#include <charconv>
#include <cstdint>
#include <cstring>
#include <utility>

namespace ig::platform {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::string_view ellipsis = "\xE2\x80\xA6";

unsigned char byte_at(std::string_view text, std::size_t at) noexcept
{
    return at < text.size() ? static_cast<unsigned char>(text[at]) : 0;
}

// Bytes of the valid sequence that begins here; 0 if none does.
std::size_t sequence_size(std::string_view text, std::size_t at) noexcept
{
    const auto continues = [&](std::size_t i) { return (byte_at(text, i) & 0xC0u) == 0x80u; };
    const unsigned char lead = byte_at(text, at);
    const unsigned char second = byte_at(text, at + 1);
    if (lead < 0x80) return 1;
    if (lead < 0xC2 || lead > 0xF4 || !continues(at + 1)) return 0;
    if (lead < 0xE0) return 2;
    if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || !continues(at + 2)) return 0;
    if (lead < 0xF0) return 3;
    if ((lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F) || !continues(at + 3)) return 0;
    return 4;
}

// How many bytes from here on are ASCII; seen eight at a time, as nearly all of what comes is.
std::size_t ascii_at(std::string_view text, std::size_t at) noexcept
{
    constexpr std::uint64_t high_bits = 0x8080808080808080u;
    std::size_t end = at;
    for (std::uint64_t eight = 0; text.size() - end >= sizeof eight; end += sizeof eight) {
        std::memcpy(&eight, text.data() + end, sizeof eight);
        if (eight & high_bits) break;
    }
    while (end < text.size() && byte_at(text, end) < 0x80) ++end;
    return end - at;
}

// Characters that break a line, hide text or turn its direction: a log line must read as it is written.
bool is_blank(std::string_view character) noexcept
{
    const unsigned char first = byte_at(character, 0);
    if (character.size() == 1) return first <= 0x20 || first == 0x7F;
    const unsigned char second = byte_at(character, 1);
    if (character.size() == 2) return first == 0xC2 && second < 0xA1;  // C1 controls, no-break space
    if (character.size() != 3) return false;
    const unsigned char third = byte_at(character, 2);
    if (first == 0xE2 && second == 0x80)  // zero width, direction marks, U+2028, U+2029, embeddings
        return (third >= 0x8B && third <= 0x8F) || (third >= 0xA8 && third <= 0xAE);
    if (first == 0xE2 && second == 0x81) return third >= 0xA0 && third <= 0xAF;  // joiners, isolates
    return first == 0xEF && second == 0xBB && third == 0xBF;                     // byte order mark
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

std::size_t digits_at(std::string_view text, std::size_t at) noexcept
{
    std::size_t end = at;
    while (end < text.size() && is_digit(text[end])) ++end;
    return end - at;
}

}  // namespace

bool is_utf8(std::string_view text) noexcept
{
    for (std::size_t at = ascii_at(text, 0); at < text.size(); at += ascii_at(text, at)) {
        const std::size_t size = sequence_size(text, at);
        if (size == 0) return false;
        at += size;
    }
    return true;
}

void append_repaired_utf8(std::string &to, std::string_view text)
{
    for (std::size_t at = 0; at < text.size();) {
        std::string_view plain = text.substr(at, ascii_at(text, at));
        at += plain.size();
        for (std::size_t nul = plain.find('\0'); nul != std::string_view::npos; nul = plain.find('\0')) {
            to += plain.substr(0, nul);
            plain.remove_prefix(nul + 1);
        }
        to += plain;
        if (at >= text.size()) break;
        const std::size_t size = sequence_size(text, at);
        to += size == 0 ? replacement : text.substr(at, size);
        at += size ? size : 1;
    }
}

std::string one_line(std::string_view text, std::size_t max_characters)
{
    std::string repaired;
    append_repaired_utf8(repaired, text);
    std::string line;
    bool gap = false;
    for (std::size_t at = 0; at < repaired.size();) {
        const std::size_t size = sequence_size(repaired, at);
        const std::string_view character = std::string_view(repaired).substr(at, size);
        at += size;
        if (is_blank(character)) {
            gap = !line.empty();
            continue;
        }
        if (gap) line += ' ';
        gap = false;
        line += character;
    }
    return shortened(std::move(line), max_characters);
}

std::string shortened(std::string text, std::size_t max_characters)
{
    std::size_t characters = 0;
    std::size_t keep = 0;  // bytes of the first max_characters - 1 characters
    for (std::size_t at = 0; at < text.size(); ++at) {
        if ((byte_at(text, at) & 0xC0u) == 0x80u) continue;
        ++characters;
        if (characters == max_characters) keep = at;
        if (characters > max_characters) {
            text.resize(keep);
            text += ellipsis;
            break;
        }
    }
    return text;
}

bool is_decimal(std::string_view text) noexcept
{
    constexpr std::size_t max_size = 80;
    constexpr int max_exponent = 100;
    if (text.size() > max_size) return false;
    std::size_t at = !text.empty() && text[0] == '-' ? 1 : 0;
    const std::size_t whole = digits_at(text, at);
    if (whole == 0) return false;
    at += whole;
    if (at < text.size() && text[at] == '.') {
        const std::size_t fraction = digits_at(text, at + 1);
        if (fraction == 0) return false;
        at += 1 + fraction;
    }
    if (at < text.size() && lower(text[at]) == 'e') {
        ++at;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
        int exponent = 0;
        const char *end = text.data() + text.size();
        if (digits_at(text, at) == 0) return false;
        const auto [rest, error] = std::from_chars(text.data() + at, end, exponent);
        return error == std::errc() && rest == end && exponent <= max_exponent;
    }
    return at == text.size();
}

bool is_json_number(std::string_view text) noexcept
{
    if (!is_decimal(text)) return false;
    if (text.front() == '-') text.remove_prefix(1);
    return text.front() != '0' || text.size() == 1 || text[1] < '0' || text[1] > '9';
}

bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept
{
    return left.size() == right.size() && find_ignoring_case(left, right) == 0;
}

std::size_t find_ignoring_case(std::string_view text, std::string_view part) noexcept
{
    for (std::size_t at = 0; at + part.size() <= text.size(); ++at) {
        std::size_t i = 0;
        while (i < part.size() && lower(text[at + i]) == lower(part[i])) ++i;
        if (i == part.size()) return at;
    }
    return std::string_view::npos;
}

}  // namespace ig::platform
