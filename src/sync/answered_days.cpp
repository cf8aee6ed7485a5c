// Looks days up in stretches, and reads and writes them.
#include "sync/answered_days.hpp"

#include <algorithm>
#include <stdexcept>

#include "platform/json.hpp"
#include "platform/json_text.hpp"
#include "platform/moment_text.hpp"

namespace ig::sync {

using std::chrono::days;

namespace {

const DayStretch *stretch_with(const DayStretches &stretches, Day day) noexcept
{
    const auto found = std::find_if(stretches.begin(), stretches.end(), [day](const DayStretch &stretch) {
        return stretch.first <= day && day <= stretch.last;
    });
    return found == stretches.end() ? nullptr : &*found;
}

std::optional<Day> read_day(platform::JsonView view)
{
    try {
        return platform::parse_day(view.text());
    } catch (const std::invalid_argument &) {
        return std::nullopt;
    }
}

std::optional<DayStretch> read_stretch(platform::JsonView pair)
{
    if (pair.size() != 2) return std::nullopt;
    std::vector<Day> ends;
    for (const platform::JsonView end : pair) {
        if (const std::optional<Day> day = read_day(end)) ends.push_back(*day);
    }
    if (ends.size() != 2 || ends[0] > ends[1]) return std::nullopt;
    return DayStretch{ends[0], ends[1]};
}

}  // namespace

bool holds(const DayStretches &stretches, Day day) noexcept { return stretch_with(stretches, day) != nullptr; }

std::optional<DayStretch> outside(const DayStretches &stretches, Day first, Day last) noexcept
{
    while (first <= last) {
        const DayStretch *held = stretch_with(stretches, first);
        if (held == nullptr) break;
        first = held->last + days{1};
    }
    while (first <= last) {
        const DayStretch *held = stretch_with(stretches, last);
        if (held == nullptr) break;
        last = held->first - days{1};
    }
    return first <= last ? std::optional(DayStretch{first, last}) : std::nullopt;
}

DayStretches up_to(const DayStretches &stretches, Day last)
{
    DayStretches kept;
    for (const DayStretch &stretch : stretches) {
        if (stretch.first <= last) kept.push_back({stretch.first, std::min(stretch.last, last)});
    }
    return kept;
}

AnsweredDays read_answered_days(std::string_view json)
{
    AnsweredDays answered;
    if (json.size() <= 2) return answered;  // {}
    const platform::Json document = platform::Json::parse(json);
    for (const platform::JsonView entry : document.root()) {
        const std::optional<Day> through = read_day(entry.member("through"));
        if (!through) continue;
        Answered metric{{}, *through};
        for (const platform::JsonView pair : entry.member("days")) {
            if (const auto stretch = read_stretch(pair)) metric.days.push_back(*stretch);
        }
        if (!metric.days.empty()) answered.insert_or_assign(std::string(entry.key()), std::move(metric));
    }
    return answered;
}

std::string answered_days_json(const AnsweredDays &answered)
{
    std::string json = "{";
    for (const auto &[metric, known] : answered) {
        if (json.size() > 1) json.push_back(',');
        platform::append_json_string(json, metric);
        json += ":{\"through\":\"" + platform::day_text(known.through) + "\",\"days\":[";
        for (const DayStretch &stretch : known.days) {
            if (json.back() != '[') json.push_back(',');
            json += "[\"" + platform::day_text(stretch.first) + "\",\"" + platform::day_text(stretch.last) + "\"]";
        }
        json += "]}";
    }
    json.push_back('}');
    return json;
}

}  // namespace ig::sync
