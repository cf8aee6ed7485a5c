-- ig_doctor(): one small function a subject; each row is ok, warn or fail, and what is not ok says what to do.

CREATE FUNCTION ig_doctor_library() RETURNS TABLE (check_name text, status text, detail text, hint text)
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
COMMENT ON FUNCTION ig_doctor_library() IS 'Internal: checks library, preload, enabled and key';

CREATE FUNCTION ig_doctor_paused() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'paused',
           CASE WHEN s.paused OR s.state = ANY (ARRAY['copy', 'unstamped']) THEN 'warn' ELSE 'ok' END,
           CASE WHEN s.state = ANY (ARRAY['copy', 'unstamped']) THEN 'This database is a restored or template copy; nobody is called.'
                WHEN s.paused THEN format('paused since %s: %s', s.since, COALESCE(s.reason, 'no reason was given'))
                ELSE 'not paused' END,
           CASE WHEN s.state = ANY (ARRAY['copy', 'unstamped']) OR s.paused AND s.reason LIKE '% copy: %' THEN
                    'Check that the original is off, or stays paused; then SELECT instagram_insights.ig_resume() here.'
                WHEN s.paused THEN 'SELECT instagram_insights.ig_resume() ends the pause.' END
    FROM instagram_insights.ig_installation_state() s
$body$;
COMMENT ON FUNCTION ig_doctor_paused() IS 'Internal: checks whether the installation is paused, and why';

CREATE FUNCTION ig_doctor_worker() RETURNS TABLE (check_name text, status text, detail text, hint text)
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
COMMENT ON FUNCTION ig_doctor_worker() IS 'Internal: checks worker and queue';

CREATE FUNCTION ig_doctor_jobs() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'failed jobs',
           CASE WHEN count(*) > 0 THEN 'warn' ELSE 'ok' END,
           CASE WHEN count(*) > 0 THEN
                    format('%s jobs failed in the last 24 hours, most often: %s', count(*),
                           mode() WITHIN GROUP (ORDER BY COALESCE(j.error, 'no reason was recorded')))
                ELSE 'no job failed in the last 24 hours' END,
           CASE WHEN count(*) > 0 THEN
                    COALESCE(mode() WITHIN GROUP (ORDER BY j.hint),
                             'SELECT * FROM instagram_insights.sync_logs ORDER BY finished_at DESC shows each try.') END
    FROM instagram_insights.sync_jobs j
    WHERE j.state = 'failed' AND j.finished_at > now() - '24 hours'::interval
$body$;
COMMENT ON FUNCTION ig_doctor_jobs() IS 'Internal: checks for jobs that failed';

CREATE FUNCTION ig_doctor_cron() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    daily bigint;
    nudges bigint;
    failure text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', 'pg_cron is not in this database, so nothing is seen of a schedule',
            'Call ig_schedule(): it schedules, or says the statements to run in the database that has pg_cron. Any '
            'other scheduler may call ig_sync_all() as well.';
        RETURN;
    ELSIF NOT has_schema_privilege('cron', 'USAGE') THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', 'you may not look into schema cron',
            format('As a superuser: GRANT USAGE ON SCHEMA cron TO %I;', current_user);
        RETURN;
    END IF;
    EXECUTE 'SELECT count(*) FILTER (WHERE j.command LIKE ''%ig_sync_all(%''),
                    count(*) FILTER (WHERE j.command LIKE ''%ig_nudge(%'')
             FROM cron.job j WHERE j.active AND j.database = current_database()' INTO daily, nudges;
    EXECUTE 'SELECT last.return_message
             FROM (SELECT r.status, r.return_message FROM cron.job_run_details r
                   WHERE r.database = current_database() AND r.command LIKE ''%instagram_insights.ig_%''
                   ORDER BY r.runid DESC LIMIT 1) last
             WHERE last.status = ''failed''' INTO failure;
    IF daily = 0 THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', 'no daily sync is scheduled that you can see',
            'SELECT instagram_insights.ig_schedule() as a role that has LOGIN.';
    ELSIF failure IS NOT NULL THEN
        RETURN QUERY SELECT 'pg_cron', 'fail', format('the last run failed: %s', failure),
            'See cron.job_run_details; the job''s role needs LOGIN and instagram_insights_admin, and cron.host must '
            'let it in.';
    ELSIF nudges = 0 THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', 'the daily sync is scheduled, the nudge is not',
            'SELECT instagram_insights.ig_schedule() schedules both.';
    ELSIF daily > 1 THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', format('%s daily syncs are scheduled', daily),
            'Remove those too many with ig_unschedule(job_name); a second one costs calls but does no harm.';
    ELSE
        RETURN QUERY SELECT 'pg_cron', 'ok', 'the daily sync and the nudge are scheduled', NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_cron() IS 'Internal: checks the schedule';

CREATE FUNCTION ig_doctor_identity() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'identity',
           CASE WHEN p.identity = 'role' AND r.mapped = 0 OR p.identity <> 'role' AND r.mapped > 0 THEN 'warn'
                ELSE 'ok' END,
           format('instagram_insights.identity is %s, role_users has %s rows', p.identity, r.mapped),
           CASE WHEN p.identity = 'role' AND r.mapped = 0 THEN
                    'Nobody is known: INSERT INTO instagram_insights.role_users (role_name, user_id) each role and '
                    'its user.'
                WHEN p.identity <> 'role' AND r.mapped > 0 THEN
                    'role_users counts only with ALTER DATABASE ... SET instagram_insights.identity = ''role''; '
                    'empty it if that is not wanted.' END
    FROM instagram_insights.ig_process_state() p, (SELECT count(*) AS mapped FROM instagram_insights.role_users) r
$body$;
COMMENT ON FUNCTION ig_doctor_identity() IS 'Internal: checks where the user comes from';

CREATE FUNCTION ig_doctor_storage() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    last_year integer;
    keep interval := instagram_insights.ig_log_retention();
    oldest timestamptz := (SELECT l.finished_at FROM instagram_insights.sync_log l ORDER BY l.finished_at LIMIT 1);
BEGIN
    SELECT max(right(c.relname, 4)::integer) INTO last_year
    FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
    WHERE h.inhparent = 'instagram_insights.insights'::regclass AND c.relname ~ '^insights_[0-9]{4}$';
    IF extract(year FROM now() AT TIME ZONE 'UTC') >= last_year THEN
        RETURN QUERY SELECT 'partitions', 'warn',
            format('the last partition of a single year is insights_%s', last_year),
            'Install a newer version and run ALTER EXTENSION instagram_insights UPDATE: it brings the coming years.';
    ELSE
        RETURN QUERY SELECT 'partitions', 'ok', format('made up to %s', last_year), NULL::text;
    END IF;
    IF oldest < now() - keep - '7 days'::interval THEN
        RETURN QUERY SELECT 'retention', 'warn', format('sync_log goes back to %s, longer than log_retention', oldest),
            'Have SELECT * FROM instagram_insights.ig_maintain() run daily.';
    ELSE
        RETURN QUERY SELECT 'retention', 'ok', 'old log rows are removed in time', NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_storage() IS 'Internal: checks partitions and retention';

CREATE FUNCTION ig_doctor() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    subject text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['library', 'paused', 'worker', 'jobs', 'cron', 'app', 'accounts', 'permissions',
                                   'clock', 'budgets', 'identity', 'storage']
    LOOP
        -- A check that cannot run is a finding as well; it must not hide the others.
        BEGIN
            RETURN QUERY EXECUTE format(
                'SELECT d.check_name, d.status, d.detail, d.hint FROM instagram_insights.%I() d',
                                        'ig_doctor_' || subject);
        EXCEPTION WHEN OTHERS THEN
            RETURN QUERY SELECT subject, 'fail', format('this check could not run: %s', SQLERRM),
                'See the server log; if the library cannot be loaded, install the package of this version again.';
        END;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION ig_doctor() IS
    'Looks at everything that can be wrong: one row a check, status ok, warn or fail, and a hint what to do. Never '
    'raises.';
