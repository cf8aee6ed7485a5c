// Budgets that calls use up: of an app, and of each account under an app; blocked at 100 %, regained by the clock.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "faults.hpp"
#include "pacific.hpp"

namespace ig::sandbox {

struct BudgetLimits {
    long long app_calls = 0;  // how many calls are 100 %; 0: no such budget
    long long account_calls = 0;
    long long minutes = 10;         // how long a block lasts
    long long prolong_minutes = 1;  // and how much longer for each call made meanwhile
};

class Budgets {
public:
    struct Use {
        long long percent = 0;
        long long minutes = 0;  // until access is regained; 0: not blocked
    };

    // Also forgets all use.
    void limit(const BudgetLimits &limits);
    const BudgetLimits &limits() const { return limits_; }
    void forget_use() { used_.clear(); }

    // Takes a call from the budgets, or refuses it (and prolongs the block). `account_id` may be empty.
    std::optional<Throttle> spend(const std::string &app, const std::string &account_id, Moment now);
    // Nothing while there is no such budget.
    std::optional<Use> of_app(const std::string &app, Moment now) const;
    std::optional<Use> of_account(const std::string &app, const std::string &account_id, Moment now) const;
    std::string json(Moment now) const;

private:
    struct Used {
        long long calls = 0;
        std::optional<Moment> blocked_until;
    };
    // (app, account); the account is empty for the app's own.
    using Key = std::pair<std::string, std::string>;

    long long limit_of(const Key &key) const { return key.second.empty() ? limits_.app_calls : limits_.account_calls; }
    Use use_of(const Key &key, const Used &used, Moment now) const;
    bool refuses(const Key &key, Moment now);
    void take(const Key &key, Moment now);

    BudgetLimits limits_;
    std::map<Key, Used> used_;
};

}  // namespace ig::sandbox
