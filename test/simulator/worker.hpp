// The worker of a run: drives the real engine as src/postgres/worker*.cpp and call_*.cpp do, and may die at any step.
#pragma once

#include <array>
#include <deque>
#include <optional>
#include <queue>
#include <unordered_map>
#include <vector>

#include "budget_books.hpp"
#include "sync/batch_size.hpp"
#include "sync/engine.hpp"
#include "world.hpp"

namespace ig::simulator {

// Thrown out of a round; the worker is gone with all it had in hand.
struct WorkerDied {
    int peril;
};
// Thrown between two steps of a round: it stands still for so long, while another takes its work over.
struct WorkerFroze {
    milliseconds stands_still;
};

class Worker {
public:
    // As a new leader it takes back what a predecessor left running.
    Worker(World &world, std::uint64_t number);

    std::uint64_t number() const noexcept { return number_; }
    void round();
    // In true time, when it must be looked at again without being woken.
    std::optional<Instant> next_event() const;
    void wake() noexcept { look_at_queue_ = true; }
    // It is not the leader any more: it ends what it has, as far as it may, and claims nothing.
    void depose() noexcept { deposed_ = true; }
    bool has_ended() const noexcept { return deposed_ && jobs_.empty(); }

private:
    static constexpr std::uint64_t nowhere = 0;  // no request

    struct Held {
        ClaimedJob job;
        Expectation expectation;
        Instant started_at{};
        sync::WorkProgress written;
        std::vector<sync::CallId> calls;  // given out; those in calls_ are waiting or under way
        int open_calls = 0;               // of these: not answered and not taken back
        bool ended = false;               // the engine is done with it
    };
    using RequestId = std::uint64_t;
    struct Packed {
        JobId work = 0;
        platform::InsightsQuery query;
        std::size_t most_together = 0;
        RequestId request = nowhere;
    };
    struct Request {
        std::vector<sync::CallId> calls;
        platform::Login login{};
        std::size_t wanted = 0;
        Travel travel;
    };
    struct Flight {
        Instant at;
        RequestId request;
        bool operator<(const Flight &other) const { return std::tie(other.at, other.request) < std::tie(at, request); }
    };
    struct Renewal {
        Instant at;
        ClaimedJob job;
    };
    // A step at which it may die.
    void peril(int which);
    void may_freeze();

    // worker_calls.cpp: as src/postgres/call_packs.cpp.
    std::size_t room() const noexcept;
    void receive();
    void send();
    void gather(Instant now);
    using Calls = std::unordered_map<sync::CallId, Packed>;
    bool is_wanted(Calls::iterator call, Instant now);
    // The first of those that wait and are still wanted.
    Calls::iterator first_wanted(std::deque<sync::CallId> &waiting, Instant now);
    std::vector<sync::CallId> next_pack(platform::Login login, Instant now);
    void send_pack(std::vector<sync::CallId> calls, platform::Login login, Instant now);
    void take_answer(const Request &request, Instant now);
    void take_batch(const Request &request, Instant now);
    void after_failed_batch(const Request &request, const platform::Failure &failure, Instant now);
    void send_again(sync::CallId call, std::size_t most_together, Instant now);
    void deliver(sync::CallId call, platform::Reading &&reading, Instant now);
    platform::Reading answer_to(const Packed &packed);
    void drop_calls(JobId work) noexcept;
    void note_ended();
    sync::BatchSize &batch_size(platform::Login login) { return batch_sizes_[static_cast<std::size_t>(login)]; }

    // worker_claim.cpp
    std::size_t wanted_jobs() const;
    std::size_t wanted_works() const;
    void claim(Instant now);
    std::optional<JobEnd> begin(const ClaimedJob &job, Instant now);
    void learn_usage(const std::vector<ClaimedJob> &jobs, Instant now);
    void exchange_usage(Instant now);
    void renew(Instant now);
    void check_ownership();
    void let_go(JobId id) noexcept;
    void forget(JobId id) noexcept;
    void consider_renewal(const ClaimedJob &job, Instant now);
    void settle_renewals(Instant now);

    // worker_store.cpp
    bool gathering(Instant now) const;
    void store_finished(Instant now);
    void store_group(std::vector<sync::Outcome> &group, Instant now);
    bool store_one(sync::Outcome &outcome, Instant now);
    void store_rows(const Held &held, sync::Outcome &outcome);
    void store_account(const Held &held, const sync::Outcome &outcome);
    void put_back(JobId id, Instant now);

    const sync::BudgetKey &budget_of(Slot slot) const { return world_.scenario.connections[slot].budget; }

    World &world_;
    const std::uint64_t number_;
    sync::Engine engine_;
    BudgetBooks books_;
    std::array<sync::BatchSize, 2> batch_sizes_;
    std::unordered_map<JobId, Held> jobs_;
    Calls calls_;  // waiting or under way
    std::unordered_map<RequestId, Request> requests_;
    std::array<std::deque<sync::CallId>, 2> waiting_;
    std::priority_queue<Flight> flights_;
    std::vector<Renewal> renewals_;
    std::vector<sync::Outcome> ended_;  // by the engine, not looked at
    std::vector<sync::Outcome> finished_;
    Instant finished_since_{};
    RequestId last_request_ = nowhere;
    bool look_at_queue_ = true;
    bool queue_has_more_ = false;
    bool had_jobs_ = false;
    bool deposed_ = false;
    std::optional<Instant> next_due_;
    Instant look_for_people_at_{};
    Instant renewed_at_{};
    std::int64_t perils_left_ = 0;  // 0: it does not die
    std::int64_t freezes_left_ = 0;
};

}  // namespace ig::simulator
