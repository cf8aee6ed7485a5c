// Plays the login dialogs: whoever sits there agrees or denies at once, and the browser is sent back.
#include <algorithm>

#include "metrics.hpp"
#include "oauth.hpp"

namespace ig::sandbox {

namespace {

constexpr std::chrono::minutes facebook_code_life{10};
constexpr std::chrono::minutes instagram_code_life{60};

Answer page(World &world, const std::string &what)
{
    ++world.logins.counters.dialogs_refused;
    Answer answer;
    answer.status = 400;
    answer.content_type = "text/html; charset=UTF-8";
    answer.body = "<!DOCTYPE html><html><title>Error</title><body><h1>Sorry</h1><p>" + what + "</p></body></html>";
    return answer;
}

Answer redirect(std::string url, const std::string &query, Flavour login)
{
    url += (url.find('?') == std::string::npos ? "?" : "&") + query;
    if (login == Flavour::instagram) url += "#_";
    Answer answer;
    answer.status = 302;
    answer.content_type = "text/html; charset=UTF-8";
    answer.headers.emplace_back("Location", url);
    return answer;
}

// Whom the URL names, or who was posted last; while nobody was, one who has every account of this login.
std::optional<Person> who(const World &world, const Call &call)
{
    if (call.has("sandbox_person")) {
        const Person *named = world.logins.person(call.parameter("sandbox_person"));
        if (!named || named->login != call.flavour) return std::nullopt;
        return *named;
    }
    if (const Person *current = world.logins.current(call.flavour)) return *current;
    Person anyone;
    anyone.login = call.flavour;
    anyone.user_id = "10220000000000001";
    for (const auto &[id, account] : world.accounts.all()) {
        if (account.login != call.flavour) continue;
        anyone.accounts.push_back(id);
        if (call.flavour == Flavour::facebook) continue;
        anyone.user_id = app_scoped_id(id);
        break;
    }
    return anyone;
}

std::string with_state(const Call &call, std::string query)
{
    if (call.has("state")) query += "&state=" + percent_encode(call.parameter("state"));
    return query;
}

}  // namespace

Answer answer_dialog(World &world, const Call &call)
{
    ++world.logins.counters.dialogs;
    const bool instagram = call.flavour == Flavour::instagram;
    const App *app = world.logins.app(call.parameter("client_id"));
    if (!app || app->login != call.flavour)
        return page(world, instagram ? "Invalid platform app"
                                     : "Invalid App ID: The provided app ID does not look like a valid app ID.");
    const std::string uri = call.parameter("redirect_uri");
    if (std::find(app->redirect_uris.begin(), app->redirect_uris.end(), uri) == app->redirect_uris.end())
        return page(world, instagram ? "Invalid redirect_uri"
                                     : "URL Blocked: This redirect failed because the redirect URI is not "
                                       "whitelisted in the app's Client OAuth Settings.");
    const std::string type = call.parameter("response_type");
    if (type != "code" && (instagram || !type.empty())) return page(world, "Invalid response_type");
    std::string scope = call.parameter("scope");
    std::replace(scope.begin(), scope.end(), ' ', ',');
    const std::vector<std::string> asked = split_list(scope);
    for (const std::string &name : asked) {
        if (!is_permission(call.flavour, name)) return page(world, "Invalid Scopes: a permission is not known");
    }
    if (instagram && asked.empty()) return page(world, "Invalid scope");
    const std::optional<Person> person = who(world, call);
    if (!person) return page(world, "sandbox_person names nobody who has this login");

    if (person->deny) {
        ++world.logins.counters.dialogs_denied;
        const std::string denied = instagram ? "error=access_denied&error_reason=user_denied&"
                                               "error_description=The+user+denied+your+request"
                                             : "error=access_denied&error_code=200&error_description=Permissions+error&"
                                               "error_reason=user_denied";
        return redirect(uri, with_state(call, denied), call.flavour);
    }
    if (!world.logins.person(person->user_id)) world.logins.add(*person);
    Code code;
    code.app_id = app->id;
    code.redirect_uri = uri;
    code.user_id = person->user_id;
    code.asked = asked;
    code.issued_at = world.clock.now();
    code.expires_at = code.issued_at + (instagram ? instagram_code_life : facebook_code_life);
    return redirect(uri, with_state(call, "code=" + world.logins.issue(code).text), call.flavour);
}

}  // namespace ig::sandbox
