// Drives a run: time goes from event to event; workers die and come back; a frozen one finds its leases gone.
#include "simulation.hpp"

#include <algorithm>
#include <atomic>
#include <optional>

namespace ig::simulator {

namespace {

constexpr int most_rounds_at_a_moment = 20000;  // beyond it time stands still

}  // namespace

Simulation::Simulation(std::uint64_t seed, Defect defect, bool traced)
    : world_(std::make_unique<World>(seed, defect, traced))
{
    World &world = *world_;
    const Scenario &scenario = world.scenario;
    for (Slot slot = 0; slot < scenario.connections.size(); ++slot) {
        std::optional<Instant> ends;
        // Somewhere in its life of 60 days.
        if (scenario.connections[slot].token_expires) ends = scenario.begins + hours{24 * world.dice.between(20, 60)};
        world.tables.connect(slot, scenario.begins, ends);
        if (ends) world.tables.connection(slot).issued_at = *ends - hours{24 * 60};
        world.graph.connect(slot, world.tables.connection(slot).epoch, ends);
    }
    plan(scenario.begins + scenario.cron_hour, Act::cron);
    plan(scenario.calm_from, Act::calm);
    const auto some_time = [&] { return world.dice.between(milliseconds{0}, scenario.calm_from - scenario.begins); };
    for (int i = 0; i < scenario.clock_jumps; ++i) plan(scenario.begins + some_time(), Act::clock_jump);
    for (int i = 0; i < scenario.outages; ++i)
        plan(scenario.begins + some_time(), world.dice.below(2) == 0 ? Act::outage : Act::app_block);
    start_worker();
}

void Simulation::plan(Instant at, Act act) { planned_.insert({at, ++last_order_, act}); }

void Simulation::plan_people(Instant from)
{
    World &world = *world_;
    if (world.calm) return;
    constexpr std::array acts = {Act::refresh, Act::refresh,    Act::backfill,  Act::backfill,  Act::cancel,
                                 Act::cancel,  Act::disconnect, Act::reconnect, Act::kill_token};
    for (int i = 0; i < world.scenario.actions_a_day; ++i) {
        // Half of what people do, they do while the night's jobs run.
        const milliseconds later =
            world.dice.between(milliseconds{0}, world.dice.below(2) == 0 ? hours{24} : hours{0} + minutes{1});
        plan(from + later, acts.at(world.dice.below(acts.size())));
    }
    if (world.dice.below(4) == 0) plan(from + hours{1}, Act::reconnect);
}

void Simulation::start_worker()
{
    if (!worker_) worker_ = std::make_unique<Worker>(*world_, ++last_worker_);
}

void Simulation::work()
{
    World &world = *world_;
    try {
        worker_->round();
    } catch (const WorkerDied &death) {
        world.trace.note(Event::worker_dies, world.machine_now(), worker_->number(),
                         static_cast<std::uint64_t>(death.peril));
        worker_.reset();
        plan(world.true_now + world.dice.between(milliseconds{5000}, milliseconds{60000}), Act::start_worker);
    } catch (const WorkerFroze &frozen) {
        const Instant thaws = world.true_now + frozen.stands_still;
        world.trace.note(Event::worker_freezes, world.machine_now(), worker_->number(),
                         static_cast<std::uint64_t>(frozen.stands_still.count()));
        worker_->depose();
        zombies_.push_back({std::move(worker_), thaws});
        plan(world.true_now + world.dice.between(milliseconds{10}, frozen.stands_still), Act::start_worker);
        plan(thaws, Act::thaw);
    }
}

void Simulation::zombies_work()
{
    World &world = *world_;
    for (auto zombie = zombies_.begin(); zombie != zombies_.end();) {
        bool gone = false;
        const auto next = zombie->worker->next_event();
        if (zombie->thaws_at <= world.true_now && next && *next <= world.true_now) {
            try {
                zombie->worker->round();
            } catch (const WorkerDied &) {
                gone = true;
            }
        }
        gone = gone || (zombie->thaws_at <= world.true_now && zombie->worker->has_ended());
        zombie = gone ? zombies_.erase(zombie) : std::next(zombie);
    }
}

std::optional<Instant> Simulation::next_moment() const
{
    std::optional<Instant> next;
    const auto consider = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
    if (!planned_.empty()) consider(planned_.begin()->at);
    if (worker_)
        if (const auto at = worker_->next_event()) consider(*at);
    for (const Zombie &zombie : zombies_)
        if (const auto at = zombie.worker->next_event()) consider(std::max(*at, zombie.thaws_at));
    return next;
}

void Simulation::run()
{
    World &world = *world_;
    while (const std::optional<Instant> next = next_moment()) {
        if (*next > world.scenario.ends) break;
        if (*next > world.true_now) {
            world.true_now = *next;
            rounds_at_this_moment_ = 0;
        } else if (++rounds_at_this_moment_ > most_rounds_at_a_moment) {
            throw Violation("time goes on",
                            "the worker turns round without end at " + moment_text(world.machine_now()));
        }
        while (!planned_.empty() && planned_.begin()->at <= world.true_now) {
            const Act act = planned_.begin()->act;
            planned_.erase(planned_.begin());
            perform(act);
        }
        if (worker_)
            if (const auto at = worker_->next_event(); at && *at <= world.true_now) work();
        if (!zombies_.empty()) zombies_work();
    }
    world.true_now = world.scenario.ends;
    world.audit.at_the_end(world.graph, world.machine_now());
}

RunResult run(std::uint64_t seed, Defect defect, bool traced)
{
    RunResult result;
    Simulation simulation(seed, defect, traced);
    World &world = simulation.world();
    if (defect == Defect::chance) {
        static std::atomic<std::uint64_t> runs = 0;
        world.skew = milliseconds{static_cast<std::int64_t>(++runs)};
    }
    try {
        simulation.run();
    } catch (const std::exception &broken) {
        result.violation = broken.what();
    }
    result.hash = world.trace.hash();
    result.account_days = world.audit.account_days();
    result.waits = world.audit.longest_waits();
    return result;
}

}  // namespace ig::simulator
