// The audit: watches what is answered, stored, claimed and left, and throws when a promise is broken.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "graph.hpp"
#include "tables.hpp"

namespace ig::simulator {

// What the answers to one claim said, and so what its result must store.
struct Expectation {
    struct Answered {
        RowKind kind;
        DayIndex day;
        std::uint64_t number;
        std::uint8_t parts;  // how many dimensions came with it
    };
    struct Cover {
        RowKind kind;
        DayIndex first, last;
        bool certain;  // not "no data" for several metrics, of which each is asked again
    };
    std::vector<Answered> values;
    std::vector<Cover> covers;
};

// How long work waited at most, in the whole run.
struct LongestWaits {
    std::array<milliseconds, 3> claim{};  // by kind: from being due until being claimed
    milliseconds end{};                   // from being claimed until being left
};

class Audit {
public:
    Audit(const Scenario &scenario, Tables &tables) : scenario_(scenario), tables_(tables) {}

    // From now on waiting is counted anew: the worker died, the clock jumped, a suspect had run alone.
    void disturbed(Instant now) { disturbed_at_ = now; }
    void on_claim(const ClaimedJob &claimed, Instant now);
    // After a claim of all kinds: nobody is left waiting in favour of one who is less urgent.
    void after_claim(const std::vector<ClaimedJob> &claimed, Instant now) const;
    void on_answer(Expectation &expectation, const platform::InsightsQuery &query,
                   const platform::Reading &reading) const;
    // Around the transaction that stores a result.
    void before_store(const ClaimedJob &claimed, Instant now);
    void after_store(const ClaimedJob &claimed, const Expectation &expectation, const sync::Outcome &outcome,
                     Instant started_at);
    // A job is left with this end: it must have ended, or wait for a time that comes.
    void on_left(const ClaimedJob &claimed, const JobEnd &end, Instant now) const;
    // Once a day: nothing that is due may be overlooked.
    void look_at_lines(Instant now) const;
    // When faults have stopped and everything had its time.
    void at_the_end(const Graph &graph, Instant now);

    const LongestWaits &longest_waits() const { return longest_; }
    // Daily jobs that ended with everything that was asked.
    std::uint64_t account_days() const { return account_days_; }
    void count_account_day() { ++account_days_; }

private:
    bool is_wanted(Slot slot, RowKind kind, DayIndex day) const;
    void check_value(const ClaimedJob &claimed, const Expectation::Answered &value) const;
    void check_progress(Slot slot, Instant started_at);
    void check_days(Slot slot, RowKind kind, DayIndex first, DayIndex last);
    void check_repeats(const ClaimedJob &claimed, const Expectation &expectation, bool goes_on);
    void check_rows_at_the_end();
    void check_connection_at_the_end(const Graph &graph, Slot slot, Instant now);

    const Scenario &scenario_;
    Tables &tables_;
    Instant disturbed_at_{};
    std::array<std::optional<Day>, row_kinds> through_before_;
    // The days that the tries of a waiting job have stored, of kinds that are one question a day.
    std::map<JobId, std::map<RowKind, std::set<DayIndex>>> stored_by_waiting_;
    LongestWaits longest_;
    std::uint64_t account_days_ = 0;
};

}  // namespace ig::simulator
