// Which days earlier tries of a job have brought, metric by metric, kept as JSON with the job: no try asks for them again.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sync/calendar.hpp"

namespace ig::sync {

// Days without a hole, both included.
struct DayStretch {
    Day first{};
    Day last{};
};
inline bool operator==(const DayStretch &left, const DayStretch &right) noexcept
{
    return left.first == right.first && left.last == right.last;
}
// In order, with other days between any two.
using DayStretches = std::vector<DayStretch>;

bool holds(const DayStretches &stretches, Day day) noexcept;
// From the first to the last of these days that is not among the stretches; nothing when all are.
std::optional<DayStretch> outside(const DayStretches &stretches, Day first, Day last) noexcept;
// Those up to this day.
DayStretches up_to(const DayStretches &stretches, Day last);

struct Answered {
    DayStretches days;
    Day through{};  // the last day that could be asked for when they were: later, the newest may have other numbers
};
inline bool operator==(const Answered &left, const Answered &right) noexcept
{
    return left.days == right.days && left.through == right.through;
}

// By MetricState::key(); who has none has no entry.
using AnsweredDays = std::map<std::string, Answered, std::less<>>;

// {"reach": {"through": "2026-11-20", "days": [["2026-11-01", "2026-11-20"]]}}. What cannot be read is as if it were not
// there: it is asked again.
AnsweredDays read_answered_days(std::string_view json);
std::string answered_days_json(const AnsweredDays &answered);

}  // namespace ig::sync
