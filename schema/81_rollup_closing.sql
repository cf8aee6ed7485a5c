-- Closing months: what ig_maintain() does so that instagram_monthly need not read every row of everybody.

CREATE FUNCTION ig_closable_before() RETURNS date
    LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    -- A transaction that is open may have written days up to four before it began without leaving a mark.
    SELECT ((LEAST(now(),
                   (SELECT min(s.xact_start) FROM pg_stat_activity s WHERE s.datname = current_database()),
                   (SELECT min(p.prepared) FROM pg_prepared_xacts p WHERE p.database = current_database()))
             - '4 days 1 second'::interval) AT TIME ZONE 'America/Los_Angeles')::date
$body$;
COMMENT ON FUNCTION ig_closable_before() IS
    'Internal: the days before it cannot change without leaving a mark in insights_late; superuser-owned, because others '
    'do not see when a transaction began';

-- Both in one statement, so that what is taken away and what is computed are of one snapshot: a mark that is not seen
-- stays, and with it the month is computed from the rows.
CREATE FUNCTION ig_close_late(closed_before date, most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    taken bigint;
BEGIN
    WITH marks AS (
        DELETE FROM instagram_insights.insights_late l
        WHERE l.ctid = ANY (ARRAY(SELECT o.ctid FROM instagram_insights.insights_late o LIMIT ig_close_late.most))
        RETURNING l.user_id, l.account_id, l.metric, l.period_start
    ), cells AS (
        SELECT DISTINCT k.user_id, k.account_id, k.metric, k.period_start
        FROM marks k
        WHERE k.period_start < ig_close_late.closed_before
    ), made AS (
        SELECT k.user_id, k.account_id, k.metric, k.period_start, m.rollup AS method, rows.days,
               COALESCE(rows.added, rows.highest, rows.newest[2]) AS value
        FROM cells k
        JOIN instagram_insights.metrics m ON m.name = k.metric
        CROSS JOIN LATERAL (
            SELECT sum(i.value) FILTER (WHERE m.rollup = 'sum') AS added,
                   max(i.value) FILTER (WHERE m.rollup = 'max') AS highest,
                   max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE m.rollup = 'last') AS newest,
                   count(i.value)::integer AS days
            FROM instagram_insights.insights i
            WHERE i.user_id = k.user_id AND i.account_id = k.account_id AND i.metric = k.metric AND i.period = 'day'
              AND i.end_time >= (k.period_start::timestamp AT TIME ZONE 'America/Los_Angeles')
              AND i.end_time < ((k.period_start + '1 month 1 day'::interval) AT TIME ZONE 'America/Los_Angeles')
              AND i.day >= k.period_start AND i.day < (k.period_start + '1 month'::interval)::date
              AND i.day < ig_close_late.closed_before AND i.value IS NOT NULL) rows
        WHERE rows.days > 0
    ), emptied AS (
        DELETE FROM instagram_insights.insights_monthly c
        USING cells k
        WHERE c.user_id = k.user_id AND c.account_id = k.account_id AND c.metric = k.metric
          AND c.period_start = k.period_start
          AND NOT EXISTS (SELECT FROM made f WHERE f.user_id = k.user_id AND f.account_id = k.account_id
                            AND f.metric = k.metric AND f.period_start = k.period_start)
    ), stored AS (
        INSERT INTO instagram_insights.insights_monthly AS c
               (user_id, account_id, metric, period_start, value, days, method)
        SELECT f.user_id, f.account_id, f.metric, f.period_start, f.value, f.days, f.method
        FROM made f
        ON CONFLICT ON CONSTRAINT insights_monthly_pkey
        DO UPDATE SET value = EXCLUDED.value, days = EXCLUDED.days, method = EXCLUDED.method
    )
    SELECT count(*) INTO taken FROM marks;
    RETURN taken;
END
$body$;
COMMENT ON FUNCTION ig_close_late(date, integer) IS
    'Internal: makes months anew in which something was written late, so many marks at most; returns how many';

CREATE FUNCTION ig_close_days(since date, until date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    touched bigint;
BEGIN
    -- since and until lie in one month; until is not included. What is kept of the month's days before is added to.
    INSERT INTO instagram_insights.insights_monthly AS c (user_id, account_id, metric, period_start, value, days, method)
    SELECT f.user_id, f.account_id, f.metric, date_trunc('month', ig_close_days.since::timestamp)::date,
           COALESCE(f.added, f.highest, f.newest[2]), f.days, f.rollup
    FROM (SELECT i.user_id, i.account_id, i.metric, m.rollup,
                 sum(i.value) FILTER (WHERE m.rollup = 'sum') AS added,
                 max(i.value) FILTER (WHERE m.rollup = 'max') AS highest,
                 max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE m.rollup = 'last') AS newest,
                 count(*)::integer AS days
          FROM instagram_insights.insights i
          JOIN instagram_insights.metrics m ON m.name = i.metric
          WHERE i.period = 'day' AND i.value IS NOT NULL
            AND i.end_time >= (ig_close_days.since::timestamp AT TIME ZONE 'America/Los_Angeles')
            AND i.end_time < ((ig_close_days.until + 1)::timestamp AT TIME ZONE 'America/Los_Angeles')
            AND i.day >= ig_close_days.since AND i.day < ig_close_days.until
          GROUP BY i.user_id, i.account_id, i.metric, m.rollup) f
    ON CONFLICT ON CONSTRAINT insights_monthly_pkey DO UPDATE
    SET value = CASE EXCLUDED.method WHEN 'sum' THEN c.value + EXCLUDED.value
                                     WHEN 'max' THEN GREATEST(c.value, EXCLUDED.value)
                                     ELSE EXCLUDED.value END,
        days = c.days + EXCLUDED.days,
        method = EXCLUDED.method;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN touched;
END
$body$;
COMMENT ON FUNCTION ig_close_days(date, date) IS
    'Internal: adds days of one month, the last not included, to insights_monthly; returns how many figures changed';

CREATE FUNCTION ig_close_months(most integer DEFAULT 1000000)
    RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    state record;
    present oid[] := ARRAY(SELECT h.inhrelid FROM pg_inherits h
                           WHERE h.inhparent = 'instagram_insights.insights'::regclass ORDER BY h.inhrelid);
    reachable date := instagram_insights.ig_closable_before();
    reached date;
    stop date;
    late bigint;
    figures bigint := 0;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN QUERY SELECT 'skip', 'insights_monthly', 'months are closed in transactions that are READ COMMITTED only', false;
        RETURN;
    END IF;
    SELECT s.closed_before, s.partitions INTO state FROM instagram_insights.rollup_state s FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'skip', 'insights_monthly', 'another session is closing months', false;
        RETURN;
    END IF;
    reached := state.closed_before;
    -- Without its triggers (Citus has none) nothing tells of late writes: then every figure is computed from the rows.
    IF 4 * cardinality(present) > (SELECT count(*) FROM pg_trigger t
                                   WHERE t.tgrelid = ANY (present) AND t.tgenabled = 'A'
                                     AND t.tgname = ANY (ARRAY['late_insert', 'late_update', 'late_delete', 'emptied'])) THEN
        UPDATE instagram_insights.rollup_state SET closed_before = '-infinity';
        DELETE FROM instagram_insights.insights_monthly;
        RETURN QUERY SELECT 'skip', 'insights_monthly',
            'a partition of insights lacks the triggers that tell of late writes: months are computed from the rows', false;
        RETURN;
    END IF;
    IF reached = '-infinity' OR state.partitions <> present
       OR reached > (now() AT TIME ZONE 'America/Los_Angeles')::date - 4 THEN
        DELETE FROM instagram_insights.insights_monthly;
        reached := '-infinity';
    END IF;
    late := instagram_insights.ig_close_late(reached, ig_close_months.most);
    IF reached = '-infinity' THEN
        SELECT LEAST(reachable, date_trunc('month', min(i.day)::timestamp)::date) INTO reached
        FROM instagram_insights.insights i;
    END IF;
    WHILE reached < reachable AND figures < ig_close_months.most LOOP
        stop := LEAST(reachable, (date_trunc('month', reached::timestamp) + '1 month'::interval)::date);
        figures := figures + instagram_insights.ig_close_days(reached, stop);
        reached := stop;
    END LOOP;
    UPDATE instagram_insights.rollup_state SET closed_before = reached, partitions = present;
    RETURN QUERY SELECT 'close', 'insights_monthly',
                        format('%s figures of months made, %s marks of late writes taken away', figures, late)
                        || CASE WHEN reached < reachable OR late = ig_close_months.most THEN '; more remain: call again' ELSE '' END,
                        reached < reachable OR late = ig_close_months.most;
END
$body$;
COMMENT ON FUNCTION ig_close_months(integer) IS
    'Internal: brings insights_monthly up to the days that are over, month by month until so many figures were made';
