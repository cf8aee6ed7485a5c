// The worker's process: signals, connection, session settings, and what the launcher is told at the end.
#include "postgres/guard.hpp"
#include "postgres/leadership.hpp"
#include "postgres/pacific.hpp"
#include "postgres/shared_state.hpp"
#include "postgres/worker.hpp"

extern "C" {
PGDLLEXPORT void instagram_insights_worker_main(Datum argument);
}

namespace ig::pg {

namespace {

bool left_in_order = false;

// While a transaction is open the server's own handler may end it anywhere; while we wait or drive HTTP the main loop gives
// the jobs back first.
void on_sigterm(int signal)
{
    const int saved_errno = errno;
    if (in_worker_transaction() || ShutdownRequestPending) die(signal);
    else {
        ShutdownRequestPending = true;
        SetLatch(MyLatch);
    }
    errno = saved_errno;
}

void at_exit(int, Datum)
{
    if (!left_in_order) report_worker(WorkerPhase::crashed, DT_NOEND);
}

// This session's own settings, whatever the server, database or superuser have set.
void pin_session_settings()
{
    static constexpr struct {
        const char *name;
        const char *value;
    } pinned[] = {
        {"search_path", "pg_catalog, pg_temp"},
        {"DateStyle", "ISO, YMD"},
        {"lock_timeout", "1s"},
        {"statement_timeout", "0"},
        {"idle_in_transaction_session_timeout", "0"},
        {"default_transaction_isolation", "read committed"},
        {"default_transaction_read_only", "off"},
        // Waiting for a standby would swallow wake-ups; what a failover loses is claimed and fetched again.
        {"synchronous_commit", "local"},
        {"row_security", "on"},
        {"jit", "off"},
        {"max_parallel_workers_per_gather", "0"},
        // Every statement of ours is a list of keys and a probe of an index for each; plans are made once, perhaps
        // while the tables are still empty, and must not look as if they stayed so.
        {"plan_cache_mode", "force_generic_plan"},
        {"enable_seqscan", "off"},
        {"enable_hashjoin", "off"},
        {"enable_mergejoin", "off"},
        {"application_name", "instagram_insights worker"}};
    for (const auto &setting : pinned) SetConfigOption(setting.name, setting.value, PGC_SUSET, PGC_S_OVERRIDE);
}

TimestampTz to_timestamp(const std::optional<Instant> &moment)
{
    if (!moment) return DT_NOEND;
    constexpr std::int64_t postgres_epoch_ms = 946684800000;
    return (moment->time_since_epoch().count() - postgres_epoch_ms) * 1000;
}

void run_worker(Oid database)
{
    pg_call([database] {
        pqsignal(SIGHUP, SignalHandlerForConfigReload);
        pqsignal(SIGTERM, on_sigterm);
        BackgroundWorkerUnblockSignals();
        BackgroundWorkerInitializeConnectionByOid(database, InvalidOid, 0);
        before_shmem_exit(at_exit, static_cast<Datum>(0));
        pin_session_settings();
    });
    try {
        if (!become_leader()) {
            left_in_order = true;  // the leader reports for this database; without a word the launcher would try again
            confirm_worker();
            return;
        }
        report_worker(WorkerPhase::running, DT_NOEND);
        Worker worker;
        worker.run();
        left_in_order = true;
        report_worker(WorkerPhase::left, to_timestamp(worker.next_due()));
    } catch (const ExtensionGone &gone) {
        left_in_order = true;
        const char *const text = gone.what();
        if (gone.hint().empty()) {
            report_worker(WorkerPhase::left, DT_NOEND);
            pg_call([text] { elog(DEBUG1, "instagram_insights worker leaves: %s", text); });
            return;
        }
        // Each nudge and each job starts another one that finds the same: it is said once where shared memory tells so.
        const bool said = report_worker(WorkerPhase::mismatched, DT_NOEND) == WorkerPhase::mismatched;
        const char *const hint = gone.hint().c_str();
        pg_call([&] {
            ereport(said ? DEBUG1 : LOG, (errmsg("instagram_insights worker leaves: %s", text), errhint("%s", hint)));
        });
    }
}

}  // namespace

}  // namespace ig::pg

void instagram_insights_worker_main(Datum argument)
{
    ig::pg::cpp_entry([argument] { ig::pg::run_worker(DatumGetObjectId(argument)); });
    proc_exit(0);
}
