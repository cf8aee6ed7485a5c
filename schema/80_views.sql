-- What people read and write by hand: views over the tables, all with the rights of whoever asks.

CREATE FUNCTION ig_only_account() RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    known text[];
BEGIN
    SELECT array_agg(a.account_id ORDER BY a.account_id) INTO known
    FROM instagram_insights.accounts a
    WHERE a.user_id = instagram_insights.ig_current_user_id() AND a.platform = 'instagram';

    IF cardinality(known) = 1 THEN
        RETURN known[1];
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'not_null_violation',
        MESSAGE = 'account_id is needed',
        DETAIL = CASE WHEN known IS NULL THEN 'The current user has no account.'
                      ELSE format('The current user has %s accounts.', cardinality(known)) END,
        HINT = CASE WHEN known IS NULL THEN 'Connect one first, with instagram_insights.ig_authorize_url() or ig_connect_token().'
                    ELSE 'Name one of them: ' || array_to_string(known, ', ') || '.' END;
END
$body$;
COMMENT ON FUNCTION ig_only_account() IS
    'The current user''s only Instagram account, the default of instagram_insights.account_id. Raises 23502 when '
    'there is none or more than one.';

-- The id must not depend on TimeZone or DateStyle, hence the epoch; lengths in front keep different keys different.
CREATE VIEW instagram_insights WITH (security_invoker = true) AS
SELECT pg_catalog.md5(i.user_id::text
           || ':' || pg_catalog.length(i.account_id)::text || ':' || i.account_id
           || ':' || pg_catalog.length(i.metric)::text || ':' || i.metric
           || ':' || pg_catalog.length(i.period)::text || ':' || i.period
           || ':' || extract(epoch FROM i.end_time AT TIME ZONE 'UTC')::text)::uuid AS id,
       i.metric,
       i.value,
       i.end_time,
       i.retrieved_at,
       i.user_id,
       i.account_id,
       i.period,
       i.day,
       i.metadata,
       i.project_id,
       i.entity_id
FROM insights i
WHERE pg_catalog.strpos(i.account_id, ':') = 0
WITH CASCADED CHECK OPTION;
ALTER VIEW instagram_insights ALTER COLUMN user_id SET DEFAULT ig_current_user_id();
ALTER VIEW instagram_insights ALTER COLUMN account_id SET DEFAULT ig_only_account();
ALTER VIEW instagram_insights ALTER COLUMN period SET DEFAULT 'day';
COMMENT ON VIEW instagram_insights IS
    'The numbers of Instagram accounts, own rows only. Can be written: ON CONFLICT (user_id, account_id, metric, '
    'period, end_time).';
COMMENT ON COLUMN instagram_insights.id IS
    'Derived from the row''s key, so it stays the same when the value is corrected; read-only';
COMMENT ON COLUMN instagram_insights.metric IS 'The metric, one of metrics.name';
COMMENT ON COLUMN instagram_insights.value IS 'The number, exactly as the API said it';
COMMENT ON COLUMN instagram_insights.end_time IS 'The end of the period, as the API said it';
COMMENT ON COLUMN instagram_insights.retrieved_at IS
    'When this value last changed; freshness is connections.last_success_at';
COMMENT ON COLUMN instagram_insights.user_id IS 'Whose row it is; the current user by default';
COMMENT ON COLUMN instagram_insights.account_id IS 'The account; by default the user''s only one';
COMMENT ON COLUMN instagram_insights.period IS 'day for daily numbers, the default';
COMMENT ON COLUMN instagram_insights.day IS 'The US-Pacific day it measures; read-only, follows from end_time';
COMMENT ON COLUMN instagram_insights.metadata IS
    'Parts of the value, and rolling windows that end with the day, if it has any';
COMMENT ON COLUMN instagram_insights.project_id IS 'Free for your application';
COMMENT ON COLUMN instagram_insights.entity_id IS 'Free for your application';

-- A loose index scan: from the end of an account's rows backwards, one probe of the primary key brings the newest row of
-- the next metric and period, however long the history is; DISTINCT ON reads it all. No name of a metric comes after
-- 64 times z, in any collation. The foreign key to accounts makes sure that no row is missed.
CREATE VIEW instagram_latest_metrics WITH (security_invoker = true) AS
SELECT a.user_id,
       newest.metric,
       newest.value,
       newest.end_time,
       newest.retrieved_at,
       a.account_id,
       newest.day
FROM accounts a
CROSS JOIN LATERAL (
    WITH RECURSIVE step (metric, period, value, end_time, retrieved_at, day) AS (
        SELECT pg_catalog.repeat('z', 64), ''::text, NULL::numeric, NULL::timestamptz, NULL::timestamptz, NULL::date
        UNION ALL
        SELECT following.metric, following.period, following.value, following.end_time, following.retrieved_at,
               following.day
        FROM step
        CROSS JOIN LATERAL (
            SELECT i.metric, i.period, i.value, i.end_time, i.retrieved_at, i.day
            FROM insights i
            WHERE i.user_id = a.user_id AND i.account_id = a.account_id
              AND (i.metric, i.period) < (step.metric, step.period)
            ORDER BY i.metric DESC, i.period DESC, i.end_time DESC LIMIT 1
        ) following
    )
    SELECT DISTINCT ON (s.metric) s.metric, s.value, s.end_time, s.retrieved_at, s.day
    FROM step s
    WHERE s.period = ANY (ARRAY['day', 'lifetime'])
    ORDER BY s.metric, s.end_time DESC, s.period
) newest
WHERE pg_catalog.strpos(a.account_id, ':') = 0;
COMMENT ON VIEW instagram_latest_metrics IS 'The newest value of each metric of each Instagram account, own rows only';
COMMENT ON COLUMN instagram_latest_metrics.user_id IS 'Whose row it is';
COMMENT ON COLUMN instagram_latest_metrics.metric IS 'The metric, one of metrics.name';
COMMENT ON COLUMN instagram_latest_metrics.value IS 'Its newest value';
COMMENT ON COLUMN instagram_latest_metrics.end_time IS 'The end of the period it measures';
COMMENT ON COLUMN instagram_latest_metrics.retrieved_at IS 'When this value last changed';
COMMENT ON COLUMN instagram_latest_metrics.account_id IS 'The account';
COMMENT ON COLUMN instagram_latest_metrics.day IS 'The US-Pacific day it measures';

CREATE VIEW sync_logs WITH (security_invoker = true) AS
SELECT l.id, l.job_id, l.user_id, l.account_id, l.kind, l.trigger, l.started_at, l.finished_at, l.status,
       l.rows_inserted, l.rows_updated, l.rows_unchanged, l.api_calls, l.error_code, l.error_message, l.errors
FROM sync_log l;
COMMENT ON VIEW sync_logs IS 'One row for every try to sync an account, own rows only';
COMMENT ON COLUMN sync_logs.id IS 'Rising number';
COMMENT ON COLUMN sync_logs.job_id IS 'The job; NULL for ig_fetch_insights()';
COMMENT ON COLUMN sync_logs.user_id IS 'The user whose account it was';
COMMENT ON COLUMN sync_logs.account_id IS 'The account';
COMMENT ON COLUMN sync_logs.kind IS 'refresh, daily, backfill or fetch';
COMMENT ON COLUMN sync_logs.trigger IS 'What asked for it: user, cron, ...';
COMMENT ON COLUMN sync_logs.started_at IS 'When this try began';
COMMENT ON COLUMN sync_logs.finished_at IS 'When this try ended';
COMMENT ON COLUMN sync_logs.status IS
    'succeeded, partial, failed, throttled, needs_login, token_unreadable, paused or cancelled';
COMMENT ON COLUMN sync_logs.rows_inserted IS 'New rows';
COMMENT ON COLUMN sync_logs.rows_updated IS 'Rows whose value the API corrected';
COMMENT ON COLUMN sync_logs.rows_unchanged IS 'Rows that were there already with this value';
COMMENT ON COLUMN sync_logs.api_calls IS 'Calls to the API';
COMMENT ON COLUMN sync_logs.error_code IS 'The API''s code of the first error, if it gave one';
COMMENT ON COLUMN sync_logs.error_message IS 'The first error in words';
COMMENT ON COLUMN sync_logs.errors IS 'All errors: [{metric, kind, code, subcode, message, hint}]';
