// Implements the worker's rounds: receive, send, store, claim, wait.
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
constexpr minutes horizon{5};  // work due sooner than this is waited for
constexpr seconds restart_after{5};

}  // namespace

Worker::Worker() : calls_(current_time()), clock_(current_time()), waiting_(calls_.pollable_fd()) {}

void Worker::run()
{
    while (true) {
        if (ShutdownRequestPending) {
            stop();
            return;
        }
        if (ConfigReloadPending) reload();
        exchange_calls();  // first: while results are stored, the next answers are on their way
        try {
            if (const std::optional<Instant> was = clock_.set_back_from(current_time())) {
                make_way(*was);
                return;
            }
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

// Takes in the answers that have come and sends what may go; never waits.
void Worker::exchange_calls()
{
    calls_.receive();
    calls_.send(current_time());
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

// Progress for those who watch, and leases for long jobs: at most once a second, in one statement.
void Worker::renew(Instant now)
{
    if (jobs_.empty() || now - renewed_at_ < renew_every) return;
    renewed_at_ = now;
    std::vector<JobProgress> changed;
    for (auto &[id, held] : jobs_) {
        const std::optional<sync::WorkProgress> progress = calls_.engine().progress(id);
        if (!progress) continue;
        const bool moved =
            progress->calls_done != held.written.calls_done || progress->calls_planned != held.written.calls_planned;
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

// Nobody but us takes jobs back while we lead; ours need no lease to be ours, should the clock have been set forward.
std::vector<std::int64_t> Worker::jobs_with_old_leases(Instant now) const
{
    std::vector<std::int64_t> old;
    for (const auto &[id, held] : jobs_)
        if (now - held.job.leased_at >= seconds(lease_seconds / 2)) old.push_back(held.job.id);
    return old;
}

void Worker::forget(sync::WorkId id) noexcept
{
    calls_.forget(id);
    jobs_.erase(id);
    finished_.erase(std::remove_if(finished_.begin(), finished_.end(),
                                   [id](const sync::Outcome &outcome) { return outcome.work == id; }),
                    finished_.end());
}

bool Worker::leave_if_idle(Instant now)
{
    if (!jobs_.empty() || tokens_.busy() || had_jobs_ || queue_has_more_ || look_at_queue_ || again_at_ ||
        chores_left_) {
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
    if (again_at_) consider(*again_at_ - now);
    else if (look_at_queue_ || had_jobs_ != !jobs_.empty()) consider(milliseconds(0));
    if (queue_has_more_ && !again_at_ && wanted_jobs() > 0) consider(milliseconds(0));
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
