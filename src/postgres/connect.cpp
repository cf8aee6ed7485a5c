// ig_connect_token() and the trigger of connect_inbox: a token is sealed here, before any SQL sees it.
#include <vector>

#include "postgres/account_state.hpp"
#include "postgres/apps.hpp"
#include "postgres/connection.hpp"
#include "postgres/discover.hpp"
#include "postgres/identity.hpp"
#include "postgres/settings.hpp"
#include "postgres/version_check.hpp"

namespace ig::pg {

namespace {

struct GivenToken {
    std::string user_id;
    std::optional<std::string> account_id;
    std::string login;
    std::optional<std::string> expires_at;  // as the server prints it
    Secret token;
};

void check_expiry(Sql &sql, const GivenToken &given)
{
    if (!given.expires_at) return;
    if (sql.run("SELECT FROM (VALUES ($1::timestamptz)) AS t (moment) WHERE t.moment <= pg_catalog.now()",
                Params().text(given.expires_at))
            .empty())
        return;
    throw SqlError(invalid_parameter, "the access token has expired already",
                   "Pass a token that is still valid, and when it ends.");
}

// Returns the ids of the accounts that are connected now.
std::vector<std::string> connect(const GivenToken &given)
{
    require_same_version();
    check_token(given.token);
    if (given.account_id) check_account_id(*given.account_id);
    check_login(given.login);
    const platform::Login login = parse_login(given.login);
    bool paused = false;
    std::optional<ConfiguredApp> app;
    {
        WorkerRole role;
        Sql sql;
        check_expiry(sql, given);
        paused = sql.run("SELECT instagram_insights.ig_check_installation(stamp => true)")[0][0] != "f";
        app = load_app(sql, login);
        sql.finish();
        role.leave();
    }
    std::vector<platform::DiscoveredAccount> accounts;
    if (given.account_id) {
        platform::DiscoveredAccount named;
        named.account_id = *given.account_id;
        accounts.push_back(std::move(named));
    } else {
        if (paused || !settings.enabled)
            throw SqlError(not_ready, "calling is paused or switched off",
                           "Pass account_id, which needs no call; SELECT * FROM instagram_insights.ig_doctor() says "
                           "why it is paused.");
        Caller caller;
        accounts = discover_accounts(caller, login, given.token, app ? &app->app : nullptr);
    }
    WorkerRole role;
    Sql sql;
    std::vector<std::string> ids;
    for (const platform::DiscoveredAccount &account : accounts) {
        NewConnection connection;
        connection.user_id = given.user_id;
        connection.account_id = account.account_id;
        connection.login = given.login;
        connection.username = account.username;
        connection.name = account.name;
        connection.expires_at = given.expires_at;
        if (app) connection.app_id = app->app.app_id;
        store_connection(sql, connection, given.token);
        ids.push_back(account.account_id);
    }
    sql.finish();
    role.leave();
    return ids;
}

void connect_token(FunctionCallInfo fcinfo)
{
    hide_query();
    GivenToken given;
    given.user_id = target_user_id(uuid_argument(fcinfo, 2));
    if (!fcinfo->args[0].isnull) given.token = secret_of_text(fcinfo->args[0].value);
    given.account_id = text_argument(fcinfo, 1);
    given.login = text_argument(fcinfo, 3).value_or("facebook");
    given.expires_at = printed_argument(fcinfo, 4, TIMESTAMPTZOID);
    const std::vector<std::string> ids = connect(given);
    return_connections(fcinfo, given.user_id, ids);
}

struct Column {
    Datum value;
    bool null;
};

Datum connect_inbox_row(FunctionCallInfo fcinfo)
{
    const TriggerData *trigger = reinterpret_cast<TriggerData *>(fcinfo->context);
    // Before the first row: nothing to do but to be there, so that the library is loaded and watches the log.
    if (CALLED_AS_TRIGGER(fcinfo) && TRIGGER_FIRED_FOR_STATEMENT(trigger->tg_event) &&
        TRIGGER_FIRED_BEFORE(trigger->tg_event))
        return static_cast<Datum>(0);
    if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event) ||
        !TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
        throw SqlError("0A000", "ig_connect_inbox() is the trigger of the view connect_inbox",
                       "COPY or INSERT into instagram_insights.connect_inbox.");
    const auto column = [&](const char *name) {
        return pg_call([&] {
            Column result{};
            const TupleDesc description = RelationGetDescr(trigger->tg_relation);
            result.value =
                SPI_getbinval(trigger->tg_trigtuple, description, SPI_fnumber(description, name), &result.null);
            return result;
        });
    };
    const auto text_of = [&](const char *name, Oid type) {
        const Column cell = column(name);
        return printed(cell.value, cell.null, type);
    };
    GivenToken given;
    given.user_id = target_user_id(text_of("user_id", UUIDOID));
    const Column token = column("access_token");
    if (!token.null) given.token = secret_of_text(token.value);
    given.account_id = text_of("account_id", TEXTOID);
    given.login = text_of("login", TEXTOID).value_or("facebook");
    given.expires_at = text_of("expires_at", TIMESTAMPTZOID);
    (void)connect(given);
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
