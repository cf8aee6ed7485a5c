// A transaction of the worker: begins by making sure the extension is still there, runs as the worker role, commits whole.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>

#include "postgres/identity.hpp"
#include "postgres/spi.hpp"
#include "postgres/version_check.hpp"

namespace ig::pg {

// The extension was dropped, or is of another version than this library: the worker has no business here any more.
class ExtensionGone : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
    explicit ExtensionGone(const VersionMismatch &mismatch) : std::runtime_error(mismatch.message), hint_(mismatch.hint)
    {
    }
    // What to do about another version; empty where the extension was dropped, which is nothing to mend.
    const std::string &hint() const noexcept { return hint_; }

private:
    std::string hint_;
};

// Without commit() the transaction is aborted when the object dies, whatever threw.
class WorkerTransaction {
public:
    // Throws ExtensionGone, or PgError, e.g. when somebody holds the extension locked longer than lock_timeout.
    explicit WorkerTransaction(const char *activity);
    ~WorkerTransaction();
    WorkerTransaction(const WorkerTransaction &) = delete;
    WorkerTransaction &operator=(const WorkerTransaction &) = delete;

    Sql &sql() { return *sql_; }
    // Tells listeners, when the transaction commits, that a refresh ended so. No user, no account: many may listen.
    void announce_refresh(std::int64_t job_id, const std::string &state);
    // Tells listeners and, once, the server log that an account has come to need a person. No ids: both are read by many.
    void announce_needs_person(const char *status);
    void commit();

private:
    // Sends `payload` on channel instagram_insights when the transaction commits.
    static void notify(const std::string &payload);

    std::optional<Sql> sql_;
    std::optional<WorkerRole> role_;
    bool open_ = false;
};

// True while a transaction of ours is open: a SIGTERM may then interrupt anywhere, else it waits for the main loop.
bool in_worker_transaction() noexcept;

}  // namespace ig::pg
