// The table of budgets: what the governor of one process learnt is there for the next one, and for the others.
#pragma once

#include <vector>

#include "postgres/account_state.hpp"
#include "postgres/spi.hpp"
#include "sync/governor.hpp"

namespace ig::pg {

inline sync::BudgetKey budget_of(const SyncedAccount &account)
{
    return {account.user_id, account.account_id, account.login};
}

// All of these run inside a transaction, under WorkerRole, and never wait for a row.

// The rows of both apps, and of these accounts as far as they have one.
std::vector<sync::BudgetRow> read_usage(Sql &sql, const std::vector<sync::BudgetKey> &accounts);

// Writes rows of Governor::changed_rows(). What somebody else holds, or whose account is gone, is left out. A block in
// the table is never shortened, and calls are added to those of the same hour.
struct WrittenUsage {
    std::vector<sync::BudgetRow> written;  // of those given
    std::vector<sync::BudgetRow> now;      // the same rows as the table has them now
};
WrittenUsage write_usage(Sql &sql, const std::vector<sync::BudgetRow> &rows);

// Both for a process that goes on: writes what changed and learns what others wrote. Told to the governor once the
// transaction is committed; dropped with it otherwise.
class UsageExchange {
public:
    UsageExchange(Sql &sql, sync::Governor &governor);
    void committed();

private:
    sync::Governor &governor_;
    WrittenUsage usage_;
    std::vector<sync::BudgetRow> read_;
};

}  // namespace ig::pg
