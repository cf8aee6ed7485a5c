// The governor: what the API said of its budgets, and when the next call may go. Sans-I/O; a table keeps its state.
#pragma once

#include <array>
#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "platform/platform.hpp"
#include "platform/time.hpp"

namespace ig::sync {

// What an answer said of a budget is held to be true for so long.
inline constexpr std::chrono::hours usage_lasts{1};
inline Instant hour_of(Instant moment) noexcept { return std::chrono::floor<std::chrono::hours>(moment); }

// Whose budget: one account of one user, or, without both, the whole app of a login.
struct BudgetKey {
    std::string user_id;
    std::string account_id;
    platform::Login login = platform::Login::facebook;

    bool whole_app() const noexcept { return account_id.empty(); }
    bool operator<(const BudgetKey &other) const noexcept
    {
        return std::tie(user_id, account_id, login) < std::tie(other.user_id, other.account_id, other.login);
    }
    bool operator==(const BudgetKey &other) const noexcept
    {
        return account_id == other.account_id && user_id == other.user_id && login == other.login;
    }
};

// By the account alone: few accounts are more than one user's.
struct BudgetKeyHash {
    std::size_t operator()(const BudgetKey &key) const noexcept
    {
        return std::hash<std::string_view>()(key.account_id);
    }
};

// A budget as it is kept in a table.
struct BudgetRow {
    BudgetKey key;
    std::optional<int> percent;
    std::optional<Instant> observed_at;
    std::optional<Instant> blocked_until;
    int calls = 0;  // read: all of that hour, by whomever; changed_rows(): those the table does not know of
    Instant hour{};
};

struct GovernorOptions {
    int threshold = 80;                      // percent; from here on calls are slowed down
    int calls_per_hour = 0;                  // of one account, a cap of our own; 0: none
    int in_flight_near = 4;                  // of one budget, once it is near its limit or its block has just ended
    std::chrono::seconds default_wait{900};  // the API said stop, but not until when
};

// Why a call may not go now, and until when.
struct Hold {
    enum class Reason {
        blocked,     // by the API
        near_limit,  // slowed down by the threshold
        own_cap,     // calls_per_hour
        in_flight    // until an answer has come: `until` is not set
    };
    Reason reason = Reason::blocked;
    bool whole_app = false;
    std::optional<Instant> until;
    int percent = 0;
};

// The failure a work meets that is held back too long to wait for.
platform::Failure hold_failure(const Hold &hold, Instant now);

// What an account may do depends on two budgets, its own and that of the whole app on its login's host; whichever says
// no. Near the threshold backfill (priority 2) stops, daily work (1) goes on at a pace, and who waits in person (0) is
// served until the API says stop. What was said an hour ago or before the end of a block is not known any more.
class Governor {
public:
    explicit Governor(GovernorOptions options = {}) : options_(options) {}
    void set_options(GovernorOptions options) { options_ = options; }

    // Nothing: a call of this account may go now.
    std::optional<Hold> hold(const BudgetKey &account, int priority, Instant now) const;
    // Our own cap, if it keeps this account's calls back now: until then.
    std::optional<Instant> own_cap(const BudgetKey &account, int priority, Instant now) const;
    // The API's own block of this account or its app, if one lasts.
    std::optional<Instant> blocked_until(const BudgetKey &account, Instant now) const;

    // A call goes. Each is followed by exactly one on_gone(): it was answered or will never be.
    void on_call(const BudgetKey &account, Instant now);
    void on_gone(const BudgetKey &account) noexcept;
    // What an answer said of its budgets; `failure`: if it was one. A refusal then comes to on_throttled() as well.
    void on_answer(const BudgetKey &account, const std::vector<platform::Usage> &usage,
                   const std::optional<platform::Failure> &failure, Instant now);
    void on_throttled(const BudgetKey &account, bool whole_app, Instant until, Instant now);

    // Takes in a row of the table; what is newer wins, and a block is never shortened but by a person in the table.
    void load(const BudgetRow &row, Instant now);
    // Rows worth writing now: a few seconds' changes of an app are told at once only if they matter.
    std::vector<BudgetRow> changed_rows(Instant now) const;
    // No work of this account is in hand any more: unless it is told otherwise in the table, or matters to others, what is
    // known of it need not be kept here.
    void on_done(const BudgetKey &account, Instant now) noexcept;
    // These rows, as changed_rows() gave them, are in the table for good.
    void saved(const std::vector<BudgetRow> &rows, Instant now);

private:
    struct Budget {
        std::optional<int> percent;
        std::optional<Instant> observed_at;
        std::optional<Instant> blocked_until;
        std::optional<Instant> last_call;
        Instant hour{};
        int calls_known = 0;  // of this hour, in the table
        int calls_new = 0;    // of this hour, not yet there
        int in_flight = 0;
        // As the table has it, and since when.
        std::optional<int> written_percent;
        std::optional<Instant> written_observed_at;
        std::optional<Instant> written_blocked_until;
        std::optional<Instant> written_at;
    };

    const Budget *find(const BudgetKey &key) const noexcept;
    Budget &open(const BudgetKey &key);
    Budget &app(platform::Login login) noexcept { return apps_[login == platform::Login::instagram ? 1 : 0]; }
    const Budget &app(platform::Login login) const noexcept
    {
        return apps_[login == platform::Login::instagram ? 1 : 0];
    }
    static bool probing(const Budget &budget, Instant now) noexcept;
    static std::optional<int> known_percent(const Budget &budget, Instant now) noexcept;
    std::optional<Instant> own_cap_of(const Budget &budget, int priority, Instant now) const noexcept;
    std::optional<Hold> hold_of(const Budget &budget, bool whole_app, int priority, Instant now) const;
    void observe(Budget &budget, const platform::Usage &usage, bool may_block, Instant now);
    static void block(Budget &budget, Instant until, Instant now);
    int percent_class(const std::optional<int> &percent) const noexcept;
    bool worth_writing(const Budget &budget, bool whole_app, Instant now) const;
    bool matters(const BudgetKey &account, const Budget &budget, Instant now) const;
    void note_change(const BudgetKey &account, const Budget &budget, Instant now);
    static BudgetRow row_of(const BudgetKey &key, const Budget &budget);
    void forget_old(Instant now);

    GovernorOptions options_;
    std::array<Budget, 2> apps_;
    std::unordered_map<BudgetKey, Budget, BudgetKeyHash> accounts_;
    std::set<BudgetKey> changed_;  // accounts with something worth writing
    Instant forgot_at_{};
};

}  // namespace ig::sync
