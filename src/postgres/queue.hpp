// The queue of sync_jobs: claim with a lease, renew, finish under fencing, give back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "postgres/account_state.hpp"

namespace ig::pg {

// A job in the worker's hands.
struct ClaimedJob {
    SyncTry attempt;
    std::int64_t id = 0;
    std::int64_t generation = 0;  // the claim's: every write names it, so that a late worker changes nothing
    int priority = 1;
    int tries = 1;
    std::optional<std::vector<std::string>> metrics;
    std::optional<Day> since;
    std::optional<Day> until;
    std::string account_status;                    // empty: the account is gone
    std::vector<sync::MetricState> metric_states;  // with the days that earlier tries have brought
    bool suspect = false;                          // was in hand at two crashes: runs alone
    Instant leased_at{};
};

// How a job is left.
struct JobEnd {
    std::string state;              // of the contract
    std::optional<Instant> due_at;  // waiting: the next try
    std::string error_kind;
    std::string error;
    std::string hint;
    int calls_done = 0;
    int calls_planned = 0;
    int rows_stored = 0;
    std::string answered;   // sync::answered_days_json(), if this try's results are stored; else what is known stays
    bool count_try = true;  // false: this try does not count (paused, shut down, throttled)
};

inline constexpr int lease_seconds = 120;

// All run inside a transaction, under WorkerRole.

// Jobs left running by a worker that is no more: they are queued again, and set aside after the third crash; sync_log
// tells of each try that was lost so. All of them: by a new leader, who knows that nobody else can hold one. Else those
// whose lease has run out, but for those that the leader holds.
void reclaim_all_jobs(Sql &sql);
void reclaim_expired_jobs(Sql &sql, const std::vector<std::int64_t> &held);
// Takes up to `most` due jobs, by priority and age: all kinds, or those only that a person waits for, or instead of these one
// that was in hand at two crashes, to run alone.
struct Claim {
    std::size_t most;
    enum Kind { all, interactive, suspects } kind;
};
std::vector<ClaimedJob> claim_jobs(Sql &sql, Claim claim);
// Writes progress and renews the leases. Returns the jobs that are not ours any more.
struct JobProgress {
    const ClaimedJob *job;
    int calls_done;
    int calls_planned;
};
std::vector<std::int64_t> renew_jobs(Sql &sql, const std::vector<JobProgress> &progress);
// How some jobs are left, in one statement. Returns those that were not ours any more.
struct LeftJob {
    const ClaimedJob *job;
    JobEnd end;
};
std::vector<std::int64_t> finish_jobs(Sql &sql, const std::vector<LeftJob> &left);
// Of these jobs, those that are not ours any more (cancelled, disconnected, deleted).
std::vector<std::int64_t> lost_jobs(Sql &sql, const std::vector<const ClaimedJob *> &jobs);
// When the next job that nobody holds is due. `idle`: for a worker with empty hands, who may take suspects, and for whom a
// job that runs has been lost by somebody: it is due when its lease ends.
std::optional<Instant> next_due(Sql &sql, bool idle);
// Whether anybody may be called: not switched off, not paused, and not a restored copy that has just found out.
bool calling_allowed(Sql &sql);

}  // namespace ig::pg
