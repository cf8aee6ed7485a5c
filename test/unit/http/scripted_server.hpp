// ScriptedServer: a loopback HTTP server in a thread that answers exactly the bytes a test wants, and remembers.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace ig::test {

struct SeenRequest {
    int connection = 0;  // the first is 1
    std::string head;    // request line and headers
    std::string body;

    std::string path() const;
    // The values of every header of this name.
    std::vector<std::string> headers(std::string_view name) const;
};

struct Reply {
    enum class Then { keep, close, reset, hold };
    std::string bytes;
    Then then = Then::keep;
};

// A complete answer with a Content-Length.
std::string http_answer(int status, std::string_view headers, std::string_view body);

class ScriptedServer {
public:
    using Script = std::function<Reply(const SeenRequest &)>;

    // `greeting` is sent as soon as a connection stands, before any request.
    explicit ScriptedServer(Script script, std::string greeting = {});
    ~ScriptedServer();
    ScriptedServer(const ScriptedServer &) = delete;
    ScriptedServer &operator=(const ScriptedServer &) = delete;

    std::uint16_t port() const noexcept { return port_; }
    std::string name() const { return "127.0.0.1:" + std::to_string(port_); }
    std::string url(std::string_view path) const { return "http://" + name() + std::string(path); }

    std::vector<SeenRequest> seen() const;
    std::size_t requests() const;
    int connections_made() const { return made_; }
    int connections_open() const { return open_; }

    // Sends these bytes on every connection that is held.
    void release(std::string bytes);
    // Waits until the server has come so far; false after ten seconds.
    bool wait_for(const std::function<bool()> &condition) const;

private:
    struct Connection {
        int number = 0;
        std::string in;
        std::string out;
        Reply::Then then = Reply::Then::keep;
    };

    void serve();
    void accept_all();
    bool receive(int socket, Connection &connection);
    bool send_out(int socket, Connection &connection);
    void answer_requests(Connection &connection);
    void take_release();

    Script script_;
    std::string greeting_;
    int listener_ = -1;
    int wake_ = -1;
    std::uint16_t port_ = 0;
    std::map<int, Connection> connections_;
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<SeenRequest> seen_;
    std::string release_;
    std::atomic<int> made_{0};
    std::atomic<int> open_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace ig::test
