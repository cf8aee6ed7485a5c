// The worker of one database: claims jobs, keeps their calls in flight, stores results as they come, and leaves when idle.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "postgres/call_loop.hpp"
#include "postgres/queue.hpp"
#include "postgres/wait_set.hpp"
#include "postgres/worker_transaction.hpp"

namespace ig::pg {

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

    void reload();
    void claim();
    bool may_call(WorkerTransaction &transaction);
    void begin(WorkerTransaction &transaction, ClaimedJob job, Instant now);
    void renew(Instant now);
    void check_ownership();
    void store_finished();
    void store_group(std::vector<sync::Outcome> &group);
    void store_alone(sync::Outcome &outcome);
    void store_one(WorkerTransaction &transaction, const sync::Outcome &outcome);
    void put_back(sync::WorkId id, const std::string &why) noexcept;
    void give_back_all(const char *why) noexcept;
    void forget(sync::WorkId id) noexcept;
    bool leave_if_idle(Instant now);
    std::optional<std::chrono::milliseconds> time_to_wait(Instant now) const;

    CallLoop calls_;
    WaitSet waiting_;
    std::map<sync::WorkId, Held> jobs_;
    bool look_at_queue_ = true;
    bool queue_has_more_ = false;
    bool suspects_possible_ = true;  // a job that crashed the worker twice runs alone
    std::optional<Instant> next_due_;
    Instant renewed_at_{};
    std::optional<Instant> idle_since_;
    bool calling_allowed_ = true;
};

}  // namespace ig::pg
