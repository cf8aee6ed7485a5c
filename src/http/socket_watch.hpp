// SocketWatch: one epoll descriptor that holds the sockets of libcurl's multi handles, and the deadlines they ask for.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
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

    // Makes `multi`, the first or the second, report its sockets and its timer here. The watch must outlive it.
    bool attach(CURLM *multi) noexcept;

    int descriptor() const noexcept { return epoll_; }
    std::optional<std::chrono::milliseconds> timeout() const;

    // Hands ready sockets and passed deadlines to libcurl, without waiting.
    void dispatch() noexcept;
    // Moves what was just added to this multi handle as far as it goes at once.
    void drive(CURLM *multi) noexcept;
    // With what libcurl gave up on this multi handle since the last call; CURLM_OK if it did not.
    CURLMcode take_failure(CURLM *multi) noexcept;

private:
    struct Watched {
        SocketWatch *watch = nullptr;
        CURLM *multi = nullptr;
        std::uint32_t number = 0;
        std::optional<Clock::time_point> deadline;
        CURLMcode failure = CURLM_OK;
    };

    static int on_socket(CURL *easy, curl_socket_t socket, int what, void *watched, void *) noexcept;
    static int on_timer(CURLM *multi, long timeout_ms, void *watched) noexcept;
    static void act(Watched &watched, curl_socket_t socket, int mask) noexcept;
    Watched &of(CURLM *multi) noexcept { return watched_[multi == watched_[0].multi ? 0 : 1]; }

    int epoll_ = -1;
    std::array<Watched, 2> watched_{};
};

}  // namespace ig::http
