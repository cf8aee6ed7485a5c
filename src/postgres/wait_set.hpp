// The one way we wait: for our latch, the postmaster's death and the HTTP client's descriptor, then for interrupts.
#pragma once

#include <chrono>
#include <optional>

#include "postgres/guard.hpp"

namespace ig::pg {

class WaitSet {
public:
    explicit WaitSet(int descriptor);
    ~WaitSet();
    WaitSet(const WaitSet &) = delete;
    WaitSet &operator=(const WaitSet &) = delete;

    // Waits at most `timeout` (for ever without one), resets the latch and lets cancel, terminate, reload and barriers take
    // effect. True if the latch was set.
    bool wait(std::optional<std::chrono::milliseconds> timeout);

private:
    WaitEventSet *events_;
};

}  // namespace ig::pg
