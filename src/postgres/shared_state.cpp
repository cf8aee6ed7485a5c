// Implements the shared memory of launcher and workers.
#include "postgres/shared_state.hpp"

namespace ig::pg {

namespace {

constexpr uint32 state_magic = 0x49475331;
SharedState *state = nullptr;
shmem_request_hook_type previous_request_hook = nullptr;
shmem_startup_hook_type previous_startup_hook = nullptr;

void request()
{
    if (previous_request_hook != nullptr) previous_request_hook();
    RequestAddinShmemSpace(MAXALIGN(sizeof(SharedState)));
    RequestNamedLWLockTranche("instagram_insights", 1);
}

void startup()
{
    if (previous_startup_hook != nullptr) previous_startup_hook();
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    state = static_cast<SharedState *>(ShmemInitStruct("instagram_insights", sizeof(SharedState), &found));
    if (!found) {
        MemSet(state, 0, sizeof *state);
        state->magic = state_magic;
        state->size = sizeof(SharedState);
        state->lock = &GetNamedLWLockTranche("instagram_insights")->lock;
    }
    LWLockRelease(AddinShmemInitLock);
}

void wake_launcher(int pid)
{
    PGPROC *const process = pid > 0 ? BackendPidGetProc(pid) : nullptr;
    if (process != nullptr) SetLatch(&process->procLatch);
}

}  // namespace

void request_shared_state()
{
    previous_request_hook = shmem_request_hook;
    shmem_request_hook = request;
    previous_startup_hook = shmem_startup_hook;
    shmem_startup_hook = startup;
}

SharedState *shared_state() noexcept
{
    if (state == nullptr || state->magic != state_magic || state->size != sizeof(SharedState)) return nullptr;
    return state;
}

WorkerPhase report_worker(WorkerPhase phase, TimestampTz next_due) noexcept
{
    WorkerPhase before = WorkerPhase::unknown;
    SharedState *const shared = shared_state();
    if (shared == nullptr) return before;
    LWLockAcquire(shared->lock, LW_EXCLUSIVE);
    DatabaseSlot *slot = nullptr;
    for (int i = 0; i < shared->slots_used && slot == nullptr; ++i)
        if (shared->slots[i].database == MyDatabaseId) slot = &shared->slots[i];
    if (slot != nullptr) before = slot->phase;
    if (slot == nullptr && shared->slots_used < SharedState::max_databases) slot = &shared->slots[shared->slots_used++];
    if (slot != nullptr) {
        slot->database = MyDatabaseId;
        slot->phase = phase;
        slot->pid = phase == WorkerPhase::running ? MyProcPid : 0;
        slot->next_due = next_due;
        slot->changed_at = GetCurrentTimestamp();
    }
    const int launcher = shared->launcher_pid;
    LWLockRelease(shared->lock);
    wake_launcher(launcher);
    return before;
}

void confirm_worker() noexcept
{
    SharedState *const shared = shared_state();
    if (shared == nullptr) return;
    LWLockAcquire(shared->lock, LW_EXCLUSIVE);
    for (int i = 0; i < shared->slots_used; ++i)
        if (shared->slots[i].database == MyDatabaseId && shared->slots[i].phase == WorkerPhase::running)
            shared->slots[i].changed_at = GetCurrentTimestamp();
    const int launcher = shared->launcher_pid;
    LWLockRelease(shared->lock);
    wake_launcher(launcher);
}

int copy_slots(DatabaseSlot *slots) noexcept
{
    SharedState *const shared = shared_state();
    if (shared == nullptr) return 0;
    LWLockAcquire(shared->lock, LW_SHARED);
    const int used = shared->slots_used;
    memcpy(slots, shared->slots, sizeof(DatabaseSlot) * static_cast<std::size_t>(used));
    LWLockRelease(shared->lock);
    return used;
}

void forget_database(Oid database) noexcept
{
    SharedState *const shared = shared_state();
    if (shared == nullptr) return;
    LWLockAcquire(shared->lock, LW_EXCLUSIVE);
    for (int i = 0; i < shared->slots_used; ++i)
        if (shared->slots[i].database == database) {
            shared->slots[i] = shared->slots[shared->slots_used - 1];
            --shared->slots_used;
            break;
        }
    LWLockRelease(shared->lock);
}

void set_launcher(int pid) noexcept
{
    SharedState *const shared = shared_state();
    if (shared == nullptr) return;
    LWLockAcquire(shared->lock, LW_EXCLUSIVE);
    shared->launcher_pid = pid;
    LWLockRelease(shared->lock);
}

}  // namespace ig::pg
