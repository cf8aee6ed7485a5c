// A token among any bytes: it never comes through.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "platform/redact.hpp"
#include "platform/text.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    constexpr const char *token = "EAAinventedinventedinvented";
    const std::string text(reinterpret_cast<const char *>(data), size);
    // What the fuzzer wrote itself is no leak; cleaned first, because cleaning joins what NUL bytes part.
    if (ig::platform::one_line(text + text, 2 * size + 1).find("ntedi") != std::string::npos) return 0;
    const std::size_t middle = size / 2;
    for (const std::string &around :
         {text.substr(0, middle) + " " + token + " " + text.substr(middle), text + " access_token=" + token,
          text + " \"access_token\":\"" + token + "\"" + text, text + token}) {
        const std::string shown = ig::platform::redact(around);
        if (shown.find("inventedinvented") != std::string::npos) std::abort();
        if (shown.size() > 4 * ig::platform::redacted_characters) std::abort();
        if (shown.find('\n') != std::string::npos || shown.find('\0') != std::string::npos) std::abort();
    }
    return 0;
}
