// Logging in and keeping a token alive: requests of both logins and what their answers say (graph-api.md 3). No I/O.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "platform/failure.hpp"
#include "platform/platform.hpp"

namespace ig::platform {

// Hosts of the logins beside those of the API.
struct LoginEndpoints {
    Endpoints api;
    std::string instagram_login_url = "https://api.instagram.com";
    std::string facebook_dialog_url = "https://www.facebook.com";
    std::string instagram_dialog_url = "https://www.instagram.com";
};

// An app as its owner configured it.
struct App {
    std::string app_id;
    Secret secret;
    Login login = Login::facebook;
};

// A token from an exchange or a refresh.
struct TokenAnswer {
    Secret token;
    std::optional<std::chrono::seconds> expires_in;  // not said: the caller assumes 60 days for a long token
    std::string user_id;                             // Meta's app-scoped user, if the answer names it
    std::vector<std::string> permissions;            // if the answer lists them
    std::optional<Failure> failure;
};

struct PermissionsAnswer {
    std::vector<std::string> granted;
    std::vector<std::string> declined;  // declined or expired
    std::optional<Failure> failure;
};

// Who the token belongs to, in Meta's app-scoped ids: what the deauthorize and deletion callbacks name.
struct IdentityAnswer {
    std::string user_id;
    std::optional<Failure> failure;
};

// debug_token (graph-api.md 3.1).
struct TokenDebug {
    bool valid = false;
    std::string type;                   // USER, PAGE, SYSTEM_USER, ...
    std::optional<Instant> expires_at;  // nothing: never
    std::optional<Instant> issued_at;
    std::optional<Instant> data_access_expires_at;
    std::vector<std::string> scopes;
    std::string user_id;
    std::optional<Failure> failure;
};

// The permissions insights need (graph-api.md 1.1, 3): those to ask for when an app names none, and those without which
// nothing works.
std::vector<std::string> default_scopes(Login login);
std::vector<std::string> required_scopes(Login login);

// The address to send the browser to. `state` is part of it by the protocol's nature; nothing else secret is.
std::string authorize_url(const LoginEndpoints &endpoints, Login login, const std::string &app_id,
                          const std::string &redirect_uri, const std::vector<std::string> &scopes,
                          const std::string &state);

// A code as the browser brings it: without a trailing "#_" (graph-api.md 3.2).
std::string_view trimmed_code(std::string_view code) noexcept;

// appsecret_proof for a token (graph-api.md 3.3), as "appsecret_proof=<hex>"; empty for an app without a secret.
Secret proof_query(std::string_view app_secret, std::string_view token);

HttpRequest code_exchange_request(const LoginEndpoints &endpoints, const App &app, const Secret &code,
                                  const std::string &redirect_uri);
HttpRequest long_token_request(const LoginEndpoints &endpoints, const App &app, const Secret &short_token);
// Facebook: exchanged again, needs the secret. Instagram: refreshed, needs none.
HttpRequest refresh_request(const LoginEndpoints &endpoints, const App &app, const Secret &token);
HttpRequest permissions_request(const LoginEndpoints &endpoints, const App &app, const Secret &token);  // Facebook only
HttpRequest identity_request(const LoginEndpoints &endpoints, const App &app, const Secret &token);
HttpRequest debug_token_request(const LoginEndpoints &endpoints, const App &app, const Secret &token);  // Facebook only

// Readers of any answer, transport failures included; they never throw for what came from outside.
TokenAnswer read_token_answer(Login login, const HttpResponse &response);
PermissionsAnswer read_permissions(const HttpResponse &response);
IdentityAnswer read_identity(Login login, const HttpResponse &response);
TokenDebug read_token_debug(const HttpResponse &response);

// Meta's signed_request (callbacks): base64url signature "." base64url JSON, HMAC-SHA256 with the app's secret.
struct SignedRequest {
    std::string user_id;
    std::optional<Instant> issued_at;
};
// Nothing unless the signature is right for this secret, compared in constant time, and the payload names a user.
std::optional<SignedRequest> read_signed_request(std::string_view signed_request, std::string_view app_secret);

}  // namespace ig::platform
