// Answers in, columns of rows out: each column is grown as the text of an array, ready for unnest().
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "floor/calls.hpp"

namespace ig::bench {

struct Rows {
    enum Column { user, account, metric, end_time, value, columns };
    std::array<std::string, columns> text;
    std::size_t count = 0;

    void add(const Account &of, std::string_view metric_name, std::string_view time, std::string_view number);
    void clear();
};

// Reads the answer to one call, in place. Throws std::runtime_error when it is not what was asked for.
void read_answer(Rows &rows, const Work &work, const Call &call, char *json);
// Reads the answer to a batch of `count` calls, in place.
void read_batch(Rows &rows, const Work &work, const Call *calls, std::size_t count, char *json);

}  // namespace ig::bench
