// Compares our clock with that of the API's servers: the life of tokens and of begun logins depends on it.
#pragma once

#include <optional>

#include "http/message.hpp"
#include "platform/time.hpp"
#include "postgres/spi.hpp"

namespace ig::pg {

class ClockWatch {
public:
    // An answer came at `now`. Returns what time it was there, where our clock is wrong by more than is tolerated.
    std::optional<Instant> observe(const HttpResponse &response, Instant now) noexcept;
    // Writes what was seen last into worker_state, at most once an hour unless the clock went wrong or right since. Runs as the
    // worker role.
    void store(Sql &sql, Instant now);
    // The transaction that stored it is committed.
    void committed() noexcept;

private:
    struct Seen {
        std::chrono::seconds ahead;  // of ours, before theirs
        Instant at;
        bool wrong() const noexcept;
    };
    std::optional<Seen> seen_;
    std::optional<Seen> storing_;
    std::optional<Seen> stored_;
};

}  // namespace ig::pg
