// Storing: rows under row level security as their user, the accounts' new state, and the log; a statement for many accounts.
#pragma once

#include <string>
#include <vector>

#include "postgres/account_state.hpp"

namespace ig::pg {

// What became of one try, on its way into the tables.
struct Result {
    SyncTry *attempt;
    const sync::Outcome *outcome;
    // Of the locked account, as read with the lock:
    std::string metric_state;
    Field project_id;
    Field entity_id;
};

// All of these run inside a transaction, under WorkerRole. Where they take several results, no account may occur twice.

// Locks the connections, so that none can be deleted before the transaction ends, without ever waiting: `gone`, it was
// deleted or is another one now, and nothing may be stored; `busy`, somebody else holds it. `share`: others may do so too.
enum class AccountLock { held, gone, busy };
std::vector<AccountLock> lock_results(Sql &sql, std::vector<Result> &results, bool share);
AccountLock lock_account(Sql &sql, const SyncedAccount &account, bool share);

// Values and log rows of one user's accounts. Inserts new values, updates changed ones, leaves equal ones alone (no new row
// version), and notes the counts in each attempt. As that user, under the tenant policy: the statements cannot touch another
// user's rows.
void store_as_user(Sql &sql, const std::vector<Result *> &of_one_user);
// The values alone, acting as their user already.
void store_values(Sql &sql, const std::vector<Result *> &of_one_user);

// Freshness, error, block and what was learnt of each metric. Returns the results whose account has just come to need a person.
std::vector<const Result *> store_account_states(Sql &sql, const std::vector<Result *> &results);

// The `errors` array of the contract.
std::string errors_json(const sync::Outcome &outcome);
// The failure that speaks for all: the first that is not "no data"; null if there is none.
const platform::Failure *first_failure(const sync::Outcome &outcome) noexcept;

}  // namespace ig::pg
