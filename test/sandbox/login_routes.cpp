// Recognises the login's routes and where their secrets may stand.
#include <algorithm>

#include "oauth.hpp"

namespace ig::sandbox {

namespace {

constexpr const char *secrets[] = {"access_token", "client_secret", "code", "fb_exchange_token", "input_token"};

// What the API wants in the URL of a route; graph-api.md 3.
std::vector<std::string> demanded_in_url(const Call &call)
{
    if (call.route == "code_exchange" && call.flavour == Flavour::facebook) return {"client_secret", "code"};
    if (call.route == "fb_exchange_token") return {"client_secret", "fb_exchange_token"};
    if (call.route == "ig_exchange_token") return {"client_secret", "access_token"};
    if (call.route == "ig_refresh_token") return {"access_token"};
    if (call.batch != 0) return {"access_token"};  // the one place for an item's own token
    if (call.route == "debug_token") return {"access_token", "input_token"};
    return {};
}

bool is_path(const Call &call, std::initializer_list<const char *> path)
{
    return std::equal(call.path.begin(), call.path.end(), path.begin(), path.end());
}

}  // namespace

bool locate_login(const World &world, Call &call)
{
    const auto is = [&call](const char *route, Flavour flavour) {
        call.route = route;
        call.flavour = flavour;
        return true;
    };
    if (is_path(call, {"dialog", "oauth"})) return is("dialog", Flavour::facebook);
    if (is_path(call, {"oauth", "authorize"})) return is("dialog", Flavour::instagram);
    if (is_path(call, {"debug_token"})) return is("debug_token", Flavour::facebook);
    if (is_path(call, {"access_token"})) return is("ig_exchange_token", Flavour::instagram);
    if (is_path(call, {"refresh_access_token"})) return is("ig_refresh_token", Flavour::instagram);
    if (!is_path(call, {"oauth", "access_token"})) return false;
    if (call.given("grant_type") == "fb_exchange_token") return is("fb_exchange_token", Flavour::facebook);
    // One path on two hosts, which share our port: the app tells them apart, or the method if there is no such app.
    const App *app = world.logins.app(call.given("client_id"));
    if (app) return is("code_exchange", app->login);
    return is("code_exchange", call.method == "POST" ? Flavour::instagram : Flavour::facebook);
}

bool has_misplaced_secret(const Call &call)
{
    const std::vector<std::string> allowed = demanded_in_url(call);
    return std::any_of(std::begin(secrets), std::end(secrets), [&](const char *name) {
        return call.has(name) && std::find(allowed.begin(), allowed.end(), name) == allowed.end();
    });
}

std::string app_key(const World &world, const Call &call)
{
    const std::string client_id = call.given("client_id");
    if (world.logins.app(client_id)) return client_id;
    const Token *token = world.accounts.token(call.token);
    const App *app = world.logins.app_of(token ? *token : Token{}, call.flavour);
    return app ? app->id : std::string(to_string(call.flavour));
}

}  // namespace ig::sandbox
