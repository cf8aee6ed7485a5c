// Whose turn it is: works that have a question to ask, by priority and then in turn, and works that wait for a moment.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "sync/engine.hpp"

namespace ig::sync {

// Where one work stands in the queue; kept with the work, so that moving it costs O(log n) and no search.
struct Place {
    int priority = 0;
    std::uint64_t turn = 0;       // 0: not in the line
    std::optional<Instant> wake;  // set: waits for this moment
};

class Turns {
public:
    // Puts a work where it belongs now. One that is in line already keeps its turn.
    void put(WorkId work, Place &place, bool ready, std::optional<Instant> wake);
    void remove(WorkId work, Place &place) noexcept;
    // The work whose turn it is; it stays in front until its turn is put again after remove().
    std::optional<WorkId> front() const;
    // A work whose moment has come.
    std::optional<WorkId> woken(Instant now) const;
    std::optional<Instant> next_wake() const;

private:
    std::set<std::tuple<int, std::uint64_t, WorkId>> line_;
    std::set<std::pair<Instant, WorkId>> waiting_;
    std::uint64_t last_turn_ = 0;
};

}  // namespace ig::sync
