// What the double of the Graph API answers to one GET: text put together from parts, no JSON tree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ig::bench {

// US Pacific days, their ends as numbers and as the API spells them.
class Days {
public:
    Days();
    std::size_t first_ending_after(std::int64_t moment) const;
    std::int64_t end(std::size_t day) const { return days_[day].end; }
    const std::string &text(std::size_t day) const { return days_[day].text; }
    std::size_t size() const { return days_.size(); }

private:
    struct Named {
        std::int64_t end;
        std::string text;
    };
    std::vector<Named> days_;
};

struct Answer {
    int status = 200;
    std::string account;  // for the usage header; empty: none
};

// Values are a function of seed, account, metric and day, so that every client sees the same numbers at any time.
class Answers {
public:
    explicit Answers(std::uint64_t seed) : seed_(seed) {}
    void set_seed(std::uint64_t seed) { seed_ = seed; }

    // `target` is a path with its query, with or without a leading slash and a version. Appends the JSON to `to`.
    Answer append(std::string &to, std::string_view target, bool has_token);

private:
    struct Question;
    bool read(Question &question, std::string_view target);
    void append_series(std::string &to, const Question &question) const;
    void append_totals(std::string &to, const Question &question) const;
    void append_fields(std::string &to, const Question &question) const;
    std::uint64_t value(std::uint64_t account, std::string_view metric, std::size_t day) const;

    std::uint64_t seed_;
    Days days_;
    std::string metrics_;  // decoded, kept for its memory
};

// Undoes percent encoding and, in forms, plus signs.
void append_decoded(std::string &to, std::string_view text, bool form);

}  // namespace ig::bench
