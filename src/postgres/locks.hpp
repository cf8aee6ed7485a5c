// The worker's advisory locks: the gate (nobody enqueues unseen while the worker leaves) and leadership (one worker a database).
#pragma once

#include "postgres/postgres.hpp"

namespace ig::pg {

enum class WorkerLock : uint32 { gate = 1, leader = 2 };

// A lock class of our own: SQL's pg_advisory_lock() uses classes 1 and 2, so no user can take or hold these.
inline LOCKTAG worker_lock_tag(WorkerLock lock)
{
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0x49474E53u, static_cast<uint32>(lock), 0x4947);
    return tag;
}

}  // namespace ig::pg
