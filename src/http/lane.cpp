// Sets a multi handle up for one kind of connection, and keeps handles that are ready to be used again.
#include "http/lane.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace ig::http {

namespace {

constexpr std::size_t max_idle_handles = 256;
constexpr long max_streams_per_connection = 100;
constexpr std::size_t max_kept_shared_connections = 16;

}  // namespace

Lane::Lane(SocketWatch &watch, bool http2) : multi_(curl_multi_init()), http2_(http2)
{
    if (multi_ == nullptr) throw std::runtime_error("cannot create a libcurl multi handle");
    const long sharing = http2 ? CURLPIPE_MULTIPLEX : CURLPIPE_NOTHING;
    bool ok = watch.attach(multi_) && curl_multi_setopt(multi_, CURLMOPT_PIPELINING, sharing) == CURLM_OK;
    ok = ok && curl_multi_setopt(multi_, CURLMOPT_MAX_CONCURRENT_STREAMS, max_streams_per_connection) == CURLM_OK;
#if LIBCURL_VERSION_NUM >= 0x081400
    ok = ok && curl_multi_setopt(multi_, CURLMOPT_QUICK_EXIT, 1L) == CURLM_OK;
#endif
    try {
        idle_.reserve(max_idle_handles);
    } catch (...) {
        ok = false;
    }
    if (ok) return;
    curl_multi_cleanup(multi_);
    throw std::runtime_error("libcurl lacks an option that is needed, or memory ran out");
}

Lane::~Lane()
{
    idle_.clear();
    curl_multi_cleanup(multi_);
}

void Lane::set_limit(std::size_t per_origin) noexcept
{
    // libcurl never gets more transfers than these, so none waits in its own queue. Idle connections of
    // HTTP/1.1 are kept up to the total, so that the next burst needs no new handshakes.
    const long total = static_cast<long>(2 * per_origin);
    const long kept = http2_ ? static_cast<long>(std::min(2 * per_origin, max_kept_shared_connections)) : total;
    curl_multi_setopt(multi_, CURLMOPT_MAX_HOST_CONNECTIONS, static_cast<long>(per_origin));
    curl_multi_setopt(multi_, CURLMOPT_MAX_TOTAL_CONNECTIONS, total);
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, kept);
}

std::unique_ptr<Handle> Lane::take_handle(const std::shared_ptr<const Policy> &policy)
{
    while (!idle_.empty()) {
        std::unique_ptr<Handle> handle = std::move(idle_.back());
        idle_.pop_back();
        if (handle->policy() == policy.get()) return handle;
    }
    auto handle = std::make_unique<Handle>(policy, http2_);
    return handle->easy() == nullptr ? nullptr : std::move(handle);
}

void Lane::keep_handle(std::unique_ptr<Handle> handle, bool added) noexcept
{
    if (!handle) return;
    if (added) curl_multi_remove_handle(multi_, handle->easy());
    handle->let_go();
    if (idle_.size() < max_idle_handles) idle_.push_back(std::move(handle));  // reserved: does not throw
}

}  // namespace ig::http
