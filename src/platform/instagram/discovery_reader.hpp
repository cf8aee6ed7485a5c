// Reads which professional accounts a token reaches.
#pragma once

#include "platform/json.hpp"
#include "platform/platform.hpp"

namespace ig::platform::instagram {

// Facebook login: a page of /me/accounts. Instagram login: the user node of /me, flat or wrapped in data[].
// No account and no failure is a true answer: none of the Pages seen has an Instagram account.
Discovery read_discovery(Login login, JsonView root);

}  // namespace ig::platform::instagram
