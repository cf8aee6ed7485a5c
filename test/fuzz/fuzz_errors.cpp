// Any bytes as the body and the headers of a refusal: always a failure with a sound message.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "platform/instagram/instagram.hpp"
#include "platform/redact.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char *>(data), size);
    ig::platform::InsightsQuery query;
    query.metrics = {"reach", "impressions", "views"};
    for (const int status : {200, 400, 403, 500}) {
        ig::HttpResponse response;
        response.status = status;
        response.body = text;
        for (const char *name : {"WWW-Authenticate", "X-Business-Use-Case-Usage", "Retry-After"})
            response.headers.push_back({name, text});
        const ig::platform::Reading reading =
            ig::platform::Instagram(ig::platform::Endpoints()).read_insights(query, response);
        if (status != 200 && !reading.failure) std::abort();
        if (!reading.failure) continue;
        const ig::platform::Failure &failure = *reading.failure;
        if (failure.message.empty() || failure.message.find('\n') != std::string::npos) std::abort();
        if (failure.message.size() > 4 * ig::platform::redacted_characters) std::abort();
        if (failure.wait && (failure.wait->count() <= 0 || *failure.wait > std::chrono::hours(24))) std::abort();
    }
    return 0;
}
