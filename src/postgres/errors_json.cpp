// The `errors` array of the public contract, as JSON text.
#include "platform/json_text.hpp"
#include "platform/redact.hpp"
#include "postgres/store.hpp"

namespace ig::pg {

namespace {

void append_member(std::string &json, const char *name, const std::string &text)
{
    json += json.back() == '{' ? "\"" : ",\"";
    json += name;
    json += "\":";
    if (text.empty()) json += "null";
    else platform::append_json_string(json, text);
}

void append_number(std::string &json, const char *name, int number)
{
    json += ",\"";
    json += name;
    json += "\":";
    json += number == 0 ? "null" : std::to_string(number);
}

}  // namespace

std::string errors_json(const sync::Outcome &outcome)
{
    std::string json = "[";
    for (const sync::MetricError &error : outcome.errors) {
        if (json.size() > 1) json.push_back(',');
        json.push_back('{');
        append_member(json, "metric", error.metric);
        append_member(json, "kind", std::string(platform::to_string(error.failure.kind)));
        append_number(json, "code", error.failure.code);
        append_number(json, "subcode", error.failure.subcode);
        append_member(json, "message", platform::redact(error.failure.message));
        append_member(json, "hint", error.failure.hint);
        json.push_back('}');
    }
    json.push_back(']');
    return json;
}

}  // namespace ig::pg
