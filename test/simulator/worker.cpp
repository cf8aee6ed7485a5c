// The worker's rounds: receive, send, store, claim, renew; and when the next one is.
#include "worker.hpp"

#include <algorithm>

namespace ig::simulator {

namespace {

constexpr milliseconds renew_every{1000};
constexpr milliseconds gather_results_for{20};

sync::EngineOptions options_of(const Scenario &scenario)
{
    sync::EngineOptions options = scenario.options;
    if (scenario.defect == Defect::ignore_near_limit) options.budgets.threshold = 1000;
    if (scenario.defect == Defect::crowd_near_limit) options.budgets.in_flight_near = 1000;
    if (scenario.defect == Defect::ignore_own_cap) options.budgets.calls_per_hour = 0;
    return options;
}

// So many steps until something happens whose chance at each is so many in a million.
std::int64_t steps_until(Dice &dice, int of_a_million)
{
    if (of_a_million <= 0) return 0;
    return 1 + static_cast<std::int64_t>(dice.below(2000000 / static_cast<std::uint64_t>(of_a_million)));
}

}  // namespace

Worker::Worker(World &world, std::uint64_t number)
    : world_(world), number_(number),
      engine_(world.scenario.calendar, options_of(world.scenario), mixed(world.scenario.seed, 2, number)),
      books_(world.scenario), batch_sizes_{sync::BatchSize(static_cast<std::size_t>(world.scenario.batch_size)),
                                           sync::BatchSize(1)}
{
    const Instant now = world_.machine_now();
    world_.trace.note(Event::worker_starts, now, number);
    world_.audit.disturbed(now);
    for (const JobId id : world_.tables.reclaim(true, {}, now))
        world_.trace.note(Event::reclaim, now, id, static_cast<std::uint64_t>(world_.tables.job(id).crashes));
    perils_left_ = steps_until(world_.dice, world_.scenario.rates.worker_dies);
    freezes_left_ = steps_until(world_.dice, world_.scenario.rates.worker_freezes);
}

void Worker::peril(int which)
{
    if (perils_left_ == 0 || world_.calm) return;
    if (--perils_left_ == 0) throw WorkerDied{which};
}

void Worker::may_freeze()
{
    if (freezes_left_ == 0 || world_.calm || deposed_) return;
    if (--freezes_left_ == 0) throw WorkerFroze{world_.dice.between(milliseconds{100}, milliseconds{minutes{10}})};
}

void Worker::round()
{
    receive();
    send();
    may_freeze();
    const Instant now = world_.machine_now();
    store_finished(now);
    settle_renewals(now);
    may_freeze();
    if (std::exchange(had_jobs_, !jobs_.empty()) && jobs_.empty()) look_at_queue_ = true;
    if (deposed_) {
        look_at_queue_ = queue_has_more_ = false;
        next_due_.reset();
    } else if (look_at_queue_) {
        check_ownership();
        claim(now);
    } else if (queue_has_more_ || (next_due_ && *next_due_ <= now)) {
        claim(now);
    }
    may_freeze();
    renew(now);
    send();
}

std::optional<Instant> Worker::next_event() const
{
    std::optional<Instant> next;
    const auto consider = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
    const milliseconds skew = world_.skew;
    if (!flights_.empty()) consider(flights_.top().at);
    for (const Renewal &renewal : renewals_) consider(renewal.at);
    if (room() > 0) {
        if (const auto wakeup = engine_.next_wakeup()) consider(*wakeup - skew);
        if (!waiting_[0].empty() || !waiting_[1].empty()) consider(world_.true_now);
    }
    if (look_at_queue_ || had_jobs_ != !jobs_.empty()) consider(world_.true_now);
    if (queue_has_more_ && (!next || *next > world_.true_now) && wanted_jobs() > 0) consider(world_.true_now);
    if (!jobs_.empty()) consider(renewed_at_ + renew_every - skew);
    if (!finished_.empty())
        consider(gathering(world_.machine_now()) ? finished_since_ + gather_results_for - skew : world_.true_now);
    if (next_due_ && !queue_has_more_)
        consider(std::max(*next_due_ - skew, world_.true_now + milliseconds(jobs_.empty() ? 0 : 20)));
    return next;
}

}  // namespace ig::simulator
