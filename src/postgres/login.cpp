// The logins: ig_configure_app(), ig_authorize_url() and ig_connect(), from the browser's first step to the stored account.
#include <algorithm>

#include "platform/redact.hpp"
#include "postgres/account_state.hpp"
#include "postgres/apps.hpp"
#include "postgres/connection.hpp"
#include "postgres/discover.hpp"
#include "postgres/identity.hpp"
#include "postgres/keyring.hpp"
#include "postgres/known_secret.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "vault/hmac.hpp"

namespace ig::pg {

namespace {

using platform::Failure;
using platform::Login;

constexpr std::chrono::seconds usual_token_life{60 * 86400};  // graph-api.md 3.4: only when the answer does not say

bool all_of(const std::string &text, bool (*good)(char))
{
    return std::all_of(text.begin(), text.end(), good);
}

// https anywhere; http for a developer's own machine. Compared to the letter later, so nothing is normalised.
void check_redirect_uri(const std::string &uri)
{
    const bool visible = all_of(uri, [](char c) { return c > ' ' && c < 127 && c != '"' && c != '<' && c != '>' && c != '\\' && c != '#'; });
    const bool scheme = uri.rfind("https://", 0) == 0 || uri.rfind("http://localhost", 0) == 0 || uri.rfind("http://127.0.0.1", 0) == 0;
    if (!visible || !scheme || uri.size() > 2000)
        throw SqlError(invalid_parameter, "redirect_uri \"" + platform::redact(uri) + "\" is malformed",
                       "It is an https:// address without fragment; http:// is accepted for localhost.");
}

std::vector<std::string> list_argument(FunctionCallInfo fcinfo, int index)
{
    return texts_argument(fcinfo, index).value_or(std::vector<std::string>());
}

void configure_app(FunctionCallInfo fcinfo)
{
    hide_query();
    if (!caller_is_admin())
        throw SqlError(insufficient_privilege, "permission denied: this needs membership in instagram_insights_admin",
                       "Ask a superuser for GRANT instagram_insights_admin TO your role.");
    const std::string app_id = text_argument(fcinfo, 0).value_or("");
    if (app_id.empty() || app_id.size() > 32 || !all_of(app_id, [](char c) { return c >= '0' && c <= '9'; }))
        throw SqlError(invalid_parameter, "the app id is malformed", "Pass the number the app has in Meta's dashboard.");
    const Secret secret = fcinfo->args[1].isnull ? Secret() : secret_of_text(fcinfo->args[1].value);
    const std::string_view bytes = secret.expose();
    if (bytes.empty() || bytes.size() > 512 || !std::all_of(bytes.begin(), bytes.end(), [](char c) { return c > ' ' && c < 127; }))
        throw SqlError(invalid_parameter, "the app secret is malformed", "Pass it as Meta's dashboard shows it, without spaces or line ends.");
    const std::string login = text_argument(fcinfo, 2).value_or("facebook");
    check_login(login);
    const std::vector<std::string> uris = list_argument(fcinfo, 3);
    for (const std::string &uri : uris) check_redirect_uri(uri);
    const std::optional<std::vector<std::string>> scopes = texts_argument(fcinfo, 4);
    if (scopes)
        for (const std::string &scope : *scopes)
            if (scope.empty() || !all_of(scope, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9'); }))
                throw SqlError(invalid_parameter, "scope \"" + platform::redact(scope) + "\" is malformed",
                               "Scopes look like instagram_basic; leave them out for those that insights need.");
    if (text_argument(fcinfo, 5).value_or("instagram") != "instagram")
        throw SqlError(invalid_parameter, "the platform is not known", "Only instagram is supported.");
    const std::optional<std::string> deletion_url = text_argument(fcinfo, 6);
    if (deletion_url) check_redirect_uri(*deletion_url);

    WorkerRole role;
    Sql sql;
    (void)sql.run("SELECT instagram_insights.ig_check_installation(stamp => true)");
    std::string sealed;
    try {
        sealed = key_vault(may_make_key(sql)).seal(secret, secret_place(login, app_id));
    } catch (const KeyUnavailable &failure) {
        throw SqlError(not_ready, failure.what(), failure.hint());
    }
    sql.run("INSERT INTO instagram_insights.apps (platform, login, app_id, sealed_secret, redirect_uris, scopes, deletion_url)"
            " VALUES ('instagram', $1, $2, $3, $4, $5, $6)"
            " ON CONFLICT (platform, login) DO UPDATE SET app_id = EXCLUDED.app_id, sealed_secret = EXCLUDED.sealed_secret,"
            "    redirect_uris = EXCLUDED.redirect_uris, scopes = EXCLUDED.scopes, deletion_url = EXCLUDED.deletion_url,"
            "    configured_at = pg_catalog.now()",
            Params()
                .text(std::string_view(login))
                .text(std::string_view(app_id))
                .bytes(sealed)
                .texts(std::vector<Field>(uris.begin(), uris.end()))
                .texts(scopes)
                .text(deletion_url));
    sql.finish();
    role.leave();
}

// 256 random bits in the alphabet of URLs.
Secret random_state()
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[43];
    if (!pg_strong_random(bytes, sizeof bytes))
        throw SqlError("58000", "the operating system gives no random numbers", "See the server log and the system's log.");
    char text[sizeof bytes];
    for (std::size_t i = 0; i < sizeof bytes; ++i) text[i] = alphabet[bytes[i] & 63];
    Secret state(std::string_view(text, sizeof text));
    wipe_memory(text, sizeof text);
    return state;
}

std::string state_hash(const Secret &state)
{
    const vault::Digest digest = vault::hmac_sha256("instagram_insights login state", state.expose());
    return std::string(reinterpret_cast<const char *>(digest.data()), digest.size());
}

Login choose_login(Sql &sql, const std::optional<std::string> &wanted)
{
    if (wanted) {
        check_login(*wanted);
        return parse_login(*wanted);
    }
    const Rows rows = sql.run("SELECT a.login FROM instagram_insights.apps a WHERE a.platform = 'instagram' ORDER BY a.login");
    if (rows.size() == 1) return parse_login(rows[0][0].value());
    return Login::facebook;
}

std::string authorize_url(FunctionCallInfo fcinfo)
{
    const std::string user_id = target_user_id(uuid_argument(fcinfo, 1));
    const std::string redirect_uri = text_argument(fcinfo, 0).value_or("");
    WorkerRole role;
    Sql sql;
    const Login login = choose_login(sql, text_argument(fcinfo, 2));
    const ConfiguredApp app = require_app(sql, login);
    if (std::find(app.redirect_uris.begin(), app.redirect_uris.end(), redirect_uri) == app.redirect_uris.end())
        throw SqlError(invalid_parameter, "redirect_uri is not on the list of the app",
                       "It must be, to the letter, one of the redirect_uris given to ig_configure_app() and registered in Meta's dashboard.");
    const Secret state = random_state();
    sql.run("DELETE FROM instagram_insights.oauth_states s WHERE s.expires_at <= pg_catalog.now()");
    sql.run("INSERT INTO instagram_insights.oauth_states (user_id, state_hash, login, redirect_uri) VALUES ($1::uuid, $2, $3, $4)",
            Params().text(std::string_view(user_id)).bytes(state_hash(state)).text(std::string_view(login_text(login))).text(std::string_view(redirect_uri)));
    (void)sql.run("SELECT instagram_insights.ig_check_installation(stamp => true)");
    sql.finish();
    role.leave();
    return platform::authorize_url(login_endpoints(), login, app.app.app_id, redirect_uri,
                                   app.scopes.value_or(platform::default_scopes(login)), std::string(state.expose()));
}

struct BegunLogin {
    std::string user_id;
    std::string redirect_uri;
    ConfiguredApp app;
};

// Uses the state up. A rollback gives it back, but the code that goes with it is spent then: a new login is needed anyway.
BegunLogin take_state(const Secret &state)
{
    const std::optional<std::string> caller = current_user_id();
    const bool admin = caller_is_admin();
    WorkerRole role;
    Sql sql;
    if (sql.run("SELECT instagram_insights.ig_check_installation()")[0][0] != "f" || !settings.enabled)
        throw SqlError(not_ready, "calling is paused or switched off",
                       "SELECT * FROM instagram_insights.ig_doctor() says why; begin the login again afterwards.");
    const Rows rows = sql.run("DELETE FROM instagram_insights.oauth_states s WHERE s.state_hash = $1 AND s.expires_at > pg_catalog.now()"
                              " RETURNING s.user_id, s.login, s.redirect_uri",
                              Params().bytes(state_hash(state)));
    // One text for all, so that a stranger learns nothing. The state of somebody else is not used up: the ERROR undoes that.
    if (rows.empty() || (!admin && rows[0][0] != caller))
        throw SqlError(login_refused, "the login's state is not valid",
                       "It was used, is older than ten minutes, or belongs to another user: begin again with instagram_insights.ig_authorize_url().");
    BegunLogin begun{rows[0][0].value(), rows[0][2].value(), require_app(sql, parse_login(rows[0][1].value()))};
    sql.finish();
    role.leave();
    return begun;
}

void require_permissions(Login login, const std::vector<std::string> &granted)
{
    std::string missing;
    for (const std::string &scope : platform::required_scopes(login))
        if (std::find(granted.begin(), granted.end(), scope) == granted.end()) missing += (missing.empty() ? "" : ", ") + scope;
    if (!missing.empty())
        throw SqlError(login_refused, "the login did not grant " + missing,
                       "Begin again with instagram_insights.ig_authorize_url() and grant every permission the dialog shows; if it does not show "
                       "them, add them to the app in Meta's dashboard.");
}

struct GrantedLogin {
    Secret token;
    std::optional<std::string> expires_at;
    std::string user_id;  // Meta's
    std::vector<std::string> permissions;
};

GrantedLogin exchange(Caller &caller, const BegunLogin &begun, const Secret &code)
{
    const platform::App &app = begun.app.app;
    const platform::LoginEndpoints endpoints = login_endpoints();
    platform::TokenAnswer brief = take_token(
        app.login, caller.call(platform::code_exchange_request(endpoints, app, code, begun.redirect_uri), code));
    if (brief.failure) refuse_login(*brief.failure);
    platform::TokenAnswer answer = take_token(
        app.login, caller.call(platform::long_token_request(endpoints, app, brief.token), Secret()));
    if (answer.failure) refuse_login(*answer.failure);
    GrantedLogin granted;
    granted.token = std::move(answer.token);
    granted.expires_at = instant_text(current_time() + answer.expires_in.value_or(usual_token_life));
    granted.user_id = brief.user_id;
    granted.permissions = std::move(brief.permissions);
    if (app.login == Login::facebook) {
        const platform::PermissionsAnswer permissions =
            platform::read_permissions(caller.call(platform::permissions_request(endpoints, app, granted.token), granted.token));
        if (permissions.failure) refuse_login(*permissions.failure);
        granted.permissions = permissions.granted;
    }
    // The Instagram exchange may leave the list out; then the first sync says what is missing.
    if (!granted.permissions.empty() || app.login == Login::facebook) require_permissions(app.login, granted.permissions);
    if (granted.user_id.empty()) {
        const platform::IdentityAnswer identity =
            platform::read_identity(app.login, caller.call(platform::identity_request(endpoints, app, granted.token), granted.token));
        if (identity.failure) refuse_login(*identity.failure);
        granted.user_id = identity.user_id;
    }
    return granted;
}

void connect_code(FunctionCallInfo fcinfo)
{
    hide_query();
    const Secret given = fcinfo->args[0].isnull ? Secret() : secret_of_text(fcinfo->args[0].value);
    const Secret code(platform::trimmed_code(given.expose()));
    const Secret state = fcinfo->args[1].isnull ? Secret() : secret_of_text(fcinfo->args[1].value);
    if (code.empty() || code.size() > 4096)
        throw SqlError(invalid_parameter, "the code is missing or malformed", "Pass the parameter code that the browser brought to the redirect_uri.");
    const BegunLogin begun = take_state(state);
    Caller caller;
    const GrantedLogin granted = exchange(caller, begun, code);
    const std::vector<platform::DiscoveredAccount> accounts =
        discover_accounts(caller, begun.app.app.login, granted.token, &begun.app.app);

    std::vector<std::string> ids;
    {
        WorkerRole role;
        Sql sql;
        for (const platform::DiscoveredAccount &account : accounts) {
            NewConnection connection;
            connection.user_id = begun.user_id;
            connection.account_id = account.account_id;
            connection.login = login_text(begun.app.app.login);
            connection.username = account.username;
            connection.name = account.name;
            connection.issued_at = instant_text(current_time());
            connection.expires_at = granted.expires_at;
            connection.scopes = granted.permissions;
            connection.app_id = begun.app.app.app_id;
            connection.meta_user_id = granted.user_id;
            store_connection(sql, connection, granted.token);
            ids.push_back(account.account_id);
        }
        sql.finish();
        role.leave();
    }
    return_connections(fcinfo, begun.user_id, ids);
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_configure_app)
{
    return pg::cpp_entry(
        [&]() -> Datum {
            const pg::WithoutErrorContext quiet;
            pg::configure_app(fcinfo);
            return static_cast<Datum>(0);
        },
        pg::Statement::hidden);
}

IG_SQL_FUNCTION(ig_authorize_url)
{
    return pg::cpp_entry([&]() -> Datum {
        const std::string url = pg::authorize_url(fcinfo);
        const char *const text_of_url = url.c_str();
        return pg::pg_call([&] { return CStringGetTextDatum(text_of_url); });
    });
}

IG_SQL_FUNCTION(ig_connect)
{
    return pg::cpp_entry(
        [&]() -> Datum {
            const pg::WithoutErrorContext quiet;
            pg::connect_code(fcinfo);
            return static_cast<Datum>(0);
        },
        pg::Statement::hidden);
}
