// Each item becomes an answer of its own and goes the way of every answer; only what makes it no item is judged here.
#include "platform/instagram/batch_reader.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "platform/instagram/failure_reader.hpp"
#include "platform/instagram/insights_reader.hpp"
#include "platform/json.hpp"

namespace ig::platform::instagram {

namespace {

constexpr int lowest_status = 100;
constexpr int highest_status = 599;

// Why this is no item of a batch's answer, or empty.
std::string_view oddity(JsonView item)
{
    if (!item.is_object()) return "the item of the batch is no object";
    const std::optional<std::int64_t> code = item.member("code").integer();
    if (!code || *code < lowest_status || *code > highest_status) return "the item of the batch has no HTTP status";
    const JsonView body = item.member("body");
    if (body.exists() && !body.is_null() && !body.is_text()) return "the body of the batch's item is no text";
    return {};
}

// A true item; its views lead into the document of the whole answer. No body is an empty one, no headers are none.
Received received_item(JsonView item)
{
    Received received;
    received.status = static_cast<int>(item.member("code").integer().value_or(0));
    received.body = item.member("body").text();
    const JsonView headers = item.member("headers");
    if (!headers.is_array()) return received;
    for (const JsonView header : headers)
        received.headers.add(header.member("name").text(), header.member("value").text());
    return received;
}

std::optional<Reading> read_item(const InsightsQuery &query, JsonView item)
{
    if (item.is_null()) return std::nullopt;
    const std::string_view odd = oddity(item);
    if (odd.empty()) return read_answer(query, received_item(item));
    Reading reading;
    reading.failure = unreadable_answer(0, odd);
    return reading;
}

}  // namespace

BatchReading read_batch(const std::vector<const InsightsQuery *> &queries, const Received &received)
{
    BatchReading reading;
    reading.usage = read_usage(received);
    Asked asked{queries.empty() ? Login::facebook : queries.front()->login};
    asked.list = true;
    Answer answer = open_answer(received, asked);
    const JsonView list = answer.body.root();
    if (answer.failure) {
        reading.failure = std::move(answer.failure);
        // What is refused is the request that carries the queries; none of their metrics is meant.
        if (reading.failure->reach == FailureReach::metrics) reading.failure->reach = FailureReach::request;
    } else if (list.size() != queries.size()) {
        reading.failure = unreadable_answer(received.status, "it has " + std::to_string(list.size()) + " items for " +
                                                                 std::to_string(queries.size()) + " queries");
    } else {
        reading.items.reserve(queries.size());
        for (const JsonView item : list) reading.items.push_back(read_item(*queries[reading.items.size()], item));
    }
    return reading;
}

}  // namespace ig::platform::instagram
