// Moves transfers between their queue, libcurl's multi handle and the list of completed ones.
#include "http/dispatcher.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace ig::http {

namespace {

// Each new connection may cost a thread for its name look-up; this bounds them in a database's process.
constexpr std::size_t max_connecting_per_origin = 32;
constexpr std::size_t max_idle_handles = 64;
constexpr std::size_t max_connections = 10000;

// Once a process, and not before it is needed: a postmaster must not hold libcurl's state when it forks.
void initialise_curl()
{
    static bool initialised = false;
    if (initialised) return;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) throw std::runtime_error("cannot initialise libcurl");
    initialised = true;
}

}  // namespace

Dispatcher::Dispatcher(ClientOptions options)
{
    initialise_curl();
    idle_handles_.reserve(max_idle_handles);
    use_options(std::move(options));
    multi_ = curl_multi_init();
    if (multi_ == nullptr) throw std::runtime_error("cannot create a libcurl multi handle");
    bool ok = watch_.attach(multi_);
    // HTTP/1.1: one transfer a connection. CURLPIPE_MULTIPLEX goes here with HTTP/2.
    ok = ok && curl_multi_setopt(multi_, CURLMOPT_PIPELINING, long{CURLPIPE_NOTHING}) == CURLM_OK;
#if LIBCURL_VERSION_NUM >= 0x081400
    ok = ok && curl_multi_setopt(multi_, CURLMOPT_QUICK_EXIT, 1L) == CURLM_OK;
#endif
    if (!ok) {
        curl_multi_cleanup(multi_);
        throw std::runtime_error("libcurl lacks an option that is needed");
    }
    use_options(ClientOptions(*options_));
}

Dispatcher::~Dispatcher()
{
    cancel_all();
    for (CURL *const easy : idle_handles_) curl_easy_cleanup(easy);
    curl_multi_cleanup(multi_);
}

void Dispatcher::use_options(ClientOptions options)
{
    auto next = std::make_shared<const ClientOptions>(std::move(options));
    per_origin_ = std::clamp<std::size_t>(next->max_connections_per_host, 1, max_connections);
    options_ = std::move(next);
    room_made_ = true;
    if (multi_ == nullptr) return;
    // libcurl never gets more transfers than these, so none waits in its own queue. Idle connections
    // are kept up to the total, so that the next burst needs no new handshakes.
    const long limit = static_cast<long>(per_origin_);
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, limit);
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, 2 * limit);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 2 * limit);
}

std::optional<std::chrono::milliseconds> Dispatcher::timeout() const
{
    const bool may_launch = room_made_ && entries_.size() > active_;
    if (!completed_.empty() || may_launch) return std::chrono::milliseconds{0};
    return watch_.timeout();
}

std::vector<Completed> Dispatcher::take_completed() { return std::exchange(completed_, {}); }

void Dispatcher::start(TransferId id, HttpRequest request, Target target)
{
    Origin &origin = origins_[target.origin()];
    origin.waiting.push_back(id);
    auto transfer = std::make_unique<Transfer>(id, std::move(request), std::move(target), options_);
    entries_.emplace(id, Entry{std::move(transfer), &origin});
    fill();
}

void Dispatcher::refuse(TransferId id, std::string text) { fail(id, TransportFailure::refused, std::move(text)); }

void Dispatcher::cancel(TransferId id) noexcept
{
    const auto same = [id](const Completed &ended) { return ended.id == id; };
    completed_.erase(std::remove_if(completed_.begin(), completed_.end(), same), completed_.end());
    const auto entry = entries_.find(id);
    if (entry != entries_.end()) forget(entry);
}

void Dispatcher::cancel_all() noexcept
{
    completed_.clear();
    while (!entries_.empty()) forget(entries_.begin());
}

void Dispatcher::advance()
{
    const CURLMcode code = watch_.dispatch(multi_);
    collect();
    if (code != CURLM_OK) fail_all(code);
    fill();
}

// Starts waiting transfers where there is room. Each round gives every origin one, so that none starves another.
void Dispatcher::fill()
{
    room_made_ = false;
    for (bool progress = true; progress;) {
        progress = false;
        for (auto entry = origins_.begin(); entry != origins_.end();) {
            Origin &origin = entry->second;
            if (launch_next(origin)) progress = true;
            const bool unused = origin.active == 0 && origin.waiting.empty();
            entry = unused ? origins_.erase(entry) : std::next(entry);
        }
    }
}

bool Dispatcher::launch_next(Origin &origin)
{
    if (origin.waiting.empty()) return false;
    if (active_ >= 2 * per_origin_ || origin.active >= per_origin_) return false;
    if (origin.connecting >= max_connecting_per_origin) return false;
    const auto entry = entries_.find(origin.waiting.front());
    origin.waiting.pop_front();
    if (entry != entries_.end()) launch(entry);
    return true;
}

void Dispatcher::launch(Entries::iterator entry)
{
    Transfer &transfer = *entry->second.transfer;
    CURL *const easy = take_handle();
    TransportFailure failure = TransportFailure::interrupted;
    std::string text;
    if (easy == nullptr) {
        text = "memory ran out before a request to " + transfer.target().name();
    } else if (!transfer.bind(easy)) {
        failure = TransportFailure::refused;
        text = "this libcurl cannot send the request as safely as it must be";
    } else if (curl_multi_add_handle(multi_, easy) != CURLM_OK) {
        text = "libcurl could not take a request to " + transfer.target().name();
    } else {
        transfer.count_in(entry->second.origin->connecting);
        ++entry->second.origin->active;
        ++active_;
        return;
    }
    keep_handle(transfer.release());
    const TransferId id = entry->first;
    entries_.erase(entry);
    fail(id, failure, std::move(text));
}

void Dispatcher::collect()
{
    int left = 0;
    while (const CURLMsg *const message = curl_multi_info_read(multi_, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result;  // the message dies with its handle's removal
        Transfer *const transfer = Transfer::of(message->easy_handle);
        const TransferId id = transfer->id();
        complete(id, transfer->finish(code));
        forget(entries_.find(id));
    }
}

// libcurl itself gave up: nothing that is under way would end by itself.
void Dispatcher::fail_all(CURLMcode code)
{
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (entry->second.transfer->handle() != nullptr) {
            fail(entry->first, TransportFailure::interrupted,
                 "libcurl failed (multi code " + std::to_string(static_cast<int>(code)) + ")");
            forget(entry);
        }
        entry = next;
    }
}

void Dispatcher::complete(TransferId id, HttpResponse response)
{
    completed_.push_back(Completed{id, std::move(response)});
}

void Dispatcher::fail(TransferId id, TransportFailure failure, std::string text)
{
    HttpResponse response;
    response.failure = failure;
    response.failure_text = std::move(text);
    complete(id, std::move(response));
}

CURL *Dispatcher::take_handle() noexcept
{
    if (idle_handles_.empty()) return curl_easy_init();
    CURL *const easy = idle_handles_.back();
    idle_handles_.pop_back();
    return easy;
}

void Dispatcher::keep_handle(CURL *easy) noexcept
{
    if (easy == nullptr) return;
    if (idle_handles_.size() < max_idle_handles) {
        idle_handles_.push_back(easy);  // reserved: does not throw
    } else {
        curl_easy_cleanup(easy);
    }
}

// Takes a transfer out, wherever it is; if it travels, libcurl closes its unfinished connection.
void Dispatcher::forget(Entries::iterator entry) noexcept
{
    Transfer &transfer = *entry->second.transfer;
    Origin &origin = *entry->second.origin;
    if (transfer.handle() == nullptr) {
        const auto place = std::find(origin.waiting.begin(), origin.waiting.end(), entry->first);
        if (place != origin.waiting.end()) origin.waiting.erase(place);
    } else {
        curl_multi_remove_handle(multi_, transfer.handle());
        keep_handle(transfer.release());
        --origin.active;
        --active_;
    }
    room_made_ = true;
    entries_.erase(entry);
}

}  // namespace ig::http
