// POST / with several calls in it: each is answered like a call of its own, with its own token, budget and faults.
#include <algorithm>

#include "graph.hpp"
#include "json.hpp"
#include "oauth.hpp"

namespace ig::sandbox {

namespace {

constexpr rapidjson::SizeType most_items = 50;

// The refusal has no code, unlike all others.
Answer too_many()
{
    Answer answer;
    answer.status = 400;
    answer.body = "{\"error\":{\"message\":\"Too many requests in batch message. Maximum batch size is 50\","
                  "\"type\":\"GraphBatchException\"}}";
    return answer;
}

rapidjson::Document parse_items(const Call &batch)
{
    rapidjson::Document items;
    try {
        items = parse_json(batch.form_field("batch"));
    } catch (const BadInput &) {
        throw Refused{invalid_parameter("param batch must be an array.")};
    }
    if (!items.IsArray()) throw Refused{invalid_parameter("param batch must be an array.")};
    if (items.Empty()) throw Refused{invalid_parameter("param batch must be non-empty.")};
    for (const Json &item : items.GetArray())
        if (!item.IsObject() || !item.HasMember("relative_url") || !item["relative_url"].IsString())
            throw Refused{invalid_parameter("each item of batch must name a relative_url.")};
    return items;
}

// The call an item stands for. Its own token goes before the one of the batch, and so does the proof that goes with it.
Call item_call(const Json &item, const Call &batch, const Incoming &around)
{
    const auto text = [&item](const char *name, const char *otherwise) {
        const auto found = item.FindMember(name);
        return std::string(found != item.MemberEnd() && found->value.IsString() ? found->value.GetString() : otherwise);
    };
    Incoming incoming;
    incoming.method = text("method", "GET");
    const std::string url = text("relative_url", "");
    incoming.target = url.empty() || url.front() != '/' ? "/" + url : url;
    incoming.body = text("body", "");
    incoming.host = around.host;
    incoming.http_version = around.http_version;
    incoming.tls = around.tls;
    Call call = parse_call(incoming);
    call.batch = batch.number;
    if (call.token.empty()) {
        call.token = batch.token;
        if (const std::string proof = batch.given("appsecret_proof"); !proof.empty())
            call.query.emplace_back("appsecret_proof", proof);
    }
    return call;
}

void write_item(JsonWriter &writer, const Answer &answer, bool with_headers)
{
    writer.StartObject();
    write_member(writer, "code", answer.status);
    if (with_headers) {
        write_name(writer, "headers");
        writer.StartArray();
        Headers headers = answer.headers;
        headers.emplace_back("Content-Type", answer.content_type);
        for (const auto &[name, value] : headers) {
            writer.StartObject();
            write_member(writer, "name", name);
            write_member(writer, "value", value);
            writer.EndObject();
        }
        writer.EndArray();
    }
    write_member(writer, "body", answer.body);
    writer.EndObject();
}

// There is one connection: what an item's fault does to its delivery, it does to the delivery of the whole.
void merge(const Delivery &item, Delivery &whole)
{
    whole.delay_ms = std::max(whole.delay_ms, item.delay_ms);
    whole.drip_ms = std::max(whole.drip_ms, item.drip_ms);
    if (whole.hang == Place::nowhere) whole.hang = item.hang;
    if (whole.close == Place::nowhere) {
        whole.close = item.close;
        whole.reset = item.reset;
    }
}

}  // namespace

Answer Graph::batch_answer(const Call &batch, const Incoming &incoming, const Action &action, Delivery &delivery)
{
    authenticate(world_, batch);
    serving_version(batch, world_.clock.now());
    // The host of the Instagram login answers as to any object that cannot be posted to.
    if (batch.flavour == Flavour::instagram) throw Refused{no_such_object("", batch.flavour, batch.method)};
    const rapidjson::Document items = parse_items(batch);
    if (items.Size() > most_items) return too_many();

    const bool with_headers = batch.given("include_headers") != "false";
    const std::size_t wanted = action.items.value_or(items.Size());
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartArray();
    for (rapidjson::SizeType i = 0; i < items.Size(); ++i) {
        Call call = item_call(items[i], batch, incoming);
        locate(world_, call);
        if (call.route == "batch") call.route = "unknown";  // none within another
        const Outcome outcome = handle(call);
        merge(outcome.delivery, delivery);
        delivery.delay_ms += world_.settings.batch_item_ms;
        if (i >= wanted) continue;
        if (outcome.null) writer.Null();
        else write_item(writer, outcome.answer, with_headers);
    }
    for (std::size_t i = items.Size(); i < wanted; ++i) writer.Null();
    writer.EndArray();
    Answer answer;
    answer.body = graph_spelling({buffer.GetString(), buffer.GetSize()}, false);
    return answer;
}

Graph::Outcome Graph::handle_batch(const Call &batch, const Incoming &incoming)
{
    Outcome outcome;
    const Action action = world_.faults.match(batch).value_or(Action{});
    outcome.delivery = action.delivery;
    outcome.answer = faulty_answer(batch, action, [&](const Call &) {
        try {
            return batch_answer(batch, incoming, action, outcome.delivery);
        } catch (const Refused &refused) {
            return error_answer(refused.error, batch.number);
        }
    });
    add_headers(batch, action.throttle ? &*action.throttle : nullptr, action.headers, outcome.answer);
    return outcome;
}

}  // namespace ig::sandbox
