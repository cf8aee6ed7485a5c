// ig_app_state() and ig_required_scopes(): what ig_doctor() cannot learn of apps from SQL.
#include "postgres/account_state.hpp"
#include "postgres/apps.hpp"
#include "postgres/arguments.hpp"
#include "postgres/connection.hpp"
#include "postgres/identity.hpp"
#include "postgres/keyring.hpp"

namespace ig::pg {

namespace {

struct Opened {
    Field error;
    Field hint;
};

Opened try_secret(const std::string &login, const std::string &app_id, const std::string &sealed)
{
    try {
        (void)open_token(sealed, secret_place(login, app_id));
        return {};
    } catch (const vault::OpenFailure &failure) {
        return {Field(failure.what()),
                Field("Put the key that sealed it back, or configure the app again with ig_configure_app().")};
    } catch (const KeyUnavailable &failure) {
        return {Field(failure.what()), Field(failure.hint())};
    }
}

void app_state(FunctionCallInfo fcinfo)
{
    std::vector<std::vector<Field>> states;
    {
        WorkerRole role;
        Sql sql;
        const Rows rows = sql.run("SELECT a.login, a.app_id, pg_catalog.encode(a.sealed_secret, 'hex'),"
                                  "       pg_catalog.cardinality(a.redirect_uris)::text"
                                  "  FROM instagram_insights.apps a WHERE a.platform = 'instagram' ORDER BY a.login");
        sql.finish();
        role.leave();
        states.assign(rows.begin(), rows.end());
    }
    ResultSet result(fcinfo);
    for (const std::vector<Field> &state : states) {
        Opened opened = try_secret(state[0].value(), state[1].value(), from_hex(state[2].value()));
        result.add({state[0], state[1], state[3], std::move(opened.error), std::move(opened.hint)});
    }
}

std::string required_scopes(FunctionCallInfo fcinfo)
{
    const std::string login = text_argument(fcinfo, 0).value_or("");
    check_login(login);
    std::string words;
    for (const std::string &scope : platform::required_scopes(parse_login(login)))
        words += (words.empty() ? "" : " ") + scope;
    return words;
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_app_state)
{
    return pg::cpp_entry([&]() -> Datum {
        pg::app_state(fcinfo);
        return static_cast<Datum>(0);
    });
}

IG_SQL_FUNCTION(ig_required_scopes)
{
    return pg::cpp_entry([&]() -> Datum {
        const std::string words = pg::required_scopes(fcinfo);
        const char *const list = words.c_str();
        return pg::pg_call([&] { return CStringGetTextDatum(list); });
    });
}
