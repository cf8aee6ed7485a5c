// How the worker takes work, keeps its leases and its tokens alive, as src/postgres/worker_claim.cpp and token_keeper.cpp do.
#include <algorithm>

#include "sync/token_life.hpp"
#include "worker.hpp"

namespace ig::simulator {

namespace {

constexpr std::size_t largest_block = 128;
constexpr std::size_t most_in_hand = 2000;
constexpr std::size_t most_works = 1000;
constexpr milliseconds renew_every{1000};
constexpr seconds people_wait{5};
constexpr seconds renew_lease_after{40};

JobEnd refused(JobState state)
{
    JobEnd end;
    end.state = state;
    return end;
}

}  // namespace

std::size_t Worker::wanted_works() const
{
    const std::size_t works = jobs_.size();
    const std::size_t calls = static_cast<std::size_t>(world_.scenario.max_in_flight) * batch_sizes_[0].most();
    if (works >= most_works) return 0;
    const std::size_t busy = calls / 3 + 1;
    if (works < busy) return std::min(busy - works, most_works - works);
    return engine_.open_calls() < 2 * calls ? most_works - works : 0;
}

std::size_t Worker::wanted_jobs() const
{
    if (jobs_.empty()) return largest_block;
    if (jobs_.begin()->second.job.suspect) return 0;
    const std::size_t wanted = std::min(wanted_works(), largest_block);
    return wanted * 4 < std::min(largest_block, jobs_.size()) ? 0 : wanted;
}

void Worker::claim(Instant now)
{
    const bool woken = std::exchange(look_at_queue_, false);
    const bool suspect_runs = !jobs_.empty() && jobs_.begin()->second.job.suspect;
    const std::size_t wanted = wanted_jobs();
    queue_has_more_ = wanted == 0;
    const bool look_for_people = woken || now >= look_for_people_at_;
    if (wanted == 0 && !look_for_people) return;
    look_for_people_at_ = now + people_wait;
    peril(3);
    if (suspect_runs || (wanted == 0 && jobs_.size() >= most_in_hand)) return;
    std::vector<JobId> old_leases;
    for (const auto &[id, held] : jobs_)
        if (now - held.job.leased_at >= renew_lease_after) old_leases.push_back(id);
    for (const JobId id : world_.tables.reclaim(false, old_leases, now)) world_.trace.note(Event::reclaim, now, id);
    std::vector<ClaimedJob> claimed = wanted == 0 ? world_.tables.claim(largest_block, Tables::Claim::interactive, now)
                                                  : world_.tables.claim(wanted, Tables::Claim::all, now);
    if (wanted > 0) queue_has_more_ = claimed.size() >= wanted;
    if (claimed.empty() && jobs_.empty()) claimed = world_.tables.claim(1, Tables::Claim::suspects, now);
    world_.audit.after_claim(claimed, now);
    learn_usage(claimed, now);
    for (const ClaimedJob &job : claimed) {
        world_.audit.on_claim(job, now);
        if (const std::optional<JobEnd> end = begin(job, now)) {
            world_.trace.note(Event::refuse, now, job.job.id, job.job.slot, static_cast<std::uint64_t>(end->state));
            world_.audit.on_left(job, *end, now);
            (void)world_.tables.finish(job, *end);
        } else {
            world_.trace.note(Event::claim, now, job.job.id, job.job.slot,
                              static_cast<std::uint64_t>(job.job.generation));
        }
    }
    next_due_ = world_.tables.next_due(jobs_.empty());
    exchange_usage(now);
    peril(4);
    if (claimed.empty() && next_due_ && *next_due_ <= now) next_due_ = now + seconds{1};
}

std::optional<JobEnd> Worker::begin(const ClaimedJob &claimed, Instant now)
{
    const Job &job = claimed.job;
    const Connection &connection = world_.tables.connection(job.slot);
    const ConnectionPlan &plan = world_.scenario.connections[job.slot];
    if (connection.status == AccountStatus::disconnected) return refused(JobState::cancelled);
    if (connection.status == AccountStatus::needs_login) return refused(JobState::failed);
    if (connection.blocked_until && *connection.blocked_until > now) {
        JobEnd end = refused(JobState::waiting);
        end.due_at = connection.blocked_until;
        end.count_try = false;
        return end;
    }
    sync::Work work;
    work.id = job.id;
    work.priority = static_cast<int>(job.kind);
    work.attempt = job.attempt;
    work.user_id = plan.user_id;
    work.input.account_id = plan.account_id;
    work.input.login = plan.login;
    static const std::optional<sync::MetricChoice> usual;
    static const std::optional<sync::MetricChoice> all(everything());
    work.input.metrics = sync::metrics_to_ask(registry(), "instagram", plan.asks_everything ? all : usual, std::nullopt,
                                              connection.known);
    sync::tell_answered(work.input.metrics, job.answered);
    work.input.first = job.since;
    work.input.last = job.until;
    if (!engine_.governor().blocked_until(budget_of(job.slot), now)) consider_renewal(claimed, now);
    Held &held = jobs_[job.id];
    held.job = claimed;
    held.started_at = now;
    engine_.add(std::move(work), now);
    return std::nullopt;
}

void Worker::learn_usage(const std::vector<ClaimedJob> &jobs, Instant now)
{
    for (const ClaimedJob &job : jobs) {
        const sync::BudgetRow *row = world_.tables.usage(budget_of(job.job.slot));
        if (row == nullptr) continue;
        engine_.governor().load(*row, now);
        books_.load(*row, now);
    }
    if (jobs.empty()) return;
    for (const platform::Login login : {platform::Login::facebook, platform::Login::instagram}) {
        const sync::BudgetRow *row = world_.tables.usage({"", "", login});
        if (row == nullptr) continue;
        engine_.governor().load(*row, now);
        books_.load(*row, now);
    }
}

// Part of a transaction that is committed.
void Worker::exchange_usage(Instant now)
{
    sync::Governor &governor = engine_.governor();
    const std::vector<sync::BudgetRow> rows = governor.changed_rows(now);
    const std::vector<sync::BudgetRow> written = world_.tables.write_usage(rows, now);
    governor.saved(rows, now);
    for (const sync::BudgetRow &row : written) {
        governor.load(row, now);
        books_.load(row, now);
    }
    for (const sync::BudgetRow &row : written) governor.on_done(row.key, now);
    for (const platform::Login login : {platform::Login::facebook, platform::Login::instagram}) {
        const sync::BudgetRow *row = world_.tables.usage({"", "", login});
        if (row == nullptr) continue;
        governor.load(*row, now);
        books_.load(*row, now);
    }
}

void Worker::renew(Instant now)
{
    if (jobs_.empty() || (now - renewed_at_ < renew_every && now >= renewed_at_)) return;
    renewed_at_ = now;
    std::vector<JobId> lost;
    bool any = false;
    for (auto &[id, held] : jobs_) {
        const std::optional<sync::WorkProgress> progress = engine_.progress(id);
        if (!progress) continue;
        const bool moved =
            progress->calls_done != held.written.calls_done || progress->calls_planned != held.written.calls_planned;
        if (!moved && now - held.job.leased_at < renew_lease_after) continue;
        if (now - held.job.leased_at < renew_every) continue;
        held.written = *progress;
        held.job.leased_at = now;
        any = true;
        if (!world_.tables.renew(held.job, now)) lost.push_back(id);
    }
    if (any) exchange_usage(now);
    for (const JobId id : lost) forget(id);
}

void Worker::check_ownership()
{
    std::vector<JobId> lost;
    for (const auto &[id, held] : jobs_)
        if (!world_.tables.holds(held.job)) lost.push_back(id);
    if (world_.planted(Defect::skip_fencing)) return;
    for (const JobId id : lost) forget(id);
}

// While a suspect runs, alone, everybody else waits: for as long as one job may take, which is looked at by itself.
void Worker::let_go(JobId id) noexcept
{
    const auto held = jobs_.find(id);
    if (held == jobs_.end()) return;
    if (held->second.job.suspect) world_.audit.disturbed(world_.machine_now());
    jobs_.erase(held);
}

void Worker::forget(JobId id) noexcept
{
    world_.trace.note(Event::lost_lease, world_.machine_now(), id, number_);
    drop_calls(id);
    engine_.forget(id);
    let_go(id);
    const auto of_job = [id](const sync::Outcome &outcome) { return outcome.work == id; };
    for (std::vector<sync::Outcome> *list : {&ended_, &finished_})
        list->erase(std::remove_if(list->begin(), list->end(), of_job), list->end());
}

void Worker::consider_renewal(const ClaimedJob &job, Instant now)
{
    if (world_.planted(Defect::never_renew)) return;
    const Connection &connection = world_.tables.connection(job.job.slot);
    sync::TokenLife life;
    life.login = world_.scenario.connections[job.job.slot].login;
    life.issued_at = connection.issued_at;
    life.expires_at = connection.expires_at;
    life.refresh_after = connection.refresh_after;
    life.app_configured = true;
    if (refresh_verdict(life, now) != sync::RefreshVerdict::now) return;
    for (const Renewal &renewal : renewals_)
        if (renewal.job.job.slot == job.job.slot) return;
    renewals_.push_back({world_.true_now + world_.dice.between(milliseconds{100}, milliseconds{5000}), job});
}

void Worker::settle_renewals(Instant now)
{
    for (auto renewal = renewals_.begin(); renewal != renewals_.end();) {
        if (renewal->at > world_.true_now) {
            ++renewal;
            continue;
        }
        const ClaimedJob job = renewal->job;
        renewal = renewals_.erase(renewal);
        bool dead = false;
        const std::optional<Instant> ends = world_.graph.renew({job.job.slot, job.epoch}, world_.true_now, dead);
        world_.trace.note(Event::renew_token, now, job.job.slot, ends ? 1 : 0);
        peril(5);
        Connection &connection = world_.tables.connection(job.job.slot);
        if (connection.generation != job.account_generation) continue;
        if (ends) {
            connection.issued_at = now;
            connection.expires_at = *ends + world_.skew;
            connection.refresh_after.reset();
        } else {
            connection.refresh_after =
                sync::next_refresh_try(connection.expires_at.value_or(now), now, world_.dice.any());
            if (dead) connection.status = AccountStatus::needs_login;
        }
    }
}

}  // namespace ig::simulator
