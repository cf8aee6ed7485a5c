// Gives libcurl our policy, one request at a time, and the callbacks that lead back to the transfer.
#include "http/handle.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <type_traits>
#include <utility>

#include "http/transfer.hpp"

#if LIBCURL_VERSION_NUM < 0x075700
#error "libcurl 7.87 or newer is needed: an older one waits for a hanging name look-up when a transfer is cancelled"
#endif

namespace ig::http {

namespace {

using std::chrono::milliseconds;

// Answers are small; what libcurl takes by default (64 KiB to send each request over TLS) adds up over 200 connections.
constexpr long receive_buffer_bytes = 16384;
constexpr long send_buffer_bytes = 16384;

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

// libcurl keeps the parsed authorities only while they come from a file alone.
bool system_has_a_file_of_authorities() noexcept
{
    const curl_version_info_data *const about = curl_version_info(CURLVERSION_NOW);
    return about->age >= CURLVERSION_SEVENTH && about->cainfo != nullptr && access(about->cainfo, R_OK) == 0;
}

}  // namespace

Handle::Handle(std::shared_ptr<const Policy> policy, bool http2) noexcept
    : policy_(std::move(policy)), http2_(http2), easy_(curl_easy_init())
{
}

Handle::~Handle()
{
    if (easy_ != nullptr) curl_easy_cleanup(easy_);
}

Handle *Handle::of(CURL *easy) noexcept
{
    char *self = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &self);
    return reinterpret_cast<Handle *>(self);
}

bool Handle::carry(Transfer &transfer)
{
    transfer_ = &transfer;
    transfer.begin();
    if (!set_up_) set_up_ = set_up() || (take_another() && set_up());
    bool ok = set_up_ && (plain_ == transfer.target().plain || set_scheme(transfer.target().plain));
    ok = ok && set(easy_, CURLOPT_URL, transfer.request().url.c_str());
    if (const char *const line = transfer.authorization()) {
        header_lines_[1] = {const_cast<char *>(line), nullptr};  // libcurl only reads it
        header_lines_[0].next = &header_lines_[1];
    }
    ok = ok && (transfer.request().secret_query.empty() || set_secret_query());
    return ok && (transfer.request().method == HttpMethod::get || set_form());
}

bool Handle::set_up()
{
    return set_policy() && set_trust() && set_callbacks() && set_scheme(transfer_->target().plain);
}

// After a look-up that failed libcurl 7.88 keeps the handle's buffer, and refuses to be told its size until it is gone.
bool Handle::take_another() noexcept
{
    curl_easy_cleanup(easy_);
    easy_ = curl_easy_init();
    return easy_ != nullptr;
}

// A handle that has done nothing but bring a plain answer is left as it is, but for the URL, which holds no secret.
void Handle::let_go() noexcept
{
    if (set_up_ && !is_as_set_up()) {
        curl_easy_reset(easy_);  // keeps the TLS sessions
        set_up_ = false;
    }
    more_was_set_ = false;
    header_lines_[0].next = nullptr;
    header_lines_[1] = {};
    if (Transfer *const transfer = std::exchange(transfer_, nullptr)) transfer->wipe();
}

bool Handle::is_as_set_up() const noexcept
{
    long os_error = 0;
    curl_easy_getinfo(easy_, CURLINFO_OS_ERRNO, &os_error);  // would otherwise be found again at the next failure
    return !more_was_set_ && os_error == 0 && transfer_ != nullptr && transfer_->succeeded();
}

// What holds for every request, whatever it is: no way around TLS, no redirect, nothing from the environment.
bool Handle::set_policy()
{
    const ClientOptions &o = policy_->options;
    bool ok = set(easy_, CURLOPT_NOSIGNAL, 1L) && set(easy_, CURLOPT_QUICK_EXIT, 1L);
    // Without CURLOPT_PIPEWAIT: whoever waits for a connection that others open waits with us, see Origin.
    ok = ok && set(easy_, CURLOPT_HTTP_VERSION, long{http2_ ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1});
    ok = ok && set(easy_, CURLOPT_HTTP09_ALLOWED, 0L) && set(easy_, CURLOPT_FOLLOWLOCATION, 0L);
    ok = ok && set(easy_, CURLOPT_PROXY, "") && set(easy_, CURLOPT_NETRC, long{CURL_NETRC_IGNORED});
    ok = ok && set(easy_, CURLOPT_CONNECTTIMEOUT_MS, limit(o.connect_timeout));
    ok = ok && set(easy_, CURLOPT_TIMEOUT_MS, limit(o.request_timeout));
    ok = ok && set(easy_, CURLOPT_BUFFERSIZE, receive_buffer_bytes);
    ok = ok && set(easy_, CURLOPT_UPLOAD_BUFFERSIZE, send_buffer_bytes);
    // on_body counts what comes out of the decompressor; this only lets an honest giant fail sooner.
    ok = ok && set(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");
    const std::size_t most = std::numeric_limits<curl_off_t>::max();
    ok = ok && set(easy_, CURLOPT_MAXFILESIZE_LARGE, static_cast<curl_off_t>(std::min(o.max_response_bytes, most)));
    header_lines_[0] = {expect_, nullptr};  // no "Expect: 100-continue", which costs a round trip
    return ok && set(easy_, CURLOPT_HTTPHEADER, &header_lines_[0]) &&
           set(easy_, CURLOPT_USERAGENT, "instagram_insights");
}

bool Handle::set_trust()
{
    bool ok = set(easy_, CURLOPT_SSLVERSION, long{CURL_SSLVERSION_TLSv1_2});
    ok = ok && set(easy_, CURLOPT_SSL_VERIFYPEER, 1L) && set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
    ok = ok && set(easy_, CURLOPT_SHARE, policy_->sessions.share());
    const std::string &file = policy_->options.ca_file;
    if (!file.empty()) ok = ok && set(easy_, CURLOPT_CAINFO, file.c_str());
    // With a file of our own, the system's directory would be trusted as well without this line.
    if (!file.empty() || system_has_a_file_of_authorities()) {
        ok = ok && set(easy_, CURLOPT_CAPATH, static_cast<const char *>(nullptr));
    }
    // Parsing the authorities costs 20 ms, so they are kept; a file that was replaced counts after five minutes.
    return ok && set(easy_, CURLOPT_CA_CACHE_TIMEOUT, 300L);
}

bool Handle::set_callbacks()
{
    void *const self = this;
    bool ok = set(easy_, CURLOPT_PRIVATE, self);
    ok = ok && set(easy_, CURLOPT_HEADERFUNCTION, &Handle::on_header) && set(easy_, CURLOPT_HEADERDATA, self);
    ok = ok && set(easy_, CURLOPT_WRITEFUNCTION, &Handle::on_body) && set(easy_, CURLOPT_WRITEDATA, self);
    ok = ok && set(easy_, CURLOPT_PREREQFUNCTION, &Handle::on_connected) && set(easy_, CURLOPT_PREREQDATA, self);
    ok = ok && set(easy_, CURLOPT_OPENSOCKETFUNCTION, &Handle::on_open_socket);
    return ok && set(easy_, CURLOPT_OPENSOCKETDATA, self);
}

bool Handle::set_scheme(bool plain)
{
    plain_ = plain;
    return set(easy_, CURLOPT_PROTOCOLS_STR, plain ? "http" : "https");
}

// Of a URL libcurl makes many copies, parts and derived texts, of a request target just one; that one and the bytes it
// sends are out of our reach, and freed with the handle's reset in let_go().
bool Handle::set_secret_query()
{
    more_was_set_ = true;
    const Secret resource = transfer_->take_secret_resource();
    return set(easy_, CURLOPT_REQUEST_TARGET, resource.expose().data());
}

bool Handle::set_form()
{
    more_was_set_ = true;
    const std::string_view form = transfer_->request().form.expose();
    bool ok = set(easy_, CURLOPT_POST, 1L);
    ok = ok && set(easy_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(form.size()));
    // Not copied: the bytes stay in the Secret. A null pointer would make libcurl ask a read callback.
    return ok && set(easy_, CURLOPT_POSTFIELDS, form.empty() ? "" : form.data());
}

int Handle::on_connected(void *self, char *, char *, int, int local_port) noexcept
{
    static_cast<Handle *>(self)->transfer_->connected(local_port);
    return CURL_PREREQFUNC_OK;
}

// Sockets don't leak into programs that the host process starts; and a name such as localhost that leads
// elsewhere on this machine cannot carry plain http away.
curl_socket_t Handle::on_open_socket(void *self, curlsocktype, curl_sockaddr *address) noexcept
{
    const Handle &handle = *static_cast<Handle *>(self);
    if (handle.plain_ && !is_loopback_address(address->addr)) return CURL_SOCKET_BAD;
    const int kind = address->socktype | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const int opened = socket(address->family, kind, address->protocol);
    // A peer that has vanished without a word: the kernel ends the connection, with all that share it.
    const unsigned int patience = static_cast<unsigned int>(limit(handle.policy_->options.request_timeout));
    if (opened >= 0) setsockopt(opened, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience, sizeof patience);
    return opened;
}

std::size_t Handle::on_body(char *data, std::size_t size, std::size_t count, void *self) noexcept
{
    return static_cast<Handle *>(self)->transfer_->take_body(std::string_view(data, size * count)) ? size * count : 0;
}

std::size_t Handle::on_header(char *data, std::size_t size, std::size_t count, void *self) noexcept
{
    return static_cast<Handle *>(self)->transfer_->take_header(std::string_view(data, size * count)) ? size * count : 0;
}

}  // namespace ig::http
