// Dice: every choice of a run comes from its seed through these.
#pragma once

#include <chrono>
#include <cstdint>

#include "sync/random.hpp"

namespace ig::simulator {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

class Dice {
public:
    explicit Dice(std::uint64_t seed) noexcept : random_(seed) {}

    std::uint64_t any() noexcept { return random_.next(); }
    // From 0 to `limit` - 1.
    std::uint64_t below(std::uint64_t limit) noexcept { return limit == 0 ? 0 : random_.next() % limit; }
    int between(int first, int last) noexcept
    {
        return first + static_cast<int>(below(static_cast<std::uint64_t>(last - first) + 1));
    }
    milliseconds between(milliseconds first, milliseconds last) noexcept { return first + random_.up_to(last - first); }
    // True in so many of a million throws.
    bool chance(int of_a_million) noexcept
    {
        return of_a_million > 0 && below(1000000) < static_cast<std::uint64_t>(of_a_million);
    }

private:
    sync::Random random_;
};

// A number that depends on what it is made from alone: facts that are the same whoever asks, and when.
inline std::uint64_t mixed(std::uint64_t a, std::uint64_t b, std::uint64_t c = 0) noexcept
{
    return sync::Random(a * 0x9E3779B97F4A7C15U + b * 0xD1B54A32D192ED03U + c * 0x8CB92BA72F3D8DD7U).next();
}

}  // namespace ig::simulator
