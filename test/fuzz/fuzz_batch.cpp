// Any bytes as the answer to a batch of three: no crash, three items or one failure, and each item bounded as if alone.
#include <cstddef>
#include <cstdint>

#include "platform/instagram/instagram.hpp"
#include "platform/text.hpp"
#include "require.hpp"

namespace {

ig::platform::InsightsQuery query_of(ig::platform::MetricShape shape)
{
    ig::platform::InsightsQuery query;
    query.shape = shape;
    query.metrics = {"reach", "follower_count", "views", "followers_count"};
    query.since = ig::Instant(std::chrono::seconds(1795075200));
    query.until = ig::Instant(std::chrono::seconds(1795248000));
    return query;
}

void check(const ig::platform::InsightsQuery &query, const ig::platform::Reading &reading)
{
    for (const ig::platform::Value &value : reading.values) {
        require(ig::platform::is_decimal(value.value) || (value.value.empty() && !value.parts.empty()));
        require(value.end_time > query.since && value.end_time <= query.until);
    }
    require(!reading.failure || reading.values.empty());
    if (reading.failure) require(!reading.failure->message.empty());
    require(ig::platform::is_utf8(reading.username) && ig::platform::is_utf8(reading.name));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const ig::platform::InsightsQuery series = query_of(ig::platform::MetricShape::time_series);
    const ig::platform::InsightsQuery total = query_of(ig::platform::MetricShape::total_value);
    const ig::platform::InsightsQuery snapshot = query_of(ig::platform::MetricShape::snapshot);
    const std::vector<const ig::platform::InsightsQuery *> queries = {&series, &total, &snapshot};
    const ig::platform::Instagram instagram{ig::platform::Endpoints()};
    for (const int status : {200, 400}) {
        ig::HttpResponse response;
        response.status = status;
        response.body.assign(reinterpret_cast<const char *>(data), size);
        const ig::platform::BatchReading reading = instagram.read_batch(queries, response);
        require(reading.items.size() == (reading.failure ? 0 : queries.size()));
        if (status != 200) require(reading.failure.has_value());
        for (std::size_t i = 0; i < reading.items.size(); ++i)
            if (reading.items[i]) check(*queries[i], *reading.items[i]);
    }
    return 0;
}
