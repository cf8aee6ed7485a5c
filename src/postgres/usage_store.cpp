// Implements the table of budgets.
#include "postgres/usage_store.hpp"

#include <map>

#include "postgres/apps.hpp"
#include "postgres/pacific.hpp"

namespace ig::pg {

namespace {

using sync::BudgetKey;
using sync::BudgetRow;

constexpr const char *nobody = "00000000-0000-0000-0000-000000000000";  // the user of an app's row

#define IG_USAGE_COLUMNS                                                                                               \
    "u.user_id::text, u.login, u.account_id, u.percent::text,"                                                         \
    " (EXTRACT(epoch FROM u.observed_at) * 1000)::bigint::text,"                                                       \
    " (EXTRACT(epoch FROM u.blocked_until) * 1000)::bigint::text,"                                                     \
    " u.calls::text, (EXTRACT(epoch FROM u.hour) * 1000)::bigint::text"

BudgetRow read_row(const std::vector<Field> &row)
{
    const auto moment = [&row](std::size_t column) {
        const Field &field = row.at(column);
        return field ? std::optional<Instant>(Instant(std::chrono::milliseconds(std::stoll(*field)))) : std::nullopt;
    };
    BudgetRow budget;
    budget.key.account_id = row.at(2).value();
    if (!budget.key.whole_app()) budget.key.user_id = row.at(0).value();
    budget.key.login = parse_login(row.at(1).value());
    if (row.at(3)) budget.percent = std::stoi(*row.at(3));
    budget.observed_at = moment(4);
    budget.blocked_until = moment(5);
    budget.calls = std::stoi(row.at(6).value());
    budget.hour = moment(7).value_or(Instant());
    return budget;
}

// The keys as three arrays, which every statement takes first.
Params key_params(const std::vector<BudgetKey> &keys)
{
    std::vector<Field> users;
    std::vector<Field> logins;
    std::vector<Field> accounts;
    for (const BudgetKey &key : keys) {
        users.emplace_back(key.whole_app() ? nobody : key.user_id);
        logins.emplace_back(login_text(key.login));
        accounts.emplace_back(key.account_id);
    }
    Params params;
    params.uuids(std::move(users)).texts(std::move(logins)).texts(std::move(accounts));
    return params;
}

Params row_params(const std::vector<BudgetRow> &rows)
{
    std::vector<BudgetKey> keys;
    std::vector<std::optional<std::int64_t>> percents, calls;
    std::vector<std::optional<Instant>> observed, blocked, hours;
    for (const BudgetRow &row : rows) {
        keys.push_back(row.key);
        percents.push_back(row.percent);
        observed.push_back(row.observed_at);
        blocked.push_back(row.blocked_until);
        calls.emplace_back(row.calls);
        hours.push_back(row.hour == Instant() ? std::nullopt : std::optional<Instant>(row.hour));
    }
    Params params = key_params(keys);
    params.numbers(std::move(percents)).instants(observed).instants(blocked).numbers(std::move(calls)).instants(hours);
    return params;
}

#define IG_USAGE_INPUT                                                                                                 \
    "ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), unnest($8))"       \
    " AS i (user_id, login, account_id, percent, observed_at, blocked_until, calls, hour)"

// The row knows it later than we. What has a time yet to come was written before the clock was set back: ours counts.
#define IG_OBSERVED_LATER                                                                                              \
    "i.observed_at IS NULL OR u.observed_at > i.observed_at AND u.observed_at <= pg_catalog.clock_timestamp()"
#define IG_HOUR_LATER "i.hour IS NULL OR u.hour > i.hour AND u.hour <= pg_catalog.clock_timestamp()"

Rows update(Sql &sql, const std::vector<BudgetRow> &rows)
{
    return sql.run(
        "WITH input AS MATERIALIZED (SELECT i.* FROM " IG_USAGE_INPUT "),"
        " free AS MATERIALIZED ("
        "    SELECT u.user_id, u.login, u.account_id FROM input i"
        "     CROSS JOIN LATERAL (SELECT o.* FROM instagram_insights.usage o"
        "                          WHERE o.user_id = i.user_id AND o.login = i.login AND o.account_id = i.account_id"
        "                            FOR UPDATE SKIP LOCKED) u)"
        " UPDATE instagram_insights.usage u"
        "    SET percent = CASE WHEN " IG_OBSERVED_LATER " THEN u.percent ELSE i.percent END,"
        "        observed_at = CASE WHEN " IG_OBSERVED_LATER " THEN u.observed_at ELSE i.observed_at END,"
        "        blocked_until = GREATEST(u.blocked_until, i.blocked_until),"
        "        calls = CASE WHEN u.hour = i.hour THEN u.calls + i.calls"
        "                     WHEN " IG_HOUR_LATER " THEN u.calls ELSE i.calls END,"
        "        hour = CASE WHEN " IG_HOUR_LATER " THEN u.hour ELSE i.hour END"
        "   FROM input i, free f"
        "  WHERE u.user_id = i.user_id AND u.login = i.login AND u.account_id = i.account_id"
        "    AND u.user_id = f.user_id AND u.login = f.login AND u.account_id = f.account_id"
        " RETURNING " IG_USAGE_COLUMNS,
        row_params(rows));
}

// Only one who holds the account makes its row: so nobody waits for another's, and none comes back after a deletion.
// The rows of the apps are part of the installation.
Rows insert(Sql &sql, const std::vector<BudgetRow> &rows)
{
    return sql.run(
        "WITH input AS MATERIALIZED (SELECT i.* FROM " IG_USAGE_INPUT "),"
        " held AS MATERIALIZED ("
        "    SELECT a.user_id, a.account_id FROM input i"
        "     CROSS JOIN LATERAL (SELECT o.user_id, o.account_id FROM instagram_insights.accounts o"
        "                          WHERE o.user_id = i.user_id AND o.account_id = i.account_id"
        "                            FOR NO KEY UPDATE SKIP LOCKED) a)"
        " INSERT INTO instagram_insights.usage AS u"
        "        (user_id, login, account_id, percent, observed_at, blocked_until, calls, hour)"
        " SELECT i.user_id, i.login, i.account_id, i.percent, i.observed_at, i.blocked_until, i.calls, i.hour"
        "   FROM input i JOIN held h ON h.user_id = i.user_id AND h.account_id = i.account_id"
        "  WHERE NOT EXISTS (SELECT FROM instagram_insights.usage o"
        "                     WHERE o.user_id = i.user_id AND o.login = i.login AND o.account_id = i.account_id)"
        " ON CONFLICT DO NOTHING"
        " RETURNING " IG_USAGE_COLUMNS,
        row_params(rows));
}

}  // namespace

std::vector<BudgetRow> read_usage(Sql &sql, const std::vector<BudgetKey> &accounts)
{
    const Rows rows = sql.run(
        "SELECT " IG_USAGE_COLUMNS " FROM instagram_insights.usage u"
        " WHERE u.user_id = '00000000-0000-0000-0000-000000000000'::uuid AND u.account_id = ''"
        " UNION ALL SELECT " IG_USAGE_COLUMNS
        // A probe for each key, however the tables have grown since this was planned: so everywhere that keys come in lists.
        "  FROM ROWS FROM (unnest($1), unnest($2), unnest($3)) AS k (user_id, login, account_id)"
        "  CROSS JOIN LATERAL (SELECT o.* FROM instagram_insights.usage o"
        "                       WHERE o.user_id = k.user_id AND o.login = k.login AND o.account_id = k.account_id "
        "LIMIT 1) u",
        key_params(accounts));
    std::vector<BudgetRow> budgets;
    for (const std::vector<Field> &row : rows) budgets.push_back(read_row(row));
    return budgets;
}

WrittenUsage write_usage(Sql &sql, const std::vector<BudgetRow> &rows)
{
    WrittenUsage usage;
    // Where the snapshot is the transaction's, a row that changed since would fail it.
    if (rows.empty() || IsolationUsesXactSnapshot()) return usage;
    std::map<BudgetKey, BudgetRow> missing;
    for (const BudgetRow &row : rows) missing.emplace(row.key, row);
    const auto take = [&](const Rows &touched) {
        for (const std::vector<Field> &row : touched) {
            BudgetRow budget = read_row(row);
            const auto given = missing.find(budget.key);
            if (given == missing.end()) continue;
            usage.written.push_back(std::move(given->second));
            missing.erase(given);
            usage.now.push_back(std::move(budget));
        }
    };
    take(update(sql, rows));
    std::vector<BudgetRow> fresh;
    for (const auto &[key, row] : missing)
        if (!key.whole_app()) fresh.push_back(row);
    if (!fresh.empty()) take(insert(sql, fresh));
    return usage;
}

UsageExchange::UsageExchange(Sql &sql, sync::Governor &governor)
    : governor_(governor), usage_(write_usage(sql, governor.changed_rows(current_time()))),
      read_(pg::read_usage(sql, {}))
{
}

void UsageExchange::committed()
{
    const Instant now = current_time();
    governor_.saved(usage_.written, now);
    for (const BudgetRow &row : usage_.now) governor_.load(row, now);
    for (const BudgetRow &row : usage_.now) governor_.on_done(row.key, now);
    for (const BudgetRow &row : read_) governor_.load(row, now);
}

}  // namespace ig::pg
