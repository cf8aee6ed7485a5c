// Plays browser and client of both logins for the self-tests.
#include "self_test_login.hpp"

#include "call.hpp"

namespace ig::sandbox {

bool contains(const std::string &text, const std::string &part) { return text.find(part) != std::string::npos; }

std::string member_of(const std::string &json, const std::string &name)
{
    const std::string begin = "\"" + name + "\":\"";
    const std::size_t at = json.find(begin);
    if (at == std::string::npos) return {};
    std::string text;
    for (std::size_t i = at + begin.size(); i < json.size() && json[i] != '"'; ++i) {
        if (json[i] != '\\') text += json[i];
    }
    return text;
}

std::string encoded(const std::string &text) { return percent_encode(text); }

void WithLogins::SetUp()
{
    const std::string uris = std::string(R"("redirect_uris":[")") + redirect_uri + R"(","https://app.example/other"])";
    ASSERT_EQ(sandbox
                  .control("/apps", std::string(R"([{"app_id":")") + facebook_app + R"(","secret":")" +
                                        facebook_secret + R"(","login":"facebook",)" + uris + R"(},{"app_id":")" +
                                        instagram_app + R"(","secret":")" + instagram_secret +
                                        R"(","login":"instagram",)" + uris + "}]")
                  .status,
              200);
    ASSERT_EQ(sandbox
                  .control("/persons", std::string(R"([{"user_id":")") + facebook_user +
                                           R"(","name":"Ada","accounts":["17841400000000001","17841400000000003"]},
                       {"user_id":")" + instagram_user +
                                           R"(","accounts":["17841400000000002"]}])")
                  .status,
              200);
}

Reply WithLogins::post_form(const std::string &target, const std::string &form) const
{
    Ask ask;
    ask.url = sandbox.https(target);
    ask.ca_file = sandbox.ca_file();
    ask.body = form;
    return fetch(ask);
}

std::string WithLogins::dialog(bool instagram, const std::string &more) const
{
    const std::string target =
        instagram ? std::string("/oauth/authorize?client_id=") + instagram_app +
                        "&scope=instagram_business_basic,instagram_business_manage_insights"
                  : std::string("/v25.0/dialog/oauth?client_id=") + facebook_app +
                        "&scope=instagram_basic,instagram_manage_insights,pages_show_list,pages_read_engagement";
    const Reply reply = get(target + "&response_type=code&redirect_uri=" + encoded(redirect_uri) + more);
    EXPECT_EQ(reply.status, 302) << reply.body;
    const std::size_t at = reply.head.find("Location: ");
    if (at == std::string::npos) return {};
    return reply.head.substr(at + 10, reply.head.find("\r\n", at) - at - 10);
}

std::string WithLogins::code(bool instagram) const
{
    const std::string url = dialog(instagram);
    const std::size_t at = url.find("&code=");
    return at == std::string::npos ? "" : url.substr(at + 6, url.find('&', at + 6) - at - 6);
}

Reply WithLogins::exchange(bool instagram, const std::string &code, const std::string &secret, const std::string &uri,
                           const std::string &app) const
{
    const std::string own_secret = instagram ? instagram_secret : facebook_secret;
    const std::string own_app = instagram ? instagram_app : facebook_app;
    const std::string fields = "client_id=" + (app.empty() ? own_app : app) +
                               "&client_secret=" + (secret.empty() ? own_secret : secret) +
                               "&redirect_uri=" + encoded(uri.empty() ? redirect_uri : uri) + "&code=" + encoded(code);
    if (instagram) return post_form("/oauth/access_token", fields + "&grant_type=authorization_code");
    return get("/v25.0/oauth/access_token?" + fields);
}

Reply WithLogins::fb_exchange(const std::string &token, const std::string &secret) const
{
    return get(std::string("/v25.0/oauth/access_token?grant_type=fb_exchange_token&client_id=") + facebook_app +
               "&client_secret=" + secret + "&fb_exchange_token=" + token);
}

Reply WithLogins::ig_exchange(const std::string &token, const std::string &secret) const
{
    return get("/access_token?grant_type=ig_exchange_token&client_secret=" + secret + "&access_token=" + token);
}

Reply WithLogins::ig_refresh(const std::string &token) const
{
    return get("/refresh_access_token?grant_type=ig_refresh_token&access_token=" + token);
}

Reply WithLogins::debug(const std::string &token, const std::string &secret) const
{
    return get("/v25.0/debug_token?input_token=" + token + "&access_token=" + facebook_app + encoded("|" + secret));
}

std::string WithLogins::short_token(bool instagram) const
{
    return member_of(exchange(instagram, code(instagram)).body, "access_token");
}

std::string WithLogins::long_token(bool instagram) const
{
    const std::string brief = short_token(instagram);
    return member_of((instagram ? ig_exchange(brief) : fb_exchange(brief)).body, "access_token");
}

void WithLogins::advance(const std::string &seconds) const
{
    EXPECT_EQ(sandbox.control("/clock", "{\"advance_seconds\":" + seconds + "}").status, 200);
}

}  // namespace ig::sandbox
