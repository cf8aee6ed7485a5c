// The worker of one database: claims jobs, keeps their calls in flight, stores results as they come, and leaves when idle.
#pragma once

#include <chrono>
#include <optional>
#include <unordered_map>
#include <vector>

#include "postgres/call_loop.hpp"
#include "postgres/clock_change.hpp"
#include "postgres/queue.hpp"
#include "postgres/store.hpp"
#include "postgres/token_keeper.hpp"
#include "postgres/wait_set.hpp"
#include "postgres/worker_transaction.hpp"

namespace ig::pg {

// Results that come one by one share a transaction: so long the first of them waits for others.
inline constexpr std::chrono::milliseconds gather_results_for{20};
// After something that may pass by itself.
inline constexpr std::chrono::seconds try_again_after{1};

class Worker {
public:
    Worker();
    // Returns when there is nothing to do, when it is told to stop, or when the extension is gone.
    void run();
    // When work waits that nobody holds; valid after run().
    std::optional<Instant> next_due() const noexcept { return next_due_; }

private:
    struct Held {
        ClaimedJob job;
        sync::WorkProgress written;
    };

    void stop();
    void make_way(Instant was);
    std::vector<std::int64_t> jobs_with_old_leases(Instant now) const;
    void reload();
    void exchange_calls();
    bool wake_may_be_lost();
    bool hands_just_emptied();
    void consider_due(Instant due);
    std::size_t wanted_jobs() const;
    void claim(Instant now);
    void keep_plans_fitting(Instant now);
    void learn_usage(Sql &sql, const std::vector<ClaimedJob> &jobs);
    // Nothing: it is under way; else why it ends before any call.
    std::optional<JobEnd> begin(ClaimedJob &job, Instant now);
    void renew(Instant now);
    void do_chores(Instant now);
    void check_ownership();
    void store_finished(Instant now);
    bool gathering(Instant now) const;
    void store_group(const std::vector<sync::Outcome> &group);
    std::vector<sync::WorkId> store_results(WorkerTransaction &transaction, const std::vector<sync::Outcome> &group);
    void announce(WorkerTransaction &transaction, const std::vector<Result *> &stored,
                  const std::vector<const Result *> &need_person);
    void put_back(sync::WorkId id, const std::string &why, const std::string &advice) noexcept;
    void give_back_all(const char *why) noexcept;
    void forget(sync::WorkId id) noexcept;
    bool leave_if_idle(Instant now);
    Instant leave_at() const;
    std::optional<std::chrono::milliseconds> time_to_wait(Instant now) const;

    CallLoop calls_;
    ClockChange clock_;
    TokenKeeper tokens_{calls_};
    WaitSet waiting_;
    std::unordered_map<sync::WorkId, Held> jobs_;
    std::vector<sync::Outcome> finished_;  // of jobs in hand, not stored yet
    Instant finished_since_{};
    bool look_at_queue_ = true;
    bool queue_has_more_ = false;
    bool had_jobs_ = false;
    TimestampTz lock_wait_seen_ = 0;
    std::optional<Instant> again_at_;  // the last round failed: not before then
    std::optional<Instant> next_due_;
    Instant look_for_people_at_{};  // also while hands are full
    Instant renewed_at_{};
    Instant planned_at_{};
    std::optional<Instant> idle_since_;
    Instant stay_until_{};  // an attempt to leave was refused
    bool calling_allowed_ = true;
    Instant chores_at_{};       // the daily chores are due
    bool chores_left_ = false;  // a round of them was not the last
    bool chores_failed_ = false;
};

}  // namespace ig::pg
