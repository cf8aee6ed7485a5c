// Loopback addresses that cannot be connected to: one that refuses, one that never answers.
#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <vector>

namespace ig::test {

// A listener that accepts nothing and whose queue is full: connecting to it hangs.
class FullBacklog {
public:
    FullBacklog()
    {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        if (bind(listener_, reinterpret_cast<sockaddr *>(&address_), size) != 0 || listen(listener_, 0) != 0) return;
        getsockname(listener_, reinterpret_cast<sockaddr *>(&address_), &size);
        while (fillers_.size() < 20 && connects()) {
        }
    }
    ~FullBacklog()
    {
        for (const int filler : fillers_) close(filler);
        close(listener_);
    }
    std::string name() const { return "127.0.0.1:" + std::to_string(ntohs(address_.sin_port)); }
    bool is_full() const { return full_; }

private:
    bool connects()
    {
        const int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        fillers_.push_back(filler);
        if (connect(filler, reinterpret_cast<sockaddr *>(&address_), sizeof address_) == 0) return true;
        pollfd polled{filler, POLLOUT, 0};
        full_ = poll(&polled, 1, 200) == 0;
        return !full_;
    }
    int listener_ = -1;
    sockaddr_in address_{};
    std::vector<int> fillers_;
    bool full_ = false;
};

// The address of a port that nobody listens on.
inline std::string closed_port()
{
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener, reinterpret_cast<sockaddr *>(&address), size) == 0) {
        getsockname(listener, reinterpret_cast<sockaddr *>(&address), &size);
    }
    close(listener);
    return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
}

}  // namespace ig::test
