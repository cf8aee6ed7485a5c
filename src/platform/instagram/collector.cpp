// Keeps numbers as their text; tells no data, dropped and kept apart for each metric.
#include "platform/instagram/collector.hpp"

#include <algorithm>
#include <utility>

#include "platform/redact.hpp"
#include "platform/text.hpp"

namespace ig::platform::instagram {

namespace {

// Twenty metrics over a 29-day window are 580; 45 cities by age and gender are less than a thousand parts.
constexpr std::size_t max_values = 10000;

struct DropText {
    FailureKind kind;
    std::string_view what;
    std::string_view hint;
};

DropText text_of(Drop reason) noexcept
{
    switch (reason) {
    case Drop::wrong_type:
        return {FailureKind::malformed, "that are not numbers",
                "The other values were kept. Report it if it lasts: the API may have changed."};
    case Drop::table:
        return {FailureKind::not_supported, "that are tables of a kind which is not kept",
                "Kept are numbers, their breakdowns and numbers by hour; turn the metric off with ig_set_metrics()."};
    case Drop::no_end_time:
        return {FailureKind::malformed, "without a readable end_time",
                "A value that belongs to no day cannot be kept. Report it if it lasts: the API may have changed."};
    case Drop::total_of_days:
        return {FailureKind::malformed, "that sum up several days instead of each day",
                "The metric answers with totals: its metric_type must be total_value. Update the extension's metrics."};
    case Drop::too_many:
    case Drop::count_: break;
    }
    return {FailureKind::malformed, "beyond the limit of one answer",
            "Report it: no request of ours asks for so many."};
}

Failure dropped(std::string_view metric, std::size_t count, const DropText &text)
{
    Failure failure;
    failure.kind = text.kind;
    failure.reach = FailureReach::metrics;
    failure.message =
        redact("left out " + std::to_string(count) + (count == 1 ? " value " : " values ") +
               (metric.empty() ? std::string() : "of " + std::string(metric) + " ") + std::string(text.what));
    failure.hint = text.hint;
    if (!metric.empty()) failure.metrics.emplace_back(metric);
    return failure;
}

}  // namespace

Collector::Collector(const InsightsQuery &query) : query_(query)
{
    metrics_.reserve(query.metrics.size());
    for (const std::string &metric : query.metrics)
        if (find(metric) == npos) metrics_.push_back({metric, {}, {}});
}

std::size_t Collector::find(std::string_view metric) const noexcept
{
    for (std::size_t i = 0; i < metrics_.size(); ++i)
        if (metrics_[i].metric == metric) return i;
    return npos;
}

void Collector::take(std::size_t metric, Instant end_time, JsonView value, JsonView breakdowns)
{
    Kept kept{end_time, {}, {}};
    if (breakdowns.exists()) kept.parts = keep_parts(metric, read_breakdowns(breakdowns, max_values - parts_));
    if ((value.is_number() || value.is_text()) && is_decimal(value.text())) {
        kept.value = value.text();
    } else if (std::optional<ReadParts> hours = value.size() > 0 ? read_hours(value) : std::nullopt) {
        merge_parts(kept.parts, keep_parts(metric, std::move(*hours)));
    } else if (value.exists() && !value.is_null() && !(value.is_array() && value.size() == 0) &&
               !(value.is_object() && value.size() == 0)) {
        drop(metric, value.is_object() ? Drop::table : Drop::wrong_type);
    }
    if (kept.value.empty() && kept.parts.empty()) return;  // no data
    if (values_ >= max_values) return drop(metric, Drop::too_many);
    ++values_;
    metrics_[metric].values.push_back(std::move(kept));
}

std::vector<Parts> Collector::keep_parts(std::size_t metric, ReadParts read)
{
    parts_ += std::min(read.count, max_values - parts_);
    drop(metric, Drop::wrong_type, read.wrong);
    drop(metric, Drop::too_many, read.too_many);
    return std::move(read.parts);
}

void Collector::drop(std::size_t metric, Drop reason, std::size_t count)
{
    metrics_[metric].drops[static_cast<std::size_t>(reason)] += count;
}

void Collector::take_in_order(Reading &reading, Collected &collected) const
{
    const auto earlier = [](const Kept &left, const Kept &right) { return left.end_time < right.end_time; };
    auto &values = collected.values;
    if (!std::is_sorted(values.begin(), values.end(), earlier)) std::stable_sort(values.begin(), values.end(), earlier);
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i + 1 < values.size() && values[i + 1].end_time == values[i].end_time) continue;
        reading.values.push_back({std::string(collected.metric), query_.period, values[i].end_time,
                                  std::string(values[i].value), std::move(values[i].parts)});
    }
}

Reading Collector::reading()
{
    Reading reading;
    reading.values.reserve(values_);
    for (Collected &collected : metrics_) {
        const std::string metric(collected.metric);
        take_in_order(reading, collected);
        bool any_drop = false;
        for (std::size_t i = 0; i < collected.drops.size(); ++i) {
            if (collected.drops[i] == 0) continue;
            any_drop = true;
            reading.dropped.push_back(dropped(metric, collected.drops[i], text_of(static_cast<Drop>(i))));
        }
        // "No data" would be untrue of a metric that answered with something we could not keep.
        if (collected.values.empty() && !any_drop) reading.without_data.push_back(metric);
    }
    if (nameless_ > 0)
        reading.dropped.push_back(
            dropped({}, nameless_,
                    {FailureKind::malformed, "that name no metric",
                     "The other values were kept. Report it if it lasts: the API may have changed."}));
    return reading;
}

}  // namespace ig::platform::instagram
