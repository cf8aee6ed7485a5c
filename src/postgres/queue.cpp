// Implements the queue.
#include "postgres/queue.hpp"

#include <set>

#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"

namespace ig::pg {

namespace {

// A one-dimensional text[] as the server prints it; metric names need no quotes, others are refused before they get here.
std::vector<std::string> split_array(const std::string &text)
{
    std::vector<std::string> items;
    std::string item;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
        if (text[i] == ',') {
            items.push_back(item);
            item.clear();
        } else if (text[i] != '"') {
            item.push_back(text[i]);
        }
    }
    if (text.size() > 2) items.push_back(item);
    return items;
}

ClaimedJob read_job(const std::vector<Field> &row, Instant now)
{
    ClaimedJob job;
    job.id = std::stoll(row[0].value());
    SyncedAccount &account = job.attempt.account;
    account.user_id = row[1].value();
    account.account_id = row[2].value();
    job.attempt.kind = row[3].value();
    job.priority = std::stoi(row[4].value());
    job.attempt.trigger = row[5].value();
    job.generation = std::stoll(row[6].value());
    job.tries = std::stoi(row[7].value());
    if (row[8]) job.metrics = split_array(*row[8]);
    if (row[9]) job.since = parse_day(*row[9]);
    if (row[10]) job.until = parse_day(*row[10]);
    job.account_status = read_account(row, 11, account);
    job.attempt.job_id = job.id;
    job.attempt.started_at = now;
    job.leased_at = now;
    return job;
}

Params job_key(const ClaimedJob &job)
{
    Params params;
    params.text(std::string_view(job.attempt.account.user_id)).number(job.id).number(job.generation);
    return params;
}

}  // namespace

int reclaim_jobs(Sql &sql, bool all)
{
    const Rows rows = sql.run(
        "UPDATE instagram_insights.sync_jobs j"
        "   SET crashes = crashes + 1, generation = generation + 1, lease_until = NULL,"
        "       state = CASE WHEN crashes + 1 >= 3 THEN 'failed' ELSE 'waiting' END,"
        "       due_at = pg_catalog.clock_timestamp(),"
        "       finished_at = CASE WHEN crashes + 1 >= 3 THEN pg_catalog.clock_timestamp() END,"
        "       error_kind = 'transient',"
        "       error = CASE WHEN crashes + 1 >= 3 THEN 'the worker crashed three times with this job and set it aside'"
        "                    ELSE 'the worker ended before this job did' END,"
        "       hint = CASE WHEN crashes + 1 >= 3 THEN 'Look for the crash in the server log and report it; a new refresh tries again.'"
        "                   ELSE 'Nothing: it is tried again by itself.' END"
        " WHERE j.state = 'running' AND ($1 OR j.lease_until < pg_catalog.clock_timestamp())",
        Params().boolean(all));
    return static_cast<int>(rows.touched());
}

std::vector<ClaimedJob> claim_jobs(Sql &sql, int most, bool suspects)
{
    std::vector<ClaimedJob> jobs;
    const Instant now = current_time();
    for (int priority = 0; priority <= 2 && most > 0; ++priority) {
        const Rows rows = sql.run(
            "WITH due AS MATERIALIZED ("
            "    SELECT j.user_id, j.job_id FROM instagram_insights.sync_jobs j"
            "     WHERE j.priority = $1::smallint AND j.state = ANY (ARRAY['queued', 'waiting'])"
            "       AND j.due_at <= pg_catalog.clock_timestamp() AND (j.crashes >= 2) = $3"
            "     ORDER BY j.due_at LIMIT $2 FOR UPDATE SKIP LOCKED),"
            " claimed AS ("
            "    UPDATE instagram_insights.sync_jobs j"
            "       SET state = 'running', generation = j.generation + 1, attempt = j.attempt + 1, calls_done = 0,"
            "           calls_planned = 0, lease_until = pg_catalog.clock_timestamp() + $4 * '1 second'::interval,"
            "           started_at = COALESCE(j.started_at, pg_catalog.clock_timestamp())"
            "      FROM due WHERE j.user_id = due.user_id AND j.job_id = due.job_id RETURNING j.*)"
            " SELECT c.job_id, c.user_id, c.account_id, c.kind, c.priority, c.trigger, c.generation, c.attempt, c.metrics::text,"
            "        c.since::text, c.until::text, " IG_ACCOUNT_COLUMNS
            "   FROM claimed c"
            "   LEFT JOIN instagram_insights.accounts a ON a.user_id = c.user_id AND a.account_id = c.account_id" IG_ACCOUNT_JOINS
            "  ORDER BY c.due_at, c.job_id",
            Params().number(priority).number(most).boolean(suspects).number(lease_seconds));
        for (const std::vector<Field> &row : rows) jobs.push_back(read_job(row, now));
        most -= static_cast<int>(rows.size());
    }
    for (ClaimedJob &job : jobs) job.suspect = suspects;
    for (ClaimedJob &job : jobs)
        if (job.account_status == "active" || job.account_status == "token_unreadable")
            job.metric_states = load_metrics(sql, job.attempt.account.user_id, job.attempt.account.account_id, job.metrics);
    return jobs;
}

std::vector<std::int64_t> renew_jobs(Sql &sql, const std::vector<JobProgress> &progress)
{
    std::vector<Field> users;
    std::vector<Field> ids;
    std::vector<Field> generations;
    std::vector<Field> done;
    std::vector<Field> planned;
    for (const JobProgress &one : progress) {
        users.emplace_back(one.job->attempt.account.user_id);
        ids.emplace_back(std::to_string(one.job->id));
        generations.emplace_back(std::to_string(one.job->generation));
        done.emplace_back(std::to_string(one.calls_done));
        planned.emplace_back(std::to_string(one.calls_planned));
    }
    const Rows rows = sql.run(
        "UPDATE instagram_insights.sync_jobs j"
        "   SET calls_done = mine.done, calls_planned = mine.planned,"
        "       lease_until = pg_catalog.clock_timestamp() + $6 * '1 second'::interval"
        "  FROM ROWS FROM (unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::bigint[]), unnest($4::integer[]),"
        "                  unnest($5::integer[])) AS mine (user_id, job_id, generation, done, planned)"
        " WHERE j.user_id = mine.user_id AND j.job_id = mine.job_id AND j.generation = mine.generation AND j.state = 'running'"
        " RETURNING j.job_id",
        Params()
            .texts(std::move(users))
            .texts(std::move(ids))
            .texts(std::move(generations))
            .texts(std::move(done))
            .texts(std::move(planned))
            .number(lease_seconds));
    std::set<std::int64_t> held;
    for (const std::vector<Field> &row : rows) held.insert(std::stoll(row[0].value()));
    std::vector<std::int64_t> lost;
    for (const JobProgress &one : progress)
        if (held.count(one.job->id) == 0) lost.push_back(one.job->id);
    return lost;
}

bool finish_job(Sql &sql, const ClaimedJob &job, const JobEnd &end)
{
    const auto unless_empty = [](const std::string &text) { return text.empty() ? Field() : Field(text); };
    return sql.run("UPDATE instagram_insights.sync_jobs"
                   "   SET state = $4, due_at = COALESCE($5::timestamptz, due_at), error_kind = $6, error = $7, hint = $8,"
                   "       calls_done = $9::integer, calls_planned = $10::integer, rows_stored = $11::integer,"
                   "       attempt = attempt - CASE WHEN $12 THEN 0 ELSE 1 END, lease_until = NULL,"
                   "       crashes = CASE WHEN $12 THEN 0 ELSE crashes END,"
                   "       finished_at = CASE WHEN $4 = ANY ('{queued,waiting}'::text[]) THEN NULL ELSE pg_catalog.clock_timestamp() END"
                   " WHERE user_id = $1::uuid AND job_id = $2 AND generation = $3 AND state = 'running'",
                   job_key(job)
                       .text(std::string_view(end.state))
                       .text(end.due_at ? Field(instant_text(*end.due_at)) : Field())
                       .text(unless_empty(end.error_kind))
                       .text(unless_empty(end.error))
                       .text(unless_empty(end.hint))
                       .number(end.calls_done)
                       .number(end.calls_planned)
                       .number(end.rows_stored)
                       .boolean(end.count_try))
               .touched() == 1;
}

std::vector<std::int64_t> lost_jobs(Sql &sql, const std::vector<const ClaimedJob *> &jobs)
{
    std::vector<Field> users;
    std::vector<Field> ids;
    std::vector<Field> generations;
    for (const ClaimedJob *job : jobs) {
        users.emplace_back(job->attempt.account.user_id);
        ids.emplace_back(std::to_string(job->id));
        generations.emplace_back(std::to_string(job->generation));
    }
    const Rows rows = sql.run(
        "SELECT mine.job_id FROM ROWS FROM (unnest($1::uuid[]), unnest($2::bigint[]), unnest($3::bigint[]))"
        "       AS mine (user_id, job_id, generation)"
        " WHERE NOT EXISTS (SELECT FROM instagram_insights.sync_jobs j WHERE j.user_id = mine.user_id AND j.job_id = mine.job_id"
        "                      AND j.generation = mine.generation AND j.state = 'running')",
        Params().texts(std::move(users)).texts(std::move(ids)).texts(std::move(generations)));
    std::vector<std::int64_t> lost;
    for (const std::vector<Field> &row : rows) lost.push_back(std::stoll(row[0].value()));
    return lost;
}

std::optional<Instant> next_due(Sql &sql, bool idle)
{
    // One probe of the index for each priority.
    const Rows rows = sql.run(
        "SELECT pg_catalog.ceil(EXTRACT(epoch FROM min(first.due_at)))::text"
        "  FROM (SELECT waiting.due_at FROM (VALUES (0::smallint), (1::smallint), (2::smallint)) AS p (priority)"
        "         CROSS JOIN LATERAL (SELECT j.due_at FROM instagram_insights.sync_jobs j"
        "                              WHERE j.priority = p.priority AND j.state = ANY (ARRAY['queued', 'waiting'])"
        "                                AND ($1 OR j.crashes < 2)"
        "                              ORDER BY j.due_at LIMIT 1) waiting"
        "        UNION ALL"
        "        SELECT lost.lease_until FROM (SELECT j.lease_until FROM instagram_insights.sync_jobs j"
        "                                       WHERE $1 AND j.state = 'running' ORDER BY j.lease_until LIMIT 1) lost) first",
        Params().boolean(idle));
    if (rows.empty() || !rows[0][0]) return std::nullopt;
    return instant_from_epoch(*rows[0][0]);
}

bool calling_allowed(Sql &sql)
{
    const Rows rows = sql.run("SELECT instagram_insights.ig_check_installation()");
    return settings.enabled && rows[0][0] == "f";
}

}  // namespace ig::pg
