-- Retention: deletes what is old enough, a bounded number of rows a call, and says what it did and whether more remains.

-- The one setting that functions with the caller's rights need; ig_setting() would show all of them.
CREATE FUNCTION ig_log_retention() RETURNS interval
    LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT make_interval(secs => NULLIF(instagram_insights.ig_setting('log_retention'), '0')::double precision)
$body$;
COMMENT ON FUNCTION ig_log_retention() IS
    'Internal: instagram_insights.log_retention; NULL when log rows are kept for ever';

-- superuser-owned, as all that delete here: row level security shows the worker role the log of the user it acts for only, and
-- old rows of all users must go. How old is old enough stands in settings that only a superuser can change.
CREATE FUNCTION ig_prune_ended(object text, most integer) RETURNS bigint
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
COMMENT ON FUNCTION ig_prune_ended(text, integer) IS
    'Internal: deletes rows of sync_log or sync_jobs that ended longer ago than instagram_insights.log_retention, so many '
    'at most; returns how many';

-- superuser-owned. A foreign key of the application deletes accounts without asking us, and what belongs to an account
-- cascades; the rest of what is known about a user who has none left goes here.
CREATE FUNCTION ig_prune_gone(most integer) RETURNS bigint
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
COMMENT ON FUNCTION ig_prune_gone(integer) IS
    'Internal: deletes jobs, log and budgets of users who have no account any more, so many of each at most; returns how '
    'many';

-- superuser-owned: the rows are those of our jobs, whoever pg_cron ran them as. pg_cron may be absent, hence EXECUTE.
CREATE FUNCTION ig_prune_cron_runs(most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    removed bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        RETURN NULL;
    END IF;
    EXECUTE 'DELETE FROM cron.job_run_details r WHERE r.runid = ANY (ARRAY(
                 SELECT o.runid FROM cron.job_run_details o
                 WHERE o.database = current_database() AND o.end_time < now() - $1
                   AND o.command = ANY (ARRAY[''SELECT instagram_insights.ig_sync_all()'',
                                              ''SELECT instagram_insights.ig_nudge()'',
                                              ''SELECT * FROM instagram_insights.ig_maintain()''])
                 LIMIT $2 FOR UPDATE SKIP LOCKED))'
        USING instagram_insights.ig_log_retention(), ig_prune_cron_runs.most;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$body$;
COMMENT ON FUNCTION ig_prune_cron_runs(integer) IS
    'Internal: deletes old rows of cron.job_run_details of our jobs in this database, so many at most; returns how many, '
    'NULL without pg_cron';

CREATE FUNCTION ig_years() RETURNS TABLE (name name, first timestamptz, behind timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT c.relname,
           CASE WHEN c.relname ~ '_before_' THEN '-infinity'::timestamptz
                ELSE make_timestamptz(right(c.relname, 4)::integer, 1, 1, 0, 0, 0, 'UTC') END,
           CASE WHEN c.relname ~ '_from_' THEN 'infinity'::timestamptz
                ELSE make_timestamptz(right(c.relname, 4)::integer + (c.relname !~ '_before_')::integer,
                                      1, 1, 0, 0, 0, 'UTC') END
    FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
    WHERE h.inhparent = 'instagram_insights.insights'::regclass
$body$;
COMMENT ON FUNCTION ig_years() IS 'Internal: the partitions of insights, with the first moment of each and the first behind it';

-- superuser-owned, as above.
CREATE FUNCTION ig_prune_insights(most integer) RETURNS TABLE (action text, object text, detail text, more boolean)
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
COMMENT ON FUNCTION ig_prune_insights(integer) IS
    'Internal: deletes numbers older than instagram_insights.insights_retention from the year in which that falls, so many '
    'at most';

-- superuser-owned: TRUNCATE needs the table's owner. Its lock keeps readers out until the transaction ends.
CREATE FUNCTION ig_empty_years() RETURNS TABLE (action text, object text, detail text, more boolean)
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
COMMENT ON FUNCTION ig_empty_years() IS
    'Internal: empties years that are wholly older than instagram_insights.insights_retention and free within 200 ms; to '
    'be called last in a transaction';

CREATE FUNCTION ig_chores(most integer) RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    removed bigint;
BEGIN
    removed := instagram_insights.ig_prune_ended('sync_log', ig_chores.most);
    RETURN QUERY SELECT 'delete', 'sync_log', format('%s rows older than log_retention', removed), removed = ig_chores.most;
    removed := instagram_insights.ig_prune_ended('sync_jobs', ig_chores.most);
    RETURN QUERY SELECT 'delete', 'sync_jobs', format('%s ended jobs older than log_retention', removed),
                        removed = ig_chores.most;
    removed := instagram_insights.ig_prune_gone(ig_chores.most);
    IF removed > 0 THEN
        RETURN QUERY SELECT 'delete', 'users', format('%s rows of users who have no account any more', removed),
                            removed >= ig_chores.most;
    END IF;
    removed := instagram_insights.ig_prune_cron_runs(ig_chores.most);
    RETURN QUERY SELECT 'delete', 'cron.job_run_details',
                        CASE WHEN removed IS NULL THEN 'pg_cron is not in this database: nothing to do'
                             ELSE format('%s rows older than log_retention', removed) END,
                        COALESCE(removed = ig_chores.most, false);
    RETURN QUERY SELECT p.action, p.object, p.detail, p.more
                 FROM instagram_insights.ig_prune_insights(ig_chores.most) p;
    RETURN QUERY SELECT p.action, p.object, p.detail, p.more
                 FROM instagram_insights.ig_close_months(5 * ig_chores.most) p;
    -- A year that is emptied opens the months again: hence another round.
    RETURN QUERY SELECT e.action, e.object, e.detail, e.more FROM instagram_insights.ig_empty_years() e;
END
$body$;
COMMENT ON FUNCTION ig_chores(integer) IS
    'Internal: one round of everything that ig_maintain() does, so many rows of each kind at most';

CREATE FUNCTION ig_maintain() RETURNS TABLE (action text, object text, detail text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    RETURN QUERY SELECT c.action, c.object, c.detail FROM instagram_insights.ig_chores(200000) c;
END
$body$;
COMMENT ON FUNCTION ig_maintain() IS
    'Deletes what is older than log_retention and insights_retention, a bounded number of rows a call: one row for '
    'each thing done. The worker does so daily.';

-- The worker's own session probes indexes and nothing else; closing months reads tables whole.
CREATE FUNCTION ig_maintain_daily() RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = on
    SET enable_hashjoin = on
    SET enable_mergejoin = on
    SET plan_cache_mode = auto
AS $body$
DECLARE
    unfinished boolean;
BEGIN
    IF EXISTS (SELECT FROM instagram_insights.worker_state w WHERE w.maintained_at > now() - interval '23 hours') THEN
        RETURN false;
    END IF;
    SELECT bool_or(c.more) INTO unfinished FROM instagram_insights.ig_chores(10000) c;
    IF NOT unfinished THEN
        UPDATE instagram_insights.worker_state AS w SET maintained_at = now();
    END IF;
    RETURN unfinished;
END
$body$;
COMMENT ON FUNCTION ig_maintain_daily() IS
    'Internal: for the worker, one short round of ig_chores() if the last day has seen none to its end; true: call it again '
    'in a transaction of its own';
