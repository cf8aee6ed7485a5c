// Two ordered sets: the line of those that may ask, and those that wait.
#include "sync/turns.hpp"

namespace ig::sync {

void Turns::put(WorkId work, Place &place, bool ready, std::optional<Instant> wake)
{
    if (ready && place.turn != 0) return;
    if (!ready && place.turn == 0 && place.wake == wake) return;
    remove(work, place);
    if (ready) {
        place.turn = ++last_turn_;
        line_.emplace(place.priority, place.turn, work);
    } else if (wake) {
        place.wake = wake;
        waiting_.emplace(*wake, work);
    }
}

void Turns::remove(WorkId work, Place &place) noexcept
{
    if (place.turn != 0) line_.erase({place.priority, place.turn, work});
    if (place.wake) waiting_.erase({*place.wake, work});
    place.turn = 0;
    place.wake.reset();
}

std::optional<WorkId> Turns::front() const
{
    if (line_.empty()) return std::nullopt;
    return std::get<2>(*line_.begin());
}

std::optional<WorkId> Turns::woken(Instant now) const
{
    if (waiting_.empty() || waiting_.begin()->first > now) return std::nullopt;
    return waiting_.begin()->second;
}

std::optional<Instant> Turns::next_wake() const
{
    if (waiting_.empty()) return std::nullopt;
    return waiting_.begin()->first;
}

}  // namespace ig::sync
