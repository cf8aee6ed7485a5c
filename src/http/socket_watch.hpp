// SocketWatch: one epoll descriptor that holds libcurl's sockets, and the deadline that libcurl asked for.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <optional>

namespace ig::http {

class SocketWatch {
public:
    using Clock = std::chrono::steady_clock;

    // Throws std::runtime_error when the kernel gives no descriptor.
    SocketWatch();
    ~SocketWatch();
    SocketWatch(const SocketWatch &) = delete;
    SocketWatch &operator=(const SocketWatch &) = delete;

    // Makes `multi` report its sockets and its timer here. The watch must outlive it and keep its place.
    bool attach(CURLM *multi) noexcept;

    int descriptor() const noexcept { return epoll_; }
    std::optional<std::chrono::milliseconds> timeout() const;

    // Hands ready sockets and a passed deadline to libcurl, without waiting.
    CURLMcode dispatch(CURLM *multi) noexcept;

private:
    static int on_socket(CURL *easy, curl_socket_t socket, int what, void *self, void *) noexcept;
    static int on_timer(CURLM *multi, long timeout_ms, void *self) noexcept;

    int epoll_ = -1;
    std::optional<Clock::time_point> deadline_;
};

}  // namespace ig::http
