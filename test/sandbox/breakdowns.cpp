// Splits totals over the values of their dimensions, deterministically.
#include "breakdowns.hpp"

#include <charconv>

#include "json.hpp"

namespace ig::sandbox {

namespace {

struct Part {
    std::vector<std::string> dimensions;
    long long value = 0;
};

std::vector<std::string> dimension_values(const std::string &breakdown)
{
    if (breakdown == "media_product_type") return {"REEL", "POST", "CAROUSEL_CONTAINER", "STORY", "AD"};
    if (breakdown == "follow_type") return {"FOLLOWER", "NON_FOLLOWER", "UNKNOWN"};
    if (breakdown == "contact_button_type") return {"CALL", "DIRECTION", "EMAIL", "TEXT", "BOOK_NOW"};
    if (breakdown == "gender") return {"F", "M", "U"};
    if (breakdown == "age") return {"13-17", "18-24", "25-34", "35-44", "45-54", "55-64", "65+"};
    if (breakdown == "country") return {"BR", "US", "DE", "FR", "IN", "JP", "MX", "PT"};
    std::vector<std::string> cities = {"São Paulo, São Paulo (state)", "Zürich, Kanton Zürich", "東京都, Tokyo"};
    while (cities.size() < 45) cities.push_back("Saint-Étienne " + std::to_string(cities.size()) + ", Loire");
    return cities;
}

// Every combination of the dimensions' values, in order.
std::vector<Part> combinations(const std::vector<std::string> &breakdowns)
{
    std::vector<Part> parts = {Part{}};
    for (const std::string &breakdown : breakdowns) {
        std::vector<Part> longer;
        for (const Part &part : parts) {
            for (const std::string &value : dimension_values(breakdown)) {
                longer.push_back(part);
                longer.back().dimensions.push_back(value);
            }
        }
        parts = std::move(longer);
    }
    return parts;
}

// Half to the first, half of the rest to the next, ...: the parts add up to the total.
void share(std::vector<Part> &parts, long long total)
{
    for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i].value = i + 1 == parts.size() ? total : total - total / 2;
        total -= parts[i].value;
    }
}

void write_breakdowns(JsonWriter &writer, const std::vector<std::string> &keys, const std::vector<Part> &parts,
                      const std::string &timeframe)
{
    write_name(writer, "breakdowns");
    writer.StartArray();
    writer.StartObject();
    write_name(writer, "dimension_keys");
    writer.StartArray();
    if (!timeframe.empty()) write_text(writer, "timeframe");
    for (const std::string &key : keys) write_text(writer, key);
    writer.EndArray();
    write_name(writer, "results");
    writer.StartArray();
    for (const Part &part : parts) {
        if (part.value == 0) continue;
        writer.StartObject();
        write_name(writer, "dimension_values");
        writer.StartArray();
        if (!timeframe.empty()) write_text(writer, timeframe);
        for (const std::string &value : part.dimensions) write_text(writer, value);
        writer.EndArray();
        write_member(writer, "value", part.value);
        writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
    writer.EndArray();
}

std::optional<long long> integer(const std::string &text)
{
    long long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

long long sum(const World &world, const Account &account, std::string_view metric, const std::vector<Day> &days)
{
    long long total = 0;
    for (const Day day : days) {
        const auto value = world.values.at(account, metric, day);
        if (value) total += integer(*value).value_or(0);
    }
    return total;
}

std::string demographics_json(const World &world, const Account &account, const Metric &metric,
                              const InsightsRequest &request)
{
    std::vector<Part> parts = combinations(request.breakdowns);
    std::uint64_t number = 0;
    for (Part &part : parts) {
        part.value = static_cast<long long>(world.values.mix(account.id, metric.name, ++number) % 400);
    }
    if (parts.size() > 45 && request.breakdowns.size() == 1) parts.resize(45);
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    std::string timeframe = request.timeframe == "this_week" ? "THIS_WEEK" : "THIS_MONTH";
    if (metric.name == "follower_demographics") timeframe.clear();
    write_breakdowns(writer, request.breakdowns, parts, timeframe);
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

std::optional<std::string> total_value_json(const World &world, const Account &account, const Metric &metric,
                                            const InsightsRequest &request)
{
    if (metric.kind == MetricKind::demographics) {
        if (request.breakdowns.empty()) return std::nullopt;
        return demographics_json(world, account, metric, request);
    }
    // Always since < end <= until, whatever /config says of series: a one-day window is exactly that day.
    const auto days = days_within(request.since, request.until, world.clock.now(), false, true);
    const auto total = world.values.total(account, metric, days);
    if (!total) return std::nullopt;
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    if (metric.kind == MetricKind::follows && !request.breakdowns.empty()) {
        // FOLLOWER are the follows, as follower_count has them; NON_FOLLOWER the unfollows. A quiet window has neither.
        const std::vector<Part> parts = {{{"FOLLOWER"}, sum(world, account, "follower_count", days)},
                                         {{"NON_FOLLOWER"}, sum(world, account, "unfollows", days)}};
        if (parts[0].value == 0 && parts[1].value == 0) {
            write_member(writer, "value", 0);
        } else {
            write_breakdowns(writer, request.breakdowns, parts, "");
        }
    } else {
        write_name(writer, "value");
        write_raw(writer, *total);
        if (const auto number = integer(*total); number && !request.breakdowns.empty()) {
            std::vector<Part> parts = combinations(request.breakdowns);
            share(parts, *number);
            write_breakdowns(writer, request.breakdowns, parts, "");
        }
    }
    writer.EndObject();
    return std::string(buffer.GetString(), buffer.GetSize());
}

}  // namespace ig::sandbox
