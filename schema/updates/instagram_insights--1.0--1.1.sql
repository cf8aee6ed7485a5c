-- From 1.0 to 1.1. How such a script is written: README.md in this folder. As long as it is because it repeats each function that changed, whole.
\echo Use "ALTER EXTENSION instagram_insights UPDATE TO '1.1'" to load this file. \quit

-- Loads the library, so that this session starts the next worker when it commits; and stops before anything is changed
-- where a server still has the old one preloaded.
DO $library$
DECLARE
    loaded text := (SELECT p.library_version FROM instagram_insights.ig_process_state() p);
BEGIN
    IF pg_catalog.string_to_array(loaded, '.')::integer[] < ARRAY[1, 1] THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = pg_catalog.format('the library of instagram_insights in this session is version %s, this update needs 1.1',
                                        loaded),
            HINT = 'Restart the server if it preloads the library, or connect anew; then run ALTER EXTENSION '
                   'instagram_insights UPDATE again.';
    END IF;
END
$library$;

-- Says which of the two is the older one.
CREATE OR REPLACE FUNCTION ig_doctor_library() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    process record;
    installed text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'instagram_insights');
BEGIN
    SELECT * INTO process FROM instagram_insights.ig_process_state();
    IF process.library_version = installed THEN
        RETURN QUERY SELECT 'library', 'ok', 'version ' || installed, NULL::text;
    ELSE
        RETURN QUERY SELECT 'library', 'fail',
            format('the library is version %s, the extension in this database %s', process.library_version, installed),
            CASE WHEN string_to_array(process.library_version, '.')::integer[] > string_to_array(installed, '.')::integer[]
                 THEN 'Run ALTER EXTENSION instagram_insights UPDATE in this database.'
                 ELSE format('Install the package of version %s, restart the server if it preloads the library, and '
                             'connect anew.', installed) END;
    END IF;
    IF process.preloaded THEN
        RETURN QUERY SELECT 'preload', 'ok', 'the library is in shared_preload_libraries', NULL::text;
    ELSE
        RETURN QUERY SELECT 'preload', 'warn',
            'the library is not in shared_preload_libraries: after a restart of the server work goes on at the next '
            'nudge only',
            'Add instagram_insights to shared_preload_libraries and restart the server, or let ig_schedule() nudge '
            'every 5 minutes.';
    END IF;
    IF process.enabled THEN
        RETURN QUERY SELECT 'enabled', 'ok', 'instagram_insights.enabled is on', NULL::text;
    ELSE
        RETURN QUERY SELECT 'enabled', 'warn', 'instagram_insights.enabled is off: nobody is called',
            'Set instagram_insights.enabled to on and reload the configuration, unless this is a copy that must stay '
            'quiet.';
    END IF;
    IF process.key_status = 'missing' AND instagram_insights.ig_count_foreign_tokens('') = 0 THEN
        RETURN QUERY SELECT 'key', 'ok', 'no key yet: it is made when the first account is connected', NULL::text;
    ELSE
        RETURN QUERY SELECT 'key', CASE WHEN process.key_status = ANY (ARRAY['ok', 'warn']) THEN process.key_status
                                         ELSE 'fail' END,
            process.key_detail, process.key_hint;
    END IF;
END
$body$;

-- What the tries of a job that waits have brought, for the next one to go on from; and when the last of them began. Before
-- anything else is locked: whoever stores holds a row of this table, and goes on to insights.
DO $jobs$
BEGIN
    EXECUTE 'ALTER TABLE instagram_insights.sync_jobs ADD COLUMN IF NOT EXISTS try_started_at timestamptz';
    EXECUTE 'COMMENT ON COLUMN instagram_insights.sync_jobs.try_started_at IS ''When its present or last try began''';
    EXECUTE 'ALTER TABLE instagram_insights.sync_jobs ADD COLUMN IF NOT EXISTS answered jsonb';
END
$jobs$;
COMMENT ON COLUMN sync_jobs.answered IS
    'Days of each metric that its earlier tries have stored: the next one does not ask for them again';

-- What a number may be: numbers of one user that are too large to be added would stop the closing of months for all.
DO $bounds$
BEGIN
    EXECUTE 'ALTER TABLE instagram_insights.insights DROP CONSTRAINT IF EXISTS insights_value_check';
    EXECUTE 'ALTER TABLE instagram_insights.insights ADD CONSTRAINT insights_value_check CHECK (value > ''-1e309''::numeric AND value < ''1e309''::numeric)';
    EXECUTE 'COMMENT ON CONSTRAINT insights_value_check ON instagram_insights.insights IS ''Finite, and small enough that whatever is added to it still is a number''';
END
$bounds$;

-- Row types of tables and views are nobody's either.
DO $types$
DECLARE
    row_type record;
BEGIN
    FOR row_type IN
        SELECT t.oid::pg_catalog.regtype AS name
        FROM pg_catalog.pg_type t
        JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
        JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace AND n.nspname = 'instagram_insights'
        WHERE c.relkind <> 'c' AND t.typacl IS NULL
    LOOP
        EXECUTE pg_catalog.format('REVOKE ALL ON TYPE %s FROM PUBLIC', row_type.name);
    END LOOP;
END
$types$;

COMMENT ON COLUMN worker_state.started_at IS 'When it started; when it left, if none runs';

-- Stretches of days that make no sense are refused on 18 as well.
CREATE OR REPLACE FUNCTION ig_peak_day(metric text, since date, until date, user_id uuid DEFAULT NULL, account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, day date, value numeric)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT DISTINCT ON (i.account_id) i.account_id, i.day, i.value
    FROM instagram_insights.insights i
    WHERE i.user_id = (SELECT instagram_insights.ig_target_user(ig_peak_day.user_id))
      AND (ig_peak_day.account_id IS NULL OR i.account_id = ig_peak_day.account_id) AND strpos(i.account_id, ':') = 0
      AND i.metric = ig_peak_day.metric AND i.period = 'day' AND i.value IS NOT NULL
      AND i.end_time >= (ig_peak_day.since::timestamp AT TIME ZONE 'America/Los_Angeles')
      AND i.end_time < ((ig_peak_day.until + 2)::timestamp AT TIME ZONE 'America/Los_Angeles')
      AND i.day >= ig_peak_day.since AND i.day <= ig_peak_day.until
    ORDER BY i.account_id, i.value DESC, i.day
    -- Here it is always called. In WHERE it would not be where the arguments tell the planner (from 18 on) or the pruning
    -- of partitions that no row can match: what makes no sense would then be answered by nothing.
    LIMIT CASE WHEN instagram_insights.ig_reading_target(ig_peak_day.user_id, ig_peak_day.account_id, ig_peak_day.metric,
                        ig_peak_day.since, ig_peak_day.until, true) IS NULL THEN 0 END
$body$;

CREATE OR REPLACE FUNCTION ig_export_json(since date DEFAULT NULL, until date DEFAULT NULL, user_id uuid DEFAULT NULL,
                               account_id text DEFAULT NULL) RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT json_build_object(
               'account_id', i.account_id, 'metric', i.metric, 'period', i.period, 'day', to_char(i.day, 'YYYY-MM-DD'),
               'end_time', btrim(to_json(i.end_time AT TIME ZONE 'UTC')::text, '"') || 'Z', 'value', i.value,
               'retrieved_at', btrim(to_json(i.retrieved_at AT TIME ZONE 'UTC')::text, '"') || 'Z',
               'project_id', i.project_id, 'entity_id', i.entity_id, 'metadata', i.metadata)::text
    FROM instagram_insights.insights i
    WHERE i.user_id = (SELECT instagram_insights.ig_target_user(ig_export_json.user_id))
      AND (ig_export_json.account_id IS NULL OR i.account_id = ig_export_json.account_id) AND strpos(i.account_id, ':') = 0
      AND (ig_export_json.since IS NULL OR i.day >= ig_export_json.since)
      AND (ig_export_json.until IS NULL OR i.day <= ig_export_json.until)
    ORDER BY i.account_id, i.metric, i.end_time, i.period
    -- As in ig_peak_day(): refused whatever is known of the rows.
    LIMIT CASE WHEN instagram_insights.ig_reading_target(ig_export_json.user_id, ig_export_json.account_id, NULL,
                        ig_export_json.since, ig_export_json.until, false) IS NULL THEN 0 END
$body$;

-- In C: a statement that writes many days of a month marks it once.
CREATE OR REPLACE FUNCTION ig_mark_late() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_mark_late';

-- What PL/pgSQL converted by itself is said.
CREATE OR REPLACE FUNCTION ig_doctor_accounts() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    key_id text := (SELECT p.key_id FROM instagram_insights.ig_process_state() p);
    total bigint;
    expiring bigint;
    fewest integer;
    waiting bigint;
    sealed_elsewhere bigint;
BEGIN
    SELECT count(*) FILTER (WHERE c.status <> 'disconnected'), count(*) FILTER (WHERE c.status = 'expiring'),
           count(*) FILTER (WHERE c.status = 'needs_login'), count(*) FILTER (WHERE c.status = 'token_unreadable'),
           (min(LEAST(c.days_left, floor(extract(epoch FROM a.data_access_expires_at - now()) / 86400)))
               FILTER (WHERE c.status = ANY (ARRAY['active', 'expiring', 'throttled'])))::integer
    INTO total, expiring, waiting, sealed_elsewhere, fewest
    FROM instagram_insights.connections c
    JOIN instagram_insights.accounts a ON a.user_id = c.user_id AND a.account_id = c.account_id;
    IF key_id IS NOT NULL THEN
        sealed_elsewhere := GREATEST(sealed_elsewhere, instagram_insights.ig_count_foreign_tokens(key_id));
    END IF;

    IF total = 0 THEN
        RETURN QUERY SELECT 'accounts', 'warn', 'no account is connected yet',
            'Connect one with instagram_insights.ig_authorize_url() or ig_connect_token().';
    ELSE
        RETURN QUERY SELECT 'accounts', 'ok', format('%s accounts are connected', total), NULL::text;
    END IF;
    IF sealed_elsewhere > 0 THEN
        RETURN QUERY SELECT 'tokens', 'fail',
            format('%s tokens are sealed under another key and cannot be opened', sealed_elsewhere),
            'Bring the key file back that was in use then, or have these users connect again.';
    ELSIF waiting > 0 THEN
        RETURN QUERY SELECT 'tokens', 'warn', format('%s accounts need a new login', waiting),
            'SELECT user_id, account_id, hint FROM instagram_insights.connections WHERE status = ''needs_login'' '
            'shows which.';
    ELSIF expiring > 0 THEN
        RETURN QUERY SELECT 'tokens', 'warn', format('%s tokens, or what they give access to, end within 7 days, the first in %s days',
                                       expiring, fewest),
            'SELECT user_id, account_id, hint FROM instagram_insights.connections WHERE status = ''expiring'' '
            'shows which; connect them again before.';
    ELSE
        RETURN QUERY SELECT 'tokens', 'ok',
            CASE WHEN fewest IS NULL THEN 'no token needs attention'
                 ELSE format('no token needs attention, the first ends in %s days', fewest) END, NULL::text;
    END IF;
END
$body$;

CREATE OR REPLACE FUNCTION ig_prune_ended(object text, most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    key text := CASE ig_prune_ended.object WHEN 'sync_log' THEN 'id' WHEN 'sync_jobs' THEN 'job_id' END;
    removed bigint;
BEGIN
    IF key IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('nothing ends in "%s"', ig_prune_ended.object),
            HINT = 'Name sync_log or sync_jobs.';
    END IF;
    EXECUTE format('DELETE FROM instagram_insights.%1$I t
                    USING (SELECT o.user_id, o.%2$I AS key FROM instagram_insights.%1$I o
                           WHERE o.finished_at < now() - $1
                           ORDER BY o.finished_at LIMIT $2 FOR UPDATE SKIP LOCKED) old
                    WHERE t.user_id = old.user_id AND t.%2$I = old.key', ig_prune_ended.object, key)
        USING instagram_insights.ig_log_retention(), ig_prune_ended.most;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$body$;

CREATE OR REPLACE FUNCTION ig_prune_gone(most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    tab text;
    batch bigint;
    removed bigint := 0;
BEGIN
    FOREACH tab IN ARRAY ARRAY['sync_jobs', 'sync_log', 'usage'] LOOP
        EXECUTE format('DELETE FROM instagram_insights.%1$I t WHERE t.ctid = ANY (ARRAY(
                            SELECT o.ctid FROM instagram_insights.%1$I o
                            WHERE o.user_id <> ''00000000-0000-0000-0000-000000000000''
                              AND NOT EXISTS (SELECT FROM instagram_insights.accounts a WHERE a.user_id = o.user_id)
                            LIMIT $1 FOR UPDATE SKIP LOCKED))', tab) USING ig_prune_gone.most;
        GET DIAGNOSTICS batch = ROW_COUNT;
        removed := removed + batch;
    END LOOP;
    RETURN removed;
END
$body$;

CREATE OR REPLACE FUNCTION ig_prune_insights(most integer) RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '200ms'
AS $body$
DECLARE
    keep double precision := instagram_insights.ig_setting('insights_retention')::double precision;
    horizon timestamptz := now() - make_interval(secs => keep);
    part name;
    removed bigint := 0;
BEGIN
    IF keep <= 0 THEN
        RETURN QUERY SELECT 'keep', 'insights', 'insights_retention is 0: numbers are kept for ever', false;
        RETURN;
    END IF;
    SELECT y.name INTO part FROM instagram_insights.ig_years() y WHERE y.first < horizon AND y.behind > horizon;
    EXECUTE format('DELETE FROM instagram_insights.%1$I t WHERE t.ctid = ANY (ARRAY(
                        SELECT o.ctid FROM instagram_insights.%1$I o
                        WHERE o.end_time < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))', part)
        USING horizon, ig_prune_insights.most;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN QUERY SELECT 'delete', 'insights', format('%s rows older than %s', removed, horizon)
                        || CASE WHEN removed = ig_prune_insights.most THEN '; more remain: call again' ELSE '' END,
                        removed = ig_prune_insights.most;
EXCEPTION WHEN lock_not_available THEN
    RETURN QUERY SELECT 'skip', part::text, 'in use; the next call tries again', false;
END
$body$;

CREATE OR REPLACE FUNCTION ig_empty_years() RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '200ms'
AS $body$
DECLARE
    keep double precision := instagram_insights.ig_setting('insights_retention')::double precision;
    part name;
    filled boolean;
BEGIN
    FOR part IN
        SELECT y.name FROM instagram_insights.ig_years() y
        WHERE keep > 0 AND y.behind <= now() - make_interval(secs => keep)
        ORDER BY y.behind
    LOOP
        BEGIN
            EXECUTE format('SELECT EXISTS (SELECT FROM instagram_insights.%I)', part) INTO filled;
            CONTINUE WHEN NOT filled;
            EXECUTE format('TRUNCATE instagram_insights.%I', part);
            RETURN QUERY SELECT 'truncate', part::text, 'every row is older than insights_retention', true;
        EXCEPTION WHEN lock_not_available THEN
            RETURN QUERY SELECT 'skip', part::text, 'in use; the next call tries again', false;
        END;
    END LOOP;
END
$body$;

CREATE OR REPLACE FUNCTION ig_doctor_worker() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    alive boolean := (SELECT p.worker_alive FROM instagram_insights.ig_process_state() p);
    halted boolean := (SELECT s.paused OR s.state = ANY (ARRAY['copy', 'unstamped']) FROM instagram_insights.ig_installation_state() s)
                      OR NOT (SELECT p.enabled FROM instagram_insights.ig_process_state() p);
    due bigint;
    oldest timestamptz;
    expired bigint;
    slots integer := current_setting('max_worker_processes')::integer;
    used bigint;
BEGIN
    SELECT count(*), min(j.due_at) INTO due, oldest
    FROM instagram_insights.sync_jobs j
    WHERE j.state = ANY (ARRAY['queued', 'waiting']) AND j.due_at <= now();
    SELECT count(*) INTO expired FROM instagram_insights.sync_jobs j
    WHERE j.state = 'running' AND j.lease_until < now();
    -- Sessions whose kind the caller may not see are not counted: then fewer slots seem taken than are.
    SELECT count(*) INTO used
    FROM pg_stat_activity a
    WHERE a.backend_type <> ALL (ARRAY['client backend', 'autovacuum launcher', 'autovacuum worker', 'checkpointer',
        'background writer', 'walwriter', 'walsender', 'walreceiver', 'walsummarizer', 'archiver', 'startup', 'logger',
        'slotsync worker', 'io worker', 'standalone backend']);

    IF alive THEN
        RETURN QUERY SELECT 'worker', 'ok', 'the worker of this database runs', NULL::text;
    ELSIF due + expired = 0 OR halted THEN
        RETURN QUERY SELECT 'worker', 'ok', 'no worker runs and none is needed now', NULL::text;
    ELSIF used >= slots THEN
        RETURN QUERY SELECT 'worker', 'fail',
            format('work is due but all %s worker processes of the server are taken', slots),
            'Raise max_worker_processes and restart the server.';
    ELSE
        RETURN QUERY SELECT 'worker',
            CASE WHEN oldest < now() - '1 minute'::interval OR expired > 0 THEN 'fail' ELSE 'warn' END,
            format('%s jobs are due and no worker runs', due + expired),
            'SELECT instagram_insights.ig_nudge() starts it; if it does not stay, the server log says why.';
    END IF;

    IF expired > 0 AND NOT halted THEN
        RETURN QUERY SELECT 'queue', 'fail',
            format('%s jobs are running under a lease that is over: their worker died', expired),
            'SELECT instagram_insights.ig_nudge() has them taken up again.';
    ELSIF due > 0 AND oldest < now() - '15 minutes'::interval AND NOT halted THEN
        RETURN QUERY SELECT 'queue', 'warn', format('%s jobs wait, the oldest since %s', due, oldest),
            'If the number grows, raise instagram_insights.max_in_flight; the check "worker" says whether one runs.';
    ELSE
        RETURN QUERY SELECT 'queue', 'ok', format('%s jobs are due', due), NULL::text;
    END IF;
END
$body$;

-- A try that ended with its process is told of in sync_log, by the job that the next worker takes back.
CREATE OR REPLACE FUNCTION ig_log_lost_tries(job_ids bigint[]) RETURNS void
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
REVOKE ALL ON FUNCTION ig_log_lost_tries(bigint[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ig_log_lost_tries(bigint[]) TO instagram_insights_worker;

-- Rolling windows stand beside the day they end with, and are asked by default for ends of weeks: of these the weeks are made.

CREATE OR REPLACE FUNCTION ig_merge_parts(kept jsonb, came jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT CASE
               WHEN jsonb_typeof(ig_merge_parts.came) IS DISTINCT FROM 'object' THEN ig_merge_parts.kept
               WHEN jsonb_typeof(ig_merge_parts.kept) IS DISTINCT FROM 'object' THEN ig_merge_parts.came
               ELSE ig_merge_parts.kept || ig_merge_parts.came || (
                   SELECT COALESCE(jsonb_object_agg(m.name, (ig_merge_parts.kept -> m.name) || (ig_merge_parts.came -> m.name)), '{}')
                   FROM unnest(ARRAY['breakdowns', 'windows']) m(name)
                   WHERE jsonb_typeof(ig_merge_parts.kept -> m.name) = 'object'
                     AND jsonb_typeof(ig_merge_parts.came -> m.name) = 'object')
           END
$body$;
COMMENT ON FUNCTION ig_merge_parts(jsonb, jsonb) IS
    'Internal: the metadata of a row after an answer with some of its parts: a dimension or window that came replaces the '
    'one that was kept, the others and what the application put there stay';
CREATE OR REPLACE VIEW account_metrics WITH (security_invoker = true) AS
SELECT a.user_id,
       a.account_id,
       m.name AS metric,
       on_today.enabled AND on_today.available AS asked,
       on_today.enabled,
       on_today.available,
       CASE WHEN a.metrics IS NOT NULL THEN 'account' WHEN a.chosen IS NOT NULL THEN 'site' ELSE 'default' END AS decided_by,
       CASE
           WHEN m.removed_on <= on_today.today THEN 'The API stopped answering it on ' || pg_catalog.to_char(m.removed_on, 'YYYY-MM-DD') || '.'
           WHEN m.offered_from > on_today.today THEN 'The API answers it from ' || pg_catalog.to_char(m.offered_from, 'YYYY-MM-DD') || ' on.'
           WHEN refused.since IS NOT NULL THEN
               'Refused for this account' || COALESCE(': ' || (a.metric_state -> m.name ->> 'reason'), '')
               || '. It is asked again a week later.'
       END AS remark,
       refused.since AS unsupported_since,
       CASE WHEN pg_catalog.jsonb_typeof(a.chosen -> m.name) = 'array'
            THEN ARRAY(SELECT pg_catalog.jsonb_array_elements_text(a.chosen -> m.name))
            ELSE m.asked_breakdowns END AS breakdowns,
       m.metric_type,
       m.period,
       m.windows,
       m.timeframe,
       m.history_days,
       m.min_followers,
       CASE WHEN m.windows = '{}' THEN NULL WHEN a.chosen ? m.name THEN 'every day' ELSE 'ends of weeks' END AS windows_of
FROM (SELECT c.user_id, c.account_id, c.platform, c.metrics, c.metric_state,
             COALESCE(c.metrics, (SELECT s.metrics FROM metric_settings s)) AS chosen
      FROM accounts c) a
JOIN metrics m ON m.platform = a.platform AND m.level = 'account'
CROSS JOIN LATERAL (
    SELECT COALESCE(a.chosen ? m.name, m.enabled_by_default) AS enabled,
           COALESCE(m.removed_on > d.today, true) AND COALESCE(m.offered_from <= d.today, true) AS available,
           d.today
    FROM (SELECT (pg_catalog.now() AT TIME ZONE 'UTC')::date AS today) d) on_today
CROSS JOIN LATERAL (
    SELECT (a.metric_state -> m.name ->> 'unsupported_since')::timestamptz AS since) refused;
COMMENT ON COLUMN account_metrics.windows IS 'Rolling windows that are asked beside it';
COMMENT ON COLUMN account_metrics.windows_of IS
    'Which windows: every day where ig_set_metrics() names the metric, else ends of weeks: those that end with an ISO week; '
    'NULL if it has none';
CREATE OR REPLACE VIEW instagram_weekly WITH (security_invoker = true) AS
SELECT g.user_id, g.account_id, g.metric, g.period_start,
       COALESCE(g.asked, g.added, g.highest, g.newest[2]) AS value,
       CASE WHEN g.asked IS NULL THEN g.days ELSE 7 END AS days,
       CASE WHEN g.asked IS NULL THEN g.method ELSE 'api' END AS method
FROM (SELECT i.user_id, i.account_id, i.metric, pg_catalog.date_trunc('week', i.day::timestamp)::date AS period_start,
             m.rollup AS method,
             COALESCE(
                 pg_catalog.max(i.value) FILTER (WHERE i.period = 'week'),
                 pg_catalog.max(pg_catalog.jsonb_path_query_first(i.metadata -> 'windows' -> 'week', '$ ? (@.type() == "number")')::numeric)
                     FILTER (WHERE i.metadata IS NOT NULL AND i.period = 'day' AND m.rollup = 'max'
                                   AND extract(isodow FROM i.day) = 7)) AS asked,
             pg_catalog.sum(i.value) FILTER (WHERE i.period = 'day' AND m.rollup = 'sum') AS added,
             pg_catalog.max(i.value) FILTER (WHERE i.period = 'day' AND m.rollup = 'max') AS highest,
             pg_catalog.max(ARRAY[extract(epoch FROM i.end_time), i.value])
                 FILTER (WHERE i.period = 'day' AND m.rollup = 'last') AS newest,
             pg_catalog.count(*) FILTER (WHERE i.period = 'day')::integer AS days
      FROM insights i
      JOIN metrics m ON m.name = i.metric
      WHERE i.value IS NOT NULL AND pg_catalog.strpos(i.account_id, ':') = 0
        AND (i.period = 'day' OR (i.period = 'week' AND m.rollup = 'max' AND extract(isodow FROM i.day) = 7))
      GROUP BY i.user_id, i.account_id, i.metric, pg_catalog.date_trunc('week', i.day::timestamp)::date, m.rollup) g;
CREATE OR REPLACE FUNCTION ig_timeseries(metric text, since date, until date, grain text DEFAULT 'day', user_id uuid DEFAULT NULL,
                              account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, bucket date, value numeric, days integer)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    WITH asked AS MATERIALIZED (
        SELECT instagram_insights.ig_reading_target(ig_timeseries.user_id, ig_timeseries.account_id, ig_timeseries.metric,
                                                    ig_timeseries.since, ig_timeseries.until, true) AS target,
               instagram_insights.ig_known_grain(ig_timeseries.grain) AS grain,
               (SELECT m.rollup FROM instagram_insights.metrics m WHERE m.name = ig_timeseries.metric) AS method
    ), accounts AS (
        SELECT a.account_id
        FROM instagram_insights.accounts a
        WHERE a.user_id = (SELECT asked.target FROM asked) AND strpos(a.account_id, ':') = 0
          AND (ig_timeseries.account_id IS NULL OR a.account_id = ig_timeseries.account_id)
    ), buckets AS (
        SELECT b.first::date AS first
        FROM asked, generate_series(date_trunc(asked.grain, ig_timeseries.since::timestamp),
                                    ig_timeseries.until::timestamp, ('1 ' || asked.grain)::interval) b(first)
    ), filled AS (
        SELECT i.account_id, date_trunc(asked.grain, i.day::timestamp)::date AS first,
               COALESCE(
                   max(i.value) FILTER (WHERE i.period = 'week'),
                   max(jsonb_path_query_first(i.metadata -> 'windows' -> 'week', '$ ? (@.type() == "number")')::numeric)
                       FILTER (WHERE i.period = 'day' AND asked.grain = 'week' AND asked.method = 'max'
                                     AND extract(isodow FROM i.day) = 7 AND i.day - 6 >= ig_timeseries.since)) AS counted,
               CASE asked.method
                   WHEN 'sum' THEN sum(i.value) FILTER (WHERE i.period = 'day')
                   WHEN 'max' THEN max(i.value) FILTER (WHERE i.period = 'day')
                   ELSE (max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE i.period = 'day'))[2] END AS made,
               count(*) FILTER (WHERE i.period = 'day')::integer AS days
        FROM asked, instagram_insights.insights i
        WHERE i.user_id = (SELECT asked.target FROM asked) AND i.metric = ig_timeseries.metric
          AND i.account_id IN (SELECT a.account_id FROM accounts a)
          AND i.end_time >= (ig_timeseries.since::timestamp AT TIME ZONE 'America/Los_Angeles')
          AND i.end_time < ((ig_timeseries.until + 2)::timestamp AT TIME ZONE 'America/Los_Angeles')
          AND i.day >= ig_timeseries.since AND i.day <= ig_timeseries.until AND i.value IS NOT NULL
          AND (i.period = 'day'
               OR (i.period = 'week' AND asked.grain = 'week' AND asked.method = 'max'
                   AND extract(isodow FROM i.day) = 7 AND i.day - 6 >= ig_timeseries.since))
        GROUP BY i.account_id, date_trunc(asked.grain, i.day::timestamp)::date, asked.method
    )
    SELECT a.account_id, b.first, COALESCE(f.counted, f.made),
           CASE WHEN f.counted IS NULL THEN COALESCE(f.days, 0) ELSE 7 END
    FROM accounts a
    CROSS JOIN buckets b
    LEFT JOIN filled f ON f.account_id = a.account_id AND f.first = b.first
    ORDER BY a.account_id, b.first
$body$;
CREATE OR REPLACE FUNCTION ig_compare_periods(metric text, since date, until date, user_id uuid DEFAULT NULL,
                                   account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, current numeric, previous numeric, change numeric, change_pct numeric,
                   current_days integer, previous_days integer, method text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    WITH asked AS MATERIALIZED (
        SELECT instagram_insights.ig_reading_target(ig_compare_periods.user_id, ig_compare_periods.account_id,
                   ig_compare_periods.metric, ig_compare_periods.since, ig_compare_periods.until, true) AS target,
               ig_compare_periods.until - ig_compare_periods.since + 1 AS length,
               m.rollup AS method,
               CASE WHEN m.rollup = 'max' THEN
                   CASE ig_compare_periods.until - ig_compare_periods.since WHEN 6 THEN 'week' WHEN 27 THEN 'days_28' END
               END AS window
        FROM (SELECT) one LEFT JOIN instagram_insights.metrics m ON m.name = ig_compare_periods.metric
    ), sides AS (
        SELECT i.account_id, i.day >= ig_compare_periods.since AS now,
               COALESCE(
                   max(i.value) FILTER (WHERE i.period <> 'day'),
                   max(jsonb_path_query_first(i.metadata -> 'windows' -> asked.window, '$ ? (@.type() == "number")')::numeric)
                       FILTER (WHERE i.day = ANY (ARRAY[ig_compare_periods.since - 1, ig_compare_periods.until]))) AS counted,
               CASE asked.method
                   WHEN 'sum' THEN sum(i.value) FILTER (WHERE i.period = 'day')
                   WHEN 'max' THEN max(i.value) FILTER (WHERE i.period = 'day')
                   ELSE (max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE i.period = 'day'))[2] END AS made,
               count(*) FILTER (WHERE i.period = 'day')::integer AS days
        FROM asked, instagram_insights.insights i
        WHERE i.user_id = (SELECT asked.target FROM asked) AND i.metric = ig_compare_periods.metric
          AND (ig_compare_periods.account_id IS NULL OR i.account_id = ig_compare_periods.account_id)
          AND i.end_time >= ((ig_compare_periods.since - asked.length)::timestamp AT TIME ZONE 'America/Los_Angeles')
          AND i.end_time < ((ig_compare_periods.until + 2)::timestamp AT TIME ZONE 'America/Los_Angeles')
          AND i.day >= ig_compare_periods.since - asked.length AND i.day <= ig_compare_periods.until
          AND i.value IS NOT NULL
          AND (i.period = 'day'
               OR (i.period = asked.window AND i.day = ANY (ARRAY[ig_compare_periods.since - 1, ig_compare_periods.until])))
        GROUP BY i.account_id, i.day >= ig_compare_periods.since, asked.method
    ), paired AS (
        -- A window that the API counted is compared with such a one only.
        SELECT a.account_id, c.counted IS NOT NULL AND p.counted IS NOT NULL AS both,
               c.counted AS c_counted, p.counted AS p_counted, c.made AS c_made, p.made AS p_made,
               COALESCE(c.days, 0) AS c_days, COALESCE(p.days, 0) AS p_days
        FROM instagram_insights.accounts a
        LEFT JOIN sides c ON c.account_id = a.account_id AND c.now
        LEFT JOIN sides p ON p.account_id = a.account_id AND NOT p.now
        WHERE a.user_id = (SELECT asked.target FROM asked) AND strpos(a.account_id, ':') = 0
          AND (ig_compare_periods.account_id IS NULL OR a.account_id = ig_compare_periods.account_id)
    )
    SELECT v.account_id, v.current, v.previous, v.current - v.previous,
           round(100 * (v.current - v.previous) / NULLIF(v.previous, 0), 2),
           CASE WHEN v.both THEN asked.length ELSE v.c_days END, CASE WHEN v.both THEN asked.length ELSE v.p_days END,
           CASE WHEN v.both THEN 'api' ELSE asked.method END
    FROM asked, (SELECT q.*, CASE WHEN q.both THEN q.c_counted ELSE q.c_made END AS current,
                        CASE WHEN q.both THEN q.p_counted ELSE q.p_made END AS previous
                 FROM paired q) v
    ORDER BY v.account_id
$body$;
COMMENT ON COLUMN metrics.windows IS
    'Rolling windows (week, days_28) that are asked beside period, for unique counts of a window cannot be had from its days; '
    'kept in insights.metadata of the day they end with: {"windows": {"week": 310}}';
COMMENT ON COLUMN insights.metadata IS 'Parts of the value, and rolling windows that end with the day, if it has any';
COMMENT ON COLUMN instagram_insights.metadata IS
    'Parts of the value, and rolling windows that end with the day, if it has any';

-- The last word of every update: at commit the worker of the version before goes and one of this version begins.
SELECT ig_wake_worker();
