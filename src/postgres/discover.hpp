// Which accounts a token reaches, asked in the calling backend.
#pragma once

#include <vector>

#include "platform/oauth.hpp"
#include "platform/platform.hpp"
#include "postgres/one_call.hpp"
#include "vault/secret.hpp"

namespace ig::pg {

// All professional accounts of the token, every page walked; with appsecret_proof if there is an app. Throws SqlError 28000
// when the login is refused or no account is found, 55000 when the API cannot be reached in time.
std::vector<platform::DiscoveredAccount> discover_accounts(Caller &caller, platform::Login login, const Secret &token,
                                                           const platform::App *app);

// Throws what a failed call of a login means: 28000 when the person or the app must act, 55000 when trying again may help.
[[noreturn]] void refuse_login(const platform::Failure &failure);

}  // namespace ig::pg
