-- Looking after jobs: state, cancelling, and the nudge that restarts a worker which has work.

CREATE TYPE ig_sync_status AS (
    job_id bigint,
    user_id uuid,
    account_id text,
    kind text,
    state text,
    progress numeric,
    calls_done integer,
    calls_planned integer,
    rows_stored integer,
    attempt integer,
    next_try_at timestamptz,
    queued_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    error text,
    hint text
);
COMMENT ON TYPE ig_sync_status IS 'What ig_sync_status() tells about a job';
COMMENT ON COLUMN ig_sync_status.job_id IS 'The job';
COMMENT ON COLUMN ig_sync_status.user_id IS 'The user whose account is synced';
COMMENT ON COLUMN ig_sync_status.account_id IS 'The account';
COMMENT ON COLUMN ig_sync_status.kind IS 'refresh, daily or backfill';
COMMENT ON COLUMN ig_sync_status.state IS
    'queued, running, waiting (for its next try), succeeded, partial, failed or cancelled';
COMMENT ON COLUMN ig_sync_status.progress IS 'From 0 to 1; 1 once it succeeded or ended partial';
COMMENT ON COLUMN ig_sync_status.calls_done IS 'API calls made in this try';
COMMENT ON COLUMN ig_sync_status.calls_planned IS 'API calls this try needs, as known';
COMMENT ON COLUMN ig_sync_status.rows_stored IS 'Rows inserted, updated or found unchanged';
COMMENT ON COLUMN ig_sync_status.attempt IS 'Tries so far';
COMMENT ON COLUMN ig_sync_status.next_try_at IS 'When it is due, while queued or waiting';
COMMENT ON COLUMN ig_sync_status.queued_at IS 'When it was put in the queue';
COMMENT ON COLUMN ig_sync_status.started_at IS 'When its first try began';
COMMENT ON COLUMN ig_sync_status.finished_at IS 'When it ended';
COMMENT ON COLUMN ig_sync_status.error IS 'What went wrong; NULL if nothing did';
COMMENT ON COLUMN ig_sync_status.hint IS 'What to do about error';

CREATE FUNCTION ig_sync_status(job_id bigint) RETURNS SETOF ig_sync_status
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT j.job_id, j.user_id, j.account_id, j.kind, j.state,
           CASE
               WHEN j.state = ANY (ARRAY['succeeded', 'partial']) THEN 1
               WHEN j.calls_planned > 0 THEN LEAST(1, round(j.calls_done::numeric / j.calls_planned, 3))
               ELSE 0
           END,
           j.calls_done, j.calls_planned, j.rows_stored, j.attempt,
           CASE WHEN j.state = ANY (ARRAY['queued', 'waiting']) THEN j.due_at END,
           j.queued_at, j.started_at, j.finished_at, j.error, j.hint
    FROM instagram_insights.sync_jobs j
    WHERE j.job_id = ig_sync_status.job_id
$body$;
COMMENT ON FUNCTION ig_sync_status(bigint) IS
    'How a job is getting on: one row, or none if there is no such job of yours';

CREATE FUNCTION ig_notify_ended(job_id bigint, kind text, state text) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT pg_notify('instagram_insights', format('{"event":"job","job_id":%s,"state":"%s"}',
                                                  ig_notify_ended.job_id, ig_notify_ended.state))
    WHERE ig_notify_ended.kind = 'refresh'
$body$;
COMMENT ON FUNCTION ig_notify_ended(bigint, text, text) IS 'Internal: tells listeners that a refresh ended';

-- superuser-owned: row level security lets the worker role see sync_log of the user it acts for only, and these tries are of
-- many. Each row says what its job does, so that none can be made up or put down to another user.
CREATE FUNCTION ig_log_lost_tries(job_ids bigint[]) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    INSERT INTO instagram_insights.sync_log (user_id, job_id, account_id, kind, trigger, started_at, finished_at, status,
                                             api_calls, error_message, errors)
    SELECT j.user_id, j.job_id, j.account_id, j.kind, j.trigger, COALESCE(j.try_started_at, j.started_at, j.queued_at),
           clock_timestamp(), 'failed', j.calls_done, j.error,
           jsonb_build_array(jsonb_build_object('metric', NULL, 'kind', j.error_kind, 'code', NULL, 'subcode', NULL,
                                                'message', j.error, 'hint', j.hint))
    FROM instagram_insights.sync_jobs j
    WHERE j.job_id = ANY (ig_log_lost_tries.job_ids) AND j.crashes > 0;
    PERFORM instagram_insights.ig_notify_ended(j.job_id, j.kind, j.state)
    FROM instagram_insights.sync_jobs j
    WHERE j.job_id = ANY (ig_log_lost_tries.job_ids) AND j.state = 'failed';
END
$body$;
COMMENT ON FUNCTION ig_log_lost_tries(bigint[]) IS
    'Internal: one row of sync_log for each of these jobs, which were just taken back from a worker that ended';

CREATE FUNCTION ig_cancel(job_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    everybody boolean := instagram_insights.ig_is_admin();
    own uuid;
    job record;
BEGIN
    IF NOT everybody THEN
        own := instagram_insights.ig_target_user(NULL);
    END IF;
    -- Rows of others are not even locked.
    SELECT j.kind, j.state INTO job
    FROM instagram_insights.sync_jobs j
    WHERE j.job_id = ig_cancel.job_id AND (everybody OR j.user_id = own)
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('job %s does not exist', COALESCE(ig_cancel.job_id::text, 'NULL')),
            HINT =
                'Job ids come from ig_refresh_insights() and ig_backfill(); finished jobs are removed after a while.';
    ELSIF job.state <> ALL (ARRAY['queued', 'waiting', 'running']) THEN
        RETURN false;
    END IF;

    -- The raised generation makes the worker's result, if one is on its way, void.
    UPDATE instagram_insights.sync_jobs AS j
    SET state = 'cancelled', finished_at = clock_timestamp(), lease_until = NULL, generation = j.generation + 1,
        error_kind = 'cancelled', error = 'cancelled on request', hint = NULL
    WHERE j.job_id = ig_cancel.job_id AND (everybody OR j.user_id = own);
    PERFORM instagram_insights.ig_notify_ended(ig_cancel.job_id, job.kind, 'cancelled');
    IF job.state = 'running' THEN
        PERFORM instagram_insights.ig_wake_worker();
    END IF;
    RETURN true;
END
$body$;
COMMENT ON FUNCTION ig_cancel(bigint) IS
    'Cancels a job that has not ended; false if it had. A job that does not exist and one of another user raise the '
    'same 42704.';

CREATE FUNCTION ig_nudge() RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    IF instagram_insights.ig_setting('enabled') = '0' THEN
        RETURN false;
    ELSIF NOT EXISTS (SELECT FROM instagram_insights.sync_jobs j
                      WHERE j.state = ANY (ARRAY['queued', 'waiting']) AND j.due_at <= now())
          -- A job that runs while no worker does was left behind by a crash; its lease need not be waited for.
          AND NOT EXISTS (SELECT FROM instagram_insights.sync_jobs j
                          WHERE j.state = 'running'
                            AND (j.lease_until < now()
                                 OR NOT (SELECT p.worker_alive FROM instagram_insights.ig_process_state() p))) THEN
        RETURN false;
    ELSIF instagram_insights.ig_check_installation() THEN
        RETURN false;
    END IF;
    PERFORM instagram_insights.ig_wake_worker();
    RETURN true;
END
$body$;
COMMENT ON FUNCTION ig_nudge() IS
    'Wakes or starts the worker if work is due, and says whether it did; false as well while paused or not enabled. '
    'For pg_cron, every few minutes';
