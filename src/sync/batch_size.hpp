// How many calls one request to a host should carry: learnt from how long its requests take, with and without company.
#pragma once

#include <chrono>
#include <cstddef>

namespace ig::sync {

// A request with n calls takes a fixed time and some more for each call; both are estimated from what was measured, old
// requests counting less and less. From them follows what all waiting calls would take in requests of one size or another:
// a host that works its calls off one by one is asked with small requests over many connections, down to single calls.
class BatchSize {
public:
    // At most `most` calls in a request; 1 turns batching off.
    explicit BatchSize(std::size_t most) : most_(most < 1 ? 1 : most), cap_(most_) {}
    void set_most(std::size_t most);
    std::size_t most() const noexcept { return most_; }

    // How many calls the next request should carry when `waiting` may go and `room` more requests may be under way.
    std::size_t next(std::size_t waiting, std::size_t room) const;
    // A request with `items` calls was answered after `elapsed`; `unfinished` of them the host did not get to.
    void on_answer(std::size_t items, std::size_t unfinished, std::chrono::milliseconds elapsed);
    // A request with `items` calls failed as a whole in a way that fewer calls may avoid (too slow, too large, broken).
    void on_failure(std::size_t items);

private:
    double milliseconds_for(double items) const noexcept;

    std::size_t most_;
    std::size_t cap_;             // what the host has proved to manage
    std::size_t good_since_ = 0;  // full requests that went well since cap_ was lowered or raised
    // Weighted sums over (items, milliseconds) of a straight line's least squares.
    double weight_ = 0;
    double items_ = 0;
    double time_ = 0;
    double items_squared_ = 0;
    double items_time_ = 0;
};

}  // namespace ig::sync
