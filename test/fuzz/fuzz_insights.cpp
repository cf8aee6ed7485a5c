// Any bytes as an insights answer with status 200: no crash, only decimal values and parts that are JSON, nothing
// outside the window.
#include <cstddef>
#include <cstdint>
#include <string>

#include "platform/instagram/instagram.hpp"
#include "platform/json.hpp"
#include "platform/text.hpp"
#include "require.hpp"

namespace {

void read(ig::platform::MetricShape shape, const char *period, const ig::HttpResponse &response)
{
    ig::platform::InsightsQuery query;
    query.shape = shape;
    query.metrics = {"reach",
                     "follower_count",
                     "views",
                     "followers_count",
                     "follows_and_unfollows",
                     "engaged_audience_demographics",
                     "follower_demographics",
                     "online_followers"};
    query.period = period;
    query.since = ig::Instant(std::chrono::seconds(1795075200));
    query.until = ig::Instant(std::chrono::seconds(1795248000));
    const ig::platform::Reading reading =
        ig::platform::Instagram(ig::platform::Endpoints()).read_insights(query, response);
    for (const ig::platform::Value &value : reading.values) {
        require(ig::platform::is_decimal(value.value) || (value.value.empty() && !value.parts.empty()));
        require(value.parts.empty() || ig::platform::Json::parse(ig::platform::metadata_json(value.parts)).valid());
        require(value.end_time > query.since && value.end_time <= query.until);
    }
    require(!reading.failure || reading.values.empty());
    for (const ig::platform::Failure &failure : reading.dropped) require(!failure.message.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    ig::HttpResponse response;
    response.status = 200;
    response.body.assign(reinterpret_cast<const char *>(data), size);
    for (const char *period : {"day", "lifetime"}) {
        read(ig::platform::MetricShape::time_series, period, response);
        read(ig::platform::MetricShape::total_value, period, response);
    }
    read(ig::platform::MetricShape::snapshot, "day", response);
    return 0;
}
