// Any bytes as the kept state of metrics: read without a failure, written as it was read, and days only go forward.
#include <cstddef>
#include <cstdint>
#include <string>

#include "platform/json.hpp"
#include "require.hpp"
#include "sync/metric_state.hpp"

namespace {

using namespace ig::sync;

void check_forward(const KnownMetrics &before, const KnownMetrics &after)
{
    for (const auto &[name, metric] : before) {
        const auto found = after.find(name);
        require(found != after.end());
        if (metric.through) require(found->second.through >= metric.through);
        if (metric.clipped_before) require(found->second.clipped_before >= metric.clipped_before);
    }
}

MetricProgress progress_of(const std::string &name, ig::Day day, bool supported)
{
    MetricProgress progress;
    progress.metric = name;
    progress.synced_through = progress.clipped_before = day;
    progress.supported_again = supported;
    if (!supported) progress.unsupported_since = day;
    return progress;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char *>(data), size);
    const KnownMetrics known = read_metric_state(text);
    const std::string written = metric_state_json(known);
    require(ig::platform::Json::parse(written).valid());
    // A moment outside the years we know is not written, so it is what was read that has to come again.
    require(metric_state_json(read_metric_state(written)) == written);

    KnownMetrics learnt = known;
    std::vector<MetricProgress> news = {{"", {}, {}, {}, false, "said nothing"}};
    const ig::Day day = std::chrono::sys_days(std::chrono::year(2026) / 11 / 21);
    for (const auto &[name, metric] : known)
        news.push_back(progress_of(name, day, metric.unsupported_since.has_value()));
    learn(learnt, news);
    check_forward(known, learnt);
    for (const auto &[name, metric] : known) {
        const KnownMetric &now = learnt.find(name)->second;
        require(now.through >= day && now.unsupported_since.has_value() != metric.unsupported_since.has_value());
    }
    learn(learnt, news);  // the same once more changes nothing
    KnownMetrics again = learnt;
    learn(again, news);
    require(metric_state_json(again) == metric_state_json(learnt));
    return 0;
}
