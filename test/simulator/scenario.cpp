// Draws scenarios: some clean, most with a little trouble, some a storm; dates lie near changes of the clock and of the year.
#include "scenario.hpp"

#include <algorithm>
#include <array>

#include "trace.hpp"
#include "unit/sync/us_pacific.hpp"

namespace ig::simulator {

namespace {

constexpr int days_before = 70;  // room for first syncs and backfills
constexpr int days_calm = 10;    // a refused metric is asked again after a week, then everything must be there

// Half of the runs meet a change of the clock or of the year.
Day first_day_of_run(Dice &dice, int length)
{
    constexpr std::array<std::array<int, 3>, 9> turns = {{{2025, 3, 9},
                                                          {2025, 11, 2},
                                                          {2026, 1, 1},
                                                          {2026, 3, 8},
                                                          {2026, 11, 1},
                                                          {2027, 1, 1},
                                                          {2027, 3, 14},
                                                          {2027, 11, 7},
                                                          {2028, 2, 29}}};
    if (dice.below(2) == 0) {
        const auto &turn = turns.at(dice.below(turns.size()));
        return test::day(turn[0], static_cast<unsigned>(turn[1]), static_cast<unsigned>(turn[2])) -
               days{dice.between(1, length - 1)};
    }
    return test::day(2025, 1, 1) + days{dice.between(0, 3 * 365)};
}

std::string user_of(std::uint64_t number)
{
    // Like true ids, they differ from the first place on; shorter, for an id is copied more often here than rows are stored.
    std::string id = "000000000000";
    for (std::size_t at = 0; number > 0; number /= 10) id[at++] = static_cast<char>('0' + number % 10);
    return id;
}

void draw_faults(Scenario &scenario, Dice &dice)
{
    const std::uint64_t draw = dice.below(20);
    scenario.chaos = draw < 4 ? 0 : draw < 14 ? 1 : draw < 19 ? 2 : 3;
    if (scenario.chaos == 0) return;
    const int scale = scenario.chaos == 1 ? 1 : scenario.chaos == 2 ? 8 : 40;
    const auto rate = [&](int most) {
        return static_cast<int>(dice.below(static_cast<std::uint64_t>(most) + 1)) * scale;
    };
    scenario.rates.call_fails = rate(4000);
    scenario.rates.request_fails = rate(4000);
    scenario.rates.item_unfinished = rate(4000);
    scenario.rates.value_dropped = rate(1000);
    scenario.rates.store_fails = rate(3000);
    scenario.rates.row_locked = rate(2000);
    scenario.rates.renewal_fails = std::min(rate(100000), 500000);
    scenario.rates.worker_dies = rate(100);
    scenario.rates.worker_freezes = rate(60);
    scenario.actions_a_day = dice.between(0, 2 * scenario.chaos);
    scenario.clock_jumps = dice.between(0, 2 * scenario.chaos);
    scenario.outages = dice.between(0, scenario.chaos);
    if (dice.below(3) == 0) scenario.app_calls_per_hour = dice.between(400, 4000);
}

void draw_connections(Scenario &scenario, Dice &dice)
{
    const int count = dice.between(20, 90);
    for (int i = 0; i < count; ++i) {
        ConnectionPlan plan;
        const auto number = static_cast<std::uint64_t>(i);
        // Some users have several accounts, and some accounts are two users'.
        const bool shared = i > 0 && dice.below(12) == 0;
        plan.user_id =
            !shared && i > 0 && dice.below(4) == 0 ? scenario.connections.back().user_id : user_of(number + 1);
        plan.account_id = shared ? scenario.connections.back().account_id : std::to_string(17841400000 + number);
        plan.login = dice.below(4) == 0 ? platform::Login::instagram : platform::Login::facebook;
        if (shared) plan.login = scenario.connections.back().login;
        plan.budget = {plan.user_id, plan.account_id, plan.login};
        plan.asks_everything = dice.below(8) == 0;
        plan.token_expires = plan.login == platform::Login::instagram || dice.below(4) == 0;
        if (scenario.chaos > 0 && dice.below(8) == 0) plan.calls_per_hour = dice.between(20, 200);
        if (scenario.chaos > 0 && dice.below(10) == 0)
            plan.refused.push_back(static_cast<RowKind>(dice.below(row_kinds)));
        scenario.connections.push_back(std::move(plan));
    }
}

void draw_shell(Scenario &scenario, Dice &dice)
{
    constexpr std::array<int, 5> batches = {50, 50, 50, 10, 1};
    scenario.batch_size = batches.at(dice.below(batches.size()));
    scenario.max_in_flight = dice.between(2, 16);
    scenario.latency = milliseconds{dice.between(40, 900)};
    scenario.cron_hour = hours{dice.between(0, 20)};
    if (dice.below(2) == 0) scenario.spread = seconds{dice.between(0, 3600)};
    // First syncs and backfills need more calls than the hour allows, some daily jobs too: they take some hours.
    if (scenario.chaos > 0 && dice.below(4) == 0) scenario.options.budgets.calls_per_hour = dice.between(10, 120);
    if (scenario.defect == Defect::ignore_own_cap || scenario.defect == Defect::begin_anew)
        scenario.options.budgets.calls_per_hour = 40;
    if (scenario.options.budgets.calls_per_hour > 0) scenario.cron_hour = std::min(scenario.cron_hour, hours{16});
}

}  // namespace

DayIndex Scenario::day_starting_at(Instant moment) const
{
    // Days differ from 24 hours by one at most.
    const auto guess = (moment - starts.front() + hours{12}) / hours{24};
    if (guess < 0 || guess >= static_cast<std::int64_t>(starts.size()) ||
        starts[static_cast<std::size_t>(guess)] != moment)
        throw Violation("only whole Pacific days are asked and stored", moment_text(moment));
    return static_cast<DayIndex>(guess);
}

Scenario make_scenario(std::uint64_t seed, Defect defect)
{
    // One table of days for all runs; it is never changed.
    static const std::shared_ptr<const sync::Calendar> calendar =
        test::us_pacific(test::day(2024, 1, 1), test::day(2029, 12, 31));
    Dice dice(seed);
    Scenario scenario;
    scenario.seed = seed;
    scenario.defect = defect;
    scenario.calendar = calendar;
    const int rough_days = dice.between(8, 80);
    const Day first = first_day_of_run(dice, rough_days);
    scenario.table_first = first - days{days_before};
    scenario.table_days = days_before + rough_days + days_calm + 3;
    for (DayIndex day = 0; day <= scenario.table_days; ++day)
        scenario.starts.push_back(calendar->start_of(scenario.day_of(day)));
    draw_faults(scenario, dice);
    draw_connections(scenario, dice);
    draw_shell(scenario, dice);
    scenario.begins = calendar->start_of(first);
    scenario.calm_from = calendar->start_of(first + days{rough_days});
    scenario.ends = calendar->start_of(first + days{rough_days + days_calm}) + hours{22};  // of a day of 23 hours
    return scenario;
}

}  // namespace ig::simulator
