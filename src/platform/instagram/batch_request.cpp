// Writes the form in one go into memory reserved for its longest size, so that no token is left behind by growing.
// Three encodings lie upon each other: the token percent-encoded for the URL of its item, that URL as a JSON string,
// the JSON percent-encoded for the form. URLs of ours and proofs hold nothing that JSON escapes, as they are
// percent-encoded already; so the middle one is the quotation marks alone.
#include "platform/instagram/batch_request.hpp"

#include <stdexcept>
#include <string>
#include <string_view>

#include "platform/instagram/requests.hpp"
#include "platform/oauth_form.hpp"
#include "platform/url.hpp"

namespace ig::platform::instagram {

namespace {

constexpr std::string_view before_url =
    "%7B%22method%22%3A%22GET%22%2C%22relative_url%22%3A%22";   // {"method":"GET",...
constexpr std::string_view inner_token = "%26access_token%3D";  // &access_token=
constexpr std::string_view inner_and = "%26";
constexpr std::string_view after_url = "%22%7D";  // "}
constexpr std::string_view list_begins = "batch=%5B";
constexpr std::string_view list_ends = "%5D&include_headers=true&access_token=";

void check(const std::vector<BatchItem> &items)
{
    if (items.size() < 2 || items.size() > most_in_batch)
        throw std::invalid_argument("a batch holds 2 to 50 queries, not " + std::to_string(items.size()));
    for (const BatchItem &item : items)
        if (item.query.login != Login::facebook)
            throw std::invalid_argument("a batch holds queries of the Facebook login only");
}

bool fits_json(std::string_view text) noexcept
{
    for (const char c : text)
        if (c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20) return false;
    return true;
}

// The part of a URL that follows the host, without the leading slash.
std::string relative_url(const Endpoints &relative, const InsightsQuery &query)
{
    std::string url = insights_url(relative, query);
    url.erase(0, url.find_first_not_of('/'));
    return url;
}

// At most so many bytes for a secret that is encoded twice, and for text that is encoded once.
constexpr std::size_t twice_encoded = 5;
constexpr std::size_t once_encoded = 3;

std::size_t longest(const BatchItem &item, const std::string &url) noexcept
{
    return before_url.size() + once_encoded * url.size() + inner_token.size() + twice_encoded * item.token.size() +
           inner_and.size() + once_encoded * item.proof.size() + after_url.size() + 3;
}

void append_item(std::string &form, const BatchItem &item, const std::string &url)
{
    form += before_url;
    append_percent_encoded(form, url);
    form += inner_token;
    append_twice_encoded(form, item.token.expose());
    if (!item.proof.empty()) {
        form += inner_and;
        append_percent_encoded(form, item.proof.expose());
    }
    form += after_url;
}

}  // namespace

HttpRequest batch_request(const Endpoints &endpoints, const std::vector<BatchItem> &items)
{
    check(items);
    Endpoints relative;
    relative.graph_url.clear();
    relative.api_version = endpoints.api_version;
    std::vector<std::string> urls;
    urls.reserve(items.size());
    const BatchItem &first = items.front();
    std::size_t size = list_begins.size() + list_ends.size();
    size += once_encoded * first.token.size() + 1 + first.proof.size();
    for (const BatchItem &item : items) {
        if (!fits_json(item.proof.expose())) throw std::invalid_argument("a proof is percent-encoded");
        urls.push_back(relative_url(relative, item.query));
        size += longest(item, urls.back());
    }

    WipedText form(size);
    form.text += list_begins;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) form.text += "%2C";
        append_item(form.text, items[i], urls[i]);
    }
    form.text += list_ends;
    append_percent_encoded(form.text, first.token.expose());
    if (!first.proof.empty()) form.text.append("&").append(first.proof.expose());

    HttpRequest request;
    request.method = HttpMethod::post;
    request.url = joined_path(endpoints.graph_url, {endpoints.api_version}) + "/";
    request.form = Secret(form.text);
    return request;
}

}  // namespace ig::platform::instagram
