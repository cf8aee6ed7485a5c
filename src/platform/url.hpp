// Puts URLs together from parts that may hold any character.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace ig::platform {

// Everything but letters, digits and -._~ as %XX.
std::string percent_encoded(std::string_view text);
// The same at the end of a text; with enough reserved, no copy of it is left behind.
void append_percent_encoded(std::string &to, std::string_view text);
// Encoded once more, for a text that is to stand encoded inside an encoded one: what is not plain becomes %25XX.
void append_twice_encoded(std::string &to, std::string_view text);

// "base/part/part": each part encoded, empty parts left out, slashes at the end of the base too.
std::string joined_path(std::string_view base, std::initializer_list<std::string_view> parts);

// The items encoded one by one, with plain commas between them: the Graph API's lists.
std::string encoded_list(const std::vector<std::string> &items);
void append_encoded_list(std::string &to, const std::vector<std::string> &items);

}  // namespace ig::platform
