// Implements loading apps.
#include "postgres/apps.hpp"

#include "postgres/account_state.hpp"
#include "postgres/keyring.hpp"
#include "postgres/settings.hpp"

namespace ig::pg {

const char *login_text(platform::Login login) noexcept
{
    return login == platform::Login::facebook ? "facebook" : "instagram";
}

vault::Place secret_place(const std::string &login, const std::string &app_id)
{
    return vault::Place{"", "instagram", login + ":" + app_id, "app_secret"};
}

namespace {

// Only the app of this login if one is named, so that an unreadable secret of the other does not matter.
std::vector<ConfiguredApp> read_apps(Sql &sql, const Field &login)
{
    const Rows rows =
        sql.run("SELECT a.login, a.app_id, pg_catalog.encode(a.sealed_secret, 'hex'), a.deletion_url,"
                "       pg_catalog.array_to_string(a.redirect_uris, ' '), pg_catalog.array_to_string(a.scopes, ' ')"
                "  FROM instagram_insights.apps a WHERE a.platform = 'instagram' AND ($1 IS NULL OR a.login = $1) "
                "ORDER BY a.login",
                Params().text(login));
    const auto words = [](const std::string &text) {
        std::vector<std::string> list;
        std::size_t begin = 0;
        while (begin < text.size()) {
            const std::size_t end = std::min(text.find(' ', begin), text.size());
            if (end > begin) list.push_back(text.substr(begin, end - begin));
            begin = end + 1;
        }
        return list;
    };
    std::vector<ConfiguredApp> apps;
    for (const std::vector<Field> &row : rows) {
        ConfiguredApp configured;
        configured.app.login = parse_login(row[0].value());
        configured.app.app_id = row[1].value();
        try {
            configured.app.secret =
                open_token(from_hex(row[2].value()), secret_place(row[0].value(), configured.app.app_id));
        } catch (const vault::OpenFailure &failure) {
            throw SqlError(not_ready,
                           "the secret of app " + configured.app.app_id + " cannot be opened: " + failure.what(),
                           "Put the key that sealed it back, or configure the app again with "
                           "instagram_insights.ig_configure_app().");
        } catch (const KeyUnavailable &failure) {
            throw SqlError(not_ready, failure.what(), failure.hint());
        }
        configured.deletion_url = row[3].value_or("");
        configured.redirect_uris = words(row[4].value_or(""));
        if (row[5]) configured.scopes = words(*row[5]);
        apps.push_back(std::move(configured));
    }
    return apps;
}

}  // namespace

std::vector<ConfiguredApp> load_apps(Sql &sql) { return read_apps(sql, Field()); }

std::optional<ConfiguredApp> load_app(Sql &sql, platform::Login login)
{
    std::vector<ConfiguredApp> apps = read_apps(sql, Field(login_text(login)));
    if (apps.empty()) return std::nullopt;
    return std::move(apps.front());
}

ConfiguredApp require_app(Sql &sql, platform::Login login)
{
    std::optional<ConfiguredApp> app = load_app(sql, login);
    if (!app)
        throw SqlError(not_ready, std::string("no app is configured for the ") + login_text(login) + " login",
                       std::string("As a member of instagram_insights_admin: SELECT "
                                   "instagram_insights.ig_configure_app(app_id, app_secret, login => '") +
                           login_text(login) + "', redirect_uris => ARRAY['https://...']).");
    return std::move(*app);
}

platform::LoginEndpoints login_endpoints()
{
    platform::LoginEndpoints result;
    result.api = endpoints();
    result.instagram_login_url = settings.instagram_login_url;
    result.facebook_dialog_url = settings.facebook_dialog_url;
    result.instagram_dialog_url = settings.instagram_dialog_url;
    return result;
}

}  // namespace ig::pg
