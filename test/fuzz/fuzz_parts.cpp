// Any bytes as the parts of a number: JSON objects of numbers, bounded, and the same whichever way they are put together.
#include <cstddef>
#include <cstdint>
#include <string>

#include "platform/instagram/parts_reader.hpp"
#include "platform/json.hpp"
#include "platform/text.hpp"
#include "require.hpp"

namespace {

using namespace ig::platform;

// Dimensions that came twice count twice, but the last one is kept.
std::size_t check(const instagram::ReadParts &read, std::size_t most)
{
    std::size_t kept = 0;
    require(read.count <= most);
    for (const Parts &parts : read.parts) {
        const Json json = Json::parse(parts.json);
        require(json.valid() && json.root().is_object() && json.root().size() > 0);
        for (const JsonView part : json.root()) require(part.is_number() && is_decimal(part.text()));
        kept += json.root().size();
        require(is_utf8(parts.dimension) && parts.dimension != "timeframe");
        for (const Parts &other : read.parts) require(&other == &parts || other.dimension != parts.dimension);
    }
    require(kept <= read.count);
    return kept;
}

void check_metadata(std::vector<Parts> parts)
{
    const std::string metadata = metadata_json(parts);
    require(metadata.empty() == parts.empty());
    if (parts.empty()) return;
    const Json json = Json::parse(metadata);
    require(json.valid());
    for (const Parts &entry : parts) {
        const JsonView object = entry.dimension.empty() ? json.root().member("hours")
                                                        : json.root().member("breakdowns").member(entry.dimension);
        require(object.size() == Json::parse(entry.json).root().size());
    }
    std::vector<Parts> merged = parts;
    merge_parts(merged, parts);  // the same once more changes nothing
    require(merged.size() == parts.size() && metadata_json(merged) == metadata);
    merge_parts(merged, {{"another", "{\"x\":1}"}});
    require(Json::parse(metadata_json(merged)).root().member("breakdowns").member("another").size() == 1);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char *>(data), size);
    const Json json = Json::parse(text);
    std::vector<Parts> all;
    for (const std::size_t most : {3u, 1000u}) {
        instagram::ReadParts read = instagram::read_breakdowns(json.root(), most);
        check(read, most);
        if (most == 1000) require(read.too_many == 0 || read.count == most);
        merge_parts(all, std::move(read.parts));
    }
    if (auto hours = instagram::read_hours(json.root())) {
        require(check(*hours, 24) == hours->count && hours->parts.size() <= 1);
        merge_parts(all, std::move(hours->parts));
    }
    check_metadata(std::move(all));
    return 0;
}
