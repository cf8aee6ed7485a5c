// Writes the answer to an insights request: series, totals, paging.
#include <algorithm>

#include "breakdowns.hpp"
#include "errors.hpp"
#include "insights.hpp"
#include "json.hpp"

namespace ig::sandbox {

namespace {

struct Point {
    std::string value;  // JSON
    Moment end_time{};
};

// Hour -> followers; now and then empty, hours without anybody are left out.
std::string hours_object(const World &world, const Account &account, Day day)
{
    const auto number = static_cast<std::uint64_t>(day.time_since_epoch().count());
    if (world.values.mix(account.id, "online_followers", number) % 17 == 0) return "{}";
    std::string json = "{";
    for (std::uint64_t hour = 0; hour < 24; ++hour) {
        const std::uint64_t hash = world.values.mix(account.id, "online", number * 24 + hour);
        if (hash % 5 == 0) continue;
        if (json.size() > 1) json += ",";
        json += "\"" + std::to_string(hour) + "\":" + std::to_string(hash / 5 % 900);
    }
    return json + "}";
}

std::vector<Point> series(const World &world, const Account &account, const Metric &metric,
                          const InsightsRequest &request)
{
    const Settings &settings = world.settings;
    std::vector<Point> points;
    std::string name(metric.name);
    if (request.period != "day" && request.period != "lifetime") name += ":" + request.period;
    for (const Day day : days_within(request.since, request.until, world.clock.now(), settings.since_inclusive,
                                     settings.until_inclusive)) {
        auto value = world.values.at(account, name, day);
        if (!value) continue;
        if (metric.kind == MetricKind::hours) value = hours_object(world, account, day);
        points.push_back({*value, end_of(day)});
    }
    if (settings.unordered_values && points.size() > 1) {
        std::rotate(points.begin(), points.begin() + static_cast<std::ptrdiff_t>(points.size() / 2), points.end());
        std::swap(points.front(), points.back());
    }
    return points;
}

void write_series(JsonWriter &writer, const std::vector<Point> &points)
{
    write_name(writer, "values");
    writer.StartArray();
    for (const Point &point : points) {
        writer.StartObject();
        write_name(writer, "value");
        write_raw(writer, point.value);
        write_member(writer, "end_time", graph_time(point.end_time));
        writer.EndObject();
    }
    writer.EndArray();
}

// One element of "data"; nothing is written when there is no data.
void write_metric(JsonWriter &writer, const World &world, const Account &account, const Metric &metric,
                  const InsightsRequest &request)
{
    if (!shows_metric(account, metric)) return;
    std::vector<Point> points;
    std::optional<std::string> total;
    if (request.total_value) {
        total = total_value_json(world, account, metric, request);
        if (!total) return;
    } else {
        points = series(world, account, metric, request);
        if (points.empty()) return;
    }
    writer.StartObject();
    write_member(writer, "name", metric.name);
    write_member(writer, "period", request.period);
    if (!request.total_value) write_series(writer, points);
    write_member(writer, "title", metric.title);
    write_member(writer, "description",
                 "Das zählt der/die Kontoinhaber:in als \"" + std::string(metric.title) + "\" im Zeitraum.");
    if (total) {
        write_name(writer, "total_value");
        write_raw(writer, *total);
    }
    write_member(writer, "id", account.id + "/insights/" + std::string(metric.name) + "/" + request.period);
    write_member(writer, "description_from_api_doc", "A member that nobody announced.");
    writer.EndObject();
}

std::string window_url(const Call &call, Moment since, Moment until)
{
    std::string url = call.base + "/" + (call.version.empty() ? "v25.0" : call.version);
    for (const std::string &part : call.path) url += "/" + percent_encode(part);
    url += "?access_token=" + percent_encode(call.token);
    for (const auto &[name, value] : call.query) {
        if (name == "access_token" || name == "since" || name == "until") continue;
        url += "&" + percent_encode(name) + "=" + percent_encode(value);
    }
    return url + "&since=" + std::to_string(since.time_since_epoch().count()) +
           "&until=" + std::to_string(until.time_since_epoch().count());
}

}  // namespace

std::vector<Day> days_within(Moment since, Moment until, Moment now, bool since_inclusive, bool until_inclusive)
{
    std::vector<Day> days;
    const Day last = std::min(last_complete_day(now), day_at(until));
    for (Day day = day_at(since) - std::chrono::days{1}; day <= last; day += std::chrono::days{1}) {
        const Moment end = end_of(day);
        if (since_inclusive ? end < since : end <= since) continue;
        if (until_inclusive ? end > until : end >= until) continue;
        days.push_back(day);
    }
    return days;
}

bool shows_metric(const Account &account, const Metric &metric)
{
    if (metric.needs_followers && account.has_few_followers()) return false;
    const auto &missing = account.missing;
    return std::find(missing.begin(), missing.end(), metric.name) == missing.end();
}

Answer answer_insights(const World &world, const Call &call, const Account &account)
{
    const InsightsRequest request = read_insights_request(world, call, account);
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_name(writer, "data");
    writer.StartArray();
    for (const Metric *metric : request.metrics) write_metric(writer, world, account, *metric, request);
    writer.EndArray();
    if (world.settings.paging && !request.total_value) {
        const auto length = request.until - request.since;
        write_name(writer, "paging");
        writer.StartObject();
        write_member(writer, "previous", window_url(call, request.since - length, request.since));
        write_member(writer, "next", window_url(call, request.until, request.until + length));
        writer.EndObject();
    }
    writer.EndObject();
    Answer answer;
    answer.body.assign(buffer.GetString(), buffer.GetSize());
    return answer;
}

}  // namespace ig::sandbox
