// Reads and judges URLs: https anywhere, http to this machine alone, no credentials, nothing unprintable.
#include "http/target.hpp"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>
#include <string_view>

#include "http/client.hpp"

namespace ig::http {

namespace {

constexpr std::size_t max_url_bytes = 64u << 10;
constexpr std::size_t max_host_bytes = 255;

struct UrlDeleter {
    void operator()(CURLU *url) const noexcept { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

struct CurlStringDeleter {
    void operator()(char *text) const noexcept { curl_free(text); }
};

std::optional<std::string> part(CURLU *url, CURLUPart which)
{
    char *text = nullptr;
    if (curl_url_get(url, which, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return std::nullopt;
    const std::unique_ptr<char, CurlStringDeleter> owner(text);
    return std::string(text);
}

std::string lower_case(std::string text)
{
    for (char &c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

bool is_plain_text(const std::string &url) noexcept
{
    for (const char c : url) {
        if (c <= 0x20 || c >= 0x7f || c == '\\') return false;
    }
    return true;
}

bool is_loopback_ipv6(const in6_addr &address) noexcept
{
    return std::memcmp(&address, &in6addr_loopback, sizeof address) == 0;
}

bool is_loopback_ipv4(const in_addr &address) noexcept { return (ntohl(address.s_addr) >> 24) == 127; }

// The parser has already brought spellings such as 127.1 or 0x7f000001 into dotted form.
bool is_loopback_host(const std::string &host)
{
    if (lower_case(host) == "localhost") return true;
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        in6_addr address{};
        return inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address) == 1 && is_loopback_ipv6(address);
    }
    in_addr address{};
    return inet_pton(AF_INET, host.c_str(), &address) == 1 && is_loopback_ipv4(address);
}

}  // namespace

std::string Target::origin() const { return (plain ? "http://" : "https://") + lower_case(host) + ":" + port; }

std::optional<Target> read_target(const std::string &url, std::string &reason)
{
    if (url.size() > max_url_bytes) {
        reason = "the URL is longer than " + std::to_string(max_url_bytes) + " bytes";
        return std::nullopt;
    }
    if (!is_plain_text(url)) {
        reason = "the URL holds a character that is not allowed in one";
        return std::nullopt;
    }
    const Url parsed(curl_url());
    if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
        reason = "the URL is not a valid https address";
        return std::nullopt;
    }
    const auto scheme = part(parsed.get(), CURLUPART_SCHEME);
    const auto host = part(parsed.get(), CURLUPART_HOST);
    const auto port = part(parsed.get(), CURLUPART_PORT);
    if (!scheme || (*scheme != "https" && *scheme != "http")) {
        reason = "only https is allowed";
        return std::nullopt;
    }
    // The parser has decoded what was percent-encoded in it.
    if (!host || host->empty() || !is_plain_text(*host) || host->size() > max_host_bytes || !port) {
        reason = "the URL names no valid host";
        return std::nullopt;
    }
    if (part(parsed.get(), CURLUPART_USER) || part(parsed.get(), CURLUPART_PASSWORD)) {
        reason = "a URL with a user name or password is not allowed";
        return std::nullopt;
    }
    Target target{*host, *port, *scheme == "http", part(parsed.get(), CURLUPART_PATH).value_or("/")};
    const std::string query = part(parsed.get(), CURLUPART_QUERY).value_or("");
    if (!query.empty()) target.resource += "?" + query;
    if (target.plain && (!is_loopback_host(target.host) || part(parsed.get(), CURLUPART_ZONEID))) {
        reason = "plain http is allowed to this machine only, not to " + target.host + "; use https";
        return std::nullopt;
    }
    return target;
}

bool is_loopback_address(const sockaddr &address) noexcept
{
    if (address.sa_family == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address, sizeof v4);
        return is_loopback_ipv4(v4.sin_addr);
    }
    if (address.sa_family == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &address, sizeof v6);
        return is_loopback_ipv6(v6.sin6_addr);
    }
    return false;
}

bool url_is_allowed(const std::string &url) noexcept
{
    try {
        std::string reason;
        return read_target(url, reason).has_value();
    } catch (...) {
        return false;
    }
}

}  // namespace ig::http
