// Reads fault rules from JSON, strictly: an unknown member is a mistake, not a rule that does nothing.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <initializer_list>

#include "faults.hpp"

namespace ig::sandbox {

namespace {

void only_members(const Json &object, std::initializer_list<std::string_view> known, const char *where)
{
    if (!object.IsObject()) throw BadInput(std::string(where) + " must be an object");
    for (const auto &entry : object.GetObject()) {
        const std::string_view name(entry.name.GetString(), entry.name.GetStringLength());
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            throw BadInput("unknown member \"" + std::string(name) + "\" in " + where);
        }
    }
}

std::string base64_decode(const std::string &text)
{
    std::string out;
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        if (c == '=' || c == '\n') continue;
        constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const std::size_t value = letters.find(c);
        if (value == std::string_view::npos) throw BadInput("\"body_base64\" is not base64");
        bits = (bits << 6) | static_cast<unsigned>(value);
        if ((count += 6) >= 8) {
            count -= 8;
            out += static_cast<char>((bits >> count) & 0xFF);
        }
    }
    return out;
}

Place place_of(const std::string &text, const char *name)
{
    if (text == "before" || text == "before_headers") return Place::before_headers;
    if (text == "in_headers") return Place::in_headers;
    if (text == "in_body") return Place::in_body;
    throw BadInput(std::string("\"") + name + "\" must be before_headers, in_headers or in_body, not \"" + text + "\"");
}

GraphError parse_error(const Json &json)
{
    only_members(json,
                 {"status", "code", "subcode", "error_subcode", "message", "type", "is_transient", "error_user_title",
                  "error_user_msg", "error_data", "error_data_raw"},
                 "\"error\"");
    GraphError error;
    error.status = static_cast<int>(integer_of(json, "status", 400, 100, 999));
    error.code = static_cast<int>(integer_of(json, "code", 100, -100000, 10000000));
    const long long subcode = integer_of(json, "error_subcode", integer_of(json, "subcode", 0));
    if (subcode != 0) error.subcode = static_cast<int>(subcode);
    error.message = text_of(json, "message", "(#" + std::to_string(error.code) + ") Injected by the sandbox");
    error.type = text_of(json, "type", error.type);
    if (member(json, "is_transient")) error.is_transient = flag_of(json, "is_transient", false);
    error.user_title = text_of(json, "error_user_title");
    error.user_message = text_of(json, "error_user_msg");
    error.error_data = text_of(json, "error_data_raw");
    if (member(json, "error_data")) {
        rapidjson::StringBuffer buffer;
        JsonWriter writer(buffer);
        write_text(writer, text_of(json, "error_data"));
        error.error_data.assign(buffer.GetString(), buffer.GetSize());
    }
    return error;
}

void parse_delivery(const Json &json, Delivery &delivery)
{
    delivery.delay_ms = integer_of(json, "delay_ms", 0, 0, 3'600'000);
    delivery.drip_ms = integer_of(json, "drip_ms", 0, 0, 3'600'000);
    if (member(json, "hang")) delivery.hang = place_of(text_of(json, "hang"), "hang");
    const std::string close = text_of(json, "close");
    if (close == "reset") {
        delivery.close = Place::before_headers;
        delivery.reset = true;
    } else if (!close.empty()) {
        delivery.close = place_of(close, "close");
    }
}

Action parse_action(const Json &json)
{
    only_members(json,
                 {"error", "status", "body", "body_base64", "content_type", "delay_ms", "hang", "close", "drip_ms",
                  "huge_bytes", "deep_json", "headers", "throttle", "empty", "omit_metrics", "accept", "cut_to",
                  "items", "null"},
                 "\"do\"");
    Action action;
    if (const Json *error = member(json, "error")) action.error = parse_error(*error);
    if (member(json, "status")) action.status = static_cast<int>(integer_of(json, "status", 200, 100, 999));
    if (member(json, "body")) action.body = text_of(json, "body");
    if (member(json, "body_base64")) action.body = base64_decode(text_of(json, "body_base64"));
    if (member(json, "content_type")) action.content_type = text_of(json, "content_type");
    if (const Json *headers = member(json, "headers")) {
        if (!headers->IsObject()) throw BadInput("\"headers\" must be an object");
        for (const auto &entry : headers->GetObject()) {
            const std::string value = text_of(*headers, entry.name.GetString());
            if (value.find_first_of("\r\n") != std::string::npos) throw BadInput("a header has a line break");
            action.headers.emplace_back(entry.name.GetString(), value);
        }
    }
    parse_delivery(json, action.delivery);
    action.huge_bytes = static_cast<std::size_t>(integer_of(json, "huge_bytes", 0, 0, 1LL << 28));
    action.deep_json = static_cast<std::size_t>(integer_of(json, "deep_json", 0, 0, 10'000'000));
    if (member(json, "cut_to")) action.cut_to = static_cast<std::size_t>(integer_of(json, "cut_to", 0, 0, 1LL << 28));
    if (member(json, "items")) action.items = static_cast<std::size_t>(integer_of(json, "items", 0, 0, 1000));
    action.null_item = flag_of(json, "null", false);
    action.empty = flag_of(json, "empty", false);
    action.omit_metrics = texts_of(json, "omit_metrics");
    if (const Json *throttle = member(json, "throttle")) {
        only_members(*throttle, {"code", "minutes"}, "\"throttle\"");
        action.throttle = Throttle{static_cast<int>(integer_of(*throttle, "code", 80002, 1, 10000000)),
                                   integer_of(*throttle, "minutes", 5, 0, 1'000'000)};
    }
    const std::string accept = text_of(json, "accept");
    if (accept == "tls_hang") {
        action.accept = Accept::tls_hang;
    } else if (accept == "reset") {
        action.accept = Accept::reset;
    } else if (!accept.empty()) {
        throw BadInput("\"accept\" must be tls_hang or reset");
    }
    return action;
}

double percent_of(const Json &json, const char *name)
{
    const std::string text = text_of(json, name);
    char *end = nullptr;
    const double percent = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0' || !(percent >= 0 && percent <= 100))
        throw BadInput(std::string("\"") + name + "\" must be a number from 0 to 100");
    return percent;
}

}  // namespace

Rule parse_rule(const Json &json)
{
    only_members(json, {"match", "do", "times", "after", "chance"}, "a fault");
    Rule rule;
    if (const Json *match = member(json, "match")) {
        only_members(*match, {"route", "account_id", "token", "metric", "metric_type", "period", "flavour"},
                     "\"match\"");
        rule.route = text_of(*match, "route", "any");
        rule.account_id = text_of(*match, "account_id");
        rule.token = text_of(*match, "token");
        rule.metric = text_of(*match, "metric");
        rule.metric_type = text_of(*match, "metric_type");
        rule.period = text_of(*match, "period");
        rule.flavour = text_of(*match, "flavour");
    }
    constexpr std::array<std::string_view, 16> routes = {"any",
                                                         "batch",
                                                         "insights",
                                                         "user",
                                                         "me",
                                                         "page",
                                                         "me_accounts",
                                                         "me_permissions",
                                                         "dialog",
                                                         "code_exchange",
                                                         "fb_exchange_token",
                                                         "ig_exchange_token",
                                                         "ig_refresh_token",
                                                         "debug_token",
                                                         "unknown",
                                                         "accept"};
    if (std::find(routes.begin(), routes.end(), rule.route) == routes.end()) {
        throw BadInput("no route is called \"" + rule.route + "\"");
    }
    const Json *action = member(json, "do");
    if (!action) throw BadInput("a fault needs \"do\"");
    rule.action = parse_action(*action);
    if ((rule.route == "accept") != (rule.action.accept != Accept::normal)) {
        throw BadInput("\"accept\" belongs with route \"accept\", and only there");
    }
    if (rule.action.items && rule.route != "batch") throw BadInput("\"items\" belongs with route \"batch\"");
    if (rule.action.null_item && rule.route == "batch")
        throw BadInput("\"null\" is of an item: it does not belong with route \"batch\"");
    if (member(json, "chance")) rule.chance = percent_of(json, "chance");
    if (member(json, "times")) rule.times = integer_of(json, "times", 1);
    rule.after = integer_of(json, "after", 0);
    return rule;
}

}  // namespace ig::sandbox
