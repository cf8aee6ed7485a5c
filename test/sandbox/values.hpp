// What each metric is worth on each day: a pure function of (seed, account, metric, day), and its overrides.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "accounts.hpp"
#include "metrics.hpp"

namespace ig::sandbox {

// Mixes texts and numbers to 64 bits; the same on every machine.
class Mixer {
public:
    explicit Mixer(std::uint64_t seed) : state_(seed * 0xD1342543DE82EF95ull + 1) {}
    Mixer &add(std::string_view text);
    Mixer &add(std::uint64_t number);
    std::uint64_t value() const;

private:
    std::uint64_t state_;
};

class Values {
public:
    Values(std::uint64_t seed, const Settings &settings, const Clock &clock)
        : seed_(seed), settings_(settings), clock_(clock)
    {
    }

    // The JSON text of one day's value; nothing when it is missing. Any metric name has values; whether the API shows
    // them is the caller's question.
    std::optional<std::string> at(const Account &account, std::string_view metric, Day day) const;
    // followers_count of this moment.
    std::optional<std::string> followers(const Account &account) const;
    // One number for a window: the day's own for one day, else the sum, or the largest day for a unique count.
    std::optional<std::string> total(const Account &account, const Metric &metric,
                                     const std::vector<Day> &window) const;
    std::uint64_t mix(std::string_view account_id, std::string_view what, std::uint64_t number) const;

    // `raw` is a JSON text; nothing makes the value missing.
    void override_value(const std::string &account_id, const std::string &metric, Day day,
                        std::optional<std::string> raw);
    void forget_overrides() { overrides_.clear(); }

private:
    const std::optional<std::string> *overridden(std::string_view account_id, std::string_view metric, Day day) const;

    std::uint64_t seed_;
    const Settings &settings_;
    const Clock &clock_;
    std::unordered_map<std::string, std::optional<std::string>> overrides_;
};

}  // namespace ig::sandbox
