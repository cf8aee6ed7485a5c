// A small seeded generator (splitmix64) for jitter: the same seed gives the same run on every machine.
#pragma once

#include <chrono>
#include <cstdint>

namespace ig::sync {

class Random {
public:
    explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint64_t next() noexcept
    {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
        z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31U);
    }

    // Anything from 0 to `limit`, both included.
    std::chrono::milliseconds up_to(std::chrono::milliseconds limit) noexcept
    {
        if (limit.count() <= 0) return std::chrono::milliseconds{0};
        const auto span = static_cast<std::uint64_t>(limit.count()) + 1;
        return std::chrono::milliseconds{static_cast<std::int64_t>(next() % span)};
    }

private:
    std::uint64_t state_;
};

}  // namespace ig::sync
