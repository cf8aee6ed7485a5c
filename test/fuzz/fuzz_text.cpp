// Any bytes as a text from outside: what is shown or kept is UTF-8 within its bounds, and numbers are those of PostgreSQL.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "platform/json.hpp"
#include "platform/json_text.hpp"
#include "platform/text.hpp"
#include "require.hpp"

namespace {

using namespace ig::platform;

std::size_t characters(std::string_view text)
{
    std::size_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return count;
}

void check_repaired(const std::string &text)
{
    std::string repaired = "before ";
    append_repaired_utf8(repaired, text);
    require(is_utf8(repaired) && repaired.find('\0') == std::string::npos && repaired.substr(0, 7) == "before ");
    repaired.erase(0, 7);
    if (is_utf8(text) && text.find('\0') == std::string::npos) require(repaired == text);
    std::string again;
    append_repaired_utf8(again, repaired);
    require(again == repaired);
    std::string json;
    append_json_string(json, repaired);
    const Json read = Json::parse(json);
    require(read.valid() && read.root().is_text() && read.root().text() == repaired);
    for (const std::size_t most : {1u, 7u, 500u}) {
        const std::string cut = shortened(repaired, most);
        require(is_utf8(cut) && characters(cut) <= most);
        if (characters(repaired) <= most) require(cut == repaired);
    }
}

void check_one_line(const std::string &text)
{
    for (const std::size_t most : {1u, 20u, 500u}) {
        const std::string line = one_line(text, most);
        require(is_utf8(line) && characters(line) <= most);
        for (const char c : line) require(static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
        require(line.empty() || (line.front() != ' ' && (line.back() != ' ' || characters(line) == most)));
        require(line.find("  ") == std::string::npos);
        require(one_line(line, most) == line);
    }
}

void check_decimal(const std::string &text)
{
    if (!is_decimal(text)) return;
    require(!text.empty() && text.size() <= 80 && text.find_first_not_of("0123456789.eE+-") == std::string::npos);
    char *end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    require(*end == '\0' && std::isfinite(number));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char *>(data), size);
    check_repaired(text);
    check_one_line(text);
    check_decimal(text);
    const std::string_view half = std::string_view(text).substr(size / 2);
    require(equals_ignoring_case(text, text));
    require(find_ignoring_case(text, half) <= size - half.size());
    return 0;
}
