// Turns a code into a short-lived token, once, for the app and the redirect_uri it was made for.
#include <algorithm>

#include "json.hpp"
#include "oauth.hpp"

namespace ig::sandbox {

namespace {

constexpr std::chrono::seconds facebook_short_life{5400};
constexpr std::chrono::seconds instagram_short_life{3600};
constexpr std::chrono::hours data_access_life{90 * 24};

// api.instagram.com answers in a shape of its own; Facebook as everywhere.
Answer refuse(World &world, const Call &call, int code, int subcode, const char *facebook, const char *instagram)
{
    ++world.logins.counters.code_exchanges_refused;
    if (call.flavour == Flavour::facebook) {
        GraphError error;
        error.code = code;
        if (subcode != 0) error.subcode = subcode;
        error.message = facebook;
        throw Refused{error};
    }
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_member(writer, "error_type", "OAuthException");
    write_member(writer, "code", 400);
    write_member(writer, "error_message", instagram);
    writer.EndObject();
    Answer answer;
    answer.status = 400;
    answer.body = {buffer.GetString(), buffer.GetSize()};
    return answer;
}

std::string facebook_answer(const World &world, const std::string &text)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_member(writer, "access_token", text);
    write_member(writer, "token_type", "bearer");
    if (!world.settings.expires_in_missing) write_member(writer, "expires_in", facebook_short_life.count());
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

std::string instagram_answer(const World &world, const std::string &text, const Token &token)
{
    const bool wrapped = world.settings.code_answer == "wrapped";
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    if (wrapped) {
        write_name(writer, "data");
        writer.StartArray();
        writer.StartObject();
    }
    write_member(writer, "access_token", text);
    write_name(writer, "user_id");
    if (world.settings.user_id_as_number) {
        write_raw(writer, token.user_id);
    } else {
        write_text(writer, token.user_id);
    }
    write_name(writer, "permissions");
    if (wrapped) {
        std::string list;
        for (const std::string &name : token.granted) list += (list.empty() ? "" : ",") + name;
        write_text(writer, list);
        writer.EndObject();
        writer.EndArray();
    } else {
        writer.StartArray();
        for (const std::string &name : token.granted) write_text(writer, name);
        writer.EndArray();
    }
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

// What the person lets the app do, of what it asked for.
Token granted_token(const World &world, const Code &code)
{
    const Person &person = *world.logins.person(code.user_id);
    Token token;
    token.accounts = person.accounts;
    token.app_id = code.app_id;
    token.user_id = person.user_id;
    token.user_name = person.name;
    token.long_lived = false;
    token.data_access_until = world.clock.now() + data_access_life;
    for (const std::string &name : code.asked) {
        const bool declined = std::find(person.declined.begin(), person.declined.end(), name) != person.declined.end();
        (declined ? token.declined : token.granted).push_back(name);
    }
    if (person.login == Flavour::facebook &&
        std::find(token.granted.begin(), token.granted.end(), "public_profile") == token.granted.end()) {
        token.granted.push_back("public_profile");  // always granted
    }
    return token;
}

}  // namespace

Answer answer_code_exchange(World &world, const Call &call)
{
    const bool instagram = call.flavour == Flavour::instagram;
    // Instagram reads nothing but the form; Facebook takes either.
    const auto given = [&](const char *name) { return instagram ? call.form_field(name) : call.given(name); };
    const auto refused = [&](int code, int subcode, const char *facebook, const char *other) {
        return refuse(world, call, code, subcode, facebook, other);
    };
    if (instagram && call.method != "POST") return refused(0, 0, "", "Unsupported request - method type: get");
    const App *app = world.logins.app(given("client_id"));
    if (!app) {
        return refused(101, 0, "Error validating application. Cannot get application info due to a system error.",
                       "Invalid platform app");
    }
    if (instagram && given("grant_type") != "authorization_code")
        return refused(0, 0, "", "Invalid grant_type: it must be authorization_code");
    if (given("client_secret") != app->secret)
        return refused(1, 0, "Error validating client secret.", "Error validating client secret.");
    Code *code = world.logins.code(given("code"));
    if (!code || code->app_id != app->id)
        return refused(100, 0, "Invalid verification code format.", "Matching code was not found or was already used");
    if (code->used) {
        return refused(100, 36009, "This authorization code has been used.",
                       "Matching code was not found or was already used");
    }
    if (world.clock.now() >= code->expires_at)
        return refused(100, 36007, "This authorization code has expired.", "This authorization code has expired");
    if (code->redirect_uri != given("redirect_uri")) {
        constexpr const char *differs = "Error validating verification code. Please make sure your redirect_uri is "
                                        "identical to the one you used in the OAuth dialog request";
        return refused(100, 36008, differs, differs);
    }
    code->used = true;
    ++world.logins.counters.code_exchanges;
    const auto life = instagram ? instagram_short_life : facebook_short_life;
    const Token token = granted_token(world, *code);
    const std::string text = issue_token(world, token, call.flavour, world.clock.now() + life);
    Answer answer;
    answer.body = instagram ? instagram_answer(world, text, token) : facebook_answer(world, text);
    return answer;
}

}  // namespace ig::sandbox
