// Lane: a libcurl multi handle, whose connections no other lane uses, and the handles that travel on it.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "http/handle.hpp"
#include "http/socket_watch.hpp"

namespace ig::http {

// Connections of HTTP/2 are kept apart: libcurl puts a request onto any idle connection to its host, whatever version
// of HTTP the request asks for; and a host is either known to libcurl as one that shares connections, or not.
class Lane {
public:
    // Throws std::runtime_error when libcurl cannot be set up.
    Lane(SocketWatch &watch, bool http2);
    ~Lane();
    Lane(const Lane &) = delete;
    Lane &operator=(const Lane &) = delete;

    CURLM *multi() const noexcept { return multi_; }

    // No more than this many transfers to one host, and twice as many in all, are ever given to it.
    void set_limit(std::size_t per_origin) noexcept;

    // Null if memory ran out.
    std::unique_ptr<Handle> take_handle(const std::shared_ptr<const Policy> &policy);
    // Takes the handle off the lane, if it was added, and keeps it for the next transfer.
    void keep_handle(std::unique_ptr<Handle> handle, bool added) noexcept;
    void drop_idle_handles() noexcept { idle_.clear(); }

private:
    CURLM *multi_;
    bool http2_;
    std::vector<std::unique_ptr<Handle>> idle_;
};

}  // namespace ig::http
