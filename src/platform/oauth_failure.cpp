// The refusals of both logins. Their codes overlap with those of other calls and partly are the HTTP status alone, so
// that the subcode decides first and the text second; what neither knows keeps the judgement of the general table.
#include "platform/oauth_failure.hpp"

#include <string_view>
#include <utility>

#include "platform/instagram/api_error.hpp"
#include "platform/text.hpp"

namespace ig::platform {

namespace {

using Kind = FailureKind;
using Reach = FailureReach;

constexpr std::string_view code_used =
    "A login code works once, and this one is wrong or was used before. Begin again with ig_authorize_url() and hand "
    "the new code to ig_connect().";
constexpr std::string_view code_expired =
    "The login code expired. Begin again with ig_authorize_url() and hand the new code to ig_connect() at once.";
constexpr std::string_view code_wrong =
    "The login code is wrong or was cut: hand in the whole value of `code` as the browser brought it. If it was whole, "
    "begin again with ig_authorize_url().";
constexpr std::string_view redirect_differs =
    "The redirect URI must be the same, byte for byte, in ig_authorize_url(), in ig_configure_app() and under \"Valid "
    "OAuth Redirect URIs\" in Meta's App Dashboard. Mend it, then begin again with ig_authorize_url().";
constexpr std::string_view secret_wrong =
    "The app secret is not the one of this app id. Copy it from Meta's App Dashboard and store it with "
    "ig_configure_app(); the Instagram login has an app id and a secret of its own.";
constexpr std::string_view app_unknown =
    "This login does not know the app id. Copy it from Meta's App Dashboard and store it with ig_configure_app(); the "
    "Instagram login has an app id and a secret of its own.";
constexpr std::string_view other_app =
    "The token was made by another app than the one configured for this login. Connect the account again with "
    "ig_authorize_url() and ig_connect(), or configure the app that made it.";
constexpr std::string_view proof_missing =
    "The app demands appsecret_proof with each call. Store its secret with ig_configure_app().";
constexpr std::string_view token_young =
    "Nothing needs to be done: a token can be renewed when it is 24 hours old, and is tried again then.";

// One row: an error of this subcode, or one whose text holds `words`. Empty words belong to a subcode alone.
struct LoginRule {
    int subcode;
    std::string_view words;
    Kind kind;
    Reach reach;
    std::string_view hint;
};

constexpr LoginRule rules[] = {
    {36009, "already used", Kind::needs_login, Reach::account, code_used},
    {36009, "has been used", Kind::needs_login, Reach::account, code_used},
    {36009, "already been used", Kind::needs_login, Reach::account, code_used},
    {36007, "code has expired", Kind::needs_login, Reach::account, code_expired},
    {36007, "code expired", Kind::needs_login, Reach::account, code_expired},
    {36008, "redirect_uri", Kind::invalid_request, Reach::request, redirect_differs},
    {36008, "redirect uri", Kind::invalid_request, Reach::request, redirect_differs},
    {0, "verification code", Kind::needs_login, Reach::account, code_wrong},
    {0, "authorization code", Kind::needs_login, Reach::account, code_wrong},
    {0, "code was not found", Kind::needs_login, Reach::account, code_used},
    {0, "app access token", Kind::invalid_request, Reach::app, secret_wrong},
    {0, "client secret", Kind::invalid_request, Reach::app, secret_wrong},
    {0, "client_secret", Kind::invalid_request, Reach::app, secret_wrong},
    {0, "invalid appsecret_proof", Kind::invalid_request, Reach::app, secret_wrong},
    {0, "appsecret_proof", Kind::invalid_request, Reach::app, proof_missing},
    {0, "viewing app", Kind::invalid_request, Reach::account, other_app},
    {0, "validating application", Kind::invalid_request, Reach::app, app_unknown},
    {0, "invalid platform app", Kind::invalid_request, Reach::app, app_unknown},
    {0, "client_id", Kind::invalid_request, Reach::app, app_unknown},
    {0, "client id", Kind::invalid_request, Reach::app, app_unknown},
    {0, "app id", Kind::invalid_request, Reach::app, app_unknown},
};

// The text for a token that is not a day old yet is not documented.
constexpr std::string_view words_of_young_tokens[] = {"24 hours", "24h", "younger", "too young", "too new"};

const LoginRule *find_login_rule(const instagram::ApiError &error) noexcept
{
    for (const LoginRule &rule : rules)
        if (rule.subcode != 0 && rule.subcode == error.subcode) return &rule;
    for (const LoginRule &rule : rules)
        if (find_ignoring_case(error.text, rule.words) != std::string_view::npos) return &rule;
    return nullptr;
}

bool is_young_token(const instagram::ApiError &error) noexcept
{
    for (const std::string_view words : words_of_young_tokens)
        if (find_ignoring_case(error.text, words) != std::string_view::npos) return true;
    return false;
}

void judge(Failure &failure, const instagram::ApiError &error)
{
    // Its answer says when to come back; the texts below are not looked for in it.
    if (failure.kind == Kind::throttled) return;
    if (const LoginRule *rule = find_login_rule(error)) {
        failure.kind = rule->kind;
        failure.reach = rule->reach;
        failure.retry = false;
        failure.wait.reset();
        failure.hint = rule->hint;
    } else if (error.code == 101) {
        blame_app(failure);
    } else if ((failure.kind == Kind::needs_login || failure.kind == Kind::invalid_request) && is_young_token(error)) {
        failure.kind = Kind::transient;
        failure.reach = Reach::request;
        failure.retry = true;
        failure.wait = std::chrono::hours(24);
        failure.hint = token_young;
    } else if (failure.kind == Kind::invalid_request && (error.code == 100 || error.code == failure.http_status)) {
        // A parameter nobody named; in the flat shape the code is the HTTP status and says nothing more.
        failure.reach = Reach::request;
        failure.hint = "Check the app id, the app secret and the redirect URIs of ig_configure_app(), then begin again "
                       "with ig_authorize_url().";
    }
}

}  // namespace

instagram::Answer open_login_answer(Login login, const HttpResponse &response)
{
    instagram::Answer answer = instagram::open_answer(response, {login});
    if (!answer.failure || response.failure != TransportFailure::none) return answer;
    if (const auto error = instagram::find_api_error(response, answer.body.root())) judge(*answer.failure, *error);
    return answer;
}

Failure unreadable_login_answer(const HttpResponse &response, const std::string &why)
{
    Failure failure;
    failure.kind = Kind::malformed;
    failure.retry = true;
    failure.http_status = response.status;
    failure.message = "the answer to the login cannot be read: " + why;
    failure.hint = "Check the host settings and instagram_insights.api_version, then begin again with "
                   "ig_authorize_url().";
    return failure;
}

void blame_app(Failure &failure)
{
    failure.kind = Kind::invalid_request;
    failure.reach = Reach::app;
    failure.retry = false;
    failure.wait.reset();
    failure.hint = secret_wrong;
}

}  // namespace ig::platform
