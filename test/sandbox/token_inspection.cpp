// Judges tokens: for ordinary calls (life, proof, permissions), for debug_token and for /me/permissions.
#include "json.hpp"
#include "oauth.hpp"
#include "signature.hpp"

namespace ig::sandbox {

namespace {

void check_proof(World &world, const Call &call, const Token &token)
{
    if (call.flavour == Flavour::instagram) return;  // not described for that host
    const App *app = world.logins.app_of(token, call.flavour);
    if (!app) return;
    LoginCounters &counters = world.logins.counters;
    GraphError error;
    error.type = "GraphMethodException";
    if (call.given("appsecret_proof").empty()) {
        ++counters.proofs_missing;
        if (!app->require_proof) return;
        error.message = "API calls from the server require an appsecret_proof argument";
        throw Refused{error};
    }
    if (call.given("appsecret_proof") != appsecret_proof(app->secret, call.token)) {
        ++counters.proofs_wrong;
        error.message = "Invalid appsecret_proof provided in the API argument";
        throw Refused{error};
    }
    ++counters.proofs_right;
}

// What the person granted, and whether her data may still be read; tokens that no login made may do everything.
void check_permissions(const World &world, const Call &call, const Token &token)
{
    if (token.app_id.empty()) return;
    const bool insights = call.route == "insights";
    const bool data = insights || call.route == "user" || (call.route == "me" && call.flavour == Flavour::instagram);
    if (!data && call.route != "page" && call.route != "me_accounts") return;
    const bool ended = token.data_access_until && world.clock.now() >= *token.data_access_until;
    const bool declined = (data && !token.grants(basic_permission(call.flavour))) ||
                          (insights && !token.grants(insights_permission(call.flavour)));
    if (!ended && !declined) return;
    if (world.settings.permission_error == 200) throw Refused{*token_error("no_permission", call.route, "")};
    throw Refused{*token_error("no_scope", "insights", "")};
}

void write_strings(JsonWriter &writer, const char *name, const std::vector<std::string> &texts)
{
    write_name(writer, name);
    writer.StartArray();
    for (const std::string &text : texts) write_text(writer, text);
    writer.EndArray();
}

void write_moment(JsonWriter &writer, const char *name, const std::optional<Moment> &moment)
{
    write_member(writer, name, moment ? moment->time_since_epoch().count() : 0);
}

void write_living(JsonWriter &writer, const Token &token, const App &app)
{
    const std::vector<std::string> scopes = token.app_id.empty() ? usual_permissions(Flavour::facebook) : token.granted;
    write_member(writer, "app_id", app.id);
    write_member(writer, "type", token.is_page ? "PAGE" : "USER");
    write_member(writer, "application", "Sandbox app");
    write_moment(writer, "data_access_expires_at", token.data_access_until);
    write_moment(writer, "expires_at", token.expires_at);
    write_name(writer, "is_valid");
    writer.Bool(true);
    if (token.issued_at) write_moment(writer, "issued_at", token.issued_at);
    write_strings(writer, "scopes", scopes);
    write_name(writer, "granular_scopes");
    writer.StartArray();
    for (const std::string &scope : scopes) {
        writer.StartObject();
        write_member(writer, "scope", scope);
        if (scope == "instagram_basic" || scope == "instagram_manage_insights")
            write_strings(writer, "target_ids", token.accounts);
        writer.EndObject();
    }
    writer.EndArray();
    write_member(writer, "user_id", token.user_id.empty() ? "10220000000000001" : token.user_id);
}

void write_dead(JsonWriter &writer, const GraphError &error)
{
    write_name(writer, "error");
    writer.StartObject();
    write_member(writer, "code", error.code);
    write_member(writer, "message", error.message);
    if (error.subcode) write_member(writer, "subcode", *error.subcode);  // so called here, not error_subcode
    writer.EndObject();
    write_name(writer, "is_valid");
    writer.Bool(false);
    write_strings(writer, "scopes", {});
}

void write_grants(JsonWriter &writer, const std::vector<std::string> &permissions, const char *status)
{
    for (const std::string &permission : permissions) {
        writer.StartObject();
        write_member(writer, "permission", permission);
        write_member(writer, "status", status);
        writer.EndObject();
    }
}

}  // namespace

const Token &authenticate(World &world, const Call &call)
{
    if (call.token.empty()) throw Refused{token_missing()};
    const Token *token = world.accounts.token(call.token);
    const Moment now = world.clock.now();
    const std::string state = token ? state_at(*token, now) : "unknown";
    if (const auto error = token_error(state, call.route, sql_time(now))) throw Refused{*error};
    check_proof(world, call, *token);
    check_permissions(world, call, *token);
    return *token;
}

Answer answer_debug_token(const World &world, const Call &call)
{
    const std::size_t bar = call.token.find('|');
    const App *app = bar == std::string::npos ? nullptr : world.logins.app(call.token.substr(0, bar));
    if (!app || call.token.substr(bar + 1) != app->secret) {
        GraphError error;
        error.code = 190;
        error.message = "Invalid OAuth access token signature.";
        throw Refused{error};
    }
    const std::string text = call.parameter("input_token");
    if (text.empty()) throw Refused{invalid_parameter("You must provide an input token")};
    const Token *token = world.accounts.token(text);
    const bool known = token && text.compare(0, 2, "IG") != 0;
    if (known && !token->app_id.empty() && token->app_id != app->id)
        throw Refused{invalid_parameter("The App_id in the input_token did not match the Viewing App")};
    const Moment now = world.clock.now();
    const auto error = token_error(known ? state_at(*token, now) : "unknown", "", sql_time(now));
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_name(writer, "data");
    writer.StartObject();
    if (error && error->code == 190) {
        write_dead(writer, *error);
    } else {
        write_living(writer, *token, *app);
    }
    writer.EndObject();
    writer.EndObject();
    Answer answer;
    answer.body = {buffer.GetString(), buffer.GetSize()};
    return answer;
}

Answer answer_permissions(const Token &token)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_name(writer, "data");
    writer.StartArray();
    write_grants(writer, token.app_id.empty() ? usual_permissions(Flavour::facebook) : token.granted, "granted");
    write_grants(writer, token.declined, "declined");
    writer.EndArray();
    writer.EndObject();
    Answer answer;
    answer.body = {buffer.GetString(), buffer.GetSize()};
    return answer;
}

}  // namespace ig::sandbox
