// Storing: rows under row level security as their user, the account's new state, and the log row.
#pragma once

#include <string>
#include <vector>

#include "postgres/account_state.hpp"

namespace ig::pg {

// All of these run inside a transaction, under WorkerRole.

// Locks the connection, so that it cannot be deleted before the transaction ends, without ever waiting: `gone`, it was
// deleted or is another one now, and nothing may be stored; `busy`, somebody else holds it. `share`: others may do so too.
enum class AccountLock { held, gone, busy };
AccountLock lock_account(Sql &sql, const SyncedAccount &account, bool share);

// Inserts new values, updates changed ones, leaves equal ones alone (no new row version). As that user, under the tenant
// policy: the statement cannot touch another user's rows.
StoredRows store_values(Sql &sql, const SyncedAccount &account, const std::vector<platform::Value> &values);

// Freshness, error, block and what was learnt of each metric. True if the account has just come to need a person.
bool store_account_state(Sql &sql, const SyncedAccount &account, const sync::Outcome &outcome);

// The row of sync_log, as that user.
void store_log(Sql &sql, const SyncTry &attempt, const sync::Outcome &outcome);

// The `errors` array of the contract.
std::string errors_json(const sync::Outcome &outcome);
// The failure that speaks for all: the first that is not "no data"; null if there is none.
const platform::Failure *first_failure(const sync::Outcome &outcome) noexcept;

}  // namespace ig::pg
