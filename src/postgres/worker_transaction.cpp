// Implements the worker's transactions.
#include "postgres/worker_transaction.hpp"

namespace ig::pg {

namespace {

volatile sig_atomic_t transaction_open = 0;
Oid served_extension = InvalidOid;

void abort_transaction() noexcept
{
    try {
        pg_call([] { AbortOutOfAnyTransaction(); });
    } catch (...) {
        // An abort that fails has ended the process already.
    }
    transaction_open = 0;
}

}  // namespace

bool in_worker_transaction() noexcept { return transaction_open != 0; }

WorkerTransaction::WorkerTransaction(const char *activity)
{
    transaction_open = 1;
    try {
        const bool present = pg_call([activity] {
            SetCurrentStatementStartTimestamp();
            StartTransactionCommand();
            pgstat_report_activity(STATE_RUNNING, activity);
            PushActiveSnapshot(GetTransactionSnapshot());
            // DROP EXTENSION waits for this short transaction, and we see whether it has happened.
            const Oid extension = get_extension_oid("instagram_insights", true);
            if (!OidIsValid(extension)) return false;
            LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
            if (get_extension_oid("instagram_insights", true) != extension) return false;
            // Dropped and made anew: what we hold belongs to the old one, whose ids the new one gives out again.
            if (!OidIsValid(served_extension)) served_extension = extension;
            return served_extension == extension;
        });
        if (!present) throw ExtensionGone("extension instagram_insights is not in this database any more");
        sql_.emplace();
        if (const std::optional<VersionMismatch> mismatch = version_mismatch(*sql_)) throw ExtensionGone(*mismatch);
        role_.emplace();
        open_ = true;
    } catch (...) {
        role_.reset();
        abort_transaction();
        throw;
    }
}

WorkerTransaction::~WorkerTransaction()
{
    if (!open_) return;
    role_.reset();
    abort_transaction();
}

void WorkerTransaction::notify(const std::string &payload)
{
    const char *const text = payload.c_str();
    pg_call([text] { Async_Notify("instagram_insights", text); });
}

void WorkerTransaction::announce_refresh(std::int64_t job_id, const std::string &state)
{
    notify(R"({"event":"job","job_id":)" + std::to_string(job_id) + R"(,"state":")" + state + "\"}");
}

void WorkerTransaction::announce_needs_person(const char *status)
{
    notify(std::string("{\"event\":\"account\",\"status\":\"") + status + "\"}");
    pg_call([status] {
        ereport(LOG,
                (errmsg("instagram_insights: an account needs a person: %s", status),
                 errhint("SELECT * FROM instagram_insights.connections says which account, why, and what to do.")));
    });
}

void WorkerTransaction::commit()
{
    role_->leave();
    sql_->finish();
    pg_call([] {
        PopActiveSnapshot();
        CommitTransactionCommand();
        pgstat_report_stat(false);
        pgstat_report_activity(STATE_IDLE, nullptr);
    });
    open_ = false;
    transaction_open = 0;
}

}  // namespace ig::pg
