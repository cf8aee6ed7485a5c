// What is measured: the kinds of rows, the registry they come from, and numbers that tell whose and of which day they are.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "sync/metric_choice.hpp"

namespace ig::simulator {

using Slot = std::uint32_t;  // a connection: one user's access to one account
using DayIndex = int;        // from the first day of the run's table

// The metrics and periods under which numbers are kept; the first five are what a daily job asks for each day by default,
// the sixth stands beside the first and is asked then for the days that end a week.
enum class RowKind : std::uint8_t {
    reach,
    follower_count,
    profile_views,
    accounts_engaged,
    followers_count,
    reach_week,
    views,
    demographics
};
inline constexpr std::size_t row_kinds = 8;
inline constexpr std::size_t kinds_by_default = 6;

struct RowFacts {
    std::string_view key;  // what is known of it is kept under this name
    std::string_view name;
    std::string_view period;
    platform::MetricShape shape;
    int history_days;
    bool of_now;
};
const RowFacts &facts_of(RowKind kind) noexcept;
// Throws Violation for what no registry holds.
RowKind row_kind_of(std::string_view name, std::string_view period);

const std::vector<sync::RegisteredMetric> &registry();
// What an account with a choice of its own is asked: every kind of row.
const sync::MetricChoice &everything();
inline constexpr std::string_view breakdowns_of_views[] = {"media_product_type", "follow_type"};

// A number that can be told from every other: whose it is, of which connection, kind and day, and which state of it.
struct Number {
    Slot slot = 0;
    unsigned epoch = 0;  // of the connection, modulo 16
    RowKind kind{};
    DayIndex day = 0;
    unsigned version = 0;  // 0 first, 1 corrected; of what is true now, the hour of its reading

    std::uint64_t packed() const noexcept
    {
        return ((((std::uint64_t{slot} + 1) << 4U | (epoch & 15U)) << 3U | static_cast<unsigned>(kind)) << 9U |
                static_cast<unsigned>(day & 511))
                   << 10U |
               (version & 1023U);
    }
    static Number unpacked(std::uint64_t number) noexcept
    {
        Number result;
        result.version = static_cast<unsigned>(number & 1023U);
        result.day = static_cast<DayIndex>(number >> 10U & 511U);
        result.kind = static_cast<RowKind>(number >> 19U & 7U);
        result.epoch = static_cast<unsigned>(number >> 22U & 15U);
        result.slot = static_cast<Slot>((number >> 26U) - 1);
        return result;
    }
};

}  // namespace ig::simulator
