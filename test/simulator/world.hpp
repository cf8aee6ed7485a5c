// The world of one run: what all parts share, above all the two clocks.
#pragma once

#include "audit.hpp"
#include "graph.hpp"
#include "tables.hpp"
#include "trace.hpp"

namespace ig::simulator {

struct World {
    World(std::uint64_t seed, Defect defect, bool traced)
        : scenario(make_scenario(seed, defect)), dice(mixed(seed, 1)), trace(traced), graph(scenario, dice),
          tables(scenario), audit(scenario, tables), true_now(scenario.begins)
    {
    }
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    // The clock of the machine that worker and tables run on; the API and the people have the true one.
    Instant machine_now() const noexcept { return true_now + skew; }
    bool planted(Defect defect) const noexcept { return scenario.defect == defect; }
    // For defects: once in a while.
    bool planted_now(Defect defect) { return planted(defect) && dice.below(50) == 0; }

    const Scenario scenario;
    Dice dice;
    Trace trace;
    Graph graph;
    Tables tables;
    Audit audit;
    Instant true_now;
    milliseconds skew{0};
    bool calm = false;
};

}  // namespace ig::simulator
