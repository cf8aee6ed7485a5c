// Transfer: one request and the answer it gathers, bound to a curl easy handle while it travels.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "http/client.hpp"
#include "http/message.hpp"
#include "http/target.hpp"
#include "http/transport_failure.hpp"

namespace ig::http {

class Transfer {
public:
    Transfer(TransferId id, HttpRequest request, Target target, std::shared_ptr<const ClientOptions> options);
    Transfer(const Transfer &) = delete;  // libcurl holds pointers into it
    Transfer &operator=(const Transfer &) = delete;

    TransferId id() const noexcept { return id_; }
    const Target &target() const noexcept { return target_; }

    // Sets up a fresh or reset handle. False if libcurl lacks something we insist on; it must then not be used.
    bool bind(CURL *easy);
    CURL *handle() const noexcept { return easy_; }
    // Wipes the secrets and gives the handle back, without anything of this transfer in it.
    CURL *release() noexcept;

    // While no connection stands, the transfer is counted in `connecting`.
    void count_in(std::size_t &connecting) noexcept;
    void count_out() noexcept;

    // The outcome, to be asked once, before release().
    HttpResponse finish(CURLcode code);

    static Transfer *of(CURL *easy) noexcept;

private:
    enum class Abort { none, body_too_large, headers_too_large, out_of_memory };

    static std::size_t on_header(char *data, std::size_t size, std::size_t count, void *self) noexcept;
    static std::size_t on_body(char *data, std::size_t size, std::size_t count, void *self) noexcept;
    static int on_connected(void *self, char *, char *, int, int) noexcept;
    static curl_socket_t on_open_socket(void *self, curlsocktype purpose, curl_sockaddr *address) noexcept;

    bool set_policy();
    bool set_request();
    bool set_secret_query();
    bool set_callbacks();
    void take_header_line(std::string_view line);
    Ending ending(CURLcode code) const noexcept;

    TransferId id_;
    HttpRequest request_;
    Target target_;
    std::shared_ptr<const ClientOptions> options_;
    CURL *easy_ = nullptr;
    std::chrono::steady_clock::time_point bound_at_{};

    Secret authorization_;  // "Authorization: Bearer ..." with its closing NUL
    char expect_[8] = "Expect:";
    curl_slist header_lines_[2]{};  // ours, so that libcurl makes no copy that nobody wipes

    std::size_t *connecting_ = nullptr;
    HttpResponse response_;
    std::size_t header_bytes_ = 0;
    bool headers_ended_ = false;
    Abort abort_ = Abort::none;
};

}  // namespace ig::http
