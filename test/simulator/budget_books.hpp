// What a worker has been told of the API's budgets, kept apart from the governor and by simpler rules, to check each call.
#pragma once

#include <array>
#include <optional>
#include <vector>

#include "scenario.hpp"
#include "sync/governor.hpp"

namespace ig::simulator {

class BudgetBooks {
public:
    explicit BudgetBooks(const Scenario &scenario)
        : scenario_(scenario), cap_(scenario.options.budgets.calls_per_hour), accounts_(scenario.connections.size())
    {
    }

    // As the tables have it, when the worker reads it.
    void load(const sync::BudgetRow &row, Instant now);
    // The engine gave a call out. Throws Violation if no budget allowed that.
    void on_call(Slot slot, int priority, Instant now);
    // A call goes onto the wire, for the first time or again.
    void on_sent(Slot slot, Instant now) const;
    void on_repeated(Slot slot, int priority, Instant now);
    void on_gone(Slot slot) noexcept;
    void on_answer(Slot slot, const platform::Reading &reading, Instant now);

private:
    struct Entry {
        std::optional<Instant> blocked_until, observed_at, last_call;
        int percent = 0;
        int in_flight = 0;
        Instant hour{};
        int calls = 0;
    };
    Entry &app(platform::Login login) { return apps_[login == platform::Login::instagram ? 1 : 0]; }
    const Entry &app(platform::Login login) const { return apps_[login == platform::Login::instagram ? 1 : 0]; }
    platform::Login login_of(Slot slot) const { return scenario_.connections[slot].login; }
    static bool near_limit(const Entry &entry, int threshold, Instant now);
    void check_cap(const Entry &own, Slot slot, int priority, Instant now) const;
    void check_pace(const Entry &entry, Slot slot, int priority, Instant now) const;
    void count(Entry &entry, Instant now);
    static void block(Entry &entry, Instant until, Instant now);

    const Scenario &scenario_;
    const int cap_;  // calls of an account an hour that we allow ourselves; 0: any number
    std::vector<Entry> accounts_;
    std::array<Entry, 2> apps_;
};

}  // namespace ig::simulator
