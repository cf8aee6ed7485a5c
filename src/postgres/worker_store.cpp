// How the worker stores what came: many accounts in one transaction, and one by one when that fails; and what it learns of
// budgets or gives back.
#include <algorithm>

#include "platform/redact.hpp"
#include "postgres/pacific.hpp"
#include "postgres/store.hpp"
#include "postgres/usage_store.hpp"
#include "postgres/worker.hpp"

namespace ig::pg {

namespace {

constexpr std::size_t group_size = 100;
constexpr std::chrono::seconds store_again_after{30};

// Thrown out of a group: this job must not be stored, or not now; the others are stored without it.
struct NotOurs {
    sync::WorkId work;
};
struct AccountBusy {
    sync::WorkId work;
};

JobEnd job_end(const ClaimedJob &job, const sync::Outcome &outcome)
{
    using sync::Status;
    JobEnd end;
    if (outcome.retry_at) {
        end.state = "waiting";
        end.due_at = outcome.retry_at;
    } else if (outcome.status == Status::succeeded || outcome.status == Status::partial || outcome.status == Status::cancelled) {
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
    end.rows_stored = job.attempt.rows.inserted + job.attempt.rows.updated + job.attempt.rows.unchanged;
    end.count_try = outcome.status != Status::throttled;
    return end;
}

}  // namespace

void Worker::store_finished()
{
    std::vector<sync::Outcome> finished = calls_.engine().take_finished();
    if (finished.empty()) return;
    idle_since_.reset();
    // In the order of their keys, as everybody else locks accounts: no deadlocks.
    std::sort(finished.begin(), finished.end(), [this](const sync::Outcome &left, const sync::Outcome &right) {
        const auto key = [this](const sync::Outcome &outcome) {
            const auto found = jobs_.find(outcome.work);
            return found == jobs_.end() ? std::pair<std::string, std::string>()
                                        : std::pair(found->second.job.attempt.account.user_id,
                                                    found->second.job.attempt.account.account_id);
        };
        return key(left) < key(right);
    });
    for (std::size_t first = 0; first < finished.size(); first += group_size) {
        const std::size_t last = std::min(first + group_size, finished.size());
        std::vector<sync::Outcome> group(std::make_move_iterator(finished.begin() + static_cast<std::ptrdiff_t>(first)),
                                         std::make_move_iterator(finished.begin() + static_cast<std::ptrdiff_t>(last)));
        store_group(group);
        for (const sync::Outcome &outcome : group) {
            calls_.finished(outcome.work);
            jobs_.erase(outcome.work);
        }
    }
}

void Worker::store_group(std::vector<sync::Outcome> &group)
{
    try {
        WorkerTransaction transaction("storing results");
        for (const sync::Outcome &outcome : group) store_one(transaction, outcome);
        UsageExchange usage(transaction.sql(), calls_.engine().governor());
        calls_.clock().store(transaction.sql(), current_time());
        transaction.commit();
        usage.committed();
        calls_.clock().committed();
        return;
    } catch (const ExtensionGone &) {
        throw;
    } catch (...) {
        if (group.size() == 1) {
            store_alone(group.front());
            return;
        }
    }
    // One of them cannot be stored. Each alone, so that the bad one stands alone.
    for (sync::Outcome &outcome : group) store_alone(outcome);
}

void Worker::store_alone(sync::Outcome &outcome)
{
    try {
        WorkerTransaction transaction("storing one result");
        store_one(transaction, outcome);
        transaction.commit();
    } catch (const ExtensionGone &) {
        throw;
    } catch (const NotOurs &) {
        // Cancelled, disconnected or deleted meanwhile: nothing comes back.
    } catch (const AccountBusy &) {
        put_back(outcome.work, "another session held the account while its result was to be stored");
    } catch (...) {
        put_back(outcome.work, "the result could not be stored: " + current_exception_text());
    }
}

void Worker::store_one(WorkerTransaction &transaction, const sync::Outcome &outcome)
{
    const auto found = jobs_.find(outcome.work);
    if (found == jobs_.end()) return;
    ClaimedJob &job = found->second.job;
    Sql &sql = transaction.sql();
    job.attempt.rows = StoredRows();  // this may be the second go at it

    const AccountLock lock = lock_account(sql, job.attempt.account, false);
    if (lock == AccountLock::busy) throw AccountBusy{outcome.work};
    if (lock == AccountLock::gone) {
        JobEnd end;
        end.state = "cancelled";
        end.error_kind = "cancelled";
        end.error = "the account was disconnected, deleted or connected anew meanwhile";
        end.hint = "Nothing: its result was dropped on purpose.";
        (void)finish_job(sql, job, end);
        return;
    }
    job.attempt.rows = store_values(sql, job.attempt.account, outcome.values);
    if (!finish_job(sql, job, job_end(job, outcome))) throw NotOurs{outcome.work};
    if (outcome.retry_at) consider_due(*outcome.retry_at);
    store_log(sql, job.attempt, outcome);
    const bool needs_person = store_account_state(sql, job.attempt.account, outcome);
    if (job.attempt.kind == "refresh" && !outcome.retry_at)
        transaction.notify("{\"event\":\"job\",\"job_id\":" + std::to_string(job.id) + ",\"state\":\"" +
                           job_end(job, outcome).state + "\"}");
    if (needs_person) transaction.announce_needs_person(std::string(sync::to_string(outcome.status)).c_str());
}

// The job waits and is fetched again later. If even that cannot be written, its lease runs out and it is claimed again.
void Worker::put_back(sync::WorkId id, const std::string &why) noexcept
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
        end.hint = again ? "Nothing: it is tried again by itself." : "See the server log; then SELECT instagram_insights.ig_refresh_insights().";
        (void)finish_job(transaction.sql(), found->second.job, end);
        transaction.commit();
        if (end.due_at) consider_due(*end.due_at);
    } catch (...) {
        look_at_queue_ = true;
    }
}

// What is known of the budgets of these accounts and their apps, before any of them is called.
void Worker::learn_usage(Sql &sql, const std::vector<ClaimedJob> &jobs, Instant now)
{
    if (jobs.empty()) return;
    std::vector<sync::BudgetKey> keys;
    for (const ClaimedJob &job : jobs) keys.push_back(budget_of(job.attempt.account));
    for (const sync::BudgetRow &row : read_usage(sql, keys)) calls_.engine().governor().load(row, now);
}

// Everything in hand goes back to the queue untried: we stop by order, not by failure.
void Worker::give_back_all(const char *why) noexcept
{
    if (jobs_.empty()) return;
    try {
        WorkerTransaction transaction("giving jobs back");
        for (const auto &[id, held] : jobs_) {
            JobEnd end;
            end.state = "queued";
            end.error_kind = "cancelled";
            end.error = why;
            end.hint = "It goes on by itself when calling is allowed again.";
            end.count_try = false;
            (void)finish_job(transaction.sql(), held.job, end);
        }
        transaction.commit();
    } catch (...) {
        // The leases run out, or the next leader takes the jobs back.
    }
    while (!jobs_.empty()) forget(jobs_.begin()->first);
}

}  // namespace ig::pg
