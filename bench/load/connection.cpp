// Non-blocking reading and writing, and the little of HTTP/1.1 that API clients send.
#include "load/connection.hpp"

#include <cerrno>
#include <charconv>

#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>

namespace ig::bench {

Connection::Connection(int descriptor, SSL_CTX *context, bool control) : descriptor_(descriptor), control_(control)
{
    if (context == nullptr) return;
    ssl_ = SSL_new(context);
    SSL_set_fd(ssl_, descriptor);
    SSL_set_accept_state(ssl_);
}

Connection::~Connection()
{
    if (ssl_ != nullptr) SSL_free(ssl_);
    close(descriptor_);
}

bool Connection::receive()
{
    char buffer[32768];
    for (;;) {
        if (ssl_ != nullptr) {
            ERR_clear_error();
            const int got = SSL_read(ssl_, buffer, sizeof buffer);
            if (got > 0) {
                in_.append(buffer, static_cast<std::size_t>(got));
                if (SSL_has_pending(ssl_) == 0 && static_cast<std::size_t>(got) < 16384) return true;
                continue;
            }
            const int reason = SSL_get_error(ssl_, got);
            wants_write_ = reason == SSL_ERROR_WANT_WRITE;
            return reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
        }
        const ssize_t got = recv(descriptor_, buffer, sizeof buffer, 0);
        if (got <= 0) return got < 0 && (errno == EAGAIN || errno == EINTR);
        in_.append(buffer, static_cast<std::size_t>(got));
        if (static_cast<std::size_t>(got) < sizeof buffer) return true;
    }
}

std::optional<Request> Connection::request() const
{
    const std::size_t head = in_.find("\r\n\r\n");
    if (head == std::string::npos) return std::nullopt;
    const std::string_view text(in_.data(), head + 2);
    Request found;
    const std::size_t first = text.find(' ');
    const std::size_t second = text.find(' ', first + 1);
    const std::size_t line = text.find("\r\n");
    if (first == std::string_view::npos || second == std::string_view::npos || second > line) {
        malformed_ = true;
        return std::nullopt;
    }
    found.method = text.substr(0, first);
    found.target = text.substr(first + 1, second - first - 1);
    std::size_t length = 0;
    for (std::size_t at = line + 2; at < text.size();) {
        const std::size_t end = text.find("\r\n", at);
        const std::string_view header = text.substr(at, end - at);
        if (header.size() > 16 && strncasecmp(header.data(), "content-length: ", 16) == 0)
            std::from_chars(header.data() + 16, header.data() + header.size(), length);
        else if (header.size() > 22 && strncasecmp(header.data(), "authorization: bearer ", 22) == 0)
            found.bearer = true;
        at = end + 2;
    }
    if (length > (8u << 20)) malformed_ = true;
    if (malformed_ || in_.size() < head + 4 + length) return std::nullopt;
    found.body = std::string_view(in_).substr(head + 4, length);
    found.size = head + 4 + length;
    return found;
}

bool Connection::send()
{
    wants_write_ = false;
    std::size_t sent = 0;
    bool alive = true;
    while (sent < out_.size()) {
        if (ssl_ != nullptr) {
            ERR_clear_error();
            const int put = SSL_write(ssl_, out_.data() + sent, static_cast<int>(out_.size() - sent));
            if (put > 0) {
                sent += static_cast<std::size_t>(put);
                continue;
            }
            const int reason = SSL_get_error(ssl_, put);
            alive = reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE;
            break;
        }
        const ssize_t put = ::send(descriptor_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
        if (put > 0) {
            sent += static_cast<std::size_t>(put);
            continue;
        }
        alive = errno == EAGAIN || errno == EINTR;
        break;
    }
    out_.erase(0, sent);
    return alive;
}

}  // namespace ig::bench
