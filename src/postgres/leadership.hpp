// One worker a database: becoming the leader, and leaving without losing a wake-up.
#pragma once

#include <optional>

#include "platform/time.hpp"

namespace ig::pg {

// True: this process leads now and orphaned jobs are queued again. False: another one leads; it has been woken.
bool become_leader();

// Tries to stop leading. False: somebody is enqueueing, or calling is allowed and work is due before `horizon`; stay. True:
// leave; `next_due` says when work waits that may be done, if any does.
bool stop_leading(Instant horizon, std::optional<Instant> &next_due);

}  // namespace ig::pg
