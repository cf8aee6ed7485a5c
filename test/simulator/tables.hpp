// The tables of a run: connections, the queue, budgets and rows, as the SQL of the extension changes them.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "scenario.hpp"
#include "sync/governor.hpp"
#include "sync/metric_state.hpp"

namespace ig::simulator {

using JobId = std::uint64_t;

enum class JobKind : std::uint8_t { refresh, daily, backfill };  // the number is the priority
enum class JobState : std::uint8_t { queued, running, waiting, succeeded, partial, failed, cancelled };
inline bool lives(JobState state) noexcept
{
    return state == JobState::queued || state == JobState::running || state == JobState::waiting;
}

struct Job {
    JobId id = 0;
    Slot slot = 0;
    JobKind kind = JobKind::daily;
    JobState state = JobState::queued;
    std::optional<Day> since, until;
    Instant due_at{};
    std::optional<Instant> lease_until;
    std::int64_t generation = 0;
    int attempt = 0;
    int crashes = 0;
    sync::AnsweredDays answered;  // by its tries so far
    std::uint64_t claim = 0;      // for the audit alone: which claim may store, counted over the run; 0: none
};

enum class AccountStatus : std::uint8_t { active, needs_login, disconnected };

struct Connection {
    AccountStatus status = AccountStatus::disconnected;
    std::int64_t generation = 0;
    unsigned epoch = 0;  // of the token: raised by each connecting
    std::optional<Instant> issued_at, expires_at, refresh_after, blocked_until;
    sync::KnownMetrics known;
};

// A row of insights for one connection, kind and day.
struct Row {
    std::uint64_t number = 0;  // 0: there is none
    bool covered = false;      // for the audit alone: a stored answer spoke of it
};

struct ClaimedJob {
    Job job;  // as claimed
    std::int64_t account_generation = 0;
    unsigned epoch = 0;
    bool suspect = false;
    Instant leased_at{};
};

// How a job is left.
struct JobEnd {
    JobState state = JobState::failed;
    std::optional<Instant> due_at;
    bool count_try = true;
    std::optional<sync::AnsweredDays> answered;  // of a try that is stored
};

class Tables {
public:
    explicit Tables(const Scenario &scenario);

    // What sessions do (schema/84_enqueue.sql, 85_jobs.sql, 86_disconnect.sql).
    int sync_all(Instant now);
    std::optional<JobId> refresh(Slot slot, Instant now);
    std::optional<JobId> backfill(Slot slot, Day since, Day until, Instant now);
    bool cancel(JobId id);
    void connect(Slot slot, Instant now, std::optional<Instant> expires_at);
    void disconnect(Slot slot);

    // What the worker does (src/postgres/queue.cpp). Returned: the jobs that were taken back.
    std::vector<JobId> reclaim(bool all, const std::vector<JobId> &held, Instant now);
    enum class Claim { all, interactive, suspects };
    std::vector<ClaimedJob> claim(std::size_t most, Claim kind, Instant now);
    bool renew(const ClaimedJob &job, Instant now);
    bool finish(const ClaimedJob &job, const JobEnd &end);
    bool holds(const ClaimedJob &job) const;
    std::optional<Instant> next_due(bool idle) const;

    // The table of budgets (src/postgres/usage_store.cpp).
    std::vector<sync::BudgetRow> write_usage(const std::vector<sync::BudgetRow> &rows, Instant now);
    const sync::BudgetRow *usage(const sync::BudgetKey &key) const;

    Connection &connection(Slot slot) { return connections_[slot]; }
    const std::vector<Connection> &connections() const { return connections_; }
    Row &row(Slot slot, RowKind kind, DayIndex day)
    {
        return rows_[(slot * row_kinds + static_cast<std::size_t>(kind)) * days_ + static_cast<std::size_t>(day)];
    }
    const std::vector<Job> &jobs() const { return jobs_; }
    Job &job(JobId id) { return jobs_[id - 1]; }
    // The first in line of each kind, for the audit.
    std::optional<JobId> first_due(JobKind kind, bool suspects) const;

private:
    using Line = std::set<std::tuple<JobKind, Instant, JobId>>;

    JobId insert(Slot slot, JobKind kind, Instant now);
    void leave_lines(const Job &job);
    void join_lines(const Job &job);
    template <typename Change> void change(Job &job, Change apply)
    {
        leave_lines(job);
        apply(job);
        join_lines(job);
    }
    Line &line_of(const Job &job) { return job.crashes >= 2 ? suspects_ : due_; }

    const Scenario &scenario_;
    std::vector<Connection> connections_;
    std::vector<Job> jobs_;
    std::vector<std::array<JobId, 2>> live_;  // of a connection: its refresh and its daily job
    Line due_;                                // queued and waiting, in the order of claiming
    Line suspects_;
    std::set<std::pair<Instant, JobId>> running_;
    std::map<sync::BudgetKey, sync::BudgetRow> usage_;
    std::size_t days_;
    std::vector<Row> rows_;
    std::uint64_t last_claim_ = 0;
    std::int64_t last_generation_ = 0;
};

}  // namespace ig::simulator
