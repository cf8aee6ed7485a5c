// The HTTP client: many transfers at once behind one pollable file descriptor, driven by its caller.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"

namespace ig::http {

using TransferId = std::uint64_t;

struct ClientOptions {
    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::milliseconds request_timeout{30000};
    std::size_t max_response_bytes = 4u << 20;  // after inflating
    std::size_t max_header_bytes = 64u << 10;
    std::string ca_file;                         // empty: the system's certificates
    std::size_t max_connections_per_host = 200;  // also the most transfers to one host at a time
    bool http2 = true;  // GET requests share few connections where the host offers it; POST requests never do

    bool operator==(const ClientOptions &) const = default;
};

struct Completed {
    TransferId id;
    HttpResponse response;
};

// Never blocks, never follows a redirect, never takes a proxy or credentials from the environment,
// never verifies less than everything. Plain http is refused except to loopback addresses.
// Not thread safe; must be made after fork, in the process that uses it.
class Client {
public:
    // Throws std::runtime_error when curl or epoll cannot be set up.
    explicit Client(ClientOptions options);
    ~Client();
    Client(const Client &) = delete;
    Client &operator=(const Client &) = delete;

    // Becomes readable whenever advance() has work. Owned by the client; constant for its life.
    int pollable_fd() const noexcept;

    // How long the caller may wait at most before it calls advance(); nothing when no timer runs.
    std::optional<std::chrono::milliseconds> timeout() const;

    // Begins a transfer; advance() sends it. A request that cannot be started ends as a Completed with a failure.
    void start(TransferId id, HttpRequest request);

    // Takes a transfer back; it ends at once and is not reported. Unknown ids are ignored.
    void cancel(TransferId id) noexcept;
    void cancel_all() noexcept;

    // Moves every transfer as far as it goes without waiting.
    void advance();

    // The transfers that ended since the last call, oldest first.
    std::vector<Completed> take_completed();

    std::size_t in_flight() const noexcept;

    // Options apply to transfers started from now on (reload of the configuration).
    void set_options(ClientOptions options);

private:
    struct State;
    std::unique_ptr<State> state_;
};

// True for what start() would send: https anywhere, http only to 127.0.0.0/8, [::1] or localhost.
bool url_is_allowed(const std::string &url) noexcept;

}  // namespace ig::http
