// Prepares what is sent, and gathers the answer within its limits.
#include "http/transfer.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace ig::http {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t usual_headers = 16;

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

int local_port_of(curl_socket_t socket) noexcept
{
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    if (getsockname(socket, reinterpret_cast<sockaddr *>(&address), &size) != 0) return 0;
    if (address.ss_family != AF_INET && address.ss_family != AF_INET6) return 0;
    in_port_t port = 0;  // at the same place in both kinds
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    std::memcpy(&port, reinterpret_cast<const char *>(&address) + offsetof(sockaddr_in, sin_port), sizeof port);
    return ntohs(port);
}

}  // namespace

Transfer::Transfer(TransferId id, HttpRequest request, Target target, std::shared_ptr<const Policy> policy,
                   Origin &origin)
    : id_(id), request_(std::move(request)), target_(std::move(target)), policy_(std::move(policy)), origin_(origin)
{
}

bool Transfer::may_share() const noexcept
{
    return policy_->options.http2 && !target_.plain && request_.method == HttpMethod::get;
}

void Transfer::begin()
{
    begun_at_ = std::chrono::steady_clock::now();
    if (request_.bearer.empty()) return;
    authorization_ = ended_by_secret("Authorization: Bearer ", request_.bearer.expose());
    request_.bearer.clear();
}

const char *Transfer::authorization() const noexcept
{
    return authorization_.empty() ? nullptr : authorization_.expose().data();
}

Secret Transfer::take_secret_resource()
{
    const char joint = target_.resource.find('?') == std::string::npos ? '?' : '&';
    Secret resource = ended_by_secret(target_.resource + joint, request_.secret_query.expose());
    request_.secret_query.clear();
    return resource;
}

void Transfer::wipe() noexcept
{
    authorization_.clear();
    request_.bearer.clear();
    request_.form.clear();
    request_.secret_query.clear();
}

void Transfer::launch(Way way) noexcept
{
    way_ = way;
    launched_ = true;
    origin_.launched(way);
}

void Transfer::connected(int local_port) noexcept
{
    if (!std::exchange(connected_, true)) {
        origin_.connected(way_, local_port);
    } else if (way_ == Way::shared) {
        origin_.moved(local_port_, local_port);
    }
    local_port_ = local_port;
}

void Transfer::land() noexcept
{
    if (std::exchange(launched_, false)) origin_.ended(way_, connected_, local_port_);
}

bool Transfer::take_body(std::string_view bytes) noexcept
{
    const std::size_t most = policy_->options.max_response_bytes;
    if (bytes.size() > most - response_.body.size()) {
        abort_ = Abort::body_too_large;
        return false;
    }
    if (way_ == Way::shared) origin_.heard_from(local_port_);
    try {
        if (response_.body.empty()) {
            curl_off_t announced = -1;
            curl_easy_getinfo(handle->easy(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
            if (announced > 0) response_.body.reserve(std::min(static_cast<std::size_t>(announced), most));
        }
        response_.body.append(bytes);
        return true;
    } catch (...) {
        abort_ = Abort::out_of_memory;
        return false;
    }
}

bool Transfer::take_header(std::string_view line) noexcept
{
    // Interim answers (1xx) and trailers count too: a server must not be able to send them for ever.
    if (line.size() > policy_->options.max_header_bytes - header_bytes_) {
        abort_ = Abort::headers_too_large;
        return false;
    }
    header_bytes_ += line.size();
    try {
        take_header_line(line);
        return true;
    } catch (...) {
        abort_ = Abort::out_of_memory;
        return false;
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
        curl_easy_getinfo(handle->easy(), CURLINFO_RESPONSE_CODE, &status);
        headers_ended_ = status >= 200;
        return;
    }
    if (line.front() == ' ' || line.front() == '\t') {  // a folded line continues the one before
        if (!response_.headers.empty()) response_.headers.back().value.append(" ").append(text);
        return;
    }
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos || colon == 0) return;
    if (response_.headers.empty()) response_.headers.reserve(usual_headers);
    response_.headers.push_back(
        {std::string(trimmed(text.substr(0, colon))), std::string(trimmed(text.substr(colon + 1)))});
}

Ending Transfer::ending(CURLcode code) const noexcept
{
    CURL *const easy = handle->easy();
    const auto passed = [easy](CURLINFO which) {
        curl_off_t moment = 0;
        return curl_easy_getinfo(easy, which, &moment) == CURLE_OK && moment > 0;
    };
    Ending result;
    result.code = code;
    curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &result.os_error);
    curl_easy_getinfo(easy, CURLINFO_SSL_VERIFYRESULT, &result.verify_result);
    result.looked_up = passed(CURLINFO_NAMELOOKUP_TIME_T);
    // Versions of libcurl differ in what a failed transfer's moments and ports are; these two counts they agree on.
    // CURLINFO_CONNECT_TIME_T stays 0 until the handshake is over in one, PRETRANSFER and STARTTRANSFER are set at the
    // end though nothing was sent in another.
    long connects = 0;
    curl_easy_getinfo(easy, CURLINFO_NUM_CONNECTS, &connects);
    result.tcp_connected = connects > 0;
    long bytes_sent = 0;
    curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &bytes_sent);
    result.connected = bytes_sent > 0;
    result.answer_begun = result.connected && passed(CURLINFO_STARTTRANSFER_TIME_T);
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

// A connection of HTTP/2 outlives the transfer that ran out of time on it. Where nobody heard anything since that one
// began, the connection is dead: it is ended, and with it the others that would wait in vain, so that they are retried.
void Transfer::end_dead_connection() const noexcept
{
    if (origin_.has_heard_from(local_port_, begun_at_)) return;
    curl_socket_t socket = CURL_SOCKET_BAD;
    if (curl_easy_getinfo(handle->easy(), CURLINFO_ACTIVESOCKET, &socket) != CURLE_OK) return;
    if (local_port_of(socket) == local_port_) shutdown(socket, SHUT_RDWR);
}

// Tells the origin what this transfer met with.
void Transfer::learn(CURLcode code) noexcept
{
    if (way_ == Way::own) return;
    if (!connected_) origin_.scout_failed();
    if (headers_ended_) {
        long version = 0;
        curl_easy_getinfo(handle->easy(), CURLINFO_HTTP_VERSION, &version);
        origin_.heard_version(version);
    }
    if (code == CURLE_OK) {
        origin_.heard_from(local_port_);
    } else if (code == CURLE_OPERATION_TIMEDOUT && connected_) {
        end_dead_connection();
    }
}

HttpResponse Transfer::finish(CURLcode code)
{
    learn(code);
    const Explanation explanation = explain(ending(code), target_, policy_->options);
    HttpResponse response;
    if (explanation.failure == TransportFailure::none) {
        succeeded_ = true;
        response = std::move(response_);
        long status = 0;
        curl_easy_getinfo(handle->easy(), CURLINFO_RESPONSE_CODE, &status);
        response.status = static_cast<int>(status);
    } else {
        response.failure = explanation.failure;
        response.failure_text = explanation.text;
    }
    response.elapsed = std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - begun_at_);
    return response;
}

}  // namespace ig::http
