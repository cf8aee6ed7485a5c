// Checks at the end of a run, when faults have stopped: everything is there, everything has ended.
#include <algorithm>

#include "audit.hpp"
#include "trace.hpp"

namespace ig::simulator {

void Audit::at_the_end(const Graph &graph, Instant now)
{
    for (const Job &job : tables_.jobs()) {
        if (!lives(job.state)) continue;
        const std::string text = "job " + std::to_string(job.id) + " of connection " + std::to_string(job.slot);
        if (job.state == JobState::running) throw Violation("every job ends or waits", text + " still runs");
        if (job.due_at > now + days{8})
            throw Violation("what waits has a time", text + " waits until " + moment_text(job.due_at));
        if (job.due_at < now - hours{1}) throw Violation("every due job gets its turn", text + " was never claimed");
    }
    check_rows_at_the_end();
    for (Slot slot = 0; slot < scenario_.connections.size(); ++slot) check_connection_at_the_end(graph, slot, now);
}

// Every row is where its number says.
void Audit::check_rows_at_the_end()
{
    for (Slot slot = 0; slot < scenario_.connections.size(); ++slot) {
        for (std::size_t kind = 0; kind < row_kinds; ++kind) {
            for (DayIndex day = 0; day < scenario_.table_days; ++day) {
                const std::uint64_t number = tables_.row(slot, static_cast<RowKind>(kind), day).number;
                if (number == 0) continue;
                const Number what = Number::unpacked(number);
                if (what.slot != slot)
                    throw Violation("no number is attributed to another", "connection " + std::to_string(slot));
                if (what.day != day || static_cast<std::size_t>(what.kind) != kind)
                    throw Violation("no number is stored twice",
                                    "connection " + std::to_string(slot) + ", day " + std::to_string(day));
            }
        }
    }
}

void Audit::check_connection_at_the_end(const Graph &graph, Slot slot, Instant now)
{
    const Connection &connection = tables_.connection(slot);
    if (connection.status == AccountStatus::disconnected) return;
    const std::string name = "connection " + std::to_string(slot);
    if (connection.status != AccountStatus::active || (connection.expires_at && *connection.expires_at <= now))
        throw Violation("no token is left to expire", name);
    const DayIndex last = scenario_.index_of(scenario_.calendar->last_complete_day(now));
    const DayIndex calm = scenario_.index_of(scenario_.calendar->day_at(scenario_.calm_from));
    const std::size_t asked = scenario_.connections[slot].asks_everything ? row_kinds : kinds_by_default;
    for (std::size_t index = 0; index < asked; ++index) {
        const auto kind = static_cast<RowKind>(index);
        const RowFacts &facts = facts_of(kind);
        const auto known = connection.known.find(facts.key);
        DayIndex newest = last;
        while (newest > 0 && !is_wanted(slot, kind, newest)) --newest;
        if (known == connection.known.end() || !known->second.through ||
            scenario_.index_of(*known->second.through) < newest)
            throw Violation("everything is synced once faults stop", name + ", " + std::string(facts.key));
        if (facts.of_now) continue;
        // What came late and what was corrected: days are read three times.
        for (DayIndex day = calm; day <= last - 2; ++day) {
            if (!is_wanted(slot, kind, day)) continue;
            const std::uint64_t stored = tables_.row(slot, kind, day).number;
            const std::uint64_t true_one = graph.number(slot, connection.epoch, kind, day, now);
            const bool same = stored == 0 || true_one == 0
                                  ? stored == true_one
                                  : Number::unpacked(stored).version == Number::unpacked(true_one).version;
            if (!same)
                throw Violation("what comes late or is corrected is stored in the end",
                                name + ", " + std::string(facts.key) + ", day " + std::to_string(day));
        }
    }
}

}  // namespace ig::simulator
