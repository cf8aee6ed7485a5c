// A scenario: what the world of one run is like, drawn from its seed before anything happens.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "defects.hpp"
#include "dice.hpp"
#include "numbers.hpp"
#include "sync/engine.hpp"

namespace ig::simulator {

// How often, of a million, something befalls a call, a request or a step of the worker.
struct FaultRates {
    int call_fails = 0;
    int request_fails = 0;    // as a whole: nobody is reached, or too slow
    int item_unfinished = 0;  // of a batch: the host did not get to it
    int value_dropped = 0;
    int store_fails = 0;  // of a transaction that stores a group
    int row_locked = 0;   // somebody else holds an account while it is to be stored
    int renewal_fails = 0;
    int worker_dies = 0;  // at each of its perils
    int worker_freezes = 0;
};

struct ConnectionPlan {
    std::string user_id;
    std::string account_id;
    platform::Login login = platform::Login::facebook;
    sync::BudgetKey budget;  // of these three
    bool asks_everything = false;
    bool token_expires = false;
    int calls_per_hour = 0;        // what the API grants; 0: more than anybody needs
    std::vector<RowKind> refused;  // the API refuses these while it is rough
};

struct Scenario {
    std::uint64_t seed = 0;
    Defect defect = Defect::none;
    std::shared_ptr<const sync::Calendar> calendar;
    Day table_first{};  // the first day of the tables; the run begins later
    int table_days = 0;
    std::vector<Instant> starts;  // of the days of the tables, and of the one after them
    Instant begins{};
    Instant calm_from{};  // faults end
    Instant ends{};
    hours cron_hour{0};
    seconds spread{0};
    int chaos = 0;  // 0 none .. 3 a storm
    FaultRates rates;
    std::vector<ConnectionPlan> connections;
    int app_calls_per_hour = 0;  // what the API grants each app
    sync::EngineOptions options;
    int max_in_flight = 8;
    int batch_size = 50;
    milliseconds latency{300};
    int actions_a_day = 0;  // of people
    int clock_jumps = 0;
    int outages = 0;

    DayIndex index_of(Day day) const noexcept { return static_cast<DayIndex>((day - table_first).count()); }
    // Which day begins at this moment. Throws Violation when none does: only whole Pacific days are asked and stored.
    DayIndex day_starting_at(Instant moment) const;
    Day day_of(DayIndex index) const noexcept { return table_first + days{index}; }
};

// The same seed, the same scenario.
Scenario make_scenario(std::uint64_t seed, Defect defect);

}  // namespace ig::simulator
