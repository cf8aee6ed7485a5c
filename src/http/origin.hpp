// Origin: what waits for one host and what travels to it, and what has been seen of how the host shares connections.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "http/client.hpp"

namespace ig::http {

// `own`: HTTP/1.1, each transfer has a connection to itself. `shared`: HTTP/2, if the host offers it.
enum class Way { own, shared };

// Transfers that wait here don't wait within libcurl, where the time they wait would count against their
// request_timeout, and where those of one host hold up those of another. So libcurl is never asked to wait for a
// connection either: while none stands that has room, one transfer (a scout) opens one, and the others stay here.
// That connections are shared is forgotten as soon as nothing travels to the host, since they may be gone by then. That
// they are not is looked at anew now and then.
class Origin {
public:
    using Clock = std::chrono::steady_clock;

    explicit Origin(std::string name) : name_(std::move(name)) {}

    const std::string &name() const noexcept { return name_; }
    std::size_t active() const noexcept { return active_; }
    bool unused() const noexcept { return active_ == 0 && own_.empty() && shareable_.empty(); }

    // `may_share`: would rather travel on a shared connection.
    void enqueue(TransferId id, bool may_share);
    void remove(TransferId id) noexcept;
    void remove_all() noexcept;
    // Whether a transfer may start now; if so it is taken out, with the way it must go.
    bool take_next(TransferId &id, Way &way);

    // What becomes of a transfer. `port` is the local one of its connection.
    void launched(Way way) noexcept;
    void connected(Way way, int port) noexcept;
    void moved(int from_port, int to_port) noexcept;  // libcurl sent it anew: its connection turned out to be gone
    void ended(Way way, bool was_connected, int port) noexcept;

    // Libcurl has had its chance to put a transfer that was just launched onto a connection, and did (or not).
    void tried_to_share(bool found_a_place) noexcept;
    // Nobody could be reached on the shared way. Those who wait shall not find that out one after another.
    void scout_failed() noexcept;
    // What the answer to a transfer on a shared way was spoken in.
    void heard_version(long http_version) noexcept;
    void heard_from(int port) noexcept;
    // Whether bytes came over this connection since then.
    bool has_heard_from(int port, Clock::time_point since) const noexcept;

private:
    enum class Sharing { unknown, yes, no };
    struct Connection {
        int port = 0;
        std::size_t transfers = 0;
        Clock::time_point last_heard{};
    };

    Way wanted_way() const noexcept;
    void rule_out_sharing() noexcept;
    bool own_way_is_open() const noexcept;
    bool shared_way_is_open() const noexcept;
    Connection *find(int port) noexcept;
    void leave(int port) noexcept;

    std::string name_;
    std::size_t active_ = 0;
    std::size_t opening_ = 0;  // of the own way: no connection stands yet
    std::size_t scouts_ = 0;   // of the shared way: likewise
    std::size_t vacated_ = 0;  // places on standing connections that came free while a scout travels
    Sharing sharing_ = Sharing::unknown;
    Clock::time_point look_again_{};  // while sharing is ruled out
    bool turn_of_shareable_ = false;
    std::vector<Connection> connections_;  // of the shared way, with at least one transfer on them
    std::deque<TransferId> own_;
    std::deque<TransferId> shareable_;
};

}  // namespace ig::http
