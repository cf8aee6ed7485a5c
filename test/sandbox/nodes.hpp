// The nodes: the Instagram user, the Facebook user behind /me, a page, and the list /me/accounts.
#pragma once

#include "world.hpp"

namespace ig::sandbox {

// GET /{ig-user-id}, and /me on the Instagram host. Throws Refused.
Answer answer_user(const World &world, const Call &call, const Account &account);
// GET /me on the Facebook host.
Answer answer_me(const Call &call, const Token &token);
// GET /{page-id}.
Answer answer_page(const World &world, const Call &call, const Account &account, const Token &token);
// GET /me/accounts.
Answer answer_me_accounts(const World &world, const Call &call, const Token &token);

}  // namespace ig::sandbox
