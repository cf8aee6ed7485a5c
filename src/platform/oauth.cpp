// The permissions, the address of the login dialog, and what the browser brings back from it.
#include "platform/oauth.hpp"

#include "platform/url.hpp"

namespace ig::platform {

// business_management is asked for, but not required: without it, Pages that belong to a business may stay hidden.
std::vector<std::string> default_scopes(Login login)
{
    std::vector<std::string> scopes = required_scopes(login);
    if (login == Login::facebook) scopes.emplace_back("business_management");
    return scopes;
}

std::vector<std::string> required_scopes(Login login)
{
    if (login == Login::facebook)
        return {"instagram_basic", "instagram_manage_insights", "pages_show_list", "pages_read_engagement"};
    return {"instagram_business_basic", "instagram_business_manage_insights"};
}

std::string authorize_url(const LoginEndpoints &endpoints, Login login, const std::string &app_id,
                          const std::string &redirect_uri, const std::vector<std::string> &scopes,
                          const std::string &state)
{
    std::string url = login == Login::facebook
                          ? joined_path(endpoints.facebook_dialog_url, {endpoints.api.api_version, "dialog", "oauth"})
                          : joined_path(endpoints.instagram_dialog_url, {"oauth", "authorize"});
    url += "?client_id=" + percent_encoded(app_id) + "&redirect_uri=" + percent_encoded(redirect_uri);
    url += "&response_type=code&scope=" + encoded_list(scopes.empty() ? default_scopes(login) : scopes);
    return url + "&state=" + percent_encoded(state);
}

// Instagram ends its redirect with "#_", Facebook with "#_=_"; who copies from the address bar brings it along, and
// white space too. None of these characters occurs in a code.
std::string_view trimmed_code(std::string_view code) noexcept
{
    constexpr std::string_view blank = " \t\r\n";
    const auto without_blanks = [&](std::string_view text) {
        const std::size_t begin = text.find_first_not_of(blank);
        if (begin == std::string_view::npos) return std::string_view();
        return text.substr(begin, text.find_last_not_of(blank) - begin + 1);
    };
    code = without_blanks(code);
    for (const std::string_view end : {std::string_view("#_=_"), std::string_view("#_")}) {
        if (code.size() >= end.size() && code.substr(code.size() - end.size()) == end) {
            code.remove_suffix(end.size());
            break;
        }
    }
    return code;
}

}  // namespace ig::platform
