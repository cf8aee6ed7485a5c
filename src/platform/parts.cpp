// Puts the objects of the dimensions side by side.
#include "platform/parts.hpp"

#include <algorithm>
#include <utility>

#include "platform/json_text.hpp"

namespace ig::platform {

void merge_parts(std::vector<Parts> &kept, std::vector<Parts> came)
{
    for (Parts &parts : came) {
        const auto same = [&parts](const Parts &other) { return other.dimension == parts.dimension; };
        const auto found = std::find_if(kept.begin(), kept.end(), same);
        if (found == kept.end()) kept.push_back(std::move(parts));
        else found->json = std::move(parts.json);
    }
}

std::string metadata_json(const std::vector<Parts> &parts)
{
    std::string breakdowns;
    std::string hours;
    for (const Parts &entry : parts) {
        if (entry.dimension.empty()) {
            hours = "\"hours\":" + entry.json;
            continue;
        }
        if (!breakdowns.empty()) breakdowns.push_back(',');
        append_json_string(breakdowns, entry.dimension);
        breakdowns.append(":").append(entry.json);
    }
    if (breakdowns.empty() && hours.empty()) return {};
    if (breakdowns.empty()) return "{" + hours + "}";
    return "{\"breakdowns\":{" + breakdowns + "}" + (hours.empty() ? "" : "," + hours) + "}";
}

}  // namespace ig::platform
