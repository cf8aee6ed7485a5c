// Makes long-lived tokens of short ones, and new ones of those that live long.
#include <algorithm>

#include "json.hpp"
#include "oauth.hpp"

namespace ig::sandbox {

namespace {

constexpr std::chrono::seconds long_life{5183944};
constexpr std::chrono::hours youngest_refresh{24};

GraphError oauth_error(int code, std::string message)
{
    GraphError error;
    error.code = code;
    error.message = std::move(message);
    return error;
}

const App &require_app(const World &world, const Call &call)
{
    const App *app = world.logins.app(call.given("client_id"));
    if (!app || app->login != Flavour::facebook) {
        throw Refused{
            oauth_error(101, "Error validating application. Cannot get application info due to a system error.")};
    }
    if (call.given("client_secret") != app->secret) throw Refused{oauth_error(1, "Error validating client secret.")};
    return *app;
}

// The token, if it lives and is of this login.
const Token &living(const World &world, const std::string &text, Flavour login)
{
    const Token *token = world.accounts.token(text);
    const bool foreign = !token || (text.compare(0, 2, "IG") == 0) != (login == Flavour::instagram);
    const Moment now = world.clock.now();
    if (const auto error = token_error(foreign ? "unknown" : state_at(*token, now), "", sql_time(now)))
        throw Refused{*error};
    return *token;
}

bool is_young(const Token &token, Moment now) { return token.issued_at && now - *token.issued_at < youngest_refresh; }

Answer token_answer(const World &world, const std::string &text, const std::optional<Moment> &expires_at)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_member(writer, "access_token", text);
    write_member(writer, "token_type", "bearer");
    if (expires_at && !world.settings.expires_in_missing)
        write_member(writer, "expires_in", (*expires_at - world.clock.now()).count());
    writer.EndObject();
    Answer answer;
    answer.body = {buffer.GetString(), buffer.GetSize()};
    return answer;
}

// A token that no login made becomes this app's, with all it could do before.
void adopt(Token &token, const App &app)
{
    token.app_id = app.id;
    token.granted = usual_permissions(Flavour::facebook);
}

// The new token in place of the old one, which goes on living unless the settings say otherwise.
Answer replace(World &world, const std::string &old_text, Flavour login, Moment expires_at)
{
    Token token = *world.accounts.token(old_text);
    token.long_lived = true;
    if (world.settings.refresh_returns_same) {
        Token *old = world.accounts.change(old_text);
        old->issued_at = world.clock.now();
        old->expires_at = expires_at;
        old->long_lived = true;
        return token_answer(world, old_text, expires_at);
    }
    const std::string text = issue_token(world, std::move(token), login, expires_at);
    if (world.settings.refresh_kills_old) world.accounts.set_state(old_text, "revoked");
    return token_answer(world, text, expires_at);
}

// Counts a success or a refusal of `attempt`.
template <class Attempt> Answer counted(std::uint64_t &done, std::uint64_t &refused, Attempt attempt)
{
    try {
        Answer answer = attempt();
        ++done;
        return answer;
    } catch (const Refused &) {
        ++refused;
        throw;
    }
}

}  // namespace

std::string issue_token(World &world, Token token, Flavour login, std::optional<Moment> expires_at)
{
    token.state = "valid";
    token.login = login;
    token.issued_at = world.clock.now();
    token.expires_at = expires_at;
    std::string text = world.logins.unique_text(login == Flavour::facebook ? "EAAsandbox" : "IGAAsandbox", 100);
    token.page_tokens.clear();
    if (login == Flavour::facebook) {
        for (const std::string &id : token.accounts) {
            Token page = token;
            page.is_page = true;
            page.accounts = {id};
            if (token.long_lived) page.expires_at.reset();  // then it has no end
            token.page_tokens[id] = world.logins.unique_text("EAAsandboxpage", 100);
            world.accounts.put(token.page_tokens[id], std::move(page));
        }
    }
    world.accounts.put(text, std::move(token));
    return text;
}

Answer answer_fb_exchange_token(World &world, const Call &call)
{
    const std::string text = call.given("fb_exchange_token");
    const Token *known = world.accounts.token(text);
    LoginCounters &counters = world.logins.counters;
    const bool again = known && known->long_lived;
    return counted(again ? counters.refreshes : counters.long_exchanges,
                   again ? counters.refreshes_refused : counters.long_exchanges_refused, [&] {
                       const App &app = require_app(world, call);
                       const Token &token = living(world, text, Flavour::facebook);
                       if (!token.app_id.empty() && token.app_id != app.id) {
                           throw Refused{oauth_error(190, "Error validating access token: The access token does not "
                                                          "belong to application " +
                                                              app.id + ".")};
                       }
                       if (token.is_page) return token_answer(world, text, token.expires_at);
                       const Moment now = world.clock.now();
                       // At most once a day gives a new end.
                       const bool same_end = token.long_lived && is_young(token, now) && token.expires_at;
                       if (token.app_id.empty()) adopt(*world.accounts.change(text), app);
                       return replace(world, text, Flavour::facebook, same_end ? *token.expires_at : now + long_life);
                   });
}

Answer answer_ig_exchange_token(World &world, const Call &call)
{
    LoginCounters &counters = world.logins.counters;
    return counted(counters.long_exchanges, counters.long_exchanges_refused, [&] {
        if (call.method != "GET") throw Refused{no_such_object("access_token", call.flavour, call.method)};
        if (call.parameter("grant_type") != "ig_exchange_token")
            throw Refused{invalid_parameter("grant_type must be ig_exchange_token")};
        const Token &token = living(world, call.token, Flavour::instagram);
        const App *app = world.logins.app_of(token, Flavour::instagram);
        if (!app || call.parameter("client_secret") != app->secret)
            throw Refused{oauth_error(1, "Error validating client secret.")};
        if (token.long_lived) throw Refused{invalid_parameter("The access token is not a short-lived token")};
        return replace(world, call.token, Flavour::instagram, world.clock.now() + long_life);
    });
}

Answer answer_ig_refresh_token(World &world, const Call &call)
{
    LoginCounters &counters = world.logins.counters;
    return counted(counters.refreshes, counters.refreshes_refused, [&] {
        if (call.method != "GET") throw Refused{no_such_object("refresh_access_token", call.flavour, call.method)};
        if (call.parameter("grant_type") != "ig_refresh_token")
            throw Refused{invalid_parameter("grant_type must be ig_refresh_token")};
        const Token &token = living(world, call.token, Flavour::instagram);
        const Moment now = world.clock.now();
        if (!token.long_lived) throw Refused{invalid_parameter("The access token is not a long-lived token")};
        if (is_young(token, now))
            throw Refused{invalid_parameter("The access token must be at least 24 hours old to be refreshed")};
        if (!token.app_id.empty() && !token.grants(basic_permission(Flavour::instagram)))
            throw Refused{oauth_error(10, "(#10) Application does not have permission for this action")};
        return replace(world, call.token, Flavour::instagram, now + long_life);
    });
}

}  // namespace ig::sandbox
