// Meta's callbacks: whose signature is right, and which person it names. What follows from it is SQL (schema/92_callbacks.sql).
#include "postgres/apps.hpp"
#include "postgres/arguments.hpp"
#include "postgres/connection.hpp"
#include "postgres/identity.hpp"

namespace ig::pg {

namespace {

// The app-scoped id in a signed_request that one of our apps signed. Either app will do: where one app of Meta's has both
// logins, Meta does not say which of its secrets signs, and a deletion that is missed is worse.
std::string signed_user(FunctionCallInfo fcinfo)
{
    const Secret signed_request = fcinfo->args[0].isnull ? Secret() : secret_of_text(fcinfo->args[0].value);
    WorkerRole role;
    Sql sql;
    const std::vector<ConfiguredApp> apps = load_apps(sql);
    sql.finish();
    role.leave();
    if (apps.empty())
        throw SqlError(not_ready, "no app is configured, so no signature can be checked",
                       "Configure the app with instagram_insights.ig_configure_app().");
    for (const ConfiguredApp &app : apps)
        if (const auto request = platform::read_signed_request(signed_request.expose(), app.app.secret.expose()))
            return request->user_id;
    throw SqlError(invalid_parameter, "the signed_request is not signed by a configured app",
                   "Pass the form field signed_request of Meta's callback unchanged; if it is, the app secret given to "
                   "ig_configure_app() is another one than in Meta's dashboard.");
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_signed_user)
{
    return pg::cpp_entry(
        [&]() -> Datum {
            pg::hide_query();
            const pg::WithoutErrorContext quiet;
            const std::string user = pg::signed_user(fcinfo);
            const char *const text_of_user = user.c_str();
            return pg::pg_call([&] { return CStringGetTextDatum(text_of_user); });
        },
        pg::Statement::hidden);
}
