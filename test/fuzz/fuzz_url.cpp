// Any bytes as a URL or a part of one: only https or this machine is ever called, and no part gets out of its place.
#include <cstddef>
#include <cstdint>
#include <string>

#include "http/client.hpp"
#include "http/target.hpp"
#include "platform/oauth.hpp"
#include "platform/url.hpp"
#include "require.hpp"

namespace {

using namespace ig::platform;

std::string decoded(std::string_view text)
{
    const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'A' + 10; };
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%') {
            plain += text[i];
            continue;
        }
        require(i + 2 < text.size());
        plain += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
    }
    return plain;
}

void check_encoding(const std::string &text)
{
    const std::string encoded = percent_encoded(text);
    require(encoded.find_first_of("/?#&=@: ,+\"\\\n") == std::string::npos && decoded(encoded) == text);
    std::string twice;
    append_twice_encoded(twice, text);
    require(twice == percent_encoded(encoded));
    require(encoded_list({text, text}) == encoded + "," + encoded);
}

void check_path(const std::string &text)
{
    const std::string url = joined_path("https://graph.facebook.com/", {"v25.0", text, "insights"}) + "?period=day";
    require(url.find("/../") == std::string::npos && url.find("/./") == std::string::npos);
    std::string reason;
    const auto target = ig::http::read_target(url, reason);
    if (url.size() > 60000) return;
    require(target && target->host == "graph.facebook.com" && target->port == "443" && !target->plain);
    require(target->resource ==
            (text.empty() ? "/v25.0/insights?period=day" : "/v25.0/" + url.substr(url.find("v25.0/") + 6)));
}

void check_target(const std::string &text)
{
    std::string reason;
    const auto target = ig::http::read_target(text, reason);
    require(target.has_value() == ig::http::url_is_allowed(text));
    if (!target) {
        require(!reason.empty() && reason.size() < 400 && reason.find('\n') == std::string::npos);
        return;
    }
    require(reason.empty() && !target->host.empty() && !target->port.empty());
    require(target->resource.front() == '/' && target->resource.find_first_of(" \r\n\t#") == std::string::npos);
    require(target->host.find_first_of("@/?#\\ ") == std::string::npos);
    // What is asked of that host is one host for every reader: the parts put together again lead there too.
    const std::string again = target->origin() + target->resource;
    const auto same = ig::http::read_target(again, reason);
    require(same && same->origin() == target->origin() && same->resource == target->resource);
    const auto elsewhere = ig::http::read_target("http://" + target->name() + target->resource, reason);
    require(elsewhere.has_value() || !target->plain);
}

// code and state as a browser brings them, never seen outside of their parameters.
void check_login(const std::string &text)
{
    const std::string_view code = trimmed_code(text);
    require(text.find(code) != std::string::npos && (code.empty() || code.front() != ' '));
    const std::string url =
        authorize_url({}, Login::facebook, "1234567890", "https://app.example.org/back", {"instagram_basic"}, text);
    require(url.substr(0, 25) == "https://www.facebook.com/" && url.find_first_of(" \r\n#") == std::string::npos);
    require(url.find(percent_encoded(text)) != std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char *>(data), size);
    check_encoding(text);
    check_path(text);
    check_target(text);
    check_target("https://" + text);
    check_target("http://localhost" + text);
    check_login(text);
    return 0;
}
