// How the worker stores what came, as src/postgres/worker_store.cpp does: in groups, one by one when a group fails.
#include <algorithm>
#include <charconv>
#include <tuple>

#include "worker.hpp"

namespace ig::simulator {

namespace {

constexpr std::size_t group_size = 64;
constexpr milliseconds gather_results_for{20};
constexpr seconds store_again_after{30};
constexpr int max_attempts = 6;

JobEnd job_end(const sync::Outcome &outcome)
{
    using sync::Status;
    JobEnd end;
    if (outcome.retry_at) {
        end.state = JobState::waiting;
        end.due_at = outcome.retry_at;
        end.answered = outcome.answered;
    } else if (outcome.status == Status::succeeded) {
        end.state = JobState::succeeded;
    } else if (outcome.status == Status::partial) {
        end.state = JobState::partial;
    } else if (outcome.status == Status::cancelled) {
        end.state = JobState::cancelled;
    }
    end.count_try = outcome.status != Status::throttled;
    return end;
}

JobEnd account_gone()
{
    JobEnd end;
    end.state = JobState::cancelled;
    return end;
}

// A window stands beside the number of its day; here it is a row of its own, by which it can be told from the others.
void unfold_windows(std::vector<platform::Value> &values)
{
    std::vector<platform::Value> unfolded;
    for (platform::Value &value : values) {
        auto &parts = value.parts;
        const auto is_window = [](const platform::Parts &part) { return part.window; };
        for (platform::Parts &part : parts)
            if (part.window) unfolded.push_back({value.metric, part.dimension, value.end_time, part.json});
        parts.erase(std::remove_if(parts.begin(), parts.end(), is_window), parts.end());
        if (!value.value.empty() || !parts.empty()) unfolded.push_back(std::move(value));
    }
    values = std::move(unfolded);
}

}  // namespace

bool Worker::gathering(Instant now) const
{
    if (finished_.size() >= group_size || requests_.empty() || now - finished_since_ >= gather_results_for ||
        now < finished_since_)
        return false;
    return std::all_of(finished_.begin(), finished_.end(), [this](const sync::Outcome &outcome) {
        const auto found = jobs_.find(outcome.work);
        return found == jobs_.end() || found->second.job.job.kind != JobKind::refresh;
    });
}

void Worker::store_finished(Instant now)
{
    note_ended();
    if (finished_.empty()) finished_since_ = now;
    for (sync::Outcome &outcome : std::exchange(ended_, {})) {
        drop_calls(outcome.work);
        world_.trace.note(Event::finish, now, outcome.work, static_cast<std::uint64_t>(outcome.status),
                          outcome.values.size());
        finished_.push_back(std::move(outcome));
    }
    if (finished_.empty() || gathering(now)) return;
    const auto slot_of = [this](const sync::Outcome &outcome) { return jobs_.at(outcome.work).job.job.slot; };
    std::sort(finished_.begin(), finished_.end(), [&](const sync::Outcome &left, const sync::Outcome &right) {
        return std::make_tuple(slot_of(left), left.work) < std::make_tuple(slot_of(right), right.work);
    });
    std::vector<sync::Outcome> group;
    std::vector<sync::Outcome> later;
    for (sync::Outcome &outcome : finished_) {
        const bool again = !group.empty() && slot_of(group.back()) == slot_of(outcome);
        (again || group.size() >= group_size ? later : group).push_back(std::move(outcome));
    }
    finished_ = std::move(later);
    store_group(group, now);
    for (const sync::Outcome &outcome : group) let_go(outcome.work);
}

// A transaction that fails, or in which the worker dies, leaves nothing; one that succeeds leaves all.
void Worker::store_group(std::vector<sync::Outcome> &group, Instant now)
{
    peril(6);
    if (!world_.calm && world_.dice.chance(world_.scenario.rates.store_fails)) {
        if (group.size() == 1) {
            put_back(group.front().work, now);
            return;
        }
        for (sync::Outcome &outcome : group) {
            std::vector<sync::Outcome> one;
            one.push_back(std::move(outcome));
            const JobId id = one.front().work;
            store_group(one, now);
            outcome.work = id;
        }
        return;
    }
    std::vector<JobId> busy;
    for (sync::Outcome &outcome : group) {
        if (!world_.calm && world_.dice.chance(world_.scenario.rates.row_locked)) busy.push_back(outcome.work);
        else store_one(outcome, now);
    }
    exchange_usage(now);
    peril(7);
    for (const JobId id : busy) put_back(id, now);
}

bool Worker::store_one(sync::Outcome &outcome, Instant now)
{
    unfold_windows(outcome.values);
    const Held &held = jobs_.at(outcome.work);
    const Slot slot = held.job.job.slot;
    const bool gone = world_.tables.connection(slot).generation != held.job.account_generation &&
                      !world_.planted(Defect::skip_connection);
    JobEnd end = gone ? account_gone() : job_end(outcome);
    if (!world_.planted(Defect::skip_fencing) && !world_.tables.holds(held.job)) {
        world_.trace.note(Event::fenced, now, held.job.job.id, slot);
        return false;
    }
    if (gone) {
        (void)world_.tables.finish(held.job, end);
        return false;
    }
    if (outcome.retry_at && (!next_due_ || *outcome.retry_at < *next_due_)) next_due_ = *outcome.retry_at;
    world_.audit.before_store(held.job, now);
    world_.audit.on_left(held.job, end, now);
    (void)world_.tables.finish(held.job, end);
    store_rows(held, outcome);
    store_account(held, outcome);
    world_.trace.note(Event::store, now, held.job.job.id, slot, outcome.values.size());
    world_.audit.after_store(held.job, held.expectation, outcome, held.started_at);
    return true;
}

void Worker::store_rows(const Held &held, sync::Outcome &outcome)
{
    Slot slot = held.job.job.slot;
    if (world_.planted_now(Defect::drop_value) && !outcome.values.empty()) outcome.values.pop_back();
    if (world_.planted_now(Defect::other_user))
        slot = (slot + 1) % static_cast<Slot>(world_.scenario.connections.size());
    const bool doubled = world_.planted_now(Defect::double_value);
    for (const platform::Value &value : outcome.values) {
        const RowKind kind = row_kind_of(value.metric, value.period);
        const DayIndex day = world_.scenario.day_starting_at(value.end_time) - 1;
        Row &row = world_.tables.row(slot, kind, day);
        if (world_.planted(Defect::old_value_wins) && row.number != 0) continue;
        std::from_chars(value.value.data(), value.value.data() + value.value.size(), row.number);
        if (doubled && day > 0) world_.tables.row(slot, kind, day - 1).number = row.number;
    }
}

void Worker::store_account(const Held &held, const sync::Outcome &outcome)
{
    using sync::Status;
    Connection &connection = world_.tables.connection(held.job.job.slot);
    const bool answered = outcome.status == Status::succeeded || outcome.status == Status::partial;
    if (outcome.status == Status::needs_login) connection.status = AccountStatus::needs_login;
    else if (answered && connection.status != AccountStatus::needs_login) connection.status = AccountStatus::active;
    connection.blocked_until = outcome.blocked_until;
    sync::learn(connection.known, outcome.metrics);
    if (!connection.known.empty() && connection.known.begin()->second.through && world_.planted_now(Defect::skip_day))
        *connection.known.begin()->second.through += days{1};
}

void Worker::put_back(JobId id, Instant now)
{
    const auto found = jobs_.find(id);
    if (found == jobs_.end()) return;
    const bool again = found->second.job.job.attempt < max_attempts;
    JobEnd end;
    end.state = again ? JobState::waiting : JobState::failed;
    if (again) end.due_at = now + store_again_after;
    world_.trace.note(Event::put_back, now, id);
    (void)world_.tables.finish(found->second.job, end);
    if (again && (!next_due_ || *end.due_at < *next_due_)) next_due_ = end.due_at;
}

}  // namespace ig::simulator
