// Walks data[] and gives each number to the collector.
#include "platform/instagram/insights_reader.hpp"

#include <utility>

#include "platform/instagram/collector.hpp"
#include "platform/instagram/failure_reader.hpp"
#include "platform/instagram/snapshot_reader.hpp"
#include "platform/timestamp.hpp"

namespace ig::platform::instagram {

namespace {

// What is outside was not asked for: the day before the window, or one that is not complete yet (requests.cpp says why
// they come at all).
bool in_window(const InsightsQuery &query, Instant end_time)
{
    if (query.until <= query.since) return true;  // the request had no window
    return end_time > query.since && end_time <= query.until;
}

void read_series(const InsightsQuery &query, Collector &collector, std::size_t metric, JsonView values)
{
    if (values.is_null()) return;
    if (!values.is_array()) return collector.drop(metric, Drop::wrong_type);
    for (const JsonView entry : values) {
        if (entry.is_null()) continue;
        if (!entry.is_object()) {
            collector.drop(metric, Drop::wrong_type);
            continue;
        }
        const JsonView value = entry.member("value");
        const JsonView time = entry.member("end_time");
        const std::optional<Instant> end_time =
            time.is_text() || time.is_number() ? parse_timestamp(time.text()) : std::nullopt;
        if (!end_time) {
            if (value.exists() && !value.is_null()) collector.drop(metric, Drop::no_end_time);
        } else if (in_window(query, *end_time)) {
            collector.take(metric, *end_time, value);
        }
    }
}

bool has_results(JsonView breakdowns)
{
    for (const JsonView breakdown : breakdowns)
        if (breakdown.member("results").size() > 0) return true;
    return false;
}

void read_total(const InsightsQuery &query, Collector &collector, std::size_t metric, JsonView total)
{
    const JsonView value = total.is_object() ? total.member("value") : total;
    const JsonView breakdowns = total.member("breakdowns");
    // An aggregate may come where a series was asked. Unique counts do not add up, so it says nothing about its days.
    if (query.shape == MetricShape::time_series && query.first != query.last) {
        const bool any = (value.exists() && !value.is_null()) || has_results(breakdowns);
        if (any) collector.drop(metric, Drop::total_of_days);
        return;
    }
    collector.take(metric, query.until, value, breakdowns);
}

void read_item(const InsightsQuery &query, Collector &collector, JsonView item)
{
    const JsonView name = item.member("name");
    if (!name.is_text()) return collector.drop_nameless();
    const std::size_t metric = collector.find(name.text());
    if (metric == Collector::npos) return;  // not asked for
    const JsonView period = item.member("period");
    if (period.is_text() && period.text() != query.period) return;
    const JsonView values = item.member("values");
    const JsonView total = item.member("total_value");
    // With breakdowns both may come and say the same; the one that was asked for has the right end_time.
    const bool prefer_total = query.shape == MetricShape::total_value || values.size() == 0;
    if (total.exists() && !total.is_null() && prefer_total) read_total(query, collector, metric, total);
    else if (values.exists()) read_series(query, collector, metric, values);
}

}  // namespace

Reading read_answer(const InsightsQuery &query, const Received &received)
{
    Answer answer = open_answer(received, {query.login, &query.metrics});
    Reading reading;
    if (answer.failure) reading.failure = std::move(answer.failure);
    else if (query.shape == MetricShape::snapshot) reading = read_snapshot(query, answer.body.root());
    else reading = read_insights(query, answer.body.root());
    reading.usage = read_usage(received);
    return reading;
}

Reading read_insights(const InsightsQuery &query, JsonView root)
{
    const JsonView data = root.member("data");
    if (!data.is_array()) {
        Reading reading;
        Failure failure;
        failure.kind = FailureKind::malformed;
        failure.retry = true;
        failure.http_status = 200;
        failure.message = "Instagram's answer cannot be read: it has no list named data";
        failure.hint = "It is tried again. If it lasts, check the host settings and instagram_insights.api_version.";
        reading.failure = std::move(failure);
        return reading;
    }
    Collector collector(query);
    for (const JsonView item : data) read_item(query, collector, item);
    return collector.reading();
}

}  // namespace ig::platform::instagram
