-- Scheduling by pg_cron, which may be absent, in this database or in another one: hence EXECUTE.

CREATE FUNCTION ig_cron_lines(schedule text, job_name text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT string_agg(format('SELECT cron.schedule_in_database(%L, %L, %L, %L, %L);',
                             job.name, job.schedule, job.command, current_database(), current_user),
                      E'\n' ORDER BY job.place)
    FROM (VALUES (1, ig_cron_lines.job_name, ig_cron_lines.schedule, 'SELECT instagram_insights.ig_sync_all()'),
                 (2, ig_cron_lines.job_name || ' nudge', '*/5 * * * *', 'SELECT instagram_insights.ig_nudge()'))
         job(place, name, schedule, command)
$body$;
COMMENT ON FUNCTION ig_cron_lines(text, text) IS
    'Internal: the statements that schedule this database from the one in which pg_cron lives';

CREATE FUNCTION ig_require_cron(lines text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    home text;
BEGIN
    IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        IF NOT has_schema_privilege('cron', 'USAGE') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'insufficient_privilege',
                MESSAGE = 'permission denied for schema cron',
                HINT = format('As a superuser: GRANT USAGE ON SCHEMA cron TO %I;', current_user);
        END IF;
        RETURN;
    END IF;
    BEGIN
        home := current_setting('cron.database_name', true);
    EXCEPTION WHEN insufficient_privilege THEN
        home := NULL;
    END;
    RAISE EXCEPTION USING
        ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = 'pg_cron is not installed in this database',
        DETAIL = CASE WHEN home = current_database() THEN 'It may be installed here: this is cron.database_name.'
                      WHEN home IS NOT NULL THEN format('It may be installed in database "%s" only.', home)
                      ELSE 'It may be installed in the database that cron.database_name names, "postgres" by default.'
                 END,
        HINT = CASE WHEN home = current_database() THEN 'Run CREATE EXTENSION pg_cron, then call this again.'
                    ELSE format(E'Run there as a superuser, after CREATE EXTENSION pg_cron:\n%s',
                                ig_require_cron.lines) END;
END
$body$;
COMMENT ON FUNCTION ig_require_cron(text) IS
    'Internal: raises 55000, with the statements to run elsewhere as hint, unless pg_cron is in this database';

CREATE FUNCTION ig_cron_job_name(job_name text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF ig_cron_job_name.job_name = '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'job_name is empty',
            HINT = 'Leave job_name out for the default name.';
    END IF;
    RETURN COALESCE(ig_cron_job_name.job_name, format('instagram_insights daily sync (%s)', current_database()));
END
$body$;
COMMENT ON FUNCTION ig_cron_job_name(text) IS 'Internal: the name given, or the default one';

CREATE FUNCTION ig_schedule(schedule text DEFAULT '0 11 * * *', job_name text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    name text := instagram_insights.ig_cron_job_name(ig_schedule.job_name);
    names text[] := ARRAY[name, name || ' nudge'];
    other bigint;
    daily bigint;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    IF ig_schedule.schedule IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'schedule must not be null',
            HINT = 'Give a cron expression such as ''0 11 * * *'', or leave it out for that one.';
    ELSIF NOT (SELECT r.rolcanlogin FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('role "%s" cannot log in', current_user),
            DETAIL = 'pg_cron runs the jobs as the role that calls this.',
            HINT = 'Call it as a role that has LOGIN and is in instagram_insights_admin.';
    END IF;
    PERFORM instagram_insights.ig_require_cron(instagram_insights.ig_cron_lines(ig_schedule.schedule, name));

    EXECUTE 'SELECT j.jobid FROM cron.job j WHERE j.jobname::text = ANY ($1) AND j.username = current_user
             AND j.database <> current_database() LIMIT 1' INTO other USING names;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_object',
            MESSAGE = format('a cron job named "%s" exists for another database', name),
            HINT = 'Choose another job_name.';
    END IF;
    -- pg_cron keeps one job for each name and user. A superuser sees the jobs of others and replaces theirs as well.
    EXECUTE 'SELECT cron.unschedule(j.jobid) FROM cron.job j WHERE j.jobname::text = ANY ($1)
             AND j.database = current_database() AND j.username <> current_user' USING names;
    BEGIN
        EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO daily
            USING name, ig_schedule.schedule, 'SELECT instagram_insights.ig_sync_all()';
    EXCEPTION WHEN internal_error OR invalid_parameter_value THEN
        IF SQLERRM NOT LIKE 'invalid schedule%' THEN
            RAISE;
        END IF;
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid schedule: %s', ig_schedule.schedule),
            HINT = 'Give five fields: minute, hour, day of the month, month, day of the week, such as ''0 11 * * *''.';
    END;
    EXECUTE 'SELECT cron.schedule($1, $2, $3)'
        USING name || ' nudge', '*/5 * * * *', 'SELECT instagram_insights.ig_nudge()';
    RETURN daily;
END
$body$;
COMMENT ON FUNCTION ig_schedule(text, text) IS
    'Makes or replaces the pg_cron jobs that call ig_sync_all() on this schedule (in cron.timezone) and ig_nudge() '
    'every 5 minutes; they run as the caller. Returns the id of the first.';

CREATE FUNCTION ig_unschedule(job_name text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    name text := instagram_insights.ig_cron_job_name(ig_unschedule.job_name);
    names text[] := ARRAY[name, name || ' nudge'];
    removed bigint;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    PERFORM instagram_insights.ig_require_cron(
        format('SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname::text IN (%L, %L) AND database = %L;',
               names[1], names[2], current_database()));
    EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job j
             WHERE j.jobname::text = ANY ($1) AND j.database = current_database()' INTO removed USING names;
    RETURN removed > 0;
END
$body$;
COMMENT ON FUNCTION ig_unschedule(text) IS
    'Removes the pg_cron jobs that ig_schedule() made under this name; false if there were none of the caller''s';
