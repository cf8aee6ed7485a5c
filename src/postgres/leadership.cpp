// Implements leadership with two advisory locks (locks.hpp) and the row of worker_state.
#include "postgres/leadership.hpp"

#include <algorithm>

#include "postgres/clock_change.hpp"
#include "postgres/locks.hpp"
#include "postgres/pacific.hpp"
#include "postgres/queue.hpp"
#include "postgres/version.hpp"
#include "postgres/wake.hpp"
#include "postgres/worker_transaction.hpp"

namespace ig::pg {

namespace {

bool acquire(WorkerLock lock, LOCKMODE mode, bool session)
{
    return pg_call([&] {
        const LOCKTAG tag = worker_lock_tag(lock);
        return LockAcquire(&tag, mode, session, true) != LOCKACQUIRE_NOT_AVAIL;
    });
}

// The lock is held by a process that leads (then it is woken, since it may have looked at the queue before our starter's job
// was there), or by one that is on its way out.
bool wake_present_leader()
{
    WorkerTransaction transaction("looking for the leader");
    // One of another version leaves as soon as it looks, so it is no leader to rely on but one to wait for.
    const Rows rows =
        transaction.sql().run("SELECT leader_pid FROM instagram_insights.worker_state WHERE library_version = $1",
                              Params().text(std::string_view(library_version)), View::latest);
    transaction.commit();
    return !rows.empty() && rows[0][0] && set_latch_of(std::stoi(*rows[0][0]));
}

}  // namespace

bool become_leader()
{
    constexpr int most_looks = 200;
    for (int look = 0; !acquire(WorkerLock::leader, ExclusiveLock, true); ++look) {
        if (wake_present_leader() || look == most_looks) return false;
        // One of an extension that was dropped meanwhile does not know yet that it has to go.
        wake_all_workers();
        const long pause_ms = std::min(50, 2 << std::min(look, 5));
        pg_call([pause_ms] {
            ResetLatch(MyLatch);
            (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, pause_ms, PG_WAIT_EXTENSION);
            ResetLatch(MyLatch);
            CHECK_FOR_INTERRUPTS();
        });
    }
    WorkerTransaction transaction("becoming the leader");
    const std::optional<Instant> was = clock_was_ahead(transaction.sql());
    transaction.sql().run(
        "UPDATE instagram_insights.worker_state"
        "   SET leader_pid = $1::integer, started_at = pg_catalog.clock_timestamp(), library_version = $2",
        Params().number(MyProcPid).text(std::string_view(library_version)));
    reclaim_all_jobs(transaction.sql());
    if (was) follow_clock(transaction.sql(), *was, current_time());
    transaction.commit();
    return true;
}

bool stop_leading(Instant horizon, std::optional<Instant> &next)
{
    WorkerTransaction transaction("looking whether to leave");
    if (!acquire(WorkerLock::gate, ExclusiveLock, false)) return false;
    next = next_due(transaction.sql(), true);
    // Under the gate, too: a pause may have ended since we looked.
    if (!calling_allowed(transaction.sql())) next.reset();
    else if ((next && *next <= horizon) || ConfigReloadPending) return false;
    transaction.sql().run(
        "UPDATE instagram_insights.worker_state SET leader_pid = NULL, started_at = pg_catalog.clock_timestamp()");
    // The gate is given back by the commit, when everybody can see that we have gone.
    transaction.commit();
    return true;
}

}  // namespace ig::pg
