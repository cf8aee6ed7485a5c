// Estimates the straight line and picks the size with the least expected time.
#include "sync/batch_size.hpp"

#include <algorithm>
#include <array>

namespace ig::sync {

namespace {

constexpr double memory = 0.98;  // weight that remains of a request's measurement after the next one
constexpr double cost_of_a_request =
    0.3;                               // our own work for a request, in milliseconds: they are made one after another
constexpr double enough_spread = 0.5;  // variance of the sizes below which a line cannot be told from a level
constexpr double least_slope =
    0.5;  // milliseconds a call: below it is our own pauses that are seen, not the host's work
constexpr std::size_t good_before_growing = 5;  // a host that fails now and then must not end at single calls

}  // namespace

void BatchSize::set_most(std::size_t most)
{
    const bool lowered = cap_ < most_;  // by what the host did; that stands
    most_ = std::max<std::size_t>(most, 1);
    cap_ = lowered ? std::min(cap_, most_) : most_;
}

double BatchSize::milliseconds_for(double items) const noexcept
{
    if (weight_ == 0) return 0;
    const double mean_items = items_ / weight_;
    const double mean_time = time_ / weight_;
    const double variance = items_squared_ / weight_ - mean_items * mean_items;
    // Requests of one size only: nothing says what a call more or less would cost.
    if (variance < enough_spread) return mean_time;
    const double slope = (items_time_ / weight_ - mean_items * mean_time) / variance;
    if (slope < least_slope) return mean_time;
    return std::max(0.0, mean_time + slope * (items - mean_items));
}

std::size_t BatchSize::next(std::size_t waiting, std::size_t room) const
{
    if (waiting <= 1 || cap_ == 1) return 1;
    room = std::max<std::size_t>(room, 1);
    std::size_t best = std::min(cap_, waiting);
    double least = 0;
    bool first = true;
    // From the largest down: of two that take as long, the one with fewer requests.
    for (const std::size_t part : std::array<std::size_t, 8>{1, 2, 3, 5, 8, 12, 25, 50}) {
        const std::size_t size = std::max<std::size_t>(1, std::min(cap_, waiting) / part);
        const std::size_t requests = (waiting + size - 1) / size;
        const std::size_t rounds = (requests + room - 1) / room;
        const double time = static_cast<double>(rounds) * milliseconds_for(static_cast<double>(size)) +
                            static_cast<double>(requests) * cost_of_a_request;
        if (first || time < least) {
            least = time;
            best = size;
        }
        first = false;
    }
    return best;
}

void BatchSize::on_answer(std::size_t items, std::size_t unfinished, std::chrono::milliseconds elapsed)
{
    if (items == 0) return;
    const double n = static_cast<double>(items);
    const double time = static_cast<double>(elapsed.count());
    weight_ = memory * weight_ + 1;
    items_ = memory * items_ + n;
    time_ = memory * time_ + time;
    items_squared_ = memory * items_squared_ + n * n;
    items_time_ = memory * items_time_ + n * time;
    if (unfinished > 0) {
        cap_ = std::max<std::size_t>(1, std::min(cap_, items - std::min(unfinished, items)));
        good_since_ = 0;
    } else if (items >= cap_ && cap_ < most_ && ++good_since_ >= good_before_growing) {
        cap_ = std::min(most_, cap_ + std::max<std::size_t>(1, cap_ / 4));
        good_since_ = 0;
    }
}

void BatchSize::on_failure(std::size_t items)
{
    if (items <= 1) return;
    cap_ = std::max<std::size_t>(1, std::min(cap_, items / 2));
    good_since_ = 0;
}

}  // namespace ig::sync
