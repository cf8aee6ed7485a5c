// The load server's event loop: accepts, answers after the latency asked for, and counts.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <queue>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include <openssl/ssl.h>

#include "load/answers.hpp"
#include "load/batch.hpp"
#include "load/connection.hpp"

namespace ig::bench {

// How long an HTTP request takes: a fixed time, or one drawn from a log-normal distribution, and a time for each item.
struct Latency {
    double milliseconds = 0;
    double sigma = 0;  // 0: fixed
    double item_milliseconds = 0;
};

struct Counts {
    std::uint64_t requests = 0;
    std::uint64_t calls = 0;
    std::uint64_t batches = 0;
    std::uint64_t refused = 0;
    std::uint64_t at_once = 0;
    std::uint64_t most_at_once = 0;
    std::uint64_t connections = 0;
};

class Server {
public:
    Server(const Latency &latency, std::uint64_t seed, const std::string &certificate, const std::string &key);
    ~Server();
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    enum class Port { https, http, control };
    // Listens on loopback; 0 takes a free port. Returns the port.
    int listen(Port port, int number);
    void run(const volatile int &stop);

private:
    using Clock = std::chrono::steady_clock;
    struct Due {
        Clock::time_point at;
        std::uint64_t connection;
        bool operator>(const Due &other) const { return at > other.at; }
    };

    void accept_on(int listener);
    void serve(std::uint64_t id, unsigned events);
    bool answer_next(std::uint64_t id, Connection &connection);
    void answer_graph(Connection &connection, const Request &request, std::size_t &items);
    void answer_control(Connection &connection, const Request &request);
    void configure(std::string_view query);
    void finish(Connection &connection, int status, std::string_view account);
    Clock::duration delay(std::size_t items);
    void send_due();
    bool flush(std::uint64_t id, Connection &connection);
    int until_next() const;

    Latency latency_;
    std::uint64_t seed_;
    Answers answers_;
    Batch batch_{answers_};
    Counts counts_;
    std::mt19937_64 random_;
    std::normal_distribution<double> normal_;
    SSL_CTX *context_ = nullptr;
    int epoll_ = -1;
    std::unordered_map<int, Port> listeners_;
    std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
    std::uint64_t next_id_ = 1u << 20;  // above every descriptor, so that epoll's number tells listeners apart
    std::priority_queue<Due, std::vector<Due>, std::greater<>> due_;
    std::string body_;
    std::time_t dated_ = 0;
    char date_[40] = "";
};

}  // namespace ig::bench
