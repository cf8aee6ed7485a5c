// How the worker takes work from the queue: a block of jobs, what is known of their budgets, and the calls they begin with.
#include <algorithm>
#include <utility>

#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "postgres/usage_store.hpp"
#include "postgres/worker.hpp"

namespace ig::pg {

namespace {

using std::chrono::seconds;

constexpr std::size_t largest_block = 128;
constexpr std::size_t most_in_hand = 2000;  // those that people wait for included
constexpr seconds people_wait{5};
constexpr seconds plans_last{30};
constexpr seconds plans_last_idle{5};

// A job that ends before any call was made.
JobEnd refused(const char *state, const char *kind, const char *error, const char *hint)
{
    JobEnd end;
    end.state = state;
    end.error_kind = kind;
    end.error = error;
    end.hint = hint;
    return end;
}

void finish_refused(WorkerTransaction &transaction, const std::vector<LeftJob> &refused)
{
    if (refused.empty()) return;
    (void)finish_jobs(transaction.sql(), refused);
    for (const auto &[job, end] : refused)
        if (job->attempt.kind == "refresh" && end.state != "waiting") transaction.announce_refresh(job->id, end.state);
}

}  // namespace

// How many jobs to claim now. A block at a time: claiming one by one while thousands wait would cost a transaction each, and
// a block that is too large would keep the calls waiting. And a suspect runs alone.
std::size_t Worker::wanted_jobs() const
{
    if (jobs_.empty()) return largest_block;
    if (jobs_.begin()->second.job.suspect) return 0;
    const std::size_t wanted = std::min(calls_.wanted_works(jobs_.size()), largest_block);
    return wanted * 4 < std::min(largest_block, jobs_.size()) ? 0 : wanted;
}

void Worker::claim(Instant now)
{
    const bool woken = std::exchange(look_at_queue_, false);
    // Who waits in person is taken in even when hands are full.
    const bool suspect_runs = !jobs_.empty() && jobs_.begin()->second.job.suspect;
    const std::size_t wanted = wanted_jobs();
    queue_has_more_ = wanted == 0;
    // A refresh whose next try has come wakes nobody.
    const bool look_for_people = woken || now >= look_for_people_at_;
    if (wanted == 0 && !look_for_people) return;
    look_for_people_at_ = now + people_wait;
    keep_plans_fitting(now);
    calls_.follow_calendar(now);
    WorkerTransaction transaction("claiming jobs");
    calling_allowed_ = calling_allowed(transaction.sql());
    if (!calling_allowed_) {
        transaction.commit();
        give_back_all("calling is paused or switched off");
        next_due_.reset();
        queue_has_more_ = false;
        return;
    }
    if (suspect_runs || (wanted == 0 && jobs_.size() >= most_in_hand)) {
        transaction.commit();
        return;
    }
    reclaim_expired_jobs(transaction.sql(), jobs_with_old_leases(now));
    std::vector<ClaimedJob> claimed = wanted == 0 ? claim_jobs(transaction.sql(), {largest_block, Claim::interactive})
                                                  : claim_jobs(transaction.sql(), {wanted, Claim::all});
    if (wanted > 0) queue_has_more_ = claimed.size() >= wanted;
    if (claimed.empty() && jobs_.empty()) claimed = claim_jobs(transaction.sql(), {1, Claim::suspects});
    UsageExchange usage(transaction.sql(), calls_.engine().governor());
    learn_usage(transaction.sql(), claimed);
    std::vector<sync::WorkId> begun;
    try {
        std::vector<LeftJob> refused;
        for (ClaimedJob &job : claimed) {
            const auto id = static_cast<sync::WorkId>(job.id);
            if (std::optional<JobEnd> end = begin(job, now)) {
                refused.push_back({&job, std::move(*end)});
                continue;
            }
            begun.push_back(id);
            jobs_.insert_or_assign(id, Held{std::move(job), {}});
        }
        finish_refused(transaction, refused);
        next_due_ = pg::next_due(transaction.sql(), jobs_.empty());
        transaction.commit();
        usage.committed();
    } catch (...) {
        for (const sync::WorkId id : begun) forget(id);
        throw;
    }
    // What is due and yet was not there to take, another session has locked.
    if (claimed.empty() && next_due_ && *next_due_ <= now) next_due_ = now + try_again_after;
    if (claimed.empty()) return;
    idle_since_.reset();
    stay_until_ = Instant();
}

// A plan is made for tables of a size; these grow and shrink, above all while nothing was in hand.
void Worker::keep_plans_fitting(Instant now)
{
    if (now - planned_at_ < (jobs_.empty() ? plans_last_idle : plans_last)) return;
    planned_at_ = now;
    plan_anew();
}

std::optional<JobEnd> Worker::begin(ClaimedJob &job, Instant now)
{
    const SyncedAccount &account = job.attempt.account;
    if (job.account_status.empty() || job.account_status == "disconnected")
        return refused("cancelled", "cancelled", "the account is not connected any more",
                       "Connect it again to sync it.");
    if (job.account_status == "needs_login" || account.sealed_token.empty())
        return refused("failed", "needs_login", "the account needs a new login", "Connect the account again.");
    if (account.blocked_until && *account.blocked_until > now) {
        JobEnd end = refused("waiting", "throttled", "the API asked not to be called for this account for a while",
                             "Nothing: it goes on by itself.");
        end.due_at = account.blocked_until;
        end.count_try = false;
        return end;
    }
    sync::Work work;
    work.id = static_cast<sync::WorkId>(job.id);
    work.priority = job.priority;
    work.attempt = job.tries;
    work.user_id = account.user_id;
    work.input.account_id = account.account_id;
    work.input.login = account.login;
    work.input.metrics = std::move(job.metric_states);
    work.input.first = job.since;
    work.input.last = job.until;
    work.input.ask_unsupported = job.metrics.has_value();
    if (!calls_.engine().governor().blocked_until(budget_of(account), now)) tokens_.consider(account, now);
    calls_.add(std::move(work), token_of(account), now);
    return std::nullopt;
}

// What is known of the budgets of these accounts and their apps, before any of them is called.
void Worker::learn_usage(Sql &sql, const std::vector<ClaimedJob> &jobs)
{
    if (jobs.empty()) return;
    std::vector<sync::BudgetKey> keys;
    keys.reserve(jobs.size());
    for (const ClaimedJob &job : jobs) keys.push_back(budget_of(job.attempt.account));
    const std::vector<sync::BudgetRow> rows = read_usage(sql, keys);
    const Instant now = current_time();  // others have written it until now
    for (const sync::BudgetRow &row : rows) calls_.engine().governor().load(row, now);
}

}  // namespace ig::pg
