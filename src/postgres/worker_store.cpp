// How the worker stores what came: many accounts in one transaction, and one by one when that fails; and how it gives jobs
// back.
#include <algorithm>
#include <tuple>

#include "postgres/keyring.hpp"
#include "postgres/pacific.hpp"
#include "postgres/store.hpp"
#include "postgres/usage_store.hpp"
#include "postgres/worker.hpp"

namespace ig::pg {

namespace {

constexpr std::size_t group_size =
    64;  // large enough for a transaction to cost little, small enough for answers not to wait
constexpr std::size_t users_between_calls = 8;
constexpr std::chrono::seconds store_again_after{30};

JobEnd job_end(const sync::Outcome &outcome)
{
    using sync::Status;
    JobEnd end;
    if (outcome.retry_at) {
        end.state = "waiting";
        end.due_at = outcome.retry_at;
    } else if (outcome.status == Status::succeeded || outcome.status == Status::partial ||
               outcome.status == Status::cancelled) {
        end.state = std::string(sync::to_string(outcome.status));
    } else {
        end.state = "failed";
    }
    if (const platform::Failure *failure = first_failure(outcome)) {
        end.error_kind = std::string(platform::to_string(failure->kind));
        end.error = failure->message;
        end.hint = failure->hint;
    }
    end.calls_done = outcome.calls_done;
    end.calls_planned = std::max(outcome.calls_planned, outcome.calls_done);
    end.rows_stored = static_cast<int>(outcome.values.size());
    end.count_try = outcome.status != Status::throttled;
    if (outcome.retry_at) end.answered = sync::answered_days_json(outcome.answered);
    return end;
}

JobEnd account_gone()
{
    JobEnd end;
    end.state = "cancelled";
    end.error_kind = "cancelled";
    end.error = "the account was disconnected, deleted or connected anew meanwhile";
    end.hint = "Nothing: its result was dropped on purpose.";
    return end;
}

// What a person can do about the error that is being handled; mostly nothing, for it passes by itself.
std::string advice_of_current_exception()
{
    try {
        throw;
    } catch (const PgError &error) {
        return error.sqlerrcode() == ERRCODE_DISK_FULL ? "Make room on the server's disk." : "";
    } catch (...) {
        return {};
    }
}

const SyncedAccount &account_of(const Result &result) { return result.attempt->account; }

}  // namespace

// Results wait for company, unless a person waits for one of them or nothing more is under way.
bool Worker::gathering(Instant now) const
{
    if (finished_.size() >= group_size || calls_.in_flight() == 0 || now - finished_since_ >= gather_results_for)
        return false;
    return std::all_of(finished_.begin(), finished_.end(), [this](const sync::Outcome &outcome) {
        const auto found = jobs_.find(outcome.work);
        return found == jobs_.end() || found->second.job.priority > 0;
    });
}

// One group of results at a time: between two, calls are sent and answers taken in.
void Worker::store_finished(Instant now)
{
    std::vector<sync::Outcome> finished = calls_.engine().take_finished();
    if (finished_.empty()) finished_since_ = now;
    for (sync::Outcome &outcome : finished) {
        calls_.finished(outcome.work);
        if (jobs_.count(outcome.work) != 0) finished_.push_back(std::move(outcome));
    }
    if (finished_.empty() || gathering(now)) return;
    idle_since_.reset();
    // In the order of their keys, as everybody else locks accounts: no deadlocks. And the accounts of a user side by side.
    const auto key = [this](const sync::Outcome &outcome) {
        const SyncedAccount &account = jobs_.at(outcome.work).job.attempt.account;
        return std::tie(account.user_id, account.account_id);
    };
    std::sort(finished_.begin(), finished_.end(),
              [&key](const sync::Outcome &left, const sync::Outcome &right) { return key(left) < key(right); });
    std::vector<sync::Outcome> group;
    std::vector<sync::Outcome> later;
    for (sync::Outcome &outcome : finished_) {
        // A statement for many accounts takes each of them once.
        const bool again = !group.empty() && key(group.back()) == key(outcome);
        (again || group.size() >= group_size ? later : group).push_back(std::move(outcome));
    }
    finished_ = std::move(later);
    store_group(group);
    for (const sync::Outcome &outcome : group) jobs_.erase(outcome.work);
}

void Worker::store_group(const std::vector<sync::Outcome> &group)
{
    std::vector<sync::WorkId> busy;
    try {
        WorkerTransaction transaction("storing results");
        busy = store_results(transaction, group);
        UsageExchange usage(transaction.sql(), calls_.engine().governor());
        calls_.clock().store(transaction.sql(), current_time());
        transaction.commit();
        usage.committed();
        calls_.clock().committed();
    } catch (const ExtensionGone &) {
        throw;
    } catch (...) {
        // One of them cannot be stored. Each alone, so that the bad one stands alone.
        if (group.size() > 1)
            for (const sync::Outcome &outcome : group) store_group({outcome});
        else
            put_back(group.front().work, "the result could not be stored: " + current_exception_text(),
                     advice_of_current_exception());
        return;
    }
    for (const sync::WorkId id : busy)
        put_back(id, "another session held the account while its result was to be stored", {});
}

// Returns the works whose account somebody else holds: not stored, not now.
std::vector<sync::WorkId> Worker::store_results(WorkerTransaction &transaction, const std::vector<sync::Outcome> &group)
{
    Sql &sql = transaction.sql();
    std::vector<Result> results;
    std::vector<ClaimedJob *> jobs;
    for (const sync::Outcome &outcome : group) {
        jobs.push_back(&jobs_.at(outcome.work).job);
        results.push_back({&jobs.back()->attempt, &outcome, {}, {}, {}});
    }
    const std::vector<AccountLock> locks = lock_results(sql, results, false);
    std::vector<sync::WorkId> busy;
    std::vector<LeftJob> left;
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (locks[i] == AccountLock::busy) busy.push_back(group[i].work);
        else left.push_back({jobs[i], locks[i] == AccountLock::held ? job_end(group[i]) : account_gone()});
    }
    // First the jobs: what is not ours any more (cancelled, disconnected, deleted meanwhile) must leave nothing behind.
    const std::vector<std::int64_t> lost = finish_jobs(sql, left);
    std::vector<Result *> ours;
    for (std::size_t i = 0; i < results.size(); ++i)
        if (locks[i] == AccountLock::held && std::find(lost.begin(), lost.end(), jobs[i]->id) == lost.end())
            ours.push_back(&results[i]);
    std::size_t users = 0;
    for (std::size_t first = 0; first < ours.size();) {
        std::vector<Result *> of_one_user;
        while (first < ours.size() &&
               (of_one_user.empty() || account_of(*ours[first]).user_id == account_of(*of_one_user[0]).user_id))
            of_one_user.push_back(ours[first++]);
        store_as_user(sql, of_one_user);
        // Without waiting: who has answered meanwhile gets the next call, and the network never stands still for the tables.
        // But sending may read the key again, and a command that prints it may take seconds, which a transaction must not.
        if (++users % users_between_calls == 0 && !key_comes_from_command()) exchange_calls();
    }
    if (!ours.empty()) announce(transaction, ours, store_account_states(sql, ours));
    return busy;
}

void Worker::announce(WorkerTransaction &transaction, const std::vector<Result *> &stored,
                      const std::vector<const Result *> &need_person)
{
    for (const Result *result : stored) {
        const sync::Outcome &outcome = *result->outcome;
        if (outcome.retry_at) consider_due(*outcome.retry_at);
        if (result->attempt->kind == "refresh" && !outcome.retry_at)
            transaction.announce_refresh(*result->attempt->job_id, job_end(outcome).state);
    }
    for (const Result *result : need_person)
        transaction.announce_needs_person(std::string(sync::to_string(result->outcome->status)).c_str());
}

// The job waits and is fetched again later. If even that cannot be written, its lease runs out and it is claimed again.
void Worker::put_back(sync::WorkId id, const std::string &why, const std::string &advice) noexcept
{
    try {
        const auto found = jobs_.find(id);
        if (found == jobs_.end()) return;
        WorkerTransaction transaction("putting a job back");
        const bool again = found->second.job.tries < sync::EngineOptions().max_attempts;
        JobEnd end;
        end.state = again ? "waiting" : "failed";
        if (again) end.due_at = current_time() + store_again_after;
        end.error_kind = "transient";
        end.error = why;
        const std::string meanwhile =
            advice.empty() ? "Nothing: it is tried again by itself." : advice + " It is tried again by itself.";
        end.hint = again ? meanwhile : "See the server log; then SELECT instagram_insights.ig_refresh_insights().";
        (void)finish_jobs(transaction.sql(), {{&found->second.job, std::move(end)}});
        transaction.commit();
        if (again) consider_due(current_time() + store_again_after);
    } catch (...) {
        look_at_queue_ = true;
    }
}

// Everything in hand goes back to the queue untried: we stop by order, not by failure.
void Worker::give_back_all(const char *why) noexcept
{
    if (jobs_.empty()) return;
    try {
        WorkerTransaction transaction("giving jobs back");
        JobEnd end;
        end.state = "queued";
        end.error_kind = "cancelled";
        end.error = why;
        end.hint = "It goes on by itself when calling is allowed again.";
        end.count_try = false;
        std::vector<LeftJob> left;
        for (const auto &[id, held] : jobs_) left.push_back({&held.job, end});
        (void)finish_jobs(transaction.sql(), left);
        transaction.commit();
    } catch (...) {
        // The leases run out, or the next leader takes the jobs back.
    }
    finished_.clear();
    while (!jobs_.empty()) forget(jobs_.begin()->first);
}

}  // namespace ig::pg
