// Answers a batch: a form with many GETs in, one list with their answers out, in the same order.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "load/answers.hpp"

namespace ig::bench {

class Batch {
public:
    explicit Batch(Answers &answers) : answers_(answers) {}

    // Appends the JSON for the form `body` and returns the HTTP status; `calls` becomes the number of items.
    int append(std::string &to, std::string_view body, std::size_t &calls);

private:
    struct Item {
        std::string method;
        std::string target;
    };
    bool read_items();
    bool read_item(std::size_t &at);
    bool read_string(std::size_t &at, std::string &into) const;
    bool skip_value(std::size_t &at) const;
    void skip_blanks(std::size_t &at) const;
    void append_item(std::string &to, const Item &item, bool has_token, bool headers);

    Answers &answers_;
    std::string list_;         // the decoded JSON of the form's `batch`
    std::vector<Item> items_;  // used up to count_; kept for their memory
    std::size_t count_ = 0;
    std::string body_;
    std::string skipped_;
};

}  // namespace ig::bench
