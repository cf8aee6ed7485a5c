// ig_connect_token() and the trigger of connect_inbox: a token is sealed here, before any SQL sees it.
#include <vector>

#include "platform/instagram/instagram.hpp"
#include "platform/redact.hpp"
#include "postgres/account_state.hpp"
#include "postgres/arguments.hpp"
#include "postgres/discover.hpp"
#include "postgres/identity.hpp"
#include "postgres/keyring.hpp"
#include "postgres/settings.hpp"

namespace ig::pg {

namespace {

struct Connection {
    std::string user_id;
    std::optional<std::string> account_id;
    std::string login;
    std::optional<std::string> expires_at;  // as the server prints it
    Secret token;
};

// What the API hands out is visible ASCII; anything else is a copy that went wrong.
void check_token(const Secret &token)
{
    bool good = !token.empty() && token.size() <= 4096;
    for (const char c : token.expose()) good = good && c > ' ' && c < 127 && c != '"' && c != '\'' && c != '\\' && c != '&' && c != '?';
    if (!good)
        throw SqlError(invalid_parameter, "the access token is malformed",
                       "Pass the token alone, as the API gave it: no spaces, quotes or line ends, at most 4096 characters.");
}

void check_account_id(const std::string &account_id)
{
    bool good = !account_id.empty() && account_id.size() <= 64;
    for (const char c : account_id)
        good = good && ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.');
    if (!good)
        throw SqlError(invalid_parameter, "the account id is malformed",
                       "Pass the id of the Instagram professional account, such as 17841400000000001.");
}

void check(const Connection &connection)
{
    check_token(connection.token);
    if (connection.account_id) check_account_id(*connection.account_id);
    if (connection.login != "facebook" && connection.login != "instagram")
        throw SqlError(invalid_parameter, "login \"" + platform::redact(connection.login) + "\" is not known",
                       "Pass facebook or instagram: the login that made the token.");
}

void check_expiry(Sql &sql, const Connection &connection)
{
    if (!connection.expires_at) return;
    if (sql.run("SELECT FROM (VALUES ($1::timestamptz)) AS t (moment) WHERE t.moment <= pg_catalog.now()", Params().text(connection.expires_at)).empty()) return;
    throw SqlError(invalid_parameter, "the access token has expired already", "Pass a token that is still valid, and when it ends.");
}

// A key may be made only while nothing is sealed under another one.
MissingKey may_make_key(Sql &sql)
{
    return sql.run("SELECT FROM instagram_insights.credentials LIMIT 1").empty() ? MissingKey::create : MissingKey::fail;
}

void store_connection(Sql &sql, const Connection &connection, const platform::DiscoveredAccount &account)
{
    std::string sealed;
    try {
        sealed = key_vault(may_make_key(sql)).seal(connection.token, token_place(connection.user_id, "instagram", account.account_id));
    } catch (const KeyUnavailable &failure) {
        throw SqlError(not_ready, failure.what(), failure.hint());
    }
    const auto unless_empty = [](const std::string &text) { return text.empty() ? Field() : Field(text); };
    sql.run("INSERT INTO instagram_insights.accounts AS a (user_id, account_id, platform, login, username, name, expires_at)"
            " VALUES ($1::uuid, $2, 'instagram', $3, $4, $5, $6::timestamptz)"
            " ON CONFLICT (user_id, account_id) DO UPDATE"
            "    SET login = EXCLUDED.login, status = 'active', generation = EXCLUDED.generation,"
            "        username = COALESCE(EXCLUDED.username, a.username), name = COALESCE(EXCLUDED.name, a.name),"
            "        connected_at = pg_catalog.now(), issued_at = NULL, expires_at = EXCLUDED.expires_at,"
            "        blocked_until = NULL, last_error = NULL, hint = NULL",
            Params()
                .text(std::string_view(connection.user_id))
                .text(std::string_view(account.account_id))
                .text(std::string_view(connection.login))
                .text(unless_empty(account.username))
                .text(unless_empty(account.name))
                .text(connection.expires_at));
    sql.run("INSERT INTO instagram_insights.credentials (user_id, account_id, sealed_token) VALUES ($1::uuid, $2, $3)"
            " ON CONFLICT (user_id, account_id) DO UPDATE SET sealed_token = EXCLUDED.sealed_token, stored_at = pg_catalog.now()",
            Params().text(std::string_view(connection.user_id)).text(std::string_view(account.account_id)).bytes(sealed));
}

// Returns the ids of the accounts that are connected now.
std::vector<std::string> connect(const Connection &connection)
{
    check(connection);
    std::vector<platform::DiscoveredAccount> accounts;
    bool paused = false;
    {
        WorkerRole role;
        Sql sql;
        check_expiry(sql, connection);
        paused = sql.run("SELECT instagram_insights.ig_check_installation(stamp => true)")[0][0] != "f";
        sql.finish();
        role.leave();
    }
    if (connection.account_id) {
        accounts.push_back({*connection.account_id, "", ""});
    } else {
        if (paused || !settings.enabled)
            throw SqlError(not_ready, "calling is paused or switched off",
                           "Pass account_id, which needs no call; SELECT * FROM instagram_insights.ig_doctor() says why it is paused.");
        accounts = discover_accounts(parse_login(connection.login), connection.token);
    }
    WorkerRole role;
    Sql sql;
    std::vector<std::string> ids;
    for (const platform::DiscoveredAccount &account : accounts) {
        store_connection(sql, connection, account);
        ids.push_back(account.account_id);
    }
    sql.finish();
    role.leave();
    return ids;
}

void return_connections(FunctionCallInfo fcinfo, const std::string &user_id, const std::vector<std::string> &ids)
{
    WorkerRole role;
    Sql sql;
    const Rows rows = sql.run("SELECT * FROM instagram_insights.connections c WHERE c.user_id = $1::uuid AND c.account_id = ANY ($2) ORDER BY c.account_id",
                              Params().text(std::string_view(user_id)).texts(std::vector<Field>(ids.begin(), ids.end())));
    sql.finish();
    role.leave();
    ResultSet result(fcinfo);
    for (const std::vector<Field> &row : rows) result.add(row);
}

// What pg_stat_activity shows from now on; the client's text may hold the token.
void hide_query()
{
    pg_call([] { pgstat_report_activity(STATE_RUNNING, "instagram_insights: connecting an account (statement hidden)"); });
}

void connect_token(FunctionCallInfo fcinfo)
{
    hide_query();
    Connection connection;
    connection.user_id = target_user_id(uuid_argument(fcinfo, 2));
    if (fcinfo->args[0].isnull) check_token(Secret());
    connection.token = secret_of_text(fcinfo->args[0].value);
    connection.account_id = text_argument(fcinfo, 1);
    connection.login = text_argument(fcinfo, 3).value_or("facebook");
    connection.expires_at = printed_argument(fcinfo, 4, TIMESTAMPTZOID);
    const std::vector<std::string> ids = connect(connection);
    return_connections(fcinfo, connection.user_id, ids);
}

struct Column {
    Datum value;
    bool null;
};

// COPY would add the line, and PL/pgSQL the statement, and with it the token, to the context of an error of the server.
class WithoutErrorContext {
public:
    WithoutErrorContext() : saved_(error_context_stack) { error_context_stack = nullptr; }
    ~WithoutErrorContext() { error_context_stack = saved_; }
    WithoutErrorContext(const WithoutErrorContext &) = delete;
    WithoutErrorContext &operator=(const WithoutErrorContext &) = delete;

private:
    ErrorContextCallback *saved_;
};

Datum connect_inbox_row(FunctionCallInfo fcinfo)
{
    const TriggerData *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    // Before the first row: nothing to do but to be there, so that the library is loaded and watches the log.
    if (CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) && TRIGGER_FIRED_BEFORE(trigger->tg_event))
        return static_cast<Datum>(0);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event) || !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
        throw SqlError("0A000", "ig_connect_inbox() is the trigger of the view connect_inbox",
                       "COPY or INSERT into instagram_insights.connect_inbox.");
    const auto column = [&](const char *name) {
        return pg_call([&] {
            Column result{};
            const TupleDesc description = RelationGetDescr(trigger->tg_relation);
            result.value = SPI_getbinval(trigger->tg_trigtuple, description, SPI_fnumber(description, name), &result.null);
            return result;
        });
    };
    const auto text_of = [&](const char *name, Oid type) {
        const Column cell = column(name);
        return printed(cell.value, cell.null, type);
    };
    Connection connection;
    connection.user_id = target_user_id(text_of("user_id", UUIDOID));
    const Column token = column("access_token");
    if (token.null) check_token(Secret());
    connection.token = secret_of_text(token.value);
    connection.account_id = text_of("account_id", TEXTOID);
    connection.login = text_of("login", TEXTOID).value_or("facebook");
    connection.expires_at = text_of("expires_at", TIMESTAMPTZOID);
    (void)connect(connection);
    return PointerGetDatum(trigger->tg_trigtuple);
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_connect_token)
{
    return pg::cpp_entry(
        [&]() -> Datum {
            const pg::WithoutErrorContext quiet;
            pg::connect_token(fcinfo);
            return static_cast<Datum>(0);
        },
        pg::Statement::hidden);
}

IG_SQL_FUNCTION(ig_connect_inbox)
{
    return pg::cpp_entry(
        [&]() -> Datum {
            pg::hide_query();
            const pg::WithoutErrorContext quiet;
            return pg::connect_inbox_row(fcinfo);
        },
        pg::Statement::hidden);
}
