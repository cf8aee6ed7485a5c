// The login's own routes: dialogs, code exchange, long tokens, refresh, debug_token, /me/permissions (graph-api.md 3).
#pragma once

#include "errors.hpp"
#include "world.hpp"

namespace ig::sandbox {

// Names the login's route and host flavour of a call; false if it is none of them.
bool locate_login(const World &world, Call &call);
// A secret where the API does not demand one: in the URL.
bool has_misplaced_secret(const Call &call);
// The app whose budget a call uses: its id, or the login's name while there is no app.
std::string app_key(const World &world, const Call &call);

// The answers; they throw Refused. The dialogs answer browsers: 302, or 400 and a page.
Answer answer_dialog(World &world, const Call &call);
Answer answer_code_exchange(World &world, const Call &call);
Answer answer_fb_exchange_token(World &world, const Call &call);
Answer answer_ig_exchange_token(World &world, const Call &call);
Answer answer_ig_refresh_token(World &world, const Call &call);
Answer answer_debug_token(const World &world, const Call &call);
Answer answer_permissions(const Token &token);

// The token of an ordinary call, if it lives, brings the proof its app wants, and may do this. Throws Refused.
const Token &authenticate(World &world, const Call &call);

// Registers a new token like `token` (and for Facebook its page tokens), issued now; returns its text.
std::string issue_token(World &world, Token token, Flavour login, std::optional<Moment> expires_at);

}  // namespace ig::sandbox
