// The work of the floor program: which calls for which accounts, and how they are written down as URLs or as a batch.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace ig::bench {

struct Account {
    std::string user_id;
    std::string account_id;
    std::string token;
};

// One complete US Pacific day, spelled as the calls and the rows need it.
struct Span {
    std::string since;  // unix seconds
    std::string until;
    std::string end_time;  // as the API spells it
};

// Call 0 of an account asks for the series of all days, call n for the totals of day n - 1.
struct Call {
    std::uint32_t account;
    std::uint32_t number;
};

struct Work {
    std::vector<Account> accounts;
    std::vector<Span> days;  // newest first
    std::vector<Call> calls;
    std::size_t used = 0;  // accounts asked for in this run

    // Lines of user, account and token, separated by tabs. Throws std::runtime_error.
    void read_accounts(const std::string &file);
    void plan(std::size_t most_accounts, int day_count);

    // v25.0/ACCOUNT/insights?...
    void append_path(std::string &to, const Call &call) const;
};

// The form of a batch of these calls.
std::string batch_form(const Work &work, const Call *calls, std::size_t count);

}  // namespace ig::bench
