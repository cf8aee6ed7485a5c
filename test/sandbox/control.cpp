// Serves the control API: one small handler for each method and path.
#include "control.hpp"

#include <charconv>

#include "json.hpp"

namespace ig::sandbox {

namespace {

constexpr const char *done = "{\"ok\":true}\n";

Day day_of(const std::string &text, const char *name)
{
    const auto day = parse_day(text);
    if (!day) throw BadInput(std::string("\"") + name + "\" must be a day like 2026-11-21, not \"" + text + "\"");
    return *day;
}

}  // namespace

Control::Control(World &world, Hanging &hanging) : world_(world), hanging_(hanging)
{
    handlers_ = {
        {"GET /health", &Control::health},           {"GET /accounts", &Control::get_accounts},
        {"POST /accounts", &Control::post_accounts}, {"POST /tokens", &Control::post_tokens},
        {"POST /values", &Control::post_values},     {"GET /expected.csv", &Control::expected},
        {"GET /config", &Control::get_config},       {"POST /config", &Control::post_config},
        {"GET /clock", &Control::get_clock},         {"POST /clock", &Control::post_clock},
        {"POST /faults", &Control::post_faults},     {"DELETE /faults", &Control::delete_faults},
        {"POST /release", &Control::post_release},   {"GET /hanging", &Control::get_hanging},
        {"GET /calls", &Control::get_calls},         {"GET /stats", &Control::get_stats},
        {"POST /reset", &Control::post_reset},       {"GET /apps", &Control::get_apps},
        {"POST /apps", &Control::post_apps},         {"POST /persons", &Control::post_persons},
        {"GET /codes", &Control::get_codes},         {"GET /logins", &Control::get_logins},
        {"GET /budgets", &Control::get_budgets},     {"POST /budgets", &Control::post_budgets},
        {"GET /tokens", &Control::get_tokens},       {"POST /signed_request", &Control::post_signed_request},
    };
}

std::string Control::Request::parameter(std::string_view name) const
{
    for (const auto &[key, value] : query) {
        if (key == name) return value;
    }
    return {};
}

Plan Control::serve(const Incoming &incoming)
{
    const std::size_t question = incoming.target.find('?');
    const std::string path = incoming.target.substr(0, question);
    Request request;
    if (question != std::string::npos)
        request.query = parse_query(std::string_view(incoming.target).substr(question + 1));
    request.body = incoming.body;
    Answer answer;
    const auto handler = handlers_.find(incoming.method + " " + path);
    if (handler == handlers_.end()) {
        answer.status = 404;
        answer.body = "{\"error\":" + quoted_json("no such control call: " + incoming.method + " " + path) + "}\n";
    } else {
        try {
            answer.body = (this->*handler->second)(request);
            if (path == "/expected.csv") answer.content_type = "text/csv; charset=UTF-8";
        } catch (const std::exception &error) {
            answer.status = 400;
            answer.body = "{\"error\":" + quoted_json(error.what()) + "}\n";
        }
    }
    return plan_delivery(answer, Delivery{}, incoming.keep_alive, incoming.method == "HEAD");
}

std::string Control::health(const Request &) { return done; }

std::string Control::get_accounts(const Request &) { return accounts_json(world_.accounts); }

std::string Control::post_accounts(const Request &request)
{
    const auto document = parse_json(request.body);
    std::vector<Account> accounts;  // all are read before the first is added
    std::map<std::string, std::string> states;
    for_each_object(document, [&](const Json &json) { accounts.push_back(parse_account(json, states)); });
    const auto number = static_cast<long long>(accounts.size());
    for (Account &account : accounts) world_.accounts.add(std::move(account));
    for (const auto &[token, state] : states) world_.accounts.set_state(token, state);
    return counted("accounts", number);
}

std::string Control::post_values(const Request &request)
{
    const auto document = parse_json(request.body);
    return counted("values", for_each_object(document, [&](const Json &json) {
                       const std::string metric = text_of(json, "metric");
                       const std::string account_id = text_of(json, "account_id");
                       if (metric.empty() || account_id.empty())
                           throw BadInput("\"account_id\" and \"metric\" are needed");
                       const Day day = day_of(text_of(json, "day"), "day");
                       if (!json.HasMember("value"))
                           throw BadInput("\"value\" is needed: a number, null or {\"raw\":\"...\"}");
                       std::optional<std::string> raw;
                       if (const Json *value = member(json, "value")) {
                           raw = value->IsObject() ? text_of(*value, "raw") : text_of(json, "value");
                           if (raw->empty()) throw BadInput("\"value\" is empty");
                       }
                       world_.values.override_value(account_id, metric, day, raw);
                   }));
}

std::string Control::expected(const Request &request)
{
    const Day last_complete = last_complete_day(world_.clock.now());
    const std::string first = request.parameter("first");
    const std::string last = request.parameter("last");
    const Day end = last.empty() ? last_complete : day_of(last, "last");
    const Day begin = first.empty() ? end - std::chrono::days{28} : day_of(first, "first");
    return expected_csv(world_, request.parameter("account_id"), request.parameter("metric"), begin, end);
}

std::string Control::get_config(const Request &) { return settings_json(world_.settings); }

std::string Control::post_config(const Request &request)
{
    Settings changed = world_.settings;
    change_settings(parse_json(request.body), changed);
    world_.settings = changed;
    return settings_json(world_.settings);
}

std::string Control::get_clock(const Request &)
{
    return "{\"now\":" + quoted_json(sql_time(world_.clock.now())) +
           ",\"last_complete_day\":" + quoted_json(day_text(last_complete_day(world_.clock.now()))) + "}\n";
}

std::string Control::post_clock(const Request &request)
{
    const auto document = parse_json(request.body);
    if (member(document, "advance_seconds")) {
        world_.clock.advance(std::chrono::seconds{integer_of(document, "advance_seconds", 0, -1'000'000'000)});
    } else if (member(document, "now")) {
        const auto moment = parse_moment(text_of(document, "now"));
        if (!moment) throw BadInput("\"now\" must be a time like 2026-11-22T12:00:00Z");
        world_.clock.freeze(*moment);
    } else {
        world_.clock.freeze(std::nullopt);
    }
    return get_clock(request);
}

std::string Control::post_faults(const Request &request)
{
    const auto document = parse_json(request.body);
    std::vector<Rule> rules;
    const long long number = for_each_object(document, [&](const Json &json) { rules.push_back(parse_rule(json)); });
    for (Rule &rule : rules) world_.faults.add(std::move(rule));
    return counted("faults", number);
}

std::string Control::delete_faults(const Request &)
{
    world_.faults.clear();
    return done;
}

std::string Control::post_release(const Request &)
{
    const auto number = static_cast<long long>(hanging_.count());
    hanging_.release_all();
    return counted("released", number);
}

std::string Control::get_hanging(const Request &) { return counted("count", static_cast<long long>(hanging_.count())); }

std::string Control::get_calls(const Request &request)
{
    const std::string after = request.parameter("after");
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(after.data(), after.data() + after.size(), number);
    if (!after.empty() && (error != std::errc() || end != after.data() + after.size())) {
        throw BadInput("\"after\" must be a call's number");
    }
    return world_.records.calls_json(request.parameter("route"), request.parameter("account_id"),
                                     request.parameter("token"), number) +
           "\n";
}

std::string Control::get_stats(const Request &) { return world_.records.stats_json(hanging_.count()) + "\n"; }

std::string Control::post_reset(const Request &)
{
    world_.records.reset();
    world_.faults.clear();
    world_.values.forget_overrides();
    world_.budgets.forget_use();
    world_.logins.counters = {};
    return done;
}

}  // namespace ig::sandbox
