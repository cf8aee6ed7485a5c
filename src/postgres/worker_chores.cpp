// What the worker does once a day beside its calls: deletes what is too old and closes months, a short round at a time.
#include "postgres/worker.hpp"

namespace ig::pg {

namespace {

constexpr std::chrono::hours day{24};
constexpr std::chrono::minutes again_after{5};

}  // namespace

// After a look at the queue, so that a copy of a database has found out that it is one. Deleting calls nobody, so it goes on
// while calling is paused - but not in a copy before a person has decided what becomes of it, nor while one is being restored.
void Worker::do_chores(Instant now)
{
    if (now < chores_at_ || look_at_queue_ || again_at_) return;
    try {
        WorkerTransaction transaction("deleting what is too old");
        const Rows rows = transaction.sql().run("SELECT CASE WHEN s.state = 'same' AND NOT (s.paused AND s.reason LIKE "
                                                "'This database is a restored or template copy:%')"
                                                "            THEN instagram_insights.ig_maintain_daily() END"
                                                "  FROM instagram_insights.ig_installation_state() s");
        const Field &unfinished = rows[0][0];
        transaction.commit();
        chores_left_ = unfinished == "t";
        if (chores_left_) chores_at_ = now;  // between two rounds calls are sent and results stored
        else chores_at_ = now + (unfinished ? std::chrono::milliseconds(day) : std::chrono::milliseconds(again_after));
        chores_failed_ = false;
    } catch (const PgError &error) {
        // Somebody holds a lock: the numbers come first, and what is too old can wait.
        chores_left_ = false;
        chores_at_ = now + again_after;
        if (std::exchange(chores_failed_, true)) return;
        const char *const text = error.what();
        pg_call([text] {
            ereport(
                LOG,
                (errmsg("instagram_insights worker could not delete what is too old: %s", text),
                 errhint(
                     "It tries again every few minutes; SELECT * FROM instagram_insights.ig_maintain() does it now.")));
        });
    }
}

}  // namespace ig::pg
