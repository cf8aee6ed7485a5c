-- Retention: deletes what is old enough, a bounded number of rows a call, and says what it did.

-- The one setting that functions with the caller's rights need; ig_setting() would show all of them.
CREATE FUNCTION ig_log_retention() RETURNS interval
    LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT make_interval(secs => NULLIF(instagram_insights.ig_setting('log_retention'), '0')::double precision)
$body$;
COMMENT ON FUNCTION ig_log_retention() IS
    'Internal: instagram_insights.log_retention; NULL when log rows are kept for ever';

-- superuser-owned: row level security shows the worker role the log of the user it acts for only, and old rows of all
-- users must go. It takes no argument: how old is old enough stands in settings that only a superuser can change.
CREATE FUNCTION ig_prune_log() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    keep interval := instagram_insights.ig_log_retention();
    batch bigint;
    removed bigint := 0;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    FOR round IN 1..20 LOOP
        EXIT WHEN keep IS NULL;
        DELETE FROM instagram_insights.sync_log l
        USING (SELECT o.user_id, o.id
               FROM instagram_insights.sync_log o
               WHERE o.finished_at < now() - keep
               ORDER BY o.finished_at LIMIT 10000) old
        WHERE l.user_id = old.user_id AND l.id = old.id;
        GET DIAGNOSTICS batch = ROW_COUNT;
        removed := removed + batch;
        EXIT WHEN batch < 10000;
    END LOOP;
    RETURN removed;
END
$body$;
COMMENT ON FUNCTION ig_prune_log() IS
    'Internal: deletes log rows older than instagram_insights.log_retention, 200000 at most';

CREATE FUNCTION ig_prune_jobs() RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    keep interval := instagram_insights.ig_log_retention();
    batch bigint;
    removed bigint := 0;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    FOR round IN 1..20 LOOP
        EXIT WHEN keep IS NULL;
        DELETE FROM instagram_insights.sync_jobs j
        USING (SELECT o.user_id, o.job_id
               FROM instagram_insights.sync_jobs o
               WHERE o.finished_at < now() - keep
               ORDER BY o.finished_at LIMIT 10000) old
        WHERE j.user_id = old.user_id AND j.job_id = old.job_id AND j.finished_at IS NOT NULL;
        GET DIAGNOSTICS batch = ROW_COUNT;
        removed := removed + batch;
        EXIT WHEN batch < 10000;
    END LOOP;
    RETURN removed;
END
$body$;
COMMENT ON FUNCTION ig_prune_jobs() IS
    'Internal: deletes jobs that ended longer ago than instagram_insights.log_retention, 200000 at most';

-- superuser-owned: as ig_prune_log(), and TRUNCATE needs the table's owner. It takes no argument either.
CREATE FUNCTION ig_prune_insights() RETURNS TABLE (action text, object text, detail text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '2s'
AS $body$
DECLARE
    keep double precision := instagram_insights.ig_setting('insights_retention');
    horizon timestamptz;
    part record;
    batch bigint := 0;
    removed bigint := 0;
    filled boolean;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    IF keep <= 0 THEN
        RETURN QUERY SELECT 'keep', 'insights', 'insights_retention is 0: numbers are kept for ever';
        RETURN;
    END IF;
    horizon := now() - make_interval(secs => keep);
    FOR part IN
        SELECT p.name, p.first, p.behind
        FROM (SELECT c.relname AS name,
                     CASE WHEN c.relname ~ '_before_' THEN '-infinity'::timestamptz
                          ELSE make_timestamptz(right(c.relname, 4)::integer, 1, 1, 0, 0, 0, 'UTC') END AS first,
                     CASE WHEN c.relname ~ '_from_' THEN 'infinity'::timestamptz
                          ELSE make_timestamptz(right(c.relname, 4)::integer + (c.relname !~ '_before_')::integer,
                                                1, 1, 0, 0, 0, 'UTC') END AS behind
              FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
              WHERE h.inhparent = 'instagram_insights.insights'::regclass) p
        WHERE p.first < horizon
        ORDER BY p.first
    LOOP
        BEGIN
            IF part.behind <= horizon THEN
                EXECUTE format('SELECT EXISTS (SELECT FROM instagram_insights.%I)', part.name) INTO filled;
                CONTINUE WHEN NOT filled;
                EXECUTE format('TRUNCATE instagram_insights.%I', part.name);
                RETURN QUERY SELECT 'truncate', part.name::text, format('every row is older than %s', horizon);
                CONTINUE;
            END IF;
            FOR round IN 1..20 LOOP
                EXECUTE format('DELETE FROM instagram_insights.%I WHERE ctid = ANY (ARRAY(
                                    SELECT ctid FROM instagram_insights.%I WHERE end_time < $1 LIMIT 10000))',
                               part.name, part.name) USING horizon;
                GET DIAGNOSTICS batch = ROW_COUNT;
                removed := removed + batch;
                EXIT WHEN batch < 10000;
            END LOOP;
        EXCEPTION WHEN lock_not_available THEN
            RETURN QUERY SELECT 'skip', part.name::text, 'in use for longer than 2 seconds; the next call tries again';
        END;
    END LOOP;
    RETURN QUERY SELECT 'delete', 'insights', format('%s rows older than %s', removed, horizon)
                        || CASE WHEN batch = 10000 THEN '; more remain: call again' ELSE '' END;
END
$body$;
COMMENT ON FUNCTION ig_prune_insights() IS
    'Internal: deletes numbers older than instagram_insights.insights_retention, and empties partitions that are '
    'wholly so';

CREATE FUNCTION ig_prune_cron_runs() RETURNS text
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    keep interval := instagram_insights.ig_log_retention();
    removed bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        RETURN 'pg_cron is not in this database: nothing to do';
    ELSIF NOT has_schema_privilege('cron', 'USAGE') THEN
        RETURN format('not allowed to read them; as a superuser: GRANT USAGE ON SCHEMA cron TO %I;', current_user);
    ELSIF keep IS NULL THEN
        RETURN 'log_retention is 0: kept for ever';
    END IF;
    EXECUTE 'DELETE FROM cron.job_run_details r WHERE r.runid = ANY (ARRAY(
                 SELECT o.runid FROM cron.job_run_details o
                 WHERE o.database = current_database() AND o.end_time < now() - $1
                   AND o.command = ANY (ARRAY[''SELECT instagram_insights.ig_sync_all()'',
                                              ''SELECT instagram_insights.ig_nudge()''])
                 LIMIT 100000))' USING keep;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN format('%s rows older than log_retention', removed);
END
$body$;
COMMENT ON FUNCTION ig_prune_cron_runs() IS
    'Internal: deletes old rows of cron.job_run_details of our jobs, those the caller may see';

CREATE FUNCTION ig_maintain() RETURNS TABLE (action text, object text, detail text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    RETURN QUERY SELECT 'delete', 'sync_log',
        format('%s rows older than log_retention', instagram_insights.ig_prune_log());
    RETURN QUERY SELECT 'delete', 'sync_jobs',
        format('%s ended jobs older than log_retention', instagram_insights.ig_prune_jobs());
    RETURN QUERY SELECT 'delete', 'cron.job_run_details', instagram_insights.ig_prune_cron_runs();
    RETURN QUERY SELECT p.action, p.object, p.detail FROM instagram_insights.ig_prune_insights() p;
END
$body$;
COMMENT ON FUNCTION ig_maintain() IS
    'Deletes what is older than log_retention and insights_retention, a bounded number of rows a call: one row for '
    'each thing done. Run it daily.';
