// Missing is not zero here either: a part without a value is left out.
#include "platform/instagram/parts_reader.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "platform/json_text.hpp"
#include "platform/text.hpp"

namespace ig::platform::instagram {

namespace {

bool is_number(JsonView value) noexcept
{
    return (value.is_number() || value.is_text()) && is_json_number(value.text());
}

bool is_nothing(JsonView value) noexcept { return !value.exists() || value.is_null(); }

void append_part(std::string &json, std::string_view bucket, std::string_view number)
{
    json.push_back(json.empty() ? '{' : ',');
    append_json_string(json, bucket);
    json.append(":").append(number);
}

// Which of the dimensions count; nothing when they are not texts.
std::optional<std::vector<bool>> telling(JsonView keys)
{
    std::vector<bool> counts;
    for (const JsonView key : keys) {
        if (!key.is_text() || key.text().empty()) return std::nullopt;
        counts.push_back(key.text() != "timeframe");
    }
    if (std::find(counts.begin(), counts.end(), true) == counts.end()) return std::nullopt;
    return counts;
}

// The texts that count, joined by commas; nothing when there are not as many as dimensions.
std::optional<std::string> joined(JsonView texts, const std::vector<bool> &counts)
{
    if (!texts.is_array() || texts.size() != counts.size()) return std::nullopt;
    std::string joined;
    bool first = true;
    std::size_t at = 0;
    for (const JsonView text : texts) {
        if (!text.is_text() && !text.is_number()) return std::nullopt;
        if (!counts[at++]) continue;
        if (!first) joined.push_back(',');
        joined += text.text();
        first = false;
    }
    return joined;
}

void read_results(JsonView results, const std::vector<bool> &counts, std::size_t most, ReadParts &read,
                  std::string &json)
{
    for (const JsonView result : results) {
        if (is_nothing(result)) continue;
        const JsonView value = result.member("value");
        if (result.is_object() && is_nothing(value)) continue;
        const std::optional<std::string> bucket = joined(result.member("dimension_values"), counts);
        if (!bucket || !is_number(value)) {
            ++read.wrong;
        } else if (read.count >= most) {
            ++read.too_many;
        } else {
            append_part(json, *bucket, value.text());
            ++read.count;
        }
    }
}

}  // namespace

ReadParts read_breakdowns(JsonView breakdowns, std::size_t most)
{
    ReadParts read;
    if (!is_nothing(breakdowns) && !breakdowns.is_array()) ++read.wrong;
    if (!breakdowns.is_array()) return read;
    for (const JsonView breakdown : breakdowns) {
        const JsonView results = breakdown.member("results");
        if (is_nothing(breakdown) || (breakdown.is_object() && is_nothing(results))) continue;
        if (results.is_array() && results.size() == 0) continue;
        const std::optional<std::vector<bool>> counts = telling(breakdown.member("dimension_keys"));
        if (!counts || !results.is_array()) {
            ++read.wrong;
            continue;
        }
        std::string json;
        read_results(results, *counts, most, read, json);
        if (json.empty()) continue;
        json.push_back('}');
        merge_parts(read.parts, {{*joined(breakdown.member("dimension_keys"), *counts), std::move(json)}});
    }
    return read;
}

std::optional<ReadParts> read_hours(JsonView hours)
{
    constexpr std::size_t most = 24;
    ReadParts read;
    std::string json;
    if (!hours.is_object() || hours.size() > most) return std::nullopt;
    for (const JsonView value : hours) {
        const std::string_view hour = value.key();
        const bool digits = std::all_of(hour.begin(), hour.end(), [](char c) { return c >= '0' && c <= '9'; });
        if (hour.empty() || hour.size() > 2 || !digits || std::stoi(std::string(hour)) > 23) return std::nullopt;
        if (is_nothing(value)) continue;
        if (!is_number(value)) {
            ++read.wrong;
            continue;
        }
        append_part(json, hour, value.text());
        ++read.count;
    }
    if (!json.empty()) read.parts.push_back({{}, json + "}"});
    return read;
}

}  // namespace ig::platform::instagram
