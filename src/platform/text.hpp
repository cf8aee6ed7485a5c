// Text from outside made fit to keep and show: valid UTF-8, one line, bounded; and decimal numbers told from others.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ig::platform {

// Whether this is valid UTF-8 (U+0000 is).
bool is_utf8(std::string_view text) noexcept;

// Appends the text with U+FFFD in place of each byte that is no UTF-8, and without U+0000.
void append_repaired_utf8(std::string &to, std::string_view text);

// Valid UTF-8 in one line: control characters, line separators and runs of white space become one space, nothing at the
// ends; more than `max_characters` end in an ellipsis.
std::string one_line(std::string_view text, std::size_t max_characters);

// At most so many characters (code points) of valid UTF-8, an ellipsis in place of what is cut off.
std::string shortened(std::string text, std::size_t max_characters);

// Whether this is a number PostgreSQL's numeric takes exactly as it stands: -12, 0.5, 1e3; no NaN, no plus sign, at
// most 80 characters and an exponent from -100 to 100.
bool is_decimal(std::string_view text) noexcept;
// Whether it is one that JSON takes as well: digits of a string may begin with zeros, which a JSON number may not.
bool is_json_number(std::string_view text) noexcept;

// Compares without regard to the case of ASCII letters.
bool equals_ignoring_case(std::string_view left, std::string_view right) noexcept;
// Where `part` begins in `text`, without regard to the case of ASCII letters; npos if nowhere.
std::size_t find_ignoring_case(std::string_view text, std::string_view part) noexcept;

}  // namespace ig::platform
