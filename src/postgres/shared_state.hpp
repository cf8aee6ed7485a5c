// What launcher and workers tell each other in shared memory: which databases have a worker, and when work is due next.
#pragma once

#include "postgres/postgres.hpp"

namespace ig::pg {

// mismatched: it left because library and extension are of different versions.
enum class WorkerPhase : int32 { unknown, running, left, crashed, mismatched };

struct DatabaseSlot {
    Oid database;
    WorkerPhase phase;
    int pid;
    TimestampTz next_due;  // of a worker that left; DT_NOEND: nothing waits
    TimestampTz changed_at;
};

// Exists only when the library is in shared_preload_libraries. Holds no pointers; magic and size guard against another
// version of the library.
struct SharedState {
    static constexpr int max_databases = 256;
    uint32 magic;
    uint32 size;
    LWLock *lock;  // in the main LWLock array, mapped alike in every process
    int launcher_pid;
    int slots_used;
    DatabaseSlot slots[max_databases];
};

// Hooks that reserve the memory; call from _PG_init while preloading.
void request_shared_state();
// The state, or null when the library was not preloaded or another version made it.
SharedState *shared_state() noexcept;

// A worker's report about its database, and the launcher's latch is set. Returns what was reported before, as far as that is
// known. Raises nothing.
WorkerPhase report_worker(WorkerPhase phase, TimestampTz next_due) noexcept;
// Says that the worker known to run does run, by another process that was started in vain.
void confirm_worker() noexcept;
// Copies the slots; returns how many.
int copy_slots(DatabaseSlot *slots) noexcept;
void forget_database(Oid database) noexcept;
void set_launcher(int pid) noexcept;

}  // namespace ig::pg
