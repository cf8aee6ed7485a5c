-- The queue of work, and what the worker and the installation know of themselves.

CREATE TABLE sync_jobs (
    user_id uuid NOT NULL,
    job_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    account_id text NOT NULL,
    kind text NOT NULL CHECK (kind = ANY (ARRAY['refresh', 'daily', 'backfill'])),
    priority smallint NOT NULL GENERATED ALWAYS AS
        (CASE WHEN kind = 'refresh' THEN 0 WHEN kind = 'daily' THEN 1 ELSE 2 END) STORED,
    trigger text NOT NULL DEFAULT 'user',
    state text NOT NULL DEFAULT 'queued'
        CHECK (state = ANY (ARRAY['queued', 'running', 'waiting', 'succeeded', 'partial', 'failed', 'cancelled'])),
    metrics text[],
    since date,
    until date,
    due_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    lease_until timestamptz,
    generation bigint NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    crashes integer NOT NULL DEFAULT 0,
    calls_done integer NOT NULL DEFAULT 0,
    calls_planned integer NOT NULL DEFAULT 0,
    rows_stored integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    started_at timestamptz,
    finished_at timestamptz,
    error_kind text,
    error text,
    hint text,
    try_started_at timestamptz,
    answered jsonb,
    PRIMARY KEY (user_id, job_id)
) WITH (fillfactor = 70);
-- Looking a job up by its id alone, and taking the next due one, must not grow with the queue.
CREATE INDEX sync_jobs_job_id ON sync_jobs (job_id);
CREATE INDEX sync_jobs_due ON sync_jobs (priority, due_at)
    WHERE state = ANY (ARRAY['queued', 'waiting']);
-- Work of one account that lives (connections.next_sync_at, the same backfill asked twice): this one and sync_jobs_live, each
-- for the kinds the other leaves out, so that a job pays for one of them only.
CREATE INDEX sync_jobs_backfills ON sync_jobs (user_id, account_id)
    WHERE kind = 'backfill' AND state = ANY (ARRAY['queued', 'running', 'waiting']);
CREATE INDEX sync_jobs_running ON sync_jobs (lease_until) WHERE state = 'running';
CREATE INDEX sync_jobs_finished ON sync_jobs (finished_at) WHERE finished_at IS NOT NULL;
-- At most one live refresh and one live daily job for an account: this is what makes enqueueing idempotent.
CREATE UNIQUE INDEX sync_jobs_live ON sync_jobs (user_id, account_id, kind)
    WHERE kind <> 'backfill'
      AND state = ANY (ARRAY['queued', 'running', 'waiting']);
COMMENT ON TABLE sync_jobs IS 'Work to do, being done and done; not part of a dump';
COMMENT ON COLUMN sync_jobs.user_id IS 'The user whose account is synced';
COMMENT ON COLUMN sync_jobs.job_id IS 'Identifies the job; ig_sync_status(job_id) tells its state';
COMMENT ON COLUMN sync_jobs.account_id IS 'The account to sync';
COMMENT ON COLUMN sync_jobs.kind IS 'refresh (a person waits), daily or backfill';
COMMENT ON COLUMN sync_jobs.priority IS 'Order of claiming: 0 refresh, 1 daily, 2 backfill';
COMMENT ON COLUMN sync_jobs.trigger IS 'What put it there: user, cron, ...';
COMMENT ON COLUMN sync_jobs.state IS
    'queued, running, waiting (for its next try), succeeded, partial, failed or cancelled';
COMMENT ON COLUMN sync_jobs.metrics IS 'Only these metrics; NULL for those that are on';
COMMENT ON COLUMN sync_jobs.since IS 'First day to ask; NULL for what is due';
COMMENT ON COLUMN sync_jobs.until IS 'Last day to ask; NULL for yesterday';
COMMENT ON COLUMN sync_jobs.due_at IS 'Not claimed before';
COMMENT ON COLUMN sync_jobs.lease_until IS 'While running: after this moment another worker may take it';
COMMENT ON COLUMN sync_jobs.generation IS
    'Raised by each claim, cancel and reclaim: a late worker''s result is refused';
COMMENT ON COLUMN sync_jobs.attempt IS 'Tries so far that failed or run';
COMMENT ON COLUMN sync_jobs.crashes IS 'How often the worker died with this job in hand';
COMMENT ON COLUMN sync_jobs.calls_done IS 'API calls made in this try';
COMMENT ON COLUMN sync_jobs.calls_planned IS 'API calls this try needs, as known';
COMMENT ON COLUMN sync_jobs.rows_stored IS 'Rows inserted, updated or found unchanged';
COMMENT ON COLUMN sync_jobs.queued_at IS 'When it was put in the queue';
COMMENT ON COLUMN sync_jobs.started_at IS 'When its first try began';
COMMENT ON COLUMN sync_jobs.finished_at IS 'When it ended';
COMMENT ON COLUMN sync_jobs.error_kind IS 'Kind of the failure that decided the state';
COMMENT ON COLUMN sync_jobs.error IS 'What went wrong; NULL if nothing did';
COMMENT ON COLUMN sync_jobs.hint IS 'What to do about error';
COMMENT ON COLUMN sync_jobs.try_started_at IS 'When its present or last try began';
COMMENT ON COLUMN sync_jobs.answered IS
    'Days of each metric that its earlier tries have stored: the next one does not ask for them again';

CREATE TABLE worker_state (
    singleton boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (singleton),
    leader_pid integer,
    started_at timestamptz,
    library_version text,
    clock_ahead_seconds bigint,
    clock_seen_at timestamptz,
    maintained_at timestamptz
);
INSERT INTO worker_state DEFAULT VALUES;
COMMENT ON TABLE worker_state IS
    'One row: which process is the worker of this database, if one runs; not part of a dump';
COMMENT ON COLUMN worker_state.singleton IS 'Always true: there is one row';
COMMENT ON COLUMN worker_state.leader_pid IS 'Process id of the worker; NULL when it left';
COMMENT ON COLUMN worker_state.started_at IS 'When it started; when it left, if none runs';
COMMENT ON COLUMN worker_state.library_version IS 'Version of the library it runs';
COMMENT ON COLUMN worker_state.clock_ahead_seconds IS 'How far our clock was ahead of the API''s, by the Date of an answer; negative: behind';
COMMENT ON COLUMN worker_state.clock_seen_at IS 'When that was seen; written once an hour at most';
COMMENT ON COLUMN worker_state.maintained_at IS 'When the worker last ended the daily deletion of what is too old';

CREATE TABLE installation (
    singleton boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (singleton),
    system_identifier bigint NOT NULL,
    database_oid oid NOT NULL,
    written_by xid8 NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    pause_reason text,
    paused_at timestamptz
);
COMMENT ON TABLE installation IS
    'One row, written at first use: which database this is, so that a restored copy knows that it is one and calls '
    'nobody';
COMMENT ON COLUMN installation.singleton IS 'Always true: there is one row';
COMMENT ON COLUMN installation.system_identifier IS 'The cluster that wrote the row';
COMMENT ON COLUMN installation.database_oid IS 'The database that wrote the row';
COMMENT ON COLUMN installation.written_by IS
    'The transaction that wrote the row: equal to its xmin unless a restore copied it';
COMMENT ON COLUMN installation.paused IS 'Nobody is called while true; see ig_pause() and ig_resume()';
COMMENT ON COLUMN installation.pause_reason IS 'Why, in words';
COMMENT ON COLUMN installation.paused_at IS 'Since when';
