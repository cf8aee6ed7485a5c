// Sets a curl handle up with our policy and one request, and gathers the answer within its limits.
#include "http/transfer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <type_traits>
#include <utility>

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed: an older one waits for a hanging name look-up when a transfer is cancelled"
#endif

namespace ig::http {

namespace {

using std::chrono::milliseconds;

// libcurl reads its arguments by option number, so their types must be exactly right.
template <class Value> bool set(CURL *easy, CURLoption option, Value value) noexcept
{
    static_assert(std::is_same_v<Value, long> || std::is_same_v<Value, curl_off_t> || std::is_pointer_v<Value>);
    return curl_easy_setopt(easy, option, value) == CURLE_OK;
}

// 0 would mean "for ever" to libcurl.
long limit(milliseconds duration) noexcept
{
    return static_cast<long>(std::clamp(duration, milliseconds{1}, milliseconds{std::chrono::hours{24}}).count());
}

// A text for libcurl that ends with a secret and the closing NUL, in memory that is wiped.
Secret ended_by_secret(std::string_view text, std::string_view secret)
{
    const std::size_t size = text.size() + secret.size() + 1;
    const std::unique_ptr<char[]> line = std::make_unique<char[]>(size);  // ends with NUL
    std::copy(text.begin(), text.end(), line.get());
    std::copy(secret.begin(), secret.end(), line.get() + text.size());
    Secret result;
    try {
        result = Secret(std::string_view(line.get(), size));
    } catch (...) {
        wipe_memory(line.get(), size);
        throw;
    }
    wipe_memory(line.get(), size);
    return result;
}

std::string_view trimmed(std::string_view text) noexcept
{
    const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

}  // namespace

Transfer::Transfer(TransferId id, HttpRequest request, Target target, std::shared_ptr<const ClientOptions> options)
    : id_(id), request_(std::move(request)), target_(std::move(target)), options_(std::move(options))
{
}

Transfer *Transfer::of(CURL *easy) noexcept
{
    char *self = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
    return reinterpret_cast<Transfer *>(self);
}

bool Transfer::bind(CURL *easy)
{
    easy_ = easy;
    bound_at_ = std::chrono::steady_clock::now();
    return set_policy() && set_request() && set_callbacks();
}

CURL *Transfer::release() noexcept
{
    count_out();
    CURL *const easy = std::exchange(easy_, nullptr);
    if (easy != nullptr) curl_easy_reset(easy);  // drops every pointer into this object
    authorization_.clear();
    request_.bearer.clear();
    request_.form.clear();
    request_.secret_query.clear();
    return easy;
}

void Transfer::count_in(std::size_t &connecting) noexcept
{
    connecting_ = &connecting;
    ++connecting;
}

void Transfer::count_out() noexcept
{
    if (connecting_ != nullptr) --*std::exchange(connecting_, nullptr);
}

// What holds for every request, whatever it is: no way around TLS, no redirect, nothing from the environment.
bool Transfer::set_policy()
{
    const ClientOptions &o = *options_;
    bool ok = set(easy_, CURLOPT_NOSIGNAL, 1L) && set(easy_, CURLOPT_QUICK_EXIT, 1L);
    ok = ok && set(easy_, CURLOPT_PROTOCOLS_STR, target_.plain ? "http" : "https");
    ok = ok && set(easy_, CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});  // the place to switch to HTTP/2
    ok = ok && set(easy_, CURLOPT_HTTP09_ALLOWED, 0L) && set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
    ok = ok && set(easy_, CURLOPT_PROXY, "") && set(easy_, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    ok = ok && set(easy_, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    ok = ok && set(easy_, CURLOPT_SSL_VERIFYPEER, 1L) && set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!o.ca_file.empty()) {
        // Without the second line the system's directory would be trusted as well.
        ok = ok && set(easy_, CURLOPT_CAINFO, o.ca_file.c_str());
        ok = ok && set(easy_, CURLOPT_CAPATH, static_cast<const char *>(nullptr));
    }
    // Parsing the authorities costs 20 ms, so they are kept; a file that was replaced counts after five minutes.
    ok = ok && set(easy_, CURLOPT_CA_CACHE_TIMEOUT, 300L);
    ok = ok && set(easy_, CURLOPT_CONNECTTIMEOUT_MS, limit(o.connect_timeout));
    ok = ok && set(easy_, CURLOPT_TIMEOUT_MS, limit(o.request_timeout));
    // on_body counts what comes out of the decompressor; this only lets an honest giant fail sooner.
    ok = ok && set(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");
    const std::size_t most = std::numeric_limits<curl_off_t>::max();
    ok = ok && set(easy_, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(std::min(o.max_response_bytes, most)));
    return ok && set(easy_, CURLOPT_USERAGENT, "instagram_insights");
}

bool Transfer::set_request()
{
    bool ok = set(easy_, CURLOPT_URL, request_.url.c_str()) && set_secret_query();
    header_lines_[0] = {expect_, nullptr};  // no "Expect: 100-continue", which costs a round trip
    if (!request_.bearer.empty()) {
        authorization_ = ended_by_secret("Authorization: Bearer ", request_.bearer.expose());
        request_.bearer.clear();
        // libcurl only reads the line; its interface just isn't const.
        header_lines_[1] = {const_cast<char *>(authorization_.expose().data()), nullptr};
        header_lines_[0].next = &header_lines_[1];
    }
    ok = ok && set(easy_, CURLOPT_HTTPHEADER, &header_lines_[0]);
    if (request_.method == HttpMethod::get) return ok && set(easy_, CURLOPT_HTTPGET, 1L);
    const std::string_view form = request_.form.expose();
    ok = ok && set(easy_, CURLOPT_POST, 1L);
    ok = ok && set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(form.size()));
    // Not copied: the bytes stay in the Secret. A null pointer would make libcurl ask a read callback.
    return ok && set(easy_, CURLOPT_POSTFIELDS, form.empty() ? "" : form.data());
}

// Of a URL libcurl makes many copies, parts and derived texts, of a request target just one; that one and the bytes it
// sends are out of our reach, and freed with the handle's reset in release().
bool Transfer::set_secret_query()
{
    if (request_.secret_query.empty()) return true;
    const char joint = target_.resource.find('?') == std::string::npos ? '?' : '&';
    const Secret resource = ended_by_secret(target_.resource + joint, request_.secret_query.expose());
    request_.secret_query.clear();
    return set(easy_, CURLOPT_REQUEST_TARGET, resource.expose().data());
}

bool Transfer::set_callbacks()
{
    void *const self = this;
    bool ok = set(easy_, CURLOPT_PRIVATE, self);
    ok = ok && set(easy_, CURLOPT_HEADERFUNCTION, &Transfer::on_header) && set(easy_, CURLOPT_HEADERDATA, self);
    ok = ok && set(easy_, CURLOPT_WRITEFUNCTION, &Transfer::on_body) && set(easy_, CURLOPT_WRITEDATA, self);
    ok = ok && set(easy_, CURLOPT_PREREQFUNCTION, &Transfer::on_connected) && set(easy_, CURLOPT_PREREQDATA, self);
    ok = ok && set(easy_, CURLOPT_OPENSOCKETFUNCTION, &Transfer::on_open_socket);
    return ok && set(easy_, CURLOPT_OPENSOCKETDATA, self);
}

int Transfer::on_connected(void *self, char *, char *, int, int) noexcept
{
    static_cast<Transfer *>(self)->count_out();
    return CURL_PREREQFUNC_OK;
}

// Sockets don't leak into programs that the host process starts; and a name such as localhost that leads
// elsewhere on this machine cannot carry plain http away.
curl_socket_t Transfer::on_open_socket(void *self, curlsocktype, curl_sockaddr *address) noexcept
{
    if (static_cast<Transfer *>(self)->target_.plain && !is_loopback_address(address->addr)) return CURL_SOCKET_BAD;
    return socket(address->family, address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, address->protocol);
}

std::size_t Transfer::on_body(char *data, std::size_t size, std::size_t count, void *self) noexcept
{
    Transfer &transfer = *static_cast<Transfer *>(self);
    const std::size_t bytes = size * count;
    if (bytes > transfer.options_->max_response_bytes - transfer.response_.body.size()) {
        transfer.abort_ = Abort::body_too_large;
        return 0;
    }
    try {
        transfer.response_.body.append(data, bytes);
        return bytes;
    } catch (...) {
        transfer.abort_ = Abort::out_of_memory;
        return 0;
    }
}

std::size_t Transfer::on_header(char *data, std::size_t size, std::size_t count, void *self) noexcept
{
    Transfer &transfer = *static_cast<Transfer *>(self);
    const std::size_t bytes = size * count;
    // Interim answers (1xx) and trailers count too: a server must not be able to send them for ever.
    if (bytes > transfer.options_->max_header_bytes - transfer.header_bytes_) {
        transfer.abort_ = Abort::headers_too_large;
        return 0;
    }
    transfer.header_bytes_ += bytes;
    try {
        transfer.take_header_line(std::string_view(data, bytes));
        return bytes;
    } catch (...) {
        transfer.abort_ = Abort::out_of_memory;
        return 0;
    }
}

void Transfer::take_header_line(std::string_view line)
{
    if (headers_ended_) return;  // a trailer
    if (line.substr(0, 5) == "HTTP/") {
        response_.headers.clear();  // those of an interim answer
        return;
    }
    const std::string_view text = trimmed(line);
    if (text.empty()) {
        long status = 0;
        curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
        headers_ended_ = status >= 200;
        return;
    }
    if (line.front() == ' ' || line.front() == '\t') {  // a folded line continues the one before
        if (!response_.headers.empty()) response_.headers.back().value.append(" ").append(text);
        return;
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) return;
    response_.headers.push_back(
        {std::string(trimmed(text.substr(0, colon))), std::string(trimmed(text.substr(colon + 1)))});
}

Ending Transfer::ending(CURLcode code) const noexcept
{
    const auto passed = [this](CURLINFO which) {
        curl_off_t moment = 0;
        return curl_easy_getinfo(easy_, which, &moment) == CURLE_OK && moment > 0;
    };
    Ending result;
    result.code = code;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &result.os_error);
    curl_easy_getinfo(easy_, CURLINFO_SSL_VERIFYRESULT, &result.verify_result);
    result.looked_up = passed(CURLINFO_NAMELOOKUP_TIME_T);
    long local_port = 0;  // CURLINFO_CONNECT_TIME_T stays 0 until the handshake is over, too
    curl_easy_getinfo(easy_, CURLINFO_LOCAL_PORT, &local_port);
    result.tcp_connected = local_port > 0;
    result.connected = passed(CURLINFO_PRETRANSFER_TIME_T);
    result.answer_begun = passed(CURLINFO_STARTTRANSFER_TIME_T);
    result.headers_ended = headers_ended_;
    if (abort_ == Abort::body_too_large) result.code = CURLE_FILESIZE_EXCEEDED;
    if (abort_ == Abort::headers_too_large) result.code = static_cast<CURLcode>(curle_too_large);
    if (abort_ == Abort::out_of_memory) {
        result.code = CURLE_OUT_OF_MEMORY;
        result.headers_ended = true;
    }
    // An interim answer alone is none, whatever this version of libcurl makes of an upgrade nobody asked for.
    if (result.code == CURLE_OK && !headers_ended_) result.code = CURLE_WEIRD_SERVER_REPLY;
    return result;
}

HttpResponse Transfer::finish(CURLcode code)
{
    const Explanation explanation = explain(ending(code), target_, *options_);
    HttpResponse response;
    if (explanation.failure == TransportFailure::none) {
        response = std::move(response_);
        long status = 0;
        curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
        response.status = static_cast<int>(status);
    } else {
        response.failure = explanation.failure;
        response.failure_text = explanation.text;
    }
    response.elapsed = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - bound_at_);
    return response;
}

}  // namespace ig::http
