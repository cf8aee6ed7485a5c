// Notices that the server's clock was set back, and brings back what a clock that was ahead has put off.
#pragma once

#include <chrono>
#include <optional>

#include "platform/time.hpp"
#include "postgres/spi.hpp"

namespace ig::pg {

class ClockChange {
public:
    explicit ClockChange(Instant now) noexcept;
    // What the clock would show by now, had it not been set back since it was looked at first; nothing if it was not, or by
    // seconds only. Set forward, it brings no harm: what waited comes sooner.
    std::optional<Instant> set_back_from(Instant now) noexcept;

private:
    Instant seen_;
    std::chrono::steady_clock::time_point seen_at_;
};

// For one who begins to lead: what the clock showed at the latest when a worker was at work, if that is yet to come.
std::optional<Instant> clock_was_ahead(Sql &sql);
// The clock showed `was` where it shows `now`: all that the tables put off by it comes as much earlier, and no day that is yet to
// end counts as asked. Runs as the worker role.
void follow_clock(Sql &sql, Instant was, Instant now);

}  // namespace ig::pg
