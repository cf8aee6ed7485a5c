// Reads and writes the state of metrics.
#include "sync/metric_state.hpp"

#include <algorithm>
#include <stdexcept>

#include "platform/json.hpp"
#include "platform/json_text.hpp"
#include "platform/moment_text.hpp"
#include "platform/timestamp.hpp"

namespace ig::sync {

namespace {

std::optional<Day> day_of(platform::JsonView view)
{
    if (!view.is_text()) return std::nullopt;
    try {
        return platform::parse_day(view.text());
    } catch (const std::invalid_argument &) {
        return std::nullopt;
    }
}

void append_member(std::string &json, std::string_view name, const std::string &text)
{
    if (json.back() != '{') json.push_back(',');
    platform::append_json_string(json, name);
    json.push_back(':');
    platform::append_json_string(json, text);
}

void go_forward(std::optional<Day> &known, const std::optional<Day> &day)
{
    if (day && (!known || *known < *day)) known = day;
}

}  // namespace

KnownMetrics read_metric_state(std::string_view json)
{
    KnownMetrics known;
    if (json.size() <= 2) return known;  // {}
    const platform::Json document = platform::Json::parse(json);
    for (const platform::JsonView entry : document.root()) {
        KnownMetric metric;
        metric.through = day_of(entry.member("through"));
        metric.clipped_before = day_of(entry.member("clipped_before"));
        if (const platform::JsonView since = entry.member("unsupported_since"); since.is_text())
            metric.unsupported_since = platform::parse_timestamp(since.text());
        metric.reason = std::string(entry.member("reason").text());
        known.insert_or_assign(std::string(entry.key()), std::move(metric));
    }
    return known;
}

void learn(KnownMetrics &known, const std::vector<MetricProgress> &progress)
{
    for (const MetricProgress &news : progress) {
        KnownMetric &metric = known[news.metric];
        go_forward(metric.through, news.synced_through);
        go_forward(metric.clipped_before, news.clipped_before);
        if (news.supported_again) {
            metric.unsupported_since.reset();
            metric.reason.clear();
            continue;
        }
        if (news.unsupported_since) metric.unsupported_since = news.unsupported_since;
        if (!news.reason.empty()) metric.reason = news.reason;
    }
}

std::string metric_state_json(const KnownMetrics &known)
{
    std::string json = "{";
    for (const auto &[name, metric] : known) {
        if (json.size() > 1) json.push_back(',');
        platform::append_json_string(json, name);
        json += ":{";
        if (metric.through) append_member(json, "through", platform::day_text(*metric.through));
        if (metric.clipped_before) append_member(json, "clipped_before", platform::day_text(*metric.clipped_before));
        if (metric.unsupported_since)
            append_member(json, "unsupported_since", platform::instant_text(*metric.unsupported_since));
        if (!metric.reason.empty()) append_member(json, "reason", metric.reason);
        json.push_back('}');
    }
    json.push_back('}');
    return json;
}

}  // namespace ig::sync
