// ig_configure_app(): the app of a login as its owner has it in Meta's dashboard, checked and with its secret sealed.
#include <algorithm>

#include "platform/redact.hpp"
#include "postgres/apps.hpp"
#include "postgres/connection.hpp"
#include "postgres/identity.hpp"
#include "postgres/keyring.hpp"
#include "postgres/version_check.hpp"

namespace ig::pg {

namespace {

bool all_of(const std::string &text, bool (*good)(char)) { return std::all_of(text.begin(), text.end(), good); }

// https anywhere; http for a developer's own machine. Compared to the letter later, so nothing is normalised.
void check_address(const char *name, const std::string &uri)
{
    const bool visible = all_of(
        uri, [](char c) { return c > ' ' && c < 127 && c != '"' && c != '<' && c != '>' && c != '\\' && c != '#'; });
    const std::size_t host = uri.find("://") == std::string::npos ? uri.size() : uri.find("://") + 3;
    const std::string name_of_host = uri.substr(host, uri.find_first_of(":/?", host) - host);
    const bool own_machine = name_of_host == "localhost" || name_of_host == "127.0.0.1";
    const bool scheme = uri.rfind("https://", 0) == 0 || (uri.rfind("http://", 0) == 0 && own_machine);
    // A name before an @ would look like the host: nothing that Meta's dashboard accepts has one.
    if (!visible || !scheme || name_of_host.empty() || name_of_host.find('@') != std::string::npos || uri.size() > 2000)
        throw SqlError(invalid_parameter, std::string(name) + " \"" + platform::redact(uri) + "\" is malformed",
                       "It is an https:// address without fragment; http:// is accepted for localhost.");
}

std::vector<std::string> list_argument(FunctionCallInfo fcinfo, int index)
{
    return texts_argument(fcinfo, index).value_or(std::vector<std::string>());
}

void configure_app(FunctionCallInfo fcinfo)
{
    hide_query();
    require_same_version();
    if (!caller_is_admin())
        throw SqlError(insufficient_privilege, "permission denied: this needs membership in instagram_insights_admin",
                       "Ask a superuser for GRANT instagram_insights_admin TO your role.");
    const std::string app_id = text_argument(fcinfo, 0).value_or("");
    if (app_id.empty() || app_id.size() > 32 || !all_of(app_id, [](char c) { return c >= '0' && c <= '9'; }))
        throw SqlError(invalid_parameter, "the app id is malformed",
                       "Pass the number the app has in Meta's dashboard.");
    const Secret secret = fcinfo->args[1].isnull ? Secret() : secret_of_text(fcinfo->args[1].value);
    const std::string_view bytes = secret.expose();
    if (bytes.empty() || bytes.size() > 512 ||
        !std::all_of(bytes.begin(), bytes.end(), [](char c) { return c > ' ' && c < 127; }))
        throw SqlError(invalid_parameter, "the app secret is malformed",
                       "Pass it as Meta's dashboard shows it, without spaces or line ends.");
    const std::string login = text_argument(fcinfo, 2).value_or("facebook");
    check_login(login);
    const std::vector<std::string> uris = list_argument(fcinfo, 3);
    for (const std::string &uri : uris) check_address("redirect_uri", uri);
    const std::optional<std::vector<std::string>> scopes = texts_argument(fcinfo, 4);
    if (scopes)
        for (const std::string &scope : *scopes)
            if (scope.empty() ||
                !all_of(scope, [](char c) { return (c >= 'a' && c <= 'z') || c == '_' || (c >= '0' && c <= '9'); }))
                throw SqlError(invalid_parameter, "scope \"" + platform::redact(scope) + "\" is malformed",
                               "Scopes look like instagram_basic; leave them out for those that insights need.");
    if (text_argument(fcinfo, 5).value_or("instagram") != "instagram")
        throw SqlError(invalid_parameter, "the platform is not known", "Only instagram is supported.");
    const std::optional<std::string> deletion_url = text_argument(fcinfo, 6);
    if (deletion_url) check_address("deletion_url", *deletion_url);

    WorkerRole role;
    Sql sql;
    (void)sql.run("SELECT instagram_insights.ig_check_installation(stamp => true)");
    std::string sealed;
    try {
        sealed = key_vault(may_make_key(sql)).seal(secret, secret_place(login, app_id));
    } catch (const KeyUnavailable &failure) {
        throw SqlError(not_ready, failure.what(), failure.hint());
    }
    sql.run(
        "INSERT INTO instagram_insights.apps (platform, login, app_id, sealed_secret, redirect_uris, scopes, "
        "deletion_url)"
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
