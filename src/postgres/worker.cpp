// Implements the worker's rounds: receive, store, claim, send, wait.
#include "postgres/worker.hpp"

#include <algorithm>
#include <utility>

#include "postgres/leadership.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "postgres/store.hpp"
#include "postgres/usage_store.hpp"

namespace ig::pg {

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds renew_every{1000};
constexpr seconds renew_lease_after{lease_seconds / 3};
constexpr minutes horizon{5};      // work due sooner than this is waited for
constexpr seconds try_again_after{1};
constexpr seconds restart_after{5};
constexpr std::size_t largest_block = 250;

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

}  // namespace

Worker::Worker() : calls_(current_time()), waiting_(calls_.pollable_fd()) {}

void Worker::run()
{
    while (true) {
        if (ShutdownRequestPending) {
            stop();
            return;
        }
        if (ConfigReloadPending) reload();
        calls_.receive();
        try {
            store_finished(current_time());
            tokens_.settle(current_time());
            const Instant now = current_time();
            if (hands_just_emptied()) look_at_queue_ = true;
            if (wake_may_be_lost()) look_at_queue_ = true;
            if (again_at_ && *again_at_ > now) {
                // Not yet: the last round failed.
            } else if (look_at_queue_ || again_at_) {
                again_at_.reset();
                check_ownership();
                claim(now);
            } else if (queue_has_more_ || (next_due_ && *next_due_ <= now)) {
                claim(now);
            }
            renew(now);
            do_chores(now);
            if (leave_if_idle(now)) return;
        } catch (const ExtensionGone &) {
            for (const auto &[id, held] : jobs_) calls_.forget(id);
            throw;
        } catch (const PgError &error) {
            // Somebody holds a lock, or the server is short of something: nothing is lost, the leases stand.
            const char *const text = error.what();
            pg_call([text] { ereport(LOG, (errmsg("instagram_insights worker tries again in a second: %s", text))); });
            again_at_ = current_time() + try_again_after;
        }
        calls_.send(current_time());
        if (waiting_.wait(time_to_wait(current_time()))) look_at_queue_ = true;
    }
}

// Waiting for a heavyweight lock resets our latch, and with it a wake-up of that moment. It also starts this timer.
bool Worker::wake_may_be_lost()
{
    const TimestampTz waited_at = get_timeout_start_time(DEADLOCK_TIMEOUT);
    if (waited_at == lock_wait_seen_) return false;
    lock_wait_seen_ = waited_at;
    return true;
}

// With empty hands it may take what it may not take beside others.
bool Worker::hands_just_emptied()
{
    const bool emptied = had_jobs_ && jobs_.empty();
    had_jobs_ = !jobs_.empty();
    return emptied;
}

// By order (pg_terminate_backend, DROP DATABASE, shutdown). The launcher, if there is one, starts the next after a pause, so
// that it is not in the way of a DROP DATABASE.
void Worker::stop()
{
    const Instant earliest = current_time() + restart_after;
    if (!jobs_.empty() || queue_has_more_ || (next_due_ && *next_due_ < earliest)) next_due_ = earliest;
    give_back_all("the worker was told to stop");
}

void Worker::consider_due(Instant due)
{
    if (!next_due_ || due < *next_due_) next_due_ = due;
}

void Worker::reload()
{
    ConfigReloadPending = false;
    pg_call([] { ProcessConfigFile(PGC_SIGHUP); });
    calls_.reload(current_time());
    look_at_queue_ = true;
}

// A block at a time: claiming one by one while thousands wait would cost a transaction each, and a block that is too large
// would keep the calls waiting. And a suspect runs alone.
void Worker::claim(Instant now)
{
    const bool woken = std::exchange(look_at_queue_, false);
    const std::size_t capacity = calls_.capacity();
    const std::size_t room = capacity - std::min(capacity, jobs_.size());
    const bool full = !jobs_.empty() && (room < std::max<std::size_t>(1, capacity / 4) || jobs_.begin()->second.job.suspect);
    queue_has_more_ = full;
    if (full && !woken) return;
    keep_plans_fitting(now);
    WorkerTransaction transaction("claiming jobs");
    calling_allowed_ = calling_allowed(transaction.sql());
    if (!calling_allowed_) {
        transaction.commit();
        give_back_all("calling is paused or switched off");
        next_due_.reset();
        queue_has_more_ = false;
        return;
    }
    if (full) {
        transaction.commit();
        return;
    }
    (void)reclaim_jobs(transaction.sql(), false);
    const int most = static_cast<int>(std::min(room, largest_block));
    std::vector<ClaimedJob> claimed = claim_jobs(transaction.sql(), most, false);
    queue_has_more_ = static_cast<int>(claimed.size()) >= most;
    if (claimed.empty() && jobs_.empty()) claimed = claim_jobs(transaction.sql(), 1, true);
    UsageExchange usage(transaction.sql(), calls_.engine().governor());
    learn_usage(transaction.sql(), claimed, now);
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
        if (!refused.empty()) (void)finish_jobs(transaction.sql(), refused);
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

// A plan is made for tables of a size. So plans are made anew for the first block after a pause, for the 2nd, 4th, 8th ...,
// by when the tables may be twice as large, and then once a minute.
void Worker::keep_plans_fitting(Instant now)
{
    if (jobs_.empty()) blocks_ = 0;
    ++blocks_;
    if ((blocks_ & (blocks_ - 1)) != 0 && now - planned_at_ < minutes(1)) return;
    planned_at_ = now;
    plan_anew();
}

std::optional<JobEnd> Worker::begin(ClaimedJob &job, Instant now)
{
    const SyncedAccount &account = job.attempt.account;
    if (job.account_status.empty() || job.account_status == "disconnected")
        return refused("cancelled", "cancelled", "the account is not connected any more", "Connect it again to sync it.");
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

// Progress for those who watch, and leases for long jobs: at most once a second, in one statement.
void Worker::renew(Instant now)
{
    if (jobs_.empty() || now - renewed_at_ < renew_every) return;
    renewed_at_ = now;
    std::vector<JobProgress> changed;
    for (auto &[id, held] : jobs_) {
        const std::optional<sync::WorkProgress> progress = calls_.engine().progress(id);
        if (!progress) continue;
        const bool moved = progress->calls_done != held.written.calls_done || progress->calls_planned != held.written.calls_planned;
        if (!moved && now - held.job.leased_at < renew_lease_after) continue;
        if (now - held.job.leased_at < renew_every) continue;
        held.written = *progress;
        held.job.leased_at = now;
        changed.push_back({&held.job, progress->calls_done, progress->calls_planned});
    }
    if (changed.empty()) return;
    WorkerTransaction transaction("writing progress");
    const std::vector<std::int64_t> lost = renew_jobs(transaction.sql(), changed);
    UsageExchange usage(transaction.sql(), calls_.engine().governor());
    transaction.commit();
    usage.committed();
    for (const std::int64_t id : lost) forget(static_cast<sync::WorkId>(id));
}

// Somebody woke us: perhaps to say that a job of ours was cancelled, or its account disconnected.
void Worker::check_ownership()
{
    if (jobs_.empty()) return;
    std::vector<const ClaimedJob *> held;
    for (const auto &[id, job] : jobs_) held.push_back(&job.job);
    WorkerTransaction transaction("checking jobs");
    const std::vector<std::int64_t> lost = lost_jobs(transaction.sql(), held);
    transaction.commit();
    for (const std::int64_t id : lost) forget(static_cast<sync::WorkId>(id));
}

void Worker::forget(sync::WorkId id) noexcept
{
    calls_.forget(id);
    jobs_.erase(id);
    finished_.erase(std::remove_if(finished_.begin(), finished_.end(), [id](const sync::Outcome &outcome) { return outcome.work == id; }),
                    finished_.end());
}

bool Worker::leave_if_idle(Instant now)
{
    if (!jobs_.empty() || tokens_.busy() || had_jobs_ || queue_has_more_ || look_at_queue_ || again_at_ || chores_left_) {
        idle_since_.reset();
        return false;
    }
    const bool soon = calling_allowed_ && next_due_ && *next_due_ <= now + horizon;
    if (soon || settings.idle_timeout_ms < 0) {
        idle_since_.reset();
        return false;
    }
    if (!idle_since_) idle_since_ = now;
    if (now < leave_at()) return false;
    if (stop_leading(now + horizon, next_due_)) return true;
    // Whoever holds the gate wakes us at commit; one who rolls back does not, so we try again, but not at once.
    stay_until_ = now + try_again_after;
    look_at_queue_ = !calling_allowed_;
    return false;
}

Instant Worker::leave_at() const
{
    return std::max(*idle_since_ + milliseconds(settings.idle_timeout_ms), stay_until_);
}

std::optional<milliseconds> Worker::time_to_wait(Instant now) const
{
    std::optional<milliseconds> shortest;
    const auto consider = [&](milliseconds wait) {
        wait = std::max(wait, milliseconds(0));
        if (!shortest || wait < *shortest) shortest = wait;
    };
    if (const std::optional<milliseconds> calls = calls_.idle_time(now)) consider(*calls);
    if (again_at_)
        consider(*again_at_ - now);
    else if (look_at_queue_ || had_jobs_ != !jobs_.empty())
        consider(milliseconds(0));
    if (!jobs_.empty()) consider(renewed_at_ + renew_every - now);
    if (!finished_.empty()) consider(gathering(now) ? finished_since_ + gather_results_for - now : milliseconds(0));
    if (tokens_.busy()) consider(renew_every);
    if (next_due_ && calling_allowed_ && !queue_has_more_ && !again_at_)
        consider(std::max(*next_due_ - now, milliseconds(jobs_.empty() ? 0 : 20)));
    if (idle_since_) consider(leave_at() - now);
    if (!again_at_) consider(chores_at_ - now);
    return shortest;
}

}  // namespace ig::pg
