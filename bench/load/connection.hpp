// One client of the load server: its bytes over TLS or plain, cut into HTTP/1.1 requests.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <openssl/ssl.h>

namespace ig::bench {

struct Request {
    std::string_view method;
    std::string_view target;
    std::string_view body;
    bool bearer = false;
    std::size_t size = 0;  // bytes it takes in the buffer
};

class Connection {
public:
    // Takes the descriptor; without a context it speaks plain.
    Connection(int descriptor, SSL_CTX *context, bool control);
    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    bool receive();  // false: it is over
    std::optional<Request> request() const;
    void drop(const Request &request) { in_.erase(0, request.size); }
    bool malformed() const { return malformed_; }

    std::string &out() { return out_; }
    bool send();  // false: it is over; what did not fit stays in out()
    bool wants_write() const { return !out_.empty() || wants_write_; }

    int descriptor() const { return descriptor_; }
    bool control() const { return control_; }

    bool busy = false;      // a request is being answered
    bool watching = false;  // epoll tells when it can be written to

private:
    int descriptor_;
    SSL *ssl_ = nullptr;
    bool control_;
    bool wants_write_ = false;
    mutable bool malformed_ = false;
    std::string in_;
    std::string out_;
};

}  // namespace ig::bench
