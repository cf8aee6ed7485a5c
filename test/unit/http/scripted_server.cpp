// One poll loop over raw sockets; what is sent is never interpreted, so it may be as broken as a test likes.
#include "http/scripted_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <stdexcept>

namespace ig::test {

namespace {

bool same_name(std::string_view a, std::string_view b)
{
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        if (std::tolower(static_cast<unsigned char>(a[i])) != std::tolower(static_cast<unsigned char>(b[i])))
            return false;
    }
    return true;
}

}  // namespace

std::string SeenRequest::path() const
{
    const std::size_t begin = head.find(' ') + 1;
    return head.substr(begin, head.find(' ', begin) - begin);
}

std::vector<std::string> SeenRequest::headers(std::string_view name) const
{
    std::vector<std::string> values;
    std::size_t line = head.find("\r\n") + 2;
    while (line < head.size()) {
        const std::size_t end = head.find("\r\n", line);
        const std::string text = head.substr(line, end - line);
        const std::size_t colon = text.find(": ");
        if (colon != std::string::npos && same_name(text.substr(0, colon), name))
            values.push_back(text.substr(colon + 2));
        line = end + 2;
    }
    return values;
}

std::string http_answer(int status, std::string_view headers, std::string_view body)
{
    return "HTTP/1.1 " + std::to_string(status) + " Some Words\r\n" + std::string(headers) +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

ScriptedServer::ScriptedServer(Script script, std::string greeting)
    : script_(std::move(script)), greeting_(std::move(greeting))
{
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    wake_ = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (listener_ < 0 || wake_ < 0 || bind(listener_, reinterpret_cast<sockaddr *>(&address), size) != 0 ||
        listen(listener_, 512) != 0 || getsockname(listener_, reinterpret_cast<sockaddr *>(&address), &size) != 0) {
        throw std::runtime_error("the scripted server cannot listen");
    }
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer()
{
    stop_ = true;
    eventfd_write(wake_, 1);
    thread_.join();
    for (const auto &entry : connections_) close(entry.first);
    close(listener_);
    close(wake_);
}

std::vector<SeenRequest> ScriptedServer::seen() const
{
    const std::lock_guard lock(mutex_);
    return seen_;
}

std::size_t ScriptedServer::requests() const
{
    const std::lock_guard lock(mutex_);
    return seen_.size();
}

void ScriptedServer::release(std::string bytes)
{
    const std::lock_guard lock(mutex_);
    release_ = std::move(bytes);
    eventfd_write(wake_, 1);
}

bool ScriptedServer::wait_for(const std::function<bool()> &condition) const
{
    // Conditions read single values under this lock or atomically; changes are announced after each round.
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{10};
    while (!condition()) {
        std::unique_lock lock(mutex_);
        changed_.wait_for(lock, std::chrono::milliseconds{20});
        if (std::chrono::steady_clock::now() > limit) return false;
    }
    return true;
}

void ScriptedServer::serve()
{
    while (!stop_) {
        std::vector<pollfd> polled{{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
        for (const auto &[socket, connection] : connections_) {
            polled.push_back({socket, static_cast<short>(connection.out.empty() ? POLLIN : POLLIN | POLLOUT), 0});
        }
        poll(polled.data(), polled.size(), -1);
        for (std::size_t i = 2; i < polled.size(); ++i) {
            Connection &connection = connections_.at(polled[i].fd);
            bool alive = true;
            if ((polled[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) alive = receive(polled[i].fd, connection);
            if (alive) alive = send_out(polled[i].fd, connection);
            if (alive) continue;
            close(polled[i].fd);
            connections_.erase(polled[i].fd);
            --open_;
        }
        if ((polled[0].revents & POLLIN) != 0) accept_all();
        if ((polled[1].revents & POLLIN) != 0) take_release();
        changed_.notify_all();
    }
}

void ScriptedServer::accept_all()
{
    for (;;) {
        const int socket = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (socket < 0) return;
        Connection &connection = connections_[socket];
        connection.number = ++made_;
        connection.out = greeting_;
        ++open_;
    }
}

bool ScriptedServer::receive(int socket, Connection &connection)
{
    char buffer[65536];
    const ssize_t count = recv(socket, buffer, sizeof buffer, 0);
    if (count < 0) return errno == EAGAIN;
    if (count == 0) return false;
    connection.in.append(buffer, static_cast<std::size_t>(count));
    answer_requests(connection);
    return true;
}

void ScriptedServer::answer_requests(Connection &connection)
{
    for (;;) {
        const std::size_t end = connection.in.find("\r\n\r\n");
        if (end == std::string::npos) return;
        SeenRequest request{connection.number, connection.in.substr(0, end + 2), {}};
        const auto length = request.headers("Content-Length");
        const std::size_t body = length.empty() ? 0 : std::strtoul(length.front().c_str(), nullptr, 10);
        if (connection.in.size() < end + 4 + body) return;
        request.body = connection.in.substr(end + 4, body);
        connection.in.erase(0, end + 4 + body);
        const Reply reply = script_(request);
        connection.out += reply.bytes;
        connection.then = reply.then;
        const std::lock_guard lock(mutex_);
        seen_.push_back(std::move(request));
    }
}

// False when the connection has ended.
bool ScriptedServer::send_out(int socket, Connection &connection)
{
    while (!connection.out.empty()) {
        const ssize_t count = send(socket, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
        if (count < 0) return errno == EAGAIN;
        connection.out.erase(0, static_cast<std::size_t>(count));
    }
    if (connection.then == Reply::Then::reset) {
        const linger at_once{1, 0};
        setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    return connection.then == Reply::Then::keep || connection.then == Reply::Then::hold;
}

void ScriptedServer::take_release()
{
    eventfd_t count = 0;
    eventfd_read(wake_, &count);
    const std::lock_guard lock(mutex_);
    for (auto &entry : connections_) {
        if (entry.second.then != Reply::Then::hold) continue;
        entry.second.then = Reply::Then::keep;
        entry.second.out += release_;
    }
}

}  // namespace ig::test
