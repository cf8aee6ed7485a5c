// Reads the parts of a number: the breakdowns of a total, and the hours of a day.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "platform/json.hpp"
#include "platform/parts.hpp"

namespace ig::platform::instagram {

// What was there: parts that are numbers, and how many could not be kept.
struct ReadParts {
    std::vector<Parts> parts;
    std::size_t count = 0;     // numbers in `parts`
    std::size_t wrong = 0;     // neither a number nor named by texts
    std::size_t too_many = 0;  // beyond `most`
};

// total_value.breakdowns[]. The dimension `timeframe` says what was asked for, not what a part is, and is left out.
ReadParts read_breakdowns(JsonView breakdowns, std::size_t most);

// An object hour -> number, as online_followers has them; nothing if it is any other object.
std::optional<ReadParts> read_hours(JsonView hours);

}  // namespace ig::platform::instagram
