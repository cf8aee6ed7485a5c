// Serves the part of the control API that concerns logins, tokens and budgets.
#include "control.hpp"
#include "json.hpp"
#include "signature.hpp"

namespace ig::sandbox {

namespace {

Flavour login_of(const Json &json, const char *fallback)
{
    const std::string login = text_of(json, "login", fallback);
    if (login != "facebook" && login != "instagram") throw BadInput("\"login\" must be facebook or instagram");
    return login == "facebook" ? Flavour::facebook : Flavour::instagram;
}

std::string needed(const Json &json, const char *name)
{
    std::string text = text_of(json, name);
    if (text.empty()) throw BadInput(std::string("\"") + name + "\" is needed");
    return text;
}

std::optional<Moment> moment_of(const Json &json, const char *name)
{
    const auto moment = parse_moment(needed(json, name));
    if (!moment) throw BadInput(std::string("\"") + name + "\" must be a time like 2026-11-22T12:00:00Z");
    return moment;
}

App parse_app(const Json &json)
{
    only_known_members(json, {"app_id", "secret", "login", "redirect_uris", "require_proof"});
    App app;
    app.id = needed(json, "app_id");
    app.secret = needed(json, "secret");
    app.login = login_of(json, "facebook");
    app.redirect_uris = texts_of(json, "redirect_uris");
    app.require_proof = flag_of(json, "require_proof", false);
    if (app.require_proof && app.login == Flavour::instagram)
        throw BadInput("appsecret_proof is not known on the Instagram host");
    return app;
}

Person parse_person(const Json &json, const Accounts &accounts)
{
    only_known_members(json, {"user_id", "name", "login", "accounts", "declined", "deny"});
    Person person;
    person.accounts = texts_of(json, "accounts");
    for (const std::string &id : person.accounts) {
        if (!accounts.all().count(id)) throw BadInput("there is no account " + id);
    }
    const Account *first = person.accounts.empty() ? nullptr : accounts.find(person.accounts.front());
    person.login = login_of(json, first ? std::string(to_string(first->login)).c_str() : "facebook");
    if (person.login == Flavour::instagram && person.accounts.size() != 1)
        throw BadInput("the Instagram login is that of exactly one account");
    person.user_id = text_of(json, "user_id", person.login == Flavour::instagram ? app_scoped_id(*first) : "");
    if (person.user_id.empty() || person.user_id.find_first_not_of("0123456789") != std::string::npos)
        throw BadInput("\"user_id\" is needed: digits");
    person.name = text_of(json, "name");
    person.declined = texts_of(json, "declined");
    for (const std::string &name : person.declined) {
        if (!is_permission(person.login, name))
            throw BadInput("no permission of this login is called \"" + name + "\"");
    }
    person.deny = flag_of(json, "deny", false);
    return person;
}

std::string text_from(const rapidjson::StringBuffer &buffer)
{
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

}  // namespace

std::string Control::get_apps(const Request &)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartArray();
    for (const auto &[id, app] : world_.logins.apps()) {
        writer.StartObject();
        write_member(writer, "app_id", id);
        write_member(writer, "secret", app.secret);
        write_member(writer, "login", to_string(app.login));
        writer.EndObject();
    }
    writer.EndArray();
    return text_from(buffer);
}

std::string Control::post_apps(const Request &request)
{
    const auto document = parse_json(request.body);
    std::vector<App> apps;
    const long long number = for_each_object(document, [&](const Json &json) { apps.push_back(parse_app(json)); });
    for (App &app : apps) world_.logins.add(std::move(app));
    return counted("apps", number);
}

std::string Control::post_persons(const Request &request)
{
    const auto document = parse_json(request.body);
    std::vector<Person> persons;
    const long long number =
        for_each_object(document, [&](const Json &json) { persons.push_back(parse_person(json, world_.accounts)); });
    for (Person &person : persons) {
        if (person.login == Flavour::instagram) world_.accounts.set_scoped_id(person.accounts.front(), person.user_id);
        world_.logins.add(std::move(person));
    }
    return counted("persons", number);
}

std::string Control::get_codes(const Request &)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartArray();
    for (const Code &code : world_.logins.codes()) {
        writer.StartObject();
        write_member(writer, "code", code.text);
        write_member(writer, "app_id", code.app_id);
        write_member(writer, "redirect_uri", code.redirect_uri);
        write_member(writer, "user_id", code.user_id);
        write_member(writer, "expires_at", sql_time(code.expires_at));
        write_name(writer, "used");
        writer.Bool(code.used);
        writer.EndObject();
    }
    writer.EndArray();
    return text_from(buffer);
}

std::string Control::get_logins(const Request &)
{
    const LoginCounters &counters = world_.logins.counters;
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    const auto write = [&](const char *name, std::uint64_t number) {
        write_member(writer, name, static_cast<long long>(number));
    };
    write("dialogs", counters.dialogs);
    write("dialogs_denied", counters.dialogs_denied);
    write("dialogs_refused", counters.dialogs_refused);
    write("code_exchanges", counters.code_exchanges);
    write("code_exchanges_refused", counters.code_exchanges_refused);
    write("long_exchanges", counters.long_exchanges);
    write("long_exchanges_refused", counters.long_exchanges_refused);
    write("refreshes", counters.refreshes);
    write("refreshes_refused", counters.refreshes_refused);
    write("proofs_right", counters.proofs_right);
    write("proofs_missing", counters.proofs_missing);
    write("proofs_wrong", counters.proofs_wrong);
    writer.EndObject();
    return text_from(buffer);
}

std::string Control::get_tokens(const Request &request)
{
    const std::string user_id = request.parameter("user_id");
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartArray();
    for (const auto &[text, token] : world_.accounts.tokens()) {
        if (token.app_id.empty() || (!user_id.empty() && token.user_id != user_id)) continue;
        writer.StartObject();
        write_member(writer, "token", text);
        write_member(writer, "kind", token.is_page ? "page" : token.long_lived ? "long" : "short");
        write_member(writer, "state", state_at(token, world_.clock.now()));
        write_member(writer, "app_id", token.app_id);
        write_member(writer, "user_id", token.user_id);
        if (token.issued_at) write_member(writer, "issued_at", sql_time(*token.issued_at));
        if (token.expires_at) write_member(writer, "expires_at", sql_time(*token.expires_at));
        writer.EndObject();
    }
    writer.EndArray();
    return text_from(buffer);
}

std::string Control::post_tokens(const Request &request)
{
    const auto document = parse_json(request.body);
    long long number = 0;
    for_each_object(document, [&](const Json &json) {
        const std::string state = text_of(json, "state", "valid");
        if (!is_token_state(state)) throw BadInput("no token state is called \"" + state + "\"");
        const std::string token = text_of(json, "token");
        if (token.empty()) {
            number += world_.accounts.set_state_of(needed(json, "user_id"), text_of(json, "app_id"), state);
            return;
        }
        for (const std::string &id : texts_of(json, "accounts")) {
            if (!world_.accounts.all().count(id)) throw BadInput("there is no account " + id);
            world_.accounts.add_token(token, id);
        }
        world_.accounts.set_state(token, state);
        Token &changed = *world_.accounts.change(token);
        if (member(json, "issued_at")) changed.issued_at = moment_of(json, "issued_at");
        if (member(json, "expires_at")) changed.expires_at = moment_of(json, "expires_at");
        if (member(json, "data_access_expires_at"))
            changed.data_access_until = moment_of(json, "data_access_expires_at");
        if (member(json, "granted")) changed.granted = texts_of(json, "granted");
        if (member(json, "declined")) changed.declined = texts_of(json, "declined");
        if (member(json, "app_id")) {
            const App *app = world_.logins.app(text_of(json, "app_id"));
            if (!app) throw BadInput("there is no such app");
            changed.app_id = app->id;
            if (changed.granted.empty()) changed.granted = usual_permissions(app->login);
        }
        ++number;
    });
    return counted("tokens", number);
}

std::string Control::post_signed_request(const Request &request)
{
    const auto json = parse_json(request.body);
    only_known_members(json, {"app_id", "user_id", "issued_at", "algorithm", "payload", "wrong_signature"});
    const App *app = world_.logins.app(needed(json, "app_id"));
    if (!app) throw BadInput("there is no such app");
    std::string payload = text_of(json, "payload");
    if (payload.empty()) {
        const long long now = world_.clock.now().time_since_epoch().count();
        payload = "{\"user_id\":" + quoted_json(needed(json, "user_id")) +
                  ",\"algorithm\":" + quoted_json(text_of(json, "algorithm", "HMAC-SHA256")) +
                  ",\"issued_at\":" + std::to_string(integer_of(json, "issued_at", now)) + "}";
    }
    const bool wrong = flag_of(json, "wrong_signature", false);
    return "{\"signed_request\":" +
           quoted_json(signed_request(wrong ? "another " + app->secret : app->secret, payload)) + "}\n";
}

std::string Control::get_budgets(const Request &) { return world_.budgets.json(world_.clock.now()); }

std::string Control::post_budgets(const Request &request)
{
    const auto json = parse_json(request.body);
    only_known_members(json, {"app_calls", "account_calls", "minutes", "prolong_minutes"});
    BudgetLimits limits;
    limits.app_calls = integer_of(json, "app_calls", 0);
    limits.account_calls = integer_of(json, "account_calls", 0);
    limits.minutes = integer_of(json, "minutes", limits.minutes, 1, 100'000);
    limits.prolong_minutes = integer_of(json, "prolong_minutes", limits.prolong_minutes, 0, 100'000);
    world_.budgets.limit(limits);
    return get_budgets(request);
}

}  // namespace ig::sandbox
