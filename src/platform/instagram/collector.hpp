// Collects what an answer says of the metrics asked, value by value, and sums up what could not be kept.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "platform/instagram/parts_reader.hpp"
#include "platform/json.hpp"
#include "platform/platform.hpp"

namespace ig::platform::instagram {

// Why a value was not kept.
enum class Drop {
    wrong_type,     // neither a number nor a decimal string
    table,          // an object of numbers that are not those of hours
    no_end_time,    // a series value without a time, or with one nobody can read
    total_of_days,  // one total over several days, which is no day's value
    too_many,       // beyond the limit on values
    count_          // how many reasons there are
};

class Collector {
public:
    // The query must outlive the collector, the document its reading.
    explicit Collector(const InsightsQuery &query);

    // The place of a metric that was asked; npos for any other name.
    std::size_t find(std::string_view metric) const noexcept;
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);

    // Keeps the value if it is a number, and its parts: those of total_value.breakdowns, or a value that is an object
    // of hours. Null or nothing is no data, anything else is dropped.
    void take(std::size_t metric, Instant end_time, JsonView value, JsonView breakdowns = {});
    void drop(std::size_t metric, Drop reason, std::size_t count = 1);
    // Something that belongs to no metric that was asked could not be read.
    void drop_nameless() { ++nameless_; }

    // Each metric's values in the order of time; of several for one moment, the last one counts.
    Reading reading();

private:
    struct Kept {
        Instant end_time;
        std::string_view value;
        std::vector<Parts> parts;
    };
    struct Collected {
        std::string_view metric;
        std::vector<Kept> values;  // in the order they came
        std::array<std::size_t, static_cast<std::size_t>(Drop::count_)> drops{};
    };

    const InsightsQuery &query_;
    std::vector<Collected> metrics_;
    std::size_t values_ = 0;
    std::size_t parts_ = 0;
    std::size_t nameless_ = 0;

    std::vector<Parts> keep_parts(std::size_t metric, ReadParts read);
    void take_in_order(Reading &reading, Collected &collected) const;
};

}  // namespace ig::platform::instagram
