// Handle: a libcurl easy handle that is set up once with our policy and carries one transfer after another.
#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <memory>

#include "http/policy.hpp"

namespace ig::http {

class Transfer;

class Handle {
public:
    // `http2`: asks for HTTP/2 where the host offers it; else nothing but HTTP/1.1 is spoken.
    Handle(std::shared_ptr<const Policy> policy, bool http2) noexcept;
    ~Handle();
    Handle(const Handle &) = delete;  // libcurl holds pointers into it
    Handle &operator=(const Handle &) = delete;

    CURL *easy() const noexcept { return easy_; }  // null if memory ran out
    const Policy *policy() const noexcept { return policy_.get(); }
    Transfer *transfer() const noexcept { return transfer_; }

    // Takes the transfer up. False if libcurl lacks something we insist on; the handle must then not be used.
    bool carry(Transfer &transfer);
    // Lets go of the transfer. Nothing of it stays, neither secret nor pointer.
    void let_go() noexcept;

    static Handle *of(CURL *easy) noexcept;

private:
    static std::size_t on_header(char *data, std::size_t size, std::size_t count, void *self) noexcept;
    static std::size_t on_body(char *data, std::size_t size, std::size_t count, void *self) noexcept;
    static int on_connected(void *self, char *, char *, int, int local_port) noexcept;
    static curl_socket_t on_open_socket(void *self, curlsocktype purpose, curl_sockaddr *address) noexcept;

    bool set_up();
    bool take_another() noexcept;
    bool set_policy();
    bool set_trust();
    bool set_callbacks();
    bool set_scheme(bool plain);
    bool set_secret_query();
    bool set_form();
    bool is_as_set_up() const noexcept;

    std::shared_ptr<const Policy> policy_;
    bool http2_;
    CURL *easy_;
    bool set_up_ = false;        // with the policy; a transfer changes only what is its own
    bool plain_ = false;         // the one scheme that it is set up for
    bool more_was_set_ = false;  // a form or a secret query, which only a reset takes out again
    Transfer *transfer_ = nullptr;
    char expect_[8] = "Expect:";
    curl_slist header_lines_[2]{};  // ours, so that libcurl makes no copy that nobody wipes
};

}  // namespace ig::http
