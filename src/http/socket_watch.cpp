// Keeps libcurl's sockets in epoll and drives curl_multi_socket_action when they are ready.
#include "http/socket_watch.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>

namespace ig::http {

namespace {

constexpr int events_per_round = 256;
constexpr int rounds_per_dispatch = 8;  // a busy network must not keep the caller from its other duties

// An error or a hang-up is passed as "find out yourself": libcurl would answer CURL_CSELECT_ERR with a
// failure of its own, although readable data may still be waiting.
int ready_mask(std::uint32_t events) noexcept
{
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) return 0;
    return ((events & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0);
}

}  // namespace

SocketWatch::SocketWatch() : epoll_(epoll_create1(EPOLL_CLOEXEC))
{
    if (epoll_ < 0)
        throw std::runtime_error("cannot create an epoll descriptor: system error " + std::to_string(errno));
}

SocketWatch::~SocketWatch() { close(epoll_); }

bool SocketWatch::attach(CURLM *multi) noexcept
{
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &SocketWatch::on_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &SocketWatch::on_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this) == CURLM_OK;
}

std::optional<std::chrono::milliseconds> SocketWatch::timeout() const
{
    if (!deadline_) return std::nullopt;
    const Clock::time_point now = Clock::now();
    if (*deadline_ <= now) return std::chrono::milliseconds{0};
    return std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - now);
}

CURLMcode SocketWatch::dispatch(CURLM *multi) noexcept
{
    int running = 0;
    std::array<epoll_event, events_per_round> ready;
    for (int round = 0; round < rounds_per_dispatch; ++round) {
        const int count = epoll_wait(epoll_, ready.data(), events_per_round, 0);
        for (int i = 0; i < count; ++i) {
            const epoll_event &event = ready[static_cast<std::size_t>(i)];
            const CURLMcode code = curl_multi_socket_action(multi, event.data.fd, ready_mask(event.events), &running);
            // An earlier event of this round may have closed the socket: libcurl then just doesn't know it.
            if (code != CURLM_OK && code != CURLM_BAD_SOCKET) return code;
        }
        if (count < events_per_round) break;
    }
    if (deadline_ && *deadline_ <= Clock::now()) {
        deadline_.reset();
        return curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    return CURLM_OK;
}

// A socket that epoll refuses to take (kernel out of memory) is not an error here: its transfer then ends
// by its time-out, while answering -1 would end every other transfer as well.
int SocketWatch::on_socket(CURL *, curl_socket_t socket, int what, void *self, void *) noexcept
{
    const int epoll = static_cast<SocketWatch *>(self)->epoll_;
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
        return 0;
    }
    epoll_event event{};
    event.data.fd = socket;
    if (what == CURL_POLL_IN || what == CURL_POLL_INOUT) event.events |= EPOLLIN;
    if (what == CURL_POLL_OUT || what == CURL_POLL_INOUT) event.events |= EPOLLOUT;
    // A descriptor's number is reused at once after a close, which also took it out of epoll: so neither
    // "already there" nor "not there" can be known beforehand.
    if (epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &event) != 0 && errno == ENOENT) {
        epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    }
    return 0;
}

int SocketWatch::on_timer(CURLM *, long timeout_ms, void *self) noexcept
{
    SocketWatch &watch = *static_cast<SocketWatch *>(self);
    if (timeout_ms < 0) {
        watch.deadline_.reset();
    } else {
        watch.deadline_ = Clock::now() + std::chrono::milliseconds{timeout_ms};
    }
    return 0;
}

}  // namespace ig::http
