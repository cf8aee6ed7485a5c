// Any bytes as the usage headers: percents and waits stay in their bounds, ids are digits.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "platform/usage.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char *>(data), size);
    ig::HttpResponse response;
    response.status = 200;
    response.headers = {{"X-App-Usage", text}, {"x-business-use-case-usage", text}};
    for (const ig::platform::Usage &usage : ig::platform::read_usage(response)) {
        if (usage.percent < 0 || usage.percent > 1000) std::abort();
        if (usage.whole_app != usage.account_id.empty()) std::abort();
        if (usage.account_id.find_first_not_of("0123456789") != std::string::npos) std::abort();
        if (!usage.regain_after) continue;
        if (usage.regain_after->count() <= 0 || *usage.regain_after > std::chrono::hours(24)) std::abort();
    }
    return 0;
}
