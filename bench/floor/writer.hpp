// Stores rows over one connection, a few thousand at a time, while others are still being fetched.
#pragma once

#include <string>

#include <libpq-fe.h>

#include "floor/reader.hpp"

namespace ig::bench {

class Writer {
public:
    // Throws std::runtime_error.
    explicit Writer(const std::string &where);
    ~Writer();
    Writer(const Writer &) = delete;
    Writer &operator=(const Writer &) = delete;

    Rows &rows() { return gathering_; }
    // Sends what was gathered if nothing is being stored and there is enough of it, or any with `rest`.
    void send(std::size_t enough, bool rest);
    bool storing() const { return storing_; }
    int socket() const { return PQsocket(connection_); }
    bool wants_write() const { return wants_write_; }
    void go_on();  // the socket is ready
    std::size_t stored() const { return stored_; }
    void reset() { stored_ = 0; }
    int backend() const { return PQbackendPID(connection_); }

private:
    [[noreturn]] void fail() const;

    PGconn *connection_;
    Rows gathering_;
    bool storing_ = false;
    bool wants_write_ = false;
    std::size_t stored_ = 0;
};

}  // namespace ig::bench
