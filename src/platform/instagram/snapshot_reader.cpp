// The user node's fields become values as they stand.
#include "platform/instagram/snapshot_reader.hpp"

#include "platform/instagram/collector.hpp"
#include "platform/text.hpp"

namespace ig::platform::instagram {

JsonView user_node(JsonView root) noexcept
{
    const JsonView data = root.member("data");
    if (data.is_array()) return data.first();
    return data.is_object() ? data : root;
}

std::string display_text(JsonView view)
{
    constexpr std::size_t max_characters = 200;
    return view.is_text() ? one_line(view.text(), max_characters) : std::string();
}

Reading read_snapshot(const InsightsQuery &query, JsonView root)
{
    const JsonView node = user_node(root);
    Collector collector(query);
    for (const std::string &metric : query.metrics)
        collector.take(collector.find(metric), query.until, node.member(metric));
    Reading reading = collector.reading();
    reading.username = display_text(node.member("username"));
    reading.name = display_text(node.member("name"));
    return reading;
}

}  // namespace ig::platform::instagram
