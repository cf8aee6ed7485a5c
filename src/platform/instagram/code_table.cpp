// The rows of graph-api.md 4.2 in the order in which they are tried: special texts and subcodes before their code.
#include "platform/instagram/code_table.hpp"

#include <string>

#include "platform/text.hpp"

namespace ig::platform::instagram {

namespace {

using Kind = FailureKind;
using Reach = FailureReach;

constexpr int any = any_subcode;

constexpr std::string_view app_review =
    "The app lacks a capability: complete Meta's App Review for {scopes}, or give the user a role in the app.";
constexpr std::string_view visit_facebook =
    "The user must visit facebook.com and confirm the account there. Then connect it again with ig_authorize_url() and "
    "ig_connect().";
constexpr std::string_view three_causes =
    "One of three things: the account id is wrong or the account was deleted; the token's user has no role on it or "
    "{scopes} was not granted; or the account is not a professional one. Check the id, then connect the account again.";
constexpr std::string_view metric_refused =
    "The API of this version does not offer the metric for this account; it is left out and asked again after a week. "
    "Turn it off with instagram_insights.ig_set_metrics(). If the answer lists the metrics it allows, choose from "
    "those.";
constexpr std::string_view window_too_long = "Ask for at most 29 days in one window.";
constexpr std::string_view last_30_days =
    "The metric has no older history. Ask for days within the last 30 without today.";
constexpr std::string_view wrong_parameter =
    "Check the names of the metrics and the setting instagram_insights.api_version; report it if both are right.";
constexpr std::string_view secret_proof =
    "The app demands a proof with each call: store the secret of the token's app with ig_configure_app(), or switch "
    "off "
    "\"Require App Secret\" under the advanced settings of the app in Meta's App Dashboard.";
constexpr std::string_view new_version =
    "Set instagram_insights.api_version to a version that is alive, such as v25.0.";

constexpr CodeRule rules[] = {
    {0, 0, any, "requests in batch", Kind::invalid_request, Reach::request, false,
     "The API takes fewer queries at once than it did. Report it; asked one by one, they are answered."},
    {1, 1, any, "reduce the amount of data", Kind::transient, Reach::request, true,
     "Nothing needs to be done: the request is divided and asked again."},
    {1, 2, any, "", Kind::transient, Reach::request, true, hints::wait_and_see},
    {3, 3, any, "", Kind::permission, Reach::metrics, false, app_review},
    {4, 4, any, "", Kind::throttled, Reach::app, true, hints::slow_down},
    {10, 10, any, "not enough viewers", Kind::no_data, Reach::metrics, false,
     "Instagram shows these numbers only when enough people saw the content."},
    {10, 10, any, "", Kind::permission, Reach::metrics, false, hints::grant_scopes},
    {17, 17, any, "", Kind::throttled, Reach::account, true, hints::slow_down},
    {32, 32, any, "", Kind::throttled, Reach::account, true, hints::slow_down},

    {100, 100, 33, "", Kind::permission, Reach::account, false, three_causes},
    {100, 100, any, "object with id", Kind::permission, Reach::account, false, three_causes},
    {100, 100, any, "unsupported request", Kind::permission, Reach::account, false,
     "The user has no (tester) role in an app that is in development, or the token is one of the Basic Display API, "
     "which ended in 2024. Accept the role, then connect the account again."},
    {100, 100, 2108006, "", Kind::not_supported, Reach::metrics, false,
     "Content from before the account became a professional one has no insights, and never will."},
    {100, 100, 36007, "", Kind::needs_login, Reach::account, false, "The login code expired. Start the login again."},
    {100, 100, 36008, "", Kind::invalid_request, Reach::account, false,
     "The redirect URI differs from the one the login began with. Use the same one, byte for byte, and log in again."},
    {100, 100, 36009, "", Kind::needs_login, Reach::account, false, "The login code was used before. Log in again."},
    {100, 100, any, "appsecret_proof", Kind::invalid_request, Reach::account, false, secret_proof},
    {100, 100, any, "between since and until", Kind::invalid_request, Reach::request, false, window_too_long},
    // Not not_supported: the metric is alive, only these days of it are gone.
    {100, 100, any, "for the last 30 days", Kind::invalid_request, Reach::metrics, false, last_30_days},
    {100, 100, any, "metric_type=total_value", Kind::not_supported, Reach::metrics, false,
     "The metric no longer has a daily series: its metric_type must be total_value. Update the extension's metrics."},
    {100, 100, any, "metric[", Kind::not_supported, Reach::metrics, false, metric_refused},
    {100, 100, any, "metric must be one of", Kind::not_supported, Reach::metrics, false, metric_refused},
    {100, 100, any, "valid insights metric", Kind::not_supported, Reach::metrics, false, metric_refused},
    {100, 100, any, "no longer supported", Kind::not_supported, Reach::metrics, false, metric_refused},
    {100, 100, any, "not supported", Kind::not_supported, Reach::metrics, false, metric_refused},
    {100, 100, any, "does not support", Kind::not_supported, Reach::metrics, false, metric_refused},
    {100, 100, any, "", Kind::invalid_request, Reach::metrics, false, wrong_parameter},
    {102, 102, any, "", Kind::needs_login, Reach::account, false, hints::connect_again},
    {110, 110, any, "", Kind::invalid_request, Reach::account, false, three_causes},

    {190, 190, 458, "", Kind::needs_login, Reach::account, false,
     "The user removed the app. Connect the account again with ig_authorize_url() and ig_connect()."},
    {190, 190, 459, "", Kind::needs_login, Reach::account, false, visit_facebook},
    {190, 190, 460, "", Kind::needs_login, Reach::account, false,
     "The user changed the password. Connect the account again with ig_authorize_url() and ig_connect()."},
    {190, 190, 463, "", Kind::needs_login, Reach::account, false,
     "The token expired. Connect the account again with ig_authorize_url() and ig_connect()."},
    {190, 190, 464, "", Kind::needs_login, Reach::account, false, visit_facebook},
    {190, 190, 467, "", Kind::needs_login, Reach::account, false,
     "The user logged out or the token was revoked. Connect the account again with ig_authorize_url() and "
     "ig_connect()."},
    {190, 190, 492, "", Kind::needs_login, Reach::account, false,
     "The user has no role on the Facebook Page any more. Give the role back, then connect the account again."},
    {190, 190, 0, "expired", Kind::needs_login, Reach::account, false,
     "The token expired. Connect the account again with ig_authorize_url() and ig_connect()."},
    {190, 190, 0, "parse", Kind::needs_login, Reach::account, false,
     "What is stored is not a token of this login: it was cut, altered or made for the other host. Hand in the right "
     "one "
     "with ig_connect_token(), with login 'facebook' for EAA... and 'instagram' for IG... tokens."},
    {190, 190, 0, "malformed", Kind::needs_login, Reach::account, false,
     "What is stored is not a token of this login: it was cut, altered or made for the other host. Hand in the right "
     "one "
     "with ig_connect_token(), with login 'facebook' for EAA... and 'instagram' for IG... tokens."},
    {190, 190, any, "", Kind::needs_login, Reach::account, false, hints::connect_again},
    {200, 299, any, "", Kind::permission, Reach::metrics, false, hints::grant_scopes},

    {341, 341, any, "", Kind::throttled, Reach::app, true, hints::slow_down},
    {368, 368, any, "", Kind::permission, Reach::account, false,
     "Meta blocked the user for a while for policy reasons. The user sees why on instagram.com or facebook.com; the "
     "block "
     "ends by itself after hours or days."},
    // The flat shape of the code exchange: its code is the HTTP status.
    {400, 400, any, "code was not found", Kind::needs_login, Reach::account, false,
     "The login code is wrong or was used before. Log in again."},
    {506, 506, any, "", Kind::invalid_request, Reach::request, false, wrong_parameter},
    {613, 613, any, "", Kind::throttled, Reach::account, true, hints::slow_down},
    {803, 803, any, "", Kind::invalid_request, Reach::account, false, three_causes},
    {2500, 2500, any, "access token must be used", Kind::needs_login, Reach::account, false, hints::connect_again},
    {2500, 2500, any, "", Kind::invalid_request, Reach::request, false,
     "Check instagram_insights.graph_url, instagram_graph_url and api_version: the API does not know the path."},
    {2635, 2635, any, "", Kind::invalid_request, Reach::account, false, new_version},
    {9009, 9009, any, "", Kind::invalid_request, Reach::account, false, three_causes},
    {80000, 80099, any, "", Kind::throttled, Reach::account, true, hints::slow_down},
    {1609005, 1609005, any, "", Kind::invalid_request, Reach::request, false, wrong_parameter},
};

// Errors of publishing, under many codes (also 1 and 4): permanent, and none of our requests publishes.
constexpr CodeRule publishing = {0, 0, any, "", Kind::invalid_request, Reach::request, false, wrong_parameter};

}  // namespace

const CodeRule *find_rule(const ApiError &error) noexcept
{
    if (error.subcode / 1000 == 2207) return &publishing;
    for (const CodeRule &rule : rules) {
        if (error.code < rule.first || error.code > rule.last) continue;
        if (rule.subcode != any && rule.subcode != error.subcode) continue;
        if (find_ignoring_case(error.text, rule.words) != std::string_view::npos) return &rule;
    }
    return nullptr;
}

std::string hint_for(const CodeRule &rule, Login login)
{
    constexpr std::string_view place = "{scopes}";
    std::string hint(rule.hint);
    const std::size_t at = hint.find(place);
    if (at != std::string::npos) hint.replace(at, place.size(), scopes_of(login));
    return hint;
}

std::string_view scopes_of(Login login) noexcept
{
    return login == Login::facebook
               ? "instagram_basic, instagram_manage_insights, pages_show_list, pages_read_engagement"
               : "instagram_business_basic, instagram_business_manage_insights";
}

}  // namespace ig::platform::instagram
