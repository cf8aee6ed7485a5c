// The logins: ig_authorize_url() and ig_connect(), from the browser's first step to the stored account.
#include <algorithm>

#include "postgres/account_state.hpp"
#include "postgres/apps.hpp"
#include "postgres/connection.hpp"
#include "postgres/discover.hpp"
#include "postgres/identity.hpp"
#include "postgres/keyring.hpp"
#include "postgres/known_secret.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "postgres/version_check.hpp"
#include "vault/hmac.hpp"

namespace ig::pg {

namespace {

using platform::Login;

constexpr std::chrono::seconds usual_token_life{60 * 86400};  // graph-api.md 3.4: only when the answer does not say

// 256 random bits in the alphabet of URLs.
Secret random_state()
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned char bytes[43];
    if (!pg_strong_random(bytes, sizeof bytes))
        throw SqlError("58000", "the operating system gives no random numbers",
                       "See the server log and the system's log.");
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
    const Rows rows =
        sql.run("SELECT a.login FROM instagram_insights.apps a WHERE a.platform = 'instagram' ORDER BY a.login");
    if (rows.size() == 1) return parse_login(rows[0][0].value());
    return Login::facebook;
}

std::string authorize_url(FunctionCallInfo fcinfo)
{
    require_same_version();
    const std::string user_id = target_user_id(uuid_argument(fcinfo, 1));
    const std::string redirect_uri = text_argument(fcinfo, 0).value_or("");
    WorkerRole role;
    Sql sql;
    const Login login = choose_login(sql, text_argument(fcinfo, 2));
    const ConfiguredApp app = require_app(sql, login);
    if (std::find(app.redirect_uris.begin(), app.redirect_uris.end(), redirect_uri) == app.redirect_uris.end())
        throw SqlError(invalid_parameter, "redirect_uri is not on the list of the app",
                       "It must be, to the letter, one of the redirect_uris given to ig_configure_app() and registered "
                       "in Meta's dashboard.");
    const Secret state = random_state();
    // Not those that somebody holds: a login that takes long must not keep others from beginning theirs.
    sql.run("DELETE FROM instagram_insights.oauth_states s WHERE s.ctid = ANY (ARRAY("
            "SELECT o.ctid FROM instagram_insights.oauth_states o WHERE o.expires_at <= pg_catalog.now() FOR UPDATE "
            "SKIP LOCKED))");
    sql.run("INSERT INTO instagram_insights.oauth_states (user_id, state_hash, login, redirect_uri) VALUES ($1::uuid, "
            "$2, $3, $4)",
            Params()
                .text(std::string_view(user_id))
                .bytes(state_hash(state))
                .text(std::string_view(login_text(login)))
                .text(std::string_view(redirect_uri)));
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
    const Rows rows = sql.run(
        "DELETE FROM instagram_insights.oauth_states s WHERE s.state_hash = $1 AND s.expires_at > pg_catalog.now()"
        " RETURNING s.user_id, s.login, s.redirect_uri",
        Params().bytes(state_hash(state)));
    // One text for all, so that a stranger learns nothing. The state of somebody else is not used up: the ERROR undoes that.
    if (rows.empty() || (!admin && rows[0][0] != caller))
        throw SqlError(login_refused, "the login's state is not valid",
                       "It was used, is older than ten minutes, or belongs to another user: begin again with "
                       "instagram_insights.ig_authorize_url().");
    BegunLogin begun{rows[0][0].value(), rows[0][2].value(), require_app(sql, parse_login(rows[0][1].value()))};
    sql.finish();
    role.leave();
    return begun;
}

void require_permissions(Login login, const std::vector<std::string> &granted)
{
    std::string missing;
    for (const std::string &scope : platform::required_scopes(login))
        if (std::find(granted.begin(), granted.end(), scope) == granted.end())
            missing += (missing.empty() ? "" : ", ") + scope;
    if (!missing.empty())
        throw SqlError(login_refused, "the login did not grant " + missing,
                       "Begin again with instagram_insights.ig_authorize_url() and grant every permission the dialog "
                       "shows; if it does not show "
                       "them, add them to the app in Meta's dashboard.");
}

struct GrantedLogin {
    Secret token;
    std::optional<std::string> expires_at;
    std::optional<std::string> data_access_expires_at;
    std::optional<std::string> debugged_at;  // nothing: the platform would not say; the worker asks again
    std::string user_id;                     // Meta's
    std::vector<std::string> permissions;
};

// How long the data may be read, and what else the platform says of a token of Facebook's.
void ask_about(Caller &caller, const platform::App &app, GrantedLogin &granted, bool end_is_known)
{
    const platform::TokenDebug debug = platform::read_token_debug(
        caller.call(platform::debug_token_request(login_endpoints(), app, granted.token), granted.token));
    if (debug.failure && debug.failure->kind == platform::FailureKind::needs_login) refuse_login(*debug.failure);
    if (debug.failure) return;
    granted.debugged_at = instant_text(current_time());
    if (debug.data_access_expires_at) granted.data_access_expires_at = instant_text(*debug.data_access_expires_at);
    if (!end_is_known && debug.expires_at) granted.expires_at = instant_text(*debug.expires_at);
}

GrantedLogin exchange(Caller &caller, const BegunLogin &begun, const Secret &code)
{
    const platform::App &app = begun.app.app;
    const platform::LoginEndpoints endpoints = login_endpoints();
    platform::TokenAnswer brief = take_token(
        app.login, caller.call(platform::code_exchange_request(endpoints, app, code, begun.redirect_uri), code));
    if (brief.failure) refuse_login(*brief.failure);
    platform::TokenAnswer answer = take_token(
        app.login, caller.call(platform::long_token_request(endpoints, app, brief.token), Secret()), {&brief.token});
    if (answer.failure) refuse_login(*answer.failure);
    GrantedLogin granted;
    granted.token = std::move(answer.token);
    granted.expires_at = instant_text(current_time() + answer.expires_in.value_or(usual_token_life));
    granted.user_id = brief.user_id;
    granted.permissions = std::move(brief.permissions);
    if (app.login == Login::facebook) {
        const platform::PermissionsAnswer permissions = platform::read_permissions(
            caller.call(platform::permissions_request(endpoints, app, granted.token), granted.token));
        if (permissions.failure) refuse_login(*permissions.failure);
        granted.permissions = permissions.granted;
        ask_about(caller, app, granted, answer.expires_in.has_value());
    }
    // The Instagram exchange may leave the list out; then the first sync says what is missing.
    if (!granted.permissions.empty() || app.login == Login::facebook)
        require_permissions(app.login, granted.permissions);
    if (granted.user_id.empty()) {
        const platform::IdentityAnswer identity = platform::read_identity(
            app.login, caller.call(platform::identity_request(endpoints, app, granted.token), granted.token));
        if (identity.failure) refuse_login(*identity.failure);
        granted.user_id = identity.user_id;
    }
    return granted;
}

void connect_code(FunctionCallInfo fcinfo)
{
    hide_query();
    require_same_version();
    const Secret given = fcinfo->args[0].isnull ? Secret() : secret_of_text(fcinfo->args[0].value);
    const Secret code(platform::trimmed_code(given.expose()));
    const Secret state = fcinfo->args[1].isnull ? Secret() : secret_of_text(fcinfo->args[1].value);
    if (code.empty() || code.size() > 4096)
        throw SqlError(invalid_parameter, "the code is missing or malformed",
                       "Pass the parameter code that the browser brought to the redirect_uri.");
    const BegunLogin begun = take_state(state);
    Caller caller;
    caller.keep_out(begun.app.app.secret);
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
            connection.data_access_expires_at = granted.data_access_expires_at;
            connection.debugged_at = granted.debugged_at;
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
