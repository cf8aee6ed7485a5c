-- One row for every try to sync an account; read it through the view sync_logs.

CREATE TABLE sync_log (
    user_id uuid NOT NULL,
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    job_id bigint,
    account_id text NOT NULL,
    kind text NOT NULL,
    trigger text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    status text NOT NULL,
    rows_inserted integer NOT NULL DEFAULT 0,
    rows_updated integer NOT NULL DEFAULT 0,
    rows_unchanged integer NOT NULL DEFAULT 0,
    api_calls integer NOT NULL DEFAULT 0,
    error_code integer,
    error_message text,
    errors jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (user_id, id)
);
-- For retention. Rows come in the order of time: a few numbers a hundred pages tell where the old ones are.
CREATE INDEX sync_log_finished ON sync_log USING brin (finished_at) WITH (autosummarize = on);
COMMENT ON TABLE sync_log IS 'One row for every try to sync an account, kept for instagram_insights.log_retention';
COMMENT ON COLUMN sync_log.user_id IS 'The user whose account it was';
COMMENT ON COLUMN sync_log.id IS 'Rising number';
COMMENT ON COLUMN sync_log.job_id IS 'The job; NULL for ig_fetch_insights()';
COMMENT ON COLUMN sync_log.account_id IS 'The account';
COMMENT ON COLUMN sync_log.kind IS 'refresh, daily, backfill or fetch';
COMMENT ON COLUMN sync_log.trigger IS 'What asked for it: user, cron, ...';
COMMENT ON COLUMN sync_log.started_at IS 'When this try began';
COMMENT ON COLUMN sync_log.finished_at IS 'When this try ended';
COMMENT ON COLUMN sync_log.status IS 'succeeded, partial, failed, throttled, needs_login, token_unreadable, paused or cancelled';
COMMENT ON COLUMN sync_log.rows_inserted IS 'New rows';
COMMENT ON COLUMN sync_log.rows_updated IS 'Rows whose value the API corrected';
COMMENT ON COLUMN sync_log.rows_unchanged IS 'Rows that were there already with this value';
COMMENT ON COLUMN sync_log.api_calls IS 'Calls to the API';
COMMENT ON COLUMN sync_log.error_code IS 'The API''s code of the first error, if it gave one';
COMMENT ON COLUMN sync_log.error_message IS 'The first error in words';
COMMENT ON COLUMN sync_log.errors IS 'All errors: [{metric, kind, code, subcode, message, hint}]';
