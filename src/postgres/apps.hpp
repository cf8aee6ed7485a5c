// Apps as their owner configured them: loaded with the secret opened, used, and dropped again.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "platform/oauth.hpp"
#include "postgres/spi.hpp"
#include "vault/vault.hpp"

namespace ig::pg {

struct ConfiguredApp {
    platform::App app;
    std::vector<std::string> redirect_uris;
    std::optional<std::vector<std::string>> scopes;
    std::string deletion_url;
};

const char *login_text(platform::Login login) noexcept;
vault::Place secret_place(const std::string &login, const std::string &app_id);

// Run as the worker role. Nothing when no app of this login is configured; throws 55000 when its secret cannot be opened.
std::optional<ConfiguredApp> load_app(Sql &sql, platform::Login login);
// Throws 55000 with the statement that configures it when there is none.
ConfiguredApp require_app(Sql &sql, platform::Login login);
// Those of every login.
std::vector<ConfiguredApp> load_apps(Sql &sql);

platform::LoginEndpoints login_endpoints();

}  // namespace ig::pg
