// Takes a secret we sent out of what came back: redact() knows tokens by their looks only, we know this one.
#pragma once

#include <initializer_list>
#include <string>

#include "platform/oauth.hpp"
#include "vault/secret.hpp"

namespace ig::pg {

// Replaces the secret wherever the body repeats it, also with the slashes of JSON escaped. To be done before anything is read
// from the body: what is cut to length afterwards could end within it.
void hide_known_secret(std::string &body, const Secret &secret);

// Reads a token out of an answer and wipes the body, which holds it in clear. A refusal does not repeat what was `sent`; a
// token that is granted may be the one that was sent.
platform::TokenAnswer take_token(platform::Login login, HttpResponse response,
                                 std::initializer_list<const Secret *> sent = {});

}  // namespace ig::pg
