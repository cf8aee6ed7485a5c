// Implements the queue.
#include "postgres/queue.hpp"

#include <unordered_set>
#include <utility>

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

ClaimedJob read_job(const std::vector<Field> &row, Instant now, sync::AnsweredDays &answered)
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
    if (row[11]) answered = sync::read_answered_days(*row[11]);
    job.account_status = read_account(row, 12, account);
    job.attempt.job_id = job.id;
    job.attempt.started_at = now;
    job.leased_at = now;
    return job;
}

// Names jobs as claimed, in three arrays that every statement about them takes first.
class JobKeys {
public:
    void add(const ClaimedJob &job)
    {
        users_.emplace_back(job.attempt.account.user_id);
        ids_.emplace_back(job.id);
        generations_.emplace_back(job.generation);
    }
    Params params()
    {
        Params params;
        params.uuids(std::move(users_)).numbers(std::move(ids_)).numbers(std::move(generations_));
        return params;
    }

private:
    std::vector<Field> users_;
    std::vector<std::optional<std::int64_t>> ids_;
    std::vector<std::optional<std::int64_t>> generations_;
};

// Those of `jobs` that the statement did not touch.
template <class Jobs, class JobOf> std::vector<std::int64_t> untouched(const Jobs &jobs, JobOf job_of, const Rows &rows)
{
    std::unordered_set<std::int64_t> touched;
    for (const std::vector<Field> &row : rows) touched.insert(std::stoll(row[0].value()));
    std::vector<std::int64_t> others;
    for (const auto &entry : jobs)
        if (touched.count(job_of(entry).id) == 0) others.push_back(job_of(entry).id);
    return others;
}

}  // namespace

namespace {

void reclaim(Sql &sql, bool all, const std::vector<std::int64_t> &held)
{
    std::vector<std::optional<std::int64_t>> ids(held.begin(), held.end());
    const Rows lost = sql.run(
        "UPDATE instagram_insights.sync_jobs j"
        "   SET crashes = crashes + 1, generation = generation + 1, lease_until = NULL,"
        "       state = CASE WHEN crashes + 1 >= 3 THEN 'failed' ELSE 'waiting' END,"
        "       due_at = pg_catalog.clock_timestamp(),"
        "       finished_at = CASE WHEN crashes + 1 >= 3 THEN pg_catalog.clock_timestamp() END,"
        "       error_kind = 'transient',"
        "       error = CASE WHEN crashes + 1 >= 3 THEN 'the worker crashed three times with this job and set it aside'"
        "                    WHEN $1 THEN 'the worker ended before this job did'"
        "                    ELSE 'the worker did not end this job before its lease was over' END,"
        "       hint = CASE WHEN crashes + 1 >= 3 THEN 'Look for the crash in the server log and report it; a new "
        "refresh tries again.'"
        "                   ELSE 'Nothing: it is tried again by itself, and what was stored before stays.' END"
        " WHERE j.state = 'running' AND ($1 OR (j.lease_until < pg_catalog.clock_timestamp() AND j.job_id <> ALL "
        "($2)))"
        " RETURNING j.job_id",
        Params().boolean(all).numbers(std::move(ids)));
    if (lost.empty()) return;
    std::vector<std::optional<std::int64_t>> tries;
    for (const std::vector<Field> &row : lost) tries.emplace_back(std::stoll(row[0].value()));
    sql.run("SELECT instagram_insights.ig_log_lost_tries($1)", Params().numbers(std::move(tries)));
}

}  // namespace

void reclaim_all_jobs(Sql &sql) { reclaim(sql, true, {}); }
void reclaim_expired_jobs(Sql &sql, const std::vector<std::int64_t> &held) { reclaim(sql, false, held); }

std::vector<ClaimedJob> claim_jobs(Sql &sql, Claim claim)
{
    std::vector<ClaimedJob> jobs;
    std::vector<sync::AnsweredDays> answered;  // of each job
    const Instant now = current_time();
    const bool suspects = claim.kind == Claim::suspects;
    const int last_priority = claim.kind == Claim::interactive ? 0 : 2;
    auto most = static_cast<std::int64_t>(claim.most);
    for (int priority = 0; priority <= last_priority && most > 0; ++priority) {
        const Rows rows = sql.run(
            "WITH due AS MATERIALIZED ("
            "    SELECT j.user_id, j.job_id FROM instagram_insights.sync_jobs j"
            "     WHERE j.priority = $1::smallint AND j.state = ANY (ARRAY['queued', 'waiting'])"
            // A bound that the index takes: with a million jobs that are due later none of them is looked at.
            "       AND j.due_at <= $5 AND (j.crashes >= 2) = $3"
            "     ORDER BY j.due_at LIMIT $2 FOR UPDATE SKIP LOCKED),"
            " claimed AS ("
            "    UPDATE instagram_insights.sync_jobs j"
            "       SET state = 'running', generation = j.generation + 1, attempt = j.attempt + 1, calls_done = 0,"
            "           calls_planned = 0, lease_until = pg_catalog.clock_timestamp() + $4 * '1 second'::interval,"
            "           try_started_at = $6,"
            "           started_at = COALESCE(j.started_at, pg_catalog.clock_timestamp())"
            "      FROM due WHERE j.user_id = due.user_id AND j.job_id = due.job_id RETURNING j.*)"
            " SELECT c.job_id, c.user_id, c.account_id, c.kind, c.priority, c.trigger, c.generation, c.attempt, "
            "c.metrics::text,"
            "        c.since::text, c.until::text, c.answered::text, " IG_ACCOUNT_COLUMNS "   FROM claimed c"
            "   LEFT JOIN instagram_insights.accounts a ON a.user_id = c.user_id AND a.account_id = "
            "c.account_id" IG_ACCOUNT_JOINS "  ORDER BY c.due_at, c.job_id",
            Params()
                .number(priority)
                .number(most)
                .boolean(suspects)
                .number(lease_seconds)
                .instant(now + std::chrono::milliseconds(1))
                .instant(now));
        for (const std::vector<Field> &row : rows) jobs.push_back(read_job(row, now, answered.emplace_back()));
        most -= static_cast<std::int64_t>(rows.size());
    }
    for (ClaimedJob &job : jobs) job.suspect = suspects;
    if (jobs.empty()) return jobs;
    const Registry registry(sql);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
        ClaimedJob &job = jobs[i];
        if (job.account_status == "active" || job.account_status == "token_unreadable") {
            job.metric_states = registry.metrics_of(job.attempt.account, job.metrics);
            sync::tell_answered(job.metric_states, answered[i]);
        }
        job.attempt.account.metric_state.clear();
        job.attempt.account.metric_choice.clear();
    }
    return jobs;
}

std::vector<std::int64_t> renew_jobs(Sql &sql, const std::vector<JobProgress> &progress)
{
    JobKeys keys;
    std::vector<std::optional<std::int64_t>> done, planned;
    for (const JobProgress &one : progress) {
        keys.add(*one.job);
        done.emplace_back(one.calls_done);
        planned.emplace_back(one.calls_planned);
    }
    const Rows rows = sql.run("UPDATE instagram_insights.sync_jobs j"
                              "   SET calls_done = mine.done, calls_planned = mine.planned,"
                              "       lease_until = pg_catalog.clock_timestamp() + $6 * '1 second'::interval"
                              "  FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4),"
                              "                  unnest($5)) AS mine (user_id, job_id, generation, done, planned)"
                              " WHERE j.user_id = mine.user_id AND j.job_id = mine.job_id AND j.generation = "
                              "mine.generation AND j.state = 'running'"
                              " RETURNING j.job_id",
                              keys.params().numbers(std::move(done)).numbers(std::move(planned)).number(lease_seconds));
    return untouched(
        progress, [](const JobProgress &one) -> const ClaimedJob & { return *one.job; }, rows);
}

std::vector<std::int64_t> finish_jobs(Sql &sql, const std::vector<LeftJob> &left)
{
    const auto unless_empty = [](const std::string &text) { return text.empty() ? Field() : Field(text); };
    JobKeys keys;
    std::vector<Field> states, kinds, errors, hints, answered;
    std::vector<std::optional<Instant>> due;
    std::vector<std::optional<std::int64_t>> done, planned, stored, counted;
    for (const auto &[job, end] : left) {
        keys.add(*job);
        states.emplace_back(end.state);
        due.push_back(end.due_at);
        kinds.push_back(unless_empty(end.error_kind));
        errors.push_back(unless_empty(end.error));
        hints.push_back(unless_empty(end.hint));
        done.emplace_back(end.calls_done);
        planned.emplace_back(end.calls_planned);
        stored.emplace_back(end.rows_stored);
        counted.emplace_back(end.count_try ? 1 : 0);
        answered.push_back(unless_empty(end.answered));
    }
    Params params = keys.params();
    params.texts(std::move(states)).instants(due).texts(std::move(kinds)).texts(std::move(errors));
    params.texts(std::move(hints)).numbers(std::move(done)).numbers(std::move(planned)).numbers(std::move(stored));
    params.booleans(std::move(counted)).texts(std::move(answered));
    const Rows rows = sql.run(
        "UPDATE instagram_insights.sync_jobs j"
        "   SET state = e.state, due_at = COALESCE(e.due_at, j.due_at), error_kind = e.error_kind, error = e.error, "
        "hint = e.hint,"
        "       calls_done = e.done, calls_planned = e.planned, rows_stored = e.stored,"
        "       attempt = j.attempt - CASE WHEN e.counted THEN 0 ELSE 1 END, lease_until = NULL,"
        "       crashes = CASE WHEN e.counted THEN 0 ELSE j.crashes END,"
        "       answered = CASE WHEN e.state = ANY ('{queued,waiting}'::text[])"
        "                       THEN NULLIF(COALESCE(e.answered::jsonb, j.answered), '{}') END,"
        "       finished_at = CASE WHEN e.state = ANY ('{queued,waiting}'::text[]) THEN NULL ELSE "
        "pg_catalog.clock_timestamp() END"
        "  FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4), unnest($5),"
        "                  unnest($6), unnest($7), unnest($8), unnest($9), unnest($10), unnest($11), unnest($12), "
        "unnest($13))"
        "       AS e (user_id, job_id, generation, state, due_at, error_kind, error, hint, done, planned, stored, "
        "counted, answered)"
        " WHERE j.user_id = e.user_id AND j.job_id = e.job_id AND j.generation = e.generation AND j.state = 'running'"
        " RETURNING j.job_id",
        params);
    return untouched(
        left, [](const LeftJob &one) -> const ClaimedJob & { return *one.job; }, rows);
}

std::vector<std::int64_t> lost_jobs(Sql &sql, const std::vector<const ClaimedJob *> &jobs)
{
    JobKeys keys;
    for (const ClaimedJob *job : jobs) keys.add(*job);
    const Rows rows =
        sql.run("SELECT j.job_id FROM ROWS FROM (unnest($1), unnest($2), unnest($3))"
                "       AS mine (user_id, job_id, generation)"
                "  JOIN instagram_insights.sync_jobs j ON j.user_id = mine.user_id AND j.job_id = mine.job_id"
                "   AND j.generation = mine.generation AND j.state = 'running'",
                keys.params());
    return untouched(
        jobs, [](const ClaimedJob *job) -> const ClaimedJob & { return *job; }, rows);
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
        "                                       WHERE $1 AND j.state = 'running' ORDER BY j.lease_until LIMIT 1) lost) "
        "first",
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
