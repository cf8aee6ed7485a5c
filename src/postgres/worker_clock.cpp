// What the worker does when the server's clock is set back while it runs: it makes way for a successor.
#include "postgres/pacific.hpp"
#include "postgres/wake.hpp"
#include "postgres/worker.hpp"

namespace ig::pg {

// Pauses, leases, budgets, days: each moment in our hands was told by the clock that was, and would let its work wait until the
// clock is there again. A successor has none of them, and finds in worker_state what the clock was.
void Worker::make_way(Instant was)
{
    give_back_all("the server's clock was set back");
    const Instant now = current_time();
    WorkerTransaction transaction("making way for a successor");
    transaction.sql().run("UPDATE instagram_insights.worker_state SET leader_pid = NULL, started_at = $1",
                          Params().instant(was));
    wake_worker_at_commit();
    transaction.commit();
    next_due_ = now;  // should there be no free slot, the launcher tries again
    const long long back = std::chrono::duration_cast<std::chrono::seconds>(was - now).count();
    pg_call([back] {
        ereport(LOG, (errmsg("instagram_insights worker begins anew: the server's clock was set back by %lld s", back),
                      errdetail("What waits keeps its pause. Nothing is lost.")));
    });
}

}  // namespace ig::pg
