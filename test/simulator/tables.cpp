// What sessions change: enqueueing, cancelling, connecting and disconnecting; and the table of budgets.
#include "tables.hpp"

#include <algorithm>

namespace ig::simulator {

Tables::Tables(const Scenario &scenario)
    : scenario_(scenario), connections_(scenario.connections.size()), live_(scenario.connections.size()),
      days_(static_cast<std::size_t>(scenario.table_days) + 1), rows_(scenario.connections.size() * row_kinds * days_)
{
}

void Tables::leave_lines(const Job &job)
{
    if (job.state == JobState::running) running_.erase({job.lease_until.value_or(Instant()), job.id});
    else if (lives(job.state)) line_of(job).erase({job.kind, job.due_at, job.id});
}

void Tables::join_lines(const Job &job)
{
    if (job.state == JobState::running) running_.emplace(job.lease_until.value_or(Instant()), job.id);
    else if (lives(job.state)) line_of(job).emplace(job.kind, job.due_at, job.id);
    else if (job.kind != JobKind::backfill) live_[job.slot][static_cast<std::size_t>(job.kind)] = 0;
}

JobId Tables::insert(Slot slot, JobKind kind, Instant now)
{
    Job &job = jobs_.emplace_back();
    job.id = jobs_.size();
    job.slot = slot;
    job.kind = kind;
    job.due_at = std::max(now, connections_[slot].blocked_until.value_or(now));
    if (kind != JobKind::backfill) live_[slot][static_cast<std::size_t>(kind)] = job.id;
    join_lines(job);
    return job.id;
}

int Tables::sync_all(Instant now)
{
    int enqueued = 0;
    for (Slot slot = 0; slot < connections_.size(); ++slot) {
        const Connection &connection = connections_[slot];
        if (connection.status != AccountStatus::active || (connection.expires_at && *connection.expires_at <= now))
            continue;
        if (live_[slot][static_cast<std::size_t>(JobKind::daily)] != 0) continue;
        const auto place = mixed(7, slot) & 1048575U;
        insert(slot, JobKind::daily, now + scenario_.spread * static_cast<std::int64_t>(place) / std::int64_t{1048576});
        ++enqueued;
    }
    return enqueued;
}

std::optional<JobId> Tables::refresh(Slot slot, Instant now)
{
    if (connections_[slot].status == AccountStatus::disconnected) return std::nullopt;
    if (live_[slot][static_cast<std::size_t>(JobKind::refresh)] != 0) return std::nullopt;
    return insert(slot, JobKind::refresh, now);
}

std::optional<JobId> Tables::backfill(Slot slot, Day since, Day until, Instant now)
{
    if (connections_[slot].status == AccountStatus::disconnected) return std::nullopt;
    const JobId id = insert(slot, JobKind::backfill, now);
    job(id).since = since;
    job(id).until = until;
    return id;
}

bool Tables::cancel(JobId id)
{
    Job &cancelled = job(id);
    if (!lives(cancelled.state)) return false;
    change(cancelled, [](Job &job) {
        job.state = JobState::cancelled;
        job.lease_until.reset();
        ++job.generation;
        job.claim = 0;
    });
    return true;
}

void Tables::connect(Slot slot, Instant now, std::optional<Instant> expires_at)
{
    Connection &connection = connections_[slot];
    connection.status = AccountStatus::active;
    connection.generation = ++last_generation_;
    ++connection.epoch;
    connection.issued_at = now;
    connection.expires_at = expires_at;
    connection.refresh_after.reset();
}

void Tables::disconnect(Slot slot)
{
    Connection &connection = connections_[slot];
    connection.status = AccountStatus::disconnected;
    connection.generation = ++last_generation_;
    connection.issued_at = connection.expires_at = connection.blocked_until = std::nullopt;
    // Backfills have no index here; a run has few jobs that live.
    for (auto entry = jobs_.rbegin(); entry != jobs_.rend(); ++entry)
        if (entry->slot == slot) cancel(entry->id);
}

std::vector<sync::BudgetRow> Tables::write_usage(const std::vector<sync::BudgetRow> &rows, Instant now)
{
    const auto newer = [now](std::optional<Instant> kept, std::optional<Instant> given) {
        return !given || (kept > given && *kept <= now);
    };
    std::vector<sync::BudgetRow> written;
    for (const sync::BudgetRow &given : rows) {
        const auto [place, fresh] = usage_.try_emplace(given.key, given);
        sync::BudgetRow &kept = place->second;
        if (!fresh) {
            if (!newer(kept.observed_at, given.observed_at)) {
                kept.percent = given.percent;
                kept.observed_at = given.observed_at;
            }
            kept.blocked_until = std::max(kept.blocked_until, given.blocked_until);
            const bool later = given.hour == Instant() || newer(kept.hour, given.hour);
            kept.calls = kept.hour == given.hour ? kept.calls + given.calls : later ? kept.calls : given.calls;
            kept.hour = later ? kept.hour : given.hour;
        }
        written.push_back(kept);
    }
    return written;
}

const sync::BudgetRow *Tables::usage(const sync::BudgetKey &key) const
{
    const auto found = usage_.find(key);
    return found == usage_.end() ? nullptr : &found->second;
}

}  // namespace ig::simulator
