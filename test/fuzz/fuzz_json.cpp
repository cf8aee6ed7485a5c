// Any bytes as JSON: a tree within its limits, of texts that PostgreSQL can hold, which written out reads the same again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "platform/json.hpp"
#include "platform/json_text.hpp"
#include "platform/text.hpp"
#include "require.hpp"

namespace {

using ig::platform::Json;
using ig::platform::JsonLimits;
using ig::platform::JsonView;

bool can_be_kept(std::string_view text)
{
    return ig::platform::is_utf8(text) && text.find('\0') == std::string_view::npos;
}

// Recursion is bounded by the limit of depth. Writes the value, counts it, and checks every accessor.
void write(JsonView value, std::string &json, std::size_t depth, const JsonLimits &limits, std::size_t &count)
{
    require(value.exists() && ++count <= limits.values && can_be_kept(value.text()) && can_be_kept(value.key()));
    if (value.integer())
        require(std::to_string(*value.integer()).size() <= std::max<std::size_t>(value.text().size(), 1));
    require(value.boolean().has_value() == (value.kind() == JsonView::Kind::boolean));
    const std::string id = ig::platform::id_text(value);
    require(id.size() <= 40 && (id.empty() || id == value.text()));
    if (value.is_array() || value.is_object()) {
        require(depth < limits.depth);
        bool first = true;
        json += value.is_array() ? '[' : '{';
        for (const JsonView child : value) {
            if (!std::exchange(first, false)) json += ',';
            if (value.is_object()) {
                ig::platform::append_json_string(json, child.key());
                json += ':';
                require(value.member(child.key()).exists());
            }
            write(child, json, depth + 1, limits, count);
        }
        json += value.is_array() ? ']' : '}';
        return;
    }
    require(value.size() == 0 && !value.first().exists() && !value.member("").exists());
    if (value.is_text()) ig::platform::append_json_string(json, value.text());
    if (value.is_number()) json += value.text();
    if (value.is_null()) json += "null";
    if (value.boolean()) json += *value.boolean() ? "true" : "false";
}

void check(const std::string &text, const JsonLimits &limits)
{
    Json json = Json::parse(text, limits);
    require(json.valid() == json.problem().empty());
    if (!json.valid()) {
        require(!json.root().exists() && json.problem().size() < 200);
        for (const char c : json.problem()) require(c >= ' ' && c <= '~');
        return;
    }
    require(text.size() <= limits.bytes + 3);  // a byte order mark does not count
    std::string written;
    std::size_t count = 0;
    write(json.root(), written, 0, limits, count);
    std::string again;
    std::size_t counted_again = 0;
    JsonLimits wide = limits;
    wide.bytes = written.size();
    const Json reread = Json::parse(written, wide);
    require(reread.valid());
    write(reread.root(), again, 0, wide, counted_again);
    require(again == written && counted_again == count);
    json.wipe();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char *>(data), size);
    check(text, {});
    check(text, {1024, 4, 16});
    return 0;
}
