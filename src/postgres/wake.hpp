// Waking the worker when a transaction commits: no wake-up is lost, and nothing is done for a transaction that rolls back.
#pragma once

#include "postgres/postgres.hpp"

namespace ig::pg {

// Takes the gate until the end of the transaction and remembers whom to wake at commit. Cheap when called again.
void wake_worker_at_commit();

// Fills in the registration of this database's worker. Calls no allocator.
void describe_worker(BackgroundWorker &worker, Oid database);

// Sets the latch of the process if it is alive and belongs to this database. Takes one LWLock, raises nothing.
bool set_latch_of(int pid);

// Sets the latch of every background process of this database: whoever of them works for us looks again. Raises nothing.
void wake_all_workers() noexcept;

// True if a worker leads this database at this moment.
bool leader_exists();

void register_wake_callbacks();

}  // namespace ig::pg
