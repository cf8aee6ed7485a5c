// The API of a run: what it knows and when, whom it serves, refuses and slows down, and how its answers fail.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "http/message.hpp"
#include "scenario.hpp"

namespace ig::simulator {

// What a call presents itself with: whose token it is, of which connecting, and how often it was renewed.
struct Token {
    Slot slot = 0;
    unsigned epoch = 0;
};

// How a request as a whole travels.
struct Travel {
    milliseconds takes{0};
    TransportFailure failure = TransportFailure::none;
    std::optional<platform::Failure> whole;  // of the batch, or of the single call
};

// Its times are true ones; only the machine that asks has a clock that jumps.
class Graph {
public:
    Graph(const Scenario &scenario, Dice &dice);

    // How a request with so many calls fares.
    Travel travel(std::size_t calls, Instant now);
    bool gets_to_item() { return calm_ || !dice_.chance(scenario_.rates.item_unfinished); }
    // Throws Violation on a question that should never be asked.
    platform::Reading answer(const platform::InsightsQuery &query, Token token, Instant now);
    // Renews the token: when the new one ends; nothing: it failed; `dead` says whether for good.
    std::optional<Instant> renew(Token token, Instant now, bool &dead);

    void connect(Slot slot, unsigned epoch, std::optional<Instant> expires_at);
    void kill_token(Slot slot) { callers_[slot].dead = true; }
    bool has_killed(Slot slot) const { return callers_[slot].dead; }
    void block_app(platform::Login login, Instant until) { apps_[login_index(login)].blocked_until = until; }
    void be_down(Instant until) { down_until_ = until; }
    // Faults end: nobody is blocked, no token dies, nothing fails.
    void calm_down();

    // What it holds for this number at that moment; 0: nothing.
    std::uint64_t number(Slot slot, unsigned epoch, RowKind kind, DayIndex day, Instant now) const;
    bool refuses(Slot slot, RowKind kind) const;

private:
    struct Budget {
        int limit = 0;
        Instant hour{};
        int calls = 0;
        std::optional<Instant> blocked_until;
    };
    struct Caller {
        unsigned epoch = 0;
        bool connected = false;
        bool dead = false;
        int renewals_failed = 0;  // in a row
        std::optional<Instant> expires_at;
        Budget budget;
        platform::Usage usage;  // made once, for its account's id
    };
    static std::size_t login_index(platform::Login login) { return login == platform::Login::instagram ? 1 : 0; }

    std::optional<platform::Failure> refusal(const platform::InsightsQuery &query, Caller &caller, Instant now);
    std::optional<platform::Failure> over_budget(Budget &budget, platform::FailureReach reach, Instant now);
    platform::Failure random_failure(const platform::InsightsQuery &query);
    void add_usage(platform::Reading &reading, const platform::InsightsQuery &query, const Caller &caller);
    void answer_days(platform::Reading &reading, const platform::InsightsQuery &query, Slot slot, Instant now);
    void add_value(platform::Reading &reading, const platform::InsightsQuery &query, std::size_t metric, Number what,
                   Instant end_time, Instant now);

    const Scenario &scenario_;
    Dice &dice_;
    std::vector<Caller> callers_;
    std::array<Budget, 2> apps_;
    Instant down_until_{};
    bool calm_ = false;
};

platform::Failure failure_of(platform::FailureKind kind, platform::FailureReach reach, bool retry);

}  // namespace ig::simulator
