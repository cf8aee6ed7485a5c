// The one function every text from outside passes before a person, a log or a table may see it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace ig::platform {

inline constexpr std::size_t redacted_characters = 500;

// The text without tokens, secrets and login codes, each replaced by "[redacted]"; one line of valid UTF-8 of at most
// redacted_characters. Recognised are values of telling names (access_token=..., "client_secret":"...", code=..., also
// percent-encoded or escaped), Authorization headers and Bearer tokens, the query and the user part of URLs, strings
// that begin like a token of Meta, and long strings that look random. Rather too much is hidden than too little.
std::string redact(std::string_view text);

}  // namespace ig::platform
