// Implements storing a connection.
#include "postgres/connection.hpp"

#include "platform/redact.hpp"
#include "postgres/identity.hpp"
#include "postgres/keyring.hpp"

namespace ig::pg {

namespace {

Field unless_empty(const std::string &text) { return text.empty() ? Field() : Field(text); }

}  // namespace

// What the API hands out is visible ASCII; anything else is a copy that went wrong.
void check_token(const Secret &token)
{
    bool good = !token.empty() && token.size() <= 4096;
    for (const char c : token.expose())
        good = good && c > ' ' && c < 127 && c != '"' && c != '\'' && c != '\\' && c != '&' && c != '?';
    if (!good)
        throw SqlError(
            invalid_parameter, "the access token is malformed",
            "Pass the token alone, as the API gave it: no spaces, quotes or line ends, at most 4096 characters.");
}

void check_account_id(const std::string &account_id)
{
    bool good = !account_id.empty() && account_id.size() <= 64;
    for (const char c : account_id)
        good = good && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                        c == '-' || c == '.');
    if (!good)
        throw SqlError(invalid_parameter, "the account id is malformed",
                       "Pass the id of the Instagram professional account, such as 17841400000000001.");
}

void check_login(const std::string &login)
{
    if (login != "facebook" && login != "instagram")
        throw SqlError(invalid_parameter, "login \"" + platform::redact(login) + "\" is not known",
                       "Pass facebook or instagram: the login that made the token.");
}

void store_connection(Sql &sql, const NewConnection &connection, const Secret &token)
{
    std::string sealed;
    try {
        sealed = key_vault(may_make_key(sql))
                     .seal(token, token_place(connection.user_id, "instagram", connection.account_id));
    } catch (const KeyUnavailable &failure) {
        throw SqlError(not_ready, failure.what(), failure.hint());
    }
    sql.run("INSERT INTO instagram_insights.accounts AS a (user_id, account_id, platform, login, username, name, "
            "issued_at, expires_at,"
            "       data_access_expires_at, scopes, app_id, meta_user_id, debugged_at)"
            " VALUES ($1::uuid, $2, 'instagram', $3, $4, $5, $6::timestamptz, $7::timestamptz, $8::timestamptz, $9, "
            "$10, $11, $12::timestamptz)"
            " ON CONFLICT (user_id, account_id) DO UPDATE"
            "    SET login = EXCLUDED.login, status = 'active', generation = EXCLUDED.generation,"
            "        username = COALESCE(EXCLUDED.username, a.username), name = COALESCE(EXCLUDED.name, a.name),"
            "        connected_at = pg_catalog.now(), issued_at = EXCLUDED.issued_at, expires_at = EXCLUDED.expires_at,"
            "        data_access_expires_at = EXCLUDED.data_access_expires_at, scopes = EXCLUDED.scopes, app_id = "
            "EXCLUDED.app_id,"
            "        meta_user_id = COALESCE(EXCLUDED.meta_user_id, a.meta_user_id), refresh_after = NULL, debugged_at "
            "= EXCLUDED.debugged_at,"
            "        blocked_until = NULL, last_error = NULL, hint = NULL",
            Params()
                .text(std::string_view(connection.user_id))
                .text(std::string_view(connection.account_id))
                .text(std::string_view(connection.login))
                .text(unless_empty(connection.username))
                .text(unless_empty(connection.name))
                .text(connection.issued_at)
                .text(connection.expires_at)
                .text(connection.data_access_expires_at)
                .texts(std::vector<Field>(connection.scopes.begin(), connection.scopes.end()))
                .text(unless_empty(connection.app_id))
                .text(unless_empty(connection.meta_user_id))
                .text(connection.debugged_at));
    sql.run("INSERT INTO instagram_insights.credentials (user_id, account_id, sealed_token) VALUES ($1::uuid, $2, $3)"
            " ON CONFLICT (user_id, account_id) DO UPDATE SET sealed_token = EXCLUDED.sealed_token, stored_at = "
            "pg_catalog.now()",
            Params()
                .text(std::string_view(connection.user_id))
                .text(std::string_view(connection.account_id))
                .bytes(sealed));
}

void return_connections(FunctionCallInfo fcinfo, const std::string &user_id,
                        const std::vector<std::string> &account_ids)
{
    WorkerRole role;
    Sql sql;
    const Rows rows = sql.run(
        "SELECT * FROM instagram_insights.connections c WHERE c.user_id = $1::uuid AND c.account_id = ANY ($2) ORDER "
        "BY c.account_id",
        Params().text(std::string_view(user_id)).texts(std::vector<Field>(account_ids.begin(), account_ids.end())));
    sql.finish();
    role.leave();
    ResultSet result(fcinfo);
    for (const std::vector<Field> &row : rows) result.add(row);
}

void hide_query()
{
    pg_call([] { pgstat_report_activity(STATE_RUNNING, "instagram_insights: a statement with a secret (hidden)"); });
}

}  // namespace ig::pg
