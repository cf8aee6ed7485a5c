// One run: a world from a seed, driven through time until its end, with people, failures of the machine and workers.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "worker.hpp"
#include "world.hpp"

namespace ig::simulator {

struct RunResult {
    std::uint64_t hash = 0;  // of all that happened
    std::uint64_t account_days = 0;
    LongestWaits waits;
    std::string violation;  // empty: every promise was kept
};

RunResult run(std::uint64_t seed, Defect defect, bool traced);

class Simulation {
public:
    Simulation(std::uint64_t seed, Defect defect, bool traced);
    void run();
    World &world() noexcept { return *world_; }

private:
    enum class Act : std::uint8_t {
        cron,
        refresh,
        backfill,
        cancel,
        disconnect,
        reconnect,
        kill_token,
        clock_jump,
        clock_right,
        outage,
        app_block,
        calm,
        start_worker,
        thaw
    };
    struct Planned {
        Instant at;
        std::uint64_t order;
        Act act;
        bool operator<(const Planned &other) const { return std::tie(at, order) < std::tie(other.at, other.order); }
    };
    struct Zombie {
        std::unique_ptr<Worker> worker;
        Instant thaws_at;
    };

    void plan(Instant at, Act act);
    void plan_people(Instant from);
    void perform(Act act);
    void act_as_user(Act act);
    void enqueued(std::optional<JobId> job, Slot slot, JobKind kind);
    void jump(milliseconds skew);
    void start_worker();
    void work();
    void zombies_work();
    std::optional<Instant> next_moment() const;
    void calm_down();

    std::unique_ptr<World> world_;
    std::unique_ptr<Worker> worker_;
    std::vector<Zombie> zombies_;
    std::set<Planned> planned_;
    std::uint64_t last_order_ = 0;
    std::uint64_t last_worker_ = 0;
    int rounds_at_this_moment_ = 0;
};

}  // namespace ig::simulator
