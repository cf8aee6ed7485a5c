// Keeps libcurl's sockets in epoll and drives curl_multi_socket_action when they are ready.
#include "http/socket_watch.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <stdexcept>
#include <string>
#include <utility>

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
    Watched &watched = watched_[watched_[0].multi == nullptr ? 0 : 1];
    if (watched.multi != nullptr) return false;
    watched.watch = this;
    watched.multi = multi;
    watched.number = static_cast<std::uint32_t>(&watched - watched_.data());
    return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &SocketWatch::on_socket) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, &watched) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &SocketWatch::on_timer) == CURLM_OK &&
           curl_multi_setopt(multi, CURLMOPT_TIMERDATA, &watched) == CURLM_OK;
}

std::optional<std::chrono::milliseconds> SocketWatch::timeout() const
{
    std::optional<Clock::time_point> first = watched_[0].deadline;
    if (watched_[1].deadline && (!first || *watched_[1].deadline < *first)) first = watched_[1].deadline;
    if (!first) return std::nullopt;
    const Clock::time_point now = Clock::now();
    if (*first <= now) return std::chrono::milliseconds{0};
    return std::chrono::ceil<std::chrono::milliseconds>(*first - now);
}

void SocketWatch::dispatch() noexcept
{
    std::array<epoll_event, events_per_round> ready;
    for (int round = 0; round < rounds_per_dispatch; ++round) {
        const int count = epoll_wait(epoll_, ready.data(), events_per_round, 0);
        for (int i = 0; i < count; ++i) {
            const epoll_event &event = ready[static_cast<std::size_t>(i)];
            Watched &watched = watched_[event.data.u64 >> 32 & 1];
            act(watched, static_cast<curl_socket_t>(event.data.u64 & 0xffffffffu), ready_mask(event.events));
        }
        if (count < events_per_round) break;
    }
    for (Watched &watched : watched_) {
        if (!watched.deadline || *watched.deadline > Clock::now()) continue;
        watched.deadline.reset();
        act(watched, CURL_SOCKET_TIMEOUT, 0);
    }
}

void SocketWatch::drive(CURLM *multi) noexcept
{
    Watched &watched = of(multi);
    watched.deadline.reset();
    act(watched, CURL_SOCKET_TIMEOUT, 0);
}

CURLMcode SocketWatch::take_failure(CURLM *multi) noexcept { return std::exchange(of(multi).failure, CURLM_OK); }

void SocketWatch::act(Watched &watched, curl_socket_t socket, int mask) noexcept
{
    int running = 0;
    const CURLMcode code = curl_multi_socket_action(watched.multi, socket, mask, &running);
    // An earlier event of this round may have closed the socket: libcurl then just doesn't know it.
    if (code != CURLM_OK && code != CURLM_BAD_SOCKET) watched.failure = code;
}

// A socket that epoll refuses to take (kernel out of memory) is not an error here: its transfer then ends
// by its time-out, while answering -1 would end every other transfer as well.
int SocketWatch::on_socket(CURL *, curl_socket_t socket, int what, void *self, void *) noexcept
{
    const Watched &watched = *static_cast<Watched *>(self);
    const int epoll = watched.watch->epoll_;
    if (what == CURL_POLL_REMOVE || what == CURL_POLL_NONE) {
        epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
        return 0;
    }
    epoll_event event{};
    event.data.u64 = std::uint64_t{watched.number} << 32 | static_cast<std::uint32_t>(socket);
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
    Watched &watched = *static_cast<Watched *>(self);
    if (timeout_ms < 0) {
        watched.deadline.reset();
    } else {
        watched.deadline = Clock::now() + std::chrono::milliseconds{timeout_ms};
    }
    return 0;
}

}  // namespace ig::http
