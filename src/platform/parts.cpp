// Puts the objects of the dimensions side by side.
#include "platform/parts.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "platform/json_text.hpp"

namespace ig::platform {

void merge_parts(std::vector<Parts> &kept, std::vector<Parts> came)
{
    for (Parts &parts : came) {
        const auto same = [&parts](const Parts &other) {
            return other.dimension == parts.dimension && other.window == parts.window;
        };
        const auto found = std::find_if(kept.begin(), kept.end(), same);
        if (found == kept.end()) kept.push_back(std::move(parts));
        else found->json = std::move(parts.json);
    }
}

namespace {

// Appends `name`:`json` to the members of an object.
void append_member(std::string &members, std::string_view name, std::string_view json)
{
    if (!members.empty()) members.push_back(',');
    append_json_string(members, name);
    members.append(":").append(json);
}

}  // namespace

std::string metadata_json(const std::vector<Parts> &parts)
{
    std::string breakdowns;
    std::string hours;
    std::string windows;
    for (const Parts &entry : parts) {
        if (entry.window) append_member(windows, entry.dimension, entry.json);
        else if (entry.dimension.empty()) hours = entry.json;
        else append_member(breakdowns, entry.dimension, entry.json);
    }
    std::string metadata;
    if (!breakdowns.empty()) append_member(metadata, "breakdowns", "{" + breakdowns + "}");
    if (!hours.empty()) append_member(metadata, "hours", hours);
    if (!windows.empty()) append_member(metadata, "windows", "{" + windows + "}");
    return metadata.empty() ? metadata : "{" + metadata + "}";
}

}  // namespace ig::platform
