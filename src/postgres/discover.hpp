// Which accounts a token reaches, asked in the calling backend.
#pragma once

#include <vector>

#include "platform/platform.hpp"
#include "vault/secret.hpp"

namespace ig::pg {

// All professional accounts of the token, every page walked. Throws SqlError 28000 when the login is refused or no account
// is found, 55000 when the API cannot be reached within instagram_insights.fetch_timeout.
std::vector<platform::DiscoveredAccount> discover_accounts(platform::Login login, const Secret &token);

}  // namespace ig::pg
