// The trace of a run: everything that happens, as a hash that a replay must reproduce and, if wanted, as lines to read.
#pragma once

#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "platform/time.hpp"

namespace ig::simulator {

// A promise was broken.
class Violation : public std::runtime_error {
public:
    Violation(const std::string &promise, const std::string &what) : std::runtime_error(promise + ": " + what) {}
};

enum class Event : std::uint8_t {
    enqueue,
    cancel,
    disconnect,
    connect,
    clock_jump,
    outage,
    worker_starts,
    worker_dies,
    worker_freezes,
    worker_thaws,
    reclaim,
    claim,
    refuse,
    send,
    answer,
    finish,
    store,
    fenced,
    put_back,
    renew_token,
    lost_lease
};

class Trace {
public:
    explicit Trace(bool printed = false) : printed_(printed) {}

    void note(Event event, Instant now, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0)
    {
        mix(static_cast<std::uint64_t>(event));
        mix(static_cast<std::uint64_t>(now.time_since_epoch().count()));
        mix(a);
        mix(b);
        mix(c);
        if (printed_) print(event, now, a, b, c);
    }
    std::uint64_t hash() const noexcept { return hash_; }

private:
    void mix(std::uint64_t value) noexcept { hash_ = (hash_ ^ value) * 0x100000001B3U + (hash_ >> 29U); }
    static void print(Event event, Instant now, std::uint64_t a, std::uint64_t b, std::uint64_t c);

    std::uint64_t hash_ = 0xCBF29CE484222325U;
    bool printed_;
};

std::string moment_text(Instant moment);

}  // namespace ig::simulator
