// Transfer: one request and the answer it gathers, carried by a Handle while it travels to its Origin.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/client.hpp"
#include "http/handle.hpp"
#include "http/message.hpp"
#include "http/origin.hpp"
#include "http/policy.hpp"
#include "http/target.hpp"
#include "http/transport_failure.hpp"

namespace ig::http {

class Transfer {
public:
    Transfer(TransferId id, HttpRequest request, Target target, std::shared_ptr<const Policy> policy, Origin &origin);
    Transfer(const Transfer &) = delete;  // its handle points to it
    Transfer &operator=(const Transfer &) = delete;

    TransferId id() const noexcept { return id_; }
    const Target &target() const noexcept { return target_; }
    const std::shared_ptr<const Policy> &policy() const noexcept { return policy_; }
    Origin &origin() const noexcept { return origin_; }
    // Whether it would rather travel on a connection that it shares.
    bool may_share() const noexcept;

    // For its handle: what to send, and what comes back. False ends the transfer.
    void begin();
    const HttpRequest &request() const noexcept { return request_; }
    const char *authorization() const noexcept;  // the header line, or null; lives as long as the transfer
    Secret take_secret_resource();               // path and query with the secret part, and a closing NUL
    bool take_header(std::string_view line) noexcept;
    bool take_body(std::string_view bytes) noexcept;
    void connected(int local_port) noexcept;
    void wipe() noexcept;

    // It travels from launch() to land(), counted by its origin. libcurl must then know its handle.
    void launch(Way way) noexcept;
    void land() noexcept;
    bool is_launched() const noexcept { return launched_; }
    bool is_connected() const noexcept { return connected_; }
    Way way() const noexcept { return way_; }
    std::unique_ptr<Handle> handle;

    // The outcome, to be asked once, before land().
    HttpResponse finish(CURLcode code);
    bool succeeded() const noexcept { return succeeded_; }

private:
    enum class Abort { none, body_too_large, headers_too_large, out_of_memory };

    void take_header_line(std::string_view line);
    Ending ending(CURLcode code) const noexcept;
    void learn(CURLcode code) noexcept;
    void end_dead_connection() const noexcept;

    const TransferId id_;
    HttpRequest request_;
    const Target target_;
    const std::shared_ptr<const Policy> policy_;
    Origin &origin_;
    std::chrono::steady_clock::time_point begun_at_{};
    Way way_ = Way::own;
    bool launched_ = false;
    bool connected_ = false;
    bool succeeded_ = false;
    int local_port_ = 0;

    Secret authorization_;  // "Authorization: Bearer ..." with its closing NUL
    HttpResponse response_;
    std::size_t header_bytes_ = 0;
    bool headers_ended_ = false;
    Abort abort_ = Abort::none;
};

}  // namespace ig::http
