// Implements waking (design.md, "Start, wake, leave without a lost wake-up").
//
// Under the gate, in shared mode, we look who leads. At commit, still under the gate, that process' latch is set, or a worker
// is registered. A leader leaves only with the gate in exclusive mode, after one more look at the queue: so either it sees
// our row, or we see that it has gone. The commit callback must not raise, allocate or take heavyweight locks: an ERROR there
// is a PANIC. All it does is look at an array of processes, or copy a struct into the postmaster's list.
#include "postgres/wake.hpp"

#include "postgres/guard.hpp"
#include "postgres/locks.hpp"
#include "postgres/shared_state.hpp"
#include "postgres/spi.hpp"

namespace ig::pg {

namespace {

struct PendingWake {
    bool wanted;
    int leader_pid;  // 0: none leads, start one
    BackgroundWorker worker;
};
PendingWake pending;
bool extension_changed = false;  // in this transaction: the worker must look whether it is still wanted
bool extension_updated = false;  // by the script of an update: a worker of the new version is to begin
object_access_hook_type previous_access_hook = nullptr;

void on_object_access(ObjectAccessType access, Oid catalog, Oid object, int column, void *argument)
{
    if (previous_access_hook != nullptr) previous_access_hook(access, catalog, object, column, argument);
    if (catalog != ExtensionRelationId || (access != OAT_DROP && access != OAT_POST_ALTER)) return;
    if (object == get_extension_oid("instagram_insights", true)) extension_changed = true;
}

// After an update a worker of the new version begins, without waiting for somebody to enqueue or nudge: the one that led before
// ends, and what it had in hand is taken back.
void follow_extension(bool committed)
{
    if (committed && extension_updated) {
        describe_worker(pending.worker, MyDatabaseId);
        (void)RegisterDynamicBackgroundWorker(&pending.worker, nullptr);
    }
    if (committed && (extension_changed || extension_updated)) wake_all_workers();
    extension_changed = extension_updated = false;
}

void wake_at_commit(XactEvent event, void *)
{
    if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE)
        follow_extension(event == XACT_EVENT_COMMIT);
    if (!pending.wanted) return;
    if (event == XACT_EVENT_COMMIT) {
        pending.wanted = false;
        if (pending.leader_pid != 0 && set_latch_of(pending.leader_pid)) return;
        if (RegisterDynamicBackgroundWorker(&pending.worker, nullptr)) return;
        // Without a free slot: perhaps those that others have just started fill them, and have looked before our commit.
        wake_all_workers();
        // And the launcher, if there is one, starts a worker as soon as a slot is free.
        report_worker(WorkerPhase::left, GetCurrentTimestamp());
    } else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
        pending.wanted = false;
    }
}

}  // namespace

bool set_latch_of(int pid)
{
    if (pid <= 0) return false;
    PGPROC *const process = BackendPidGetProc(pid);
    if (process == nullptr || process->databaseId != MyDatabaseId) return false;
    SetLatch(&process->procLatch);
    return true;
}

void wake_all_workers() noexcept
{
    // Read without a lock, as the array of processes never moves: at worst a latch is set in vain.
    for (uint32 i = 0; i < ProcGlobal->allProcCount; ++i) {
        PGPROC *const process = &ProcGlobal->allProcs[i];
        if (process->pid != 0 && process->databaseId == MyDatabaseId && is_background_process(process))
            SetLatch(&process->procLatch);
    }
}

void describe_worker(BackgroundWorker &worker, Oid database)
{
    MemSet(&worker, 0, sizeof worker);
    strlcpy(worker.bgw_name, "instagram_insights worker", sizeof worker.bgw_name);
    strlcpy(worker.bgw_type, "instagram_insights worker", sizeof worker.bgw_type);
    strlcpy(worker.bgw_library_name, "instagram_insights", sizeof worker.bgw_library_name);
    strlcpy(worker.bgw_function_name, "instagram_insights_worker_main", sizeof worker.bgw_function_name);
    worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
    worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
    worker.bgw_restart_time = BGW_NEVER_RESTART;
    worker.bgw_main_arg = ObjectIdGetDatum(database);
}

bool leader_exists()
{
    return pg_call([] {
        const LOCKTAG tag = worker_lock_tag(WorkerLock::leader);
        if (LockAcquire(&tag, ShareLock, false, true) == LOCKACQUIRE_NOT_AVAIL) return true;
        LockRelease(&tag, ShareLock, false);
        return false;
    });
}

void wake_worker_at_commit()
{
    if (creating_extension) {
        // Called by the script of an update: whoever leads now is of the version before, and not one to be relied on. The
        // server has called our hook before the script, when this session need not have had the library yet.
        extension_updated = true;
        return;
    }
    // Again on each call: a savepoint that was rolled back has given the gate back.
    pg_call([] {
        const LOCKTAG tag = worker_lock_tag(WorkerLock::gate);
        (void)LockAcquire(&tag, ShareLock, false, false);
    });
    // Only now may the leader be looked up, and by a snapshot taken now: under REPEATABLE READ the transaction's own snapshot
    // could still show a leader that has gone.
    Sql sql;
    const Rows rows = sql.run("SELECT leader_pid FROM instagram_insights.worker_state", Params(), View::latest);
    sql.finish();
    int pid = 0;
    if (!rows.empty() && rows[0][0] && leader_exists()) pid = std::stoi(*rows[0][0]);
    pending.leader_pid = pid;
    describe_worker(pending.worker, MyDatabaseId);
    pending.wanted = true;
}

void register_wake_callbacks()
{
    RegisterXactCallback(wake_at_commit, nullptr);
    previous_access_hook = object_access_hook;
    object_access_hook = on_object_access;
}

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_wake_worker)
{
    (void)fcinfo;
    return pg::cpp_entry([]() -> Datum {
        pg::wake_worker_at_commit();
        return static_cast<Datum>(0);
    });
}
