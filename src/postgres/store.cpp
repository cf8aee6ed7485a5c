// Implements locking and the log: a statement for all accounts of a user, none for a row.
#include "postgres/store.hpp"

#include <algorithm>
#include <map>

#include "platform/redact.hpp"
#include "postgres/identity.hpp"
#include "postgres/pacific.hpp"

namespace ig::pg {

namespace {

struct LockedRow {
    std::string generation;
    std::string metric_state;
    Field project_id;
    Field entity_id;
};
using AccountKey = std::pair<std::string, std::string>;  // user, account

Params account_keys(const std::vector<Result> &results)
{
    std::vector<Field> users;
    std::vector<Field> accounts;
    for (const Result &result : results) {
        users.emplace_back(result.attempt->account.user_id);
        accounts.emplace_back(result.attempt->account.account_id);
    }
    Params params;
    params.uuids(std::move(users)).texts(std::move(accounts));
    return params;
}

std::map<AccountKey, LockedRow> by_account(const Rows &rows)
{
    std::map<AccountKey, LockedRow> accounts;
    for (const std::vector<Field> &row : rows)
        accounts.insert_or_assign(AccountKey(row[0].value(), row[1].value()),
                                  LockedRow{row[2].value(), row[3].value(), row[4], row[5]});
    return accounts;
}

// A probe for each key, however the table has grown since the statement was planned.
#define IG_ACCOUNTS_BY_KEY(lock)                                                                                       \
    "SELECT a.* FROM ROWS FROM (unnest($1), unnest($2)) AS mine (user_id, account_id)"                                 \
    " CROSS JOIN LATERAL (SELECT o.user_id, o.account_id, o.generation, o.metric_state, o.project_id, o.entity_id"     \
    "                       FROM instagram_insights.accounts o"                                                        \
    "                      WHERE o.user_id = mine.user_id AND o.account_id = mine.account_id " lock ") a"

}  // namespace

std::vector<AccountLock> lock_results(Sql &sql, std::vector<Result> &results, bool share)
{
    // Never waiting for a session that holds a row: the worker serves everybody.
    const Rows locked = share ? sql.run(IG_ACCOUNTS_BY_KEY("FOR KEY SHARE SKIP LOCKED"), account_keys(results))
                              : sql.run(IG_ACCOUNTS_BY_KEY("FOR NO KEY UPDATE SKIP LOCKED"), account_keys(results));
    const std::map<AccountKey, LockedRow> held = by_account(locked);
    std::map<AccountKey, LockedRow> present;
    if (held.size() < results.size())
        present = by_account(sql.run(IG_ACCOUNTS_BY_KEY("LIMIT 1"), account_keys(results)));
    std::vector<AccountLock> locks;
    for (Result &result : results) {
        const SyncedAccount &account = result.attempt->account;
        const AccountKey key(account.user_id, account.account_id);
        const std::string generation = std::to_string(account.generation);
        if (const auto found = held.find(key); found != held.end()) {
            result.metric_state = found->second.metric_state;
            result.project_id = found->second.project_id;
            result.entity_id = found->second.entity_id;
            locks.push_back(found->second.generation == generation ? AccountLock::held : AccountLock::gone);
        } else {
            const auto other = present.find(key);
            const bool ours = other != present.end() && other->second.generation == generation;
            locks.push_back(ours ? AccountLock::busy : AccountLock::gone);
        }
    }
    return locks;
}

AccountLock lock_account(Sql &sql, const SyncedAccount &account, bool share)
{
    SyncTry attempt;
    attempt.account.user_id = account.user_id;
    attempt.account.account_id = account.account_id;
    attempt.account.generation = account.generation;
    std::vector<Result> one{{&attempt, nullptr, {}, {}, {}}};
    return lock_results(sql, one, share).front();
}

namespace {

void store_log(Sql &sql, const std::vector<Result *> &of_one_user)
{
    std::vector<Field> accounts, kinds, triggers, statuses, messages, errors;
    std::vector<std::optional<Instant>> started;
    std::vector<std::optional<std::int64_t>> jobs, inserted, updated, unchanged, calls, codes;
    for (const Result *result : of_one_user) {
        const SyncTry &attempt = *result->attempt;
        const sync::Outcome &outcome = *result->outcome;
        const platform::Failure *failure = first_failure(outcome);
        jobs.push_back(attempt.job_id);
        accounts.emplace_back(attempt.account.account_id);
        kinds.emplace_back(attempt.kind);
        triggers.emplace_back(attempt.trigger);
        started.emplace_back(attempt.started_at);
        statuses.emplace_back(std::string(sync::to_string(outcome.status)));
        inserted.emplace_back(attempt.rows.inserted);
        updated.emplace_back(attempt.rows.updated);
        unchanged.emplace_back(attempt.rows.unchanged);
        calls.emplace_back(outcome.calls_done);
        codes.push_back(failure && failure->code != 0 ? std::optional<std::int64_t>(failure->code) : std::nullopt);
        messages.push_back(failure ? Field(failure->message) : Field());
        errors.emplace_back(errors_json(outcome));
    }
    Params params;
    params.uuid(of_one_user.front()->attempt->account.user_id);
    params.numbers(std::move(jobs)).texts(std::move(accounts)).texts(std::move(kinds)).texts(std::move(triggers));
    params.instants(started).texts(std::move(statuses)).numbers(std::move(inserted)).numbers(std::move(updated));
    params.numbers(std::move(unchanged)).numbers(std::move(calls)).numbers(std::move(codes)).texts(std::move(messages));
    params.jsonbs(std::move(errors));
    sql.run(
        "INSERT INTO instagram_insights.sync_log (user_id, job_id, account_id, kind, trigger, started_at, finished_at, "
        "status,"
        "       rows_inserted, rows_updated, rows_unchanged, api_calls, error_code, error_message, errors)"
        " SELECT $1, l.job_id, l.account_id, l.kind, l.trigger, l.started_at, pg_catalog.clock_timestamp(), l.status,"
        "       l.inserted, l.updated, l.unchanged, l.calls, l.code, l.message, l.errors"
        "  FROM ROWS FROM (unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8), "
        "unnest($9),"
        "                  unnest($10), unnest($11), unnest($12), unnest($13), unnest($14))"
        "       AS l (job_id, account_id, kind, trigger, started_at, status, inserted, updated, unchanged, calls, "
        "code, message, errors)",
        params);
}

}  // namespace

void store_as_user(Sql &sql, const std::vector<Result *> &of_one_user)
{
    const ActingUser acting(of_one_user.front()->attempt->account.user_id);
    store_values(sql, of_one_user);
    store_log(sql, of_one_user);
}

const platform::Failure *first_failure(const sync::Outcome &outcome) noexcept
{
    for (const sync::MetricError &error : outcome.errors)
        if (error.failure.kind != platform::FailureKind::no_data) return &error.failure;
    return nullptr;
}

}  // namespace ig::pg
