// The requests of both logins: what is secret goes into wiped memory, never into the URL's own text.
#include "platform/oauth.hpp"

#include <utility>

#include "platform/oauth_form.hpp"
#include "platform/url.hpp"
#include "vault/hmac.hpp"

namespace ig::platform {

namespace {

std::string graph_url(const LoginEndpoints &endpoints, std::initializer_list<std::string_view> path)
{
    return joined_path(joined_path(endpoints.api.graph_url, {endpoints.api.api_version}), path);
}

HttpRequest get(std::string url, Secret secret_query)
{
    HttpRequest request;
    request.url = std::move(url);
    request.secret_query = std::move(secret_query);
    return request;
}

// A call in the name of the token's owner.
HttpRequest get_as(std::string url, const App &app, const Secret &token)
{
    HttpRequest request = get(std::move(url), proof_query(app.secret.expose(), token.expose()));
    request.bearer = token.clone();
    return request;
}

// Facebook has one exchange for both: a short token to a long one, and a long one to a fresh one.
HttpRequest facebook_exchange(const LoginEndpoints &endpoints, const App &app, const Secret &token)
{
    return get(graph_url(endpoints, {"oauth", "access_token"}) +
                   "?grant_type=fb_exchange_token&client_id=" + percent_encoded(app.app_id),
               encoded_form({{"client_secret", app.secret.expose()}, {"fb_exchange_token", token.expose()}}));
}

}  // namespace

Secret proof_query(std::string_view app_secret, std::string_view token)
{
    if (app_secret.empty() || token.empty()) return Secret();
    std::string proof = vault::hex(vault::hmac_sha256(app_secret, token));
    Secret query = encoded_form({{"appsecret_proof", proof}});
    wipe_memory(proof.data(), proof.size());
    return query;
}

HttpRequest code_exchange_request(const LoginEndpoints &endpoints, const App &app, const Secret &code,
                                  const std::string &redirect_uri)
{
    const std::string_view trimmed = trimmed_code(code.expose());
    if (app.login == Login::facebook)
        return get(graph_url(endpoints, {"oauth", "access_token"}) + "?client_id=" + percent_encoded(app.app_id) +
                       "&redirect_uri=" + percent_encoded(redirect_uri),
                   encoded_form({{"client_secret", app.secret.expose()}, {"code", trimmed}}));
    HttpRequest request;
    request.method = HttpMethod::post;
    request.url = joined_path(endpoints.instagram_login_url, {"oauth", "access_token"});
    request.form = encoded_form({{"client_id", app.app_id},
                                 {"client_secret", app.secret.expose()},
                                 {"grant_type", "authorization_code"},
                                 {"redirect_uri", redirect_uri},
                                 {"code", trimmed}});
    return request;
}

HttpRequest long_token_request(const LoginEndpoints &endpoints, const App &app, const Secret &short_token)
{
    if (app.login == Login::facebook) return facebook_exchange(endpoints, app, short_token);
    return get(joined_path(endpoints.api.instagram_graph_url, {"access_token"}) + "?grant_type=ig_exchange_token",
               encoded_form({{"client_secret", app.secret.expose()}, {"access_token", short_token.expose()}}));
}

HttpRequest refresh_request(const LoginEndpoints &endpoints, const App &app, const Secret &token)
{
    if (app.login == Login::facebook) return facebook_exchange(endpoints, app, token);
    return get(joined_path(endpoints.api.instagram_graph_url, {"refresh_access_token"}) +
                   "?grant_type=ig_refresh_token",
               encoded_form({{"access_token", token.expose()}}));
}

HttpRequest permissions_request(const LoginEndpoints &endpoints, const App &app, const Secret &token)
{
    return get_as(graph_url(endpoints, {"me", "permissions"}), app, token);
}

HttpRequest identity_request(const LoginEndpoints &endpoints, const App &app, const Secret &token)
{
    if (app.login == Login::facebook) return get_as(graph_url(endpoints, {"me"}) + "?fields=id", app, token);
    return get_as(joined_path(endpoints.api.instagram_graph_url, {endpoints.api.api_version, "me"}) +
                      "?fields=user_id,id",
                  app, token);
}

HttpRequest debug_token_request(const LoginEndpoints &endpoints, const App &app, const Secret &token)
{
    WipedText app_token(app.app_id.size() + 1 + app.secret.size());
    app_token.text += app.app_id;
    app_token.text += '|';
    app_token.text += app.secret.expose();
    return get(graph_url(endpoints, {"debug_token"}),
               encoded_form({{"input_token", token.expose()}, {"access_token", app_token.text}}));
}

}  // namespace ig::platform
