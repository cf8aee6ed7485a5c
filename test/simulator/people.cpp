// What befalls a run from outside: the nightly job, people, outages, clocks that jump, and the day from which all is calm.
#include <algorithm>

#include "simulation.hpp"

namespace ig::simulator {

void Simulation::enqueued(std::optional<JobId> job, Slot slot, JobKind kind)
{
    if (!job) return;
    world_->trace.note(Event::enqueue, world_->machine_now(), *job, slot, static_cast<std::uint64_t>(kind));
    if (worker_) worker_->wake();
}

void Simulation::perform(Act act)
{
    World &world = *world_;
    const Instant now = world.machine_now();
    switch (act) {
    case Act::cron: {
        world.audit.look_at_lines(now);
        const int jobs = world.tables.sync_all(now);
        world.trace.note(Event::enqueue, now, static_cast<std::uint64_t>(jobs));
        if (worker_) worker_->wake();
        plan_people(world.true_now);
        // Each day at its hour in Pacific time.
        const Day today = world.scenario.calendar->day_at(world.true_now);
        plan(world.scenario.calendar->start_of(today + days{1}) + world.scenario.cron_hour, Act::cron);
        return;
    }
    case Act::clock_jump: {
        const milliseconds far = world.dice.below(4) == 0 ? hours{20} : hours{2};
        jump(world.dice.between(-far, far));
        plan(world.true_now + world.dice.between(milliseconds{0}, milliseconds{hours{6}}), Act::clock_right);
        return;
    }
    case Act::clock_right: jump(milliseconds{0}); return;
    case Act::outage: {
        const milliseconds lasts = world.dice.between(milliseconds{minutes{1}}, milliseconds{hours{20}});
        world.graph.be_down(world.true_now + lasts);
        world.trace.note(Event::outage, now, 0, static_cast<std::uint64_t>(lasts.count()));
        return;
    }
    case Act::app_block: {
        const milliseconds lasts = world.dice.between(milliseconds{minutes{1}}, milliseconds{hours{6}});
        world.graph.block_app(world.dice.below(2) == 0 ? platform::Login::facebook : platform::Login::instagram,
                              world.true_now + lasts);
        world.trace.note(Event::outage, now, 1, static_cast<std::uint64_t>(lasts.count()));
        return;
    }
    case Act::calm: calm_down(); return;
    case Act::start_worker: start_worker(); return;
    case Act::thaw: return;  // its next round comes by itself
    default: act_as_user(act);
    }
}

void Simulation::act_as_user(Act act)
{
    World &world = *world_;
    if (world.calm) return;
    const Instant now = world.machine_now();
    const auto slot = static_cast<Slot>(world.dice.below(world.scenario.connections.size()));
    Connection &connection = world.tables.connection(slot);
    switch (act) {
    case Act::refresh: enqueued(world.tables.refresh(slot, now), slot, JobKind::refresh); break;
    case Act::backfill: {
        const Day today = world.scenario.calendar->day_at(now);
        const Day since = today - days{world.dice.between(1, 50)};
        const Day until = std::min(since + days{world.dice.between(0, 40)}, today);
        enqueued(world.tables.backfill(slot, since, until, now), slot, JobKind::backfill);
        break;
    }
    case Act::cancel: {
        if (world.tables.jobs().empty()) break;
        const JobId newest = world.tables.jobs().size();
        const JobId id = newest - world.dice.below(std::min<std::uint64_t>(newest, 20));
        world.trace.note(Event::cancel, now, id);
        if (world.tables.cancel(id) && worker_) worker_->wake();
        break;
    }
    case Act::disconnect:
        world.trace.note(Event::disconnect, now, slot);
        world.tables.disconnect(slot);
        if (worker_) worker_->wake();
        break;
    case Act::kill_token: world.graph.kill_token(slot); break;
    case Act::reconnect: {
        std::optional<Instant> ends;
        if (world.scenario.connections[slot].token_expires) ends = world.true_now + hours{24 * 60};
        world.tables.connect(slot, now, ends ? std::optional(*ends + world.skew) : std::nullopt);
        world.graph.connect(slot, connection.epoch, ends);
        world.trace.note(Event::connect, now, slot, static_cast<std::uint64_t>(connection.generation));
        if (worker_) worker_->wake();
        break;
    }
    default: break;
    }
}

void Simulation::jump(milliseconds skew)
{
    World &world = *world_;
    if (world.calm && skew.count() != 0) return;
    world.skew = skew;
    world.trace.note(Event::clock_jump, world.machine_now(), static_cast<std::uint64_t>(skew.count()));
    world.audit.disturbed(world.machine_now());
}

// Faults end, and people connect again what needs them.
void Simulation::calm_down()
{
    World &world = *world_;
    jump(milliseconds{0});
    world.graph.calm_down();
    world.calm = true;
    for (Slot slot = 0; slot < world.scenario.connections.size(); ++slot) {
        Connection &connection = world.tables.connection(slot);
        if (connection.status == AccountStatus::disconnected) continue;
        const Instant now = world.machine_now();
        const bool expired = connection.expires_at && *connection.expires_at <= now;
        const bool killed = world.graph.has_killed(slot);
        if (expired && !killed) throw Violation("no token is left to expire", "connection " + std::to_string(slot));
        if (connection.status == AccountStatus::active && !killed) continue;
        std::optional<Instant> ends;
        if (world.scenario.connections[slot].token_expires) ends = now + hours{24 * 60};
        world.tables.connect(slot, now, ends);
        world.graph.connect(slot, connection.epoch, ends);
        world.trace.note(Event::connect, now, slot, static_cast<std::uint64_t>(connection.generation));
    }
    if (worker_) worker_->wake();
}

}  // namespace ig::simulator
