// Implements storing: one statement for all rows of an account, none for a row.
#include "postgres/store.hpp"

#include "platform/redact.hpp"
#include "postgres/identity.hpp"
#include "postgres/pacific.hpp"

namespace ig::pg {

namespace {

Params account_key(const SyncedAccount &account)
{
    Params params;
    params.text(std::string_view(account.user_id)).text(std::string_view(account.account_id));
    return params;
}

Field optional_day(const std::optional<Day> &day) { return day ? Field(day_text(*day)) : Field(); }

}  // namespace

AccountLock lock_account(Sql &sql, const SyncedAccount &account, bool share)
{
    const std::string generation = std::to_string(account.generation);
    const Rows present = sql.run("SELECT generation FROM instagram_insights.accounts WHERE user_id = $1::uuid AND account_id = $2",
                                 account_key(account));
    if (present.empty() || present[0][0] != generation) return AccountLock::gone;
    // Never waiting for a session that holds the row: the worker serves everybody.
    const Rows locked =
        share ? sql.run("SELECT generation FROM instagram_insights.accounts WHERE user_id = $1::uuid AND account_id = $2"
                        " FOR KEY SHARE SKIP LOCKED",
                        account_key(account))
              : sql.run("SELECT generation FROM instagram_insights.accounts WHERE user_id = $1::uuid AND account_id = $2"
                        " FOR NO KEY UPDATE SKIP LOCKED",
                        account_key(account));
    if (locked.empty()) return AccountLock::busy;
    return locked[0][0] == generation ? AccountLock::held : AccountLock::gone;
}

StoredRows store_values(Sql &sql, const SyncedAccount &account, const std::vector<platform::Value> &values)
{
    StoredRows stored;
    if (values.empty()) return stored;
    std::vector<Field> metrics;
    std::vector<Field> periods;
    std::vector<Field> end_times;
    std::vector<Field> numbers;
    for (const platform::Value &value : values) {
        metrics.emplace_back(value.metric);
        periods.emplace_back(value.period);
        end_times.emplace_back(instant_text(value.end_time));
        numbers.emplace_back(value.value);
    }
    const ActingUser acting(account.user_id);
    const Rows rows = sql.run(
        "WITH incoming AS MATERIALIZED ("
        "    SELECT i.metric, i.period, i.end_time, i.value,"
        "           t.user_id IS NOT NULL AS present, t.value IS NOT DISTINCT FROM i.value AS equal"
        "      FROM ROWS FROM (unnest($3::text[]), unnest($4::text[]), unnest($5::timestamptz[]), unnest($6::numeric[]))"
        "           AS i (metric, period, end_time, value)"
        "      LEFT JOIN instagram_insights.insights t"
        "        ON t.user_id = $1::uuid AND t.account_id = $2 AND t.metric = i.metric AND t.period = i.period"
        "       AND t.end_time = i.end_time),"
        " written AS ("
        "    INSERT INTO instagram_insights.insights"
        "           (user_id, account_id, metric, period, end_time, value, retrieved_at, project_id, entity_id)"
        "    SELECT a.user_id, a.account_id, i.metric, i.period, i.end_time, i.value, pg_catalog.clock_timestamp(), a.project_id, a.entity_id"
        "      FROM incoming i, instagram_insights.accounts a"
        "     WHERE a.user_id = $1::uuid AND a.account_id = $2 AND NOT (i.present AND i.equal)"
        "    ON CONFLICT (user_id, account_id, metric, period, end_time)"
        "    DO UPDATE SET value = EXCLUDED.value, retrieved_at = EXCLUDED.retrieved_at"
        "     WHERE insights.value IS DISTINCT FROM EXCLUDED.value"
        "    RETURNING 1)"
        " SELECT i.metric, pg_catalog.count(*) FILTER (WHERE NOT i.present),"
        "        pg_catalog.count(*) FILTER (WHERE i.present AND NOT i.equal), pg_catalog.count(*) FILTER (WHERE i.present AND i.equal)"
        "   FROM incoming i GROUP BY i.metric ORDER BY i.metric",
        account_key(account).texts(std::move(metrics)).texts(std::move(periods)).texts(std::move(end_times)).texts(std::move(numbers)));
    for (const std::vector<Field> &row : rows) {
        const int inserted = std::stoi(row[1].value());
        const int updated = std::stoi(row[2].value());
        const int unchanged = std::stoi(row[3].value());
        stored.inserted += inserted;
        stored.updated += updated;
        stored.unchanged += unchanged;
        stored.by_metric.emplace_back(row[0].value(), inserted + updated + unchanged);
    }
    return stored;
}

const platform::Failure *first_failure(const sync::Outcome &outcome) noexcept
{
    for (const sync::MetricError &error : outcome.errors)
        if (error.failure.kind != platform::FailureKind::no_data) return &error.failure;
    return nullptr;
}

namespace {

// The refusal for want of a permission (graph-api.md 4.2: 10, 200-299), if it hit everything but fields of the user node,
// which need less: then the permission was never granted or has been withdrawn, and only a new login mends that.
const platform::Failure *withdrawn_permission(Sql &sql, const sync::Outcome &outcome)
{
    const platform::Failure *denied = nullptr;
    for (const sync::MetricError &error : outcome.errors)
        if (error.failure.kind == platform::FailureKind::permission && (error.failure.code == 10 || error.failure.code / 100 == 2))
            denied = &error.failure;
    if (denied == nullptr) return nullptr;
    std::vector<Field> answered;
    for (const platform::Value &value : outcome.values) answered.emplace_back(value.metric);
    const Rows granted = sql.run("SELECT FROM instagram_insights.metrics m WHERE m.name = ANY ($1) AND m.metric_type <> 'snapshot' LIMIT 1",
                                 Params().texts(std::move(answered)));
    return granted.empty() ? denied : nullptr;
}

// What the account's status becomes; empty: it stays.
const char *account_status(const sync::Outcome &outcome, bool answered, bool denied)
{
    if (outcome.status == sync::Status::needs_login || denied) return "needs_login";
    if (outcome.status == sync::Status::token_unreadable) return "token_unreadable";
    return answered ? "active" : "";
}

}  // namespace

bool store_account_state(Sql &sql, const SyncedAccount &account, const sync::Outcome &outcome)
{
    using sync::Status;
    const bool answered = outcome.status == Status::succeeded || outcome.status == Status::partial;
    const platform::Failure *denied = withdrawn_permission(sql, outcome);
    const char *status = account_status(outcome, answered, denied != nullptr);
    const platform::Failure *failure = denied ? denied : first_failure(outcome);
    std::vector<Field> metrics;
    std::vector<Field> through;
    std::vector<Field> clipped;
    std::vector<Field> unsupported;
    std::vector<Field> reasons;
    std::vector<Field> supported;
    for (const sync::MetricProgress &progress : outcome.metrics) {
        metrics.emplace_back(progress.metric);
        through.push_back(optional_day(progress.synced_through));
        clipped.push_back(optional_day(progress.clipped_before));
        unsupported.push_back(progress.unsupported_since ? Field(instant_text(*progress.unsupported_since)) : Field());
        reasons.push_back(progress.reason.empty() ? Field() : Field(platform::redact(progress.reason)));
        supported.emplace_back(progress.supported_again ? "true" : "false");
    }
    const auto unless_empty = [](const std::string &text) { return text.empty() ? Field() : Field(text); };
    const Rows rows = sql.run(
        "WITH learnt AS ("
        "    SELECT pg_catalog.jsonb_object_agg(p.metric, pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object("
        "        'through', GREATEST(p.through, (a.metric_state -> p.metric ->> 'through')::date),"
        "        'clipped_before', GREATEST(p.clipped, (a.metric_state -> p.metric ->> 'clipped_before')::date),"
        "        'unsupported_since', CASE WHEN p.supported THEN NULL"
        "            ELSE COALESCE(p.unsupported, (a.metric_state -> p.metric ->> 'unsupported_since')::timestamptz) END,"
        "        'reason', CASE WHEN p.supported THEN NULL"
        "            ELSE COALESCE(p.reason, a.metric_state -> p.metric ->> 'reason') END))) AS state"
        "      FROM ROWS FROM (unnest($3::text[]), unnest($4::date[]), unnest($5::date[]), unnest($6::timestamptz[]), unnest($7::text[]),"
        "                      unnest($8::boolean[])) AS p (metric, through, clipped, unsupported, reason, supported),"
        "           instagram_insights.accounts a"
        "     WHERE a.user_id = $1::uuid AND a.account_id = $2),"
        " before AS (SELECT status FROM instagram_insights.accounts WHERE user_id = $1::uuid AND account_id = $2)"
        " UPDATE instagram_insights.accounts a"
        // Came to need a login while its calls were under way: their answers are older news.
        "    SET status = CASE WHEN a.status = 'needs_login' AND $10 THEN a.status ELSE COALESCE(NULLIF($9, ''), a.status) END,"
        "        last_success_at = CASE WHEN $10 THEN pg_catalog.clock_timestamp() ELSE a.last_success_at END,"
        "        last_error = CASE WHEN a.status = 'needs_login' AND $10 THEN a.last_error ELSE $11 END,"
        "        hint = CASE WHEN a.status = 'needs_login' AND $10 THEN a.hint ELSE $12 END, blocked_until = $13::timestamptz,"
        "        username = COALESCE($14, a.username), name = COALESCE($15, a.name),"
        "        metric_state = a.metric_state || COALESCE((SELECT state FROM learnt), '{}'::jsonb)"
        "  WHERE a.user_id = $1::uuid AND a.account_id = $2"
        " RETURNING a.status <> (SELECT status FROM before) AND a.status = ANY ('{needs_login,token_unreadable}'::text[])",
        account_key(account)
            .texts(std::move(metrics))
            .texts(std::move(through))
            .texts(std::move(clipped))
            .texts(std::move(unsupported))
            .texts(std::move(reasons))
            .texts(std::move(supported))
            .text(std::string_view(status))
            .boolean(answered)
            .text(failure ? Field(failure->message) : Field())
            .text(failure ? Field(failure->hint) : Field())
            .text(outcome.blocked_until ? Field(instant_text(*outcome.blocked_until)) : Field())
            .text(unless_empty(outcome.username)).text(unless_empty(outcome.name)));
    return !rows.empty() && rows[0][0] == "t";
}

void store_log(Sql &sql, const SyncTry &attempt, const sync::Outcome &outcome)
{
    const platform::Failure *failure = first_failure(outcome);
    const ActingUser acting(attempt.account.user_id);
    sql.run("INSERT INTO instagram_insights.sync_log (user_id, job_id, account_id, kind, trigger, started_at, finished_at, status,"
            "       rows_inserted, rows_updated, rows_unchanged, api_calls, error_code, error_message, errors)"
            " VALUES ($1::uuid, $3::bigint, $2, $4, $5, $6::timestamptz, pg_catalog.clock_timestamp(), $7,"
            "       $8::integer, $9::integer, $10::integer, $11::integer, $12::integer, $13, $14::jsonb)",
            account_key(attempt.account)
                .text(attempt.job_id ? Field(std::to_string(*attempt.job_id)) : Field())
                .text(std::string_view(attempt.kind))
                .text(std::string_view(attempt.trigger))
                .text(std::string_view(instant_text(attempt.started_at)))
                .text(sync::to_string(outcome.status))
                .number(attempt.rows.inserted)
                .number(attempt.rows.updated)
                .number(attempt.rows.unchanged)
                .number(outcome.calls_done)
                .text(failure && failure->code != 0 ? Field(std::to_string(failure->code)) : Field())
                .text(failure ? Field(failure->message) : Field())
                .text(std::string_view(errors_json(outcome))));
}

}  // namespace ig::pg
