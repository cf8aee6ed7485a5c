// The sync engine: a state machine that decides which request goes next and what an account's answers add up to.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "platform/platform.hpp"
#include "sync/governor.hpp"
#include "sync/plan.hpp"

namespace ig::sync {

using WorkId = std::uint64_t;  // chosen by the caller, unique among live works
using CallId = std::uint64_t;  // chosen by the engine, never used twice

// One account to sync, as claimed.
struct Work {
    WorkId id = 0;
    int priority = 1;  // 0 interactive, 1 daily, 2 backfill: lower goes first
    int attempt = 1;   // this try of the job, from 1
    PlanInput input;
    std::string user_id;  // whose account: budgets are kept by user and account
};

struct EngineOptions {
    PlanOptions plan;
    int tries_per_call = 3;                       // within one attempt, for failures worth repeating
    std::chrono::milliseconds call_backoff{500};  // first pause, doubled each time, full jitter, capped:
    std::chrono::milliseconds call_backoff_limit{8000};
    int max_attempts = 6;                  // of the job
    std::chrono::seconds job_backoff{60};  // first pause between attempts, doubled, with jitter, capped:
    std::chrono::seconds job_backoff_limit{3600};
    std::chrono::seconds throttle_wait{900};  // when the API says "too many" without saying how long
    int max_calls_per_work = 4;               // of one account at the same time: a good neighbour
    GovernorOptions budgets;
    std::chrono::seconds patience{60};  // a work held back longer ends and comes again as a job
};

// A request to send now. The caller builds it, sends it, reads it and brings the Reading back.
struct Call {
    CallId id = 0;
    WorkId work = 0;
    platform::InsightsQuery query;
};

enum class Status { succeeded, partial, failed, throttled, needs_login, token_unreadable, cancelled };
std::string_view to_string(Status status) noexcept;  // the spelling of the public contract

// One metric's trouble, or "no data"; becomes an element of `errors`.
struct MetricError {
    std::string metric;  // MetricState::key(); empty: the whole account
    platform::Failure failure;
};

// What became known of one metric, to be kept for the next plan.
struct MetricProgress {
    std::string metric;                        // MetricState::key()
    std::optional<Day> synced_through;         // set when every day up to it was answered
    std::optional<Day> clipped_before;         // days before it that were due could not be had
    std::optional<Instant> unsupported_since;  // set: refused for this account
    bool supported_again = false;              // answered after having been refused
    std::string reason;                        // of unsupported_since
};

struct Outcome {
    WorkId work = 0;
    Status status = Status::succeeded;
    std::vector<platform::Value> values;  // those not yet taken by take_values()
    std::vector<MetricError> errors;
    std::vector<MetricProgress> metrics;
    int calls_done = 0;
    int calls_planned = 0;
    std::optional<Instant> retry_at;  // set: the job waits and is tried again then
    AnsweredDays answered;            // of a job that is tried again: all it has been answered, in this try or before
    std::optional<Instant> blocked_until;  // throttled: this account must not be called before
    std::string username;                  // if an answer told
    std::string name;
};

// Counters of a live work, for progress.
struct WorkProgress {
    int calls_done = 0;
    int calls_planned = 0;
};

// Sans-I/O: driven by (event, now); never blocks, never reads a clock. Works are independent: whatever one answers, the
// others go on - but for an app-wide limit, which ends the calls of that login's host until it is over. When a call may
// go, the governor decides; it is fed by each answer, and by the caller with what is known from before.
class Engine {
public:
    Engine(std::shared_ptr<const Calendar> calendar, const EngineOptions &options, std::uint64_t seed);
    ~Engine();
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;

    // Takes a work; it may be finished at once (nothing due, everything clipped). Throws std::invalid_argument on an id
    // that is live, std::out_of_range when the calendar does not hold today; then nothing was taken.
    void add(Work work, Instant now);
    // The next request that may go now, highest priority first and fairly among works; nothing when all wait.
    std::optional<Call> next_call(Instant now);
    // Whether a call that was given out, and waited for company or for room, may be sent now. No: forget it; either its work
    // is gone, or it was blocked meanwhile, and then the engine gives the question out again when it may be asked.
    bool may_send(CallId call, Instant now);
    // The answer to a call. Calls of works that are gone are ignored.
    void on_reading(CallId call, platform::Reading reading, Instant now);
    // A call that is under way must be sent again, since its batch did not get to it: it counts as another call. False:
    // calls_per_hour allows none now; forget it, the engine gives the question out again when it may be asked.
    bool on_repeated(CallId call, Instant now);
    // When next_call() may have something without any event; nothing when only answers can move it. While a call may go
    // at once, it is the last moment the engine was told.
    std::optional<Instant> next_wakeup() const;
    // Values of a live work so far, so that they can be stored while others fly; they do not come again in the Outcome.
    std::vector<platform::Value> take_values(WorkId work);
    std::optional<WorkProgress> progress(WorkId work) const;
    // Works that ended, in the order they did.
    std::vector<Outcome> take_finished();
    // Ends a work early with this failure for all that is unanswered (timeout, cancelled, token_unreadable). It then
    // comes out of take_finished() with what it had.
    void stop(WorkId work, const platform::Failure &reason, Instant now);
    // Forgets a work without an outcome (its lease was lost). Unknown ids are ignored.
    void forget(WorkId work) noexcept;
    // Ids of the calls of a work that are with the caller.
    std::vector<CallId> calls_in_flight(WorkId work) const;
    std::size_t live_works() const noexcept;
    // Calls that the live works are still known to need, those under way included.
    std::size_t open_calls() const noexcept;
    void set_calendar(std::shared_ptr<const Calendar> calendar);
    void set_options(const EngineOptions &options);
    Governor &governor() noexcept;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace ig::sync
