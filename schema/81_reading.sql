-- Functions to read with: over a stretch of days, and as the newest values at a glance. They are LANGUAGE sql, because
-- their results have columns named as their arguments.

CREATE FUNCTION ig_reading_target(user_id uuid, account_id text, metric text, since date, until date, needed boolean)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_reading_target.user_id);
BEGIN
    IF ig_reading_target.needed AND (ig_reading_target.since IS NULL OR ig_reading_target.until IS NULL
                                     OR ig_reading_target.metric IS NULL) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'metric, since and until are needed',
            HINT = 'since and until are the first and the last day, for example date ''2026-01-01'', date ''2026-01-31''.';
    ELSIF NOT COALESCE(isfinite(ig_reading_target.since), true) OR NOT COALESCE(isfinite(ig_reading_target.until), true)
          OR ig_reading_target.since > ig_reading_target.until
          OR (ig_reading_target.needed AND ig_reading_target.until - ig_reading_target.since > 36600) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no stretch of days: since %s, until %s', ig_reading_target.since, ig_reading_target.until),
            HINT = 'since is the first day and until the last, both included, at most a hundred years.';
    ELSIF ig_reading_target.metric IS NOT NULL
          AND NOT EXISTS (SELECT FROM instagram_insights.metrics m WHERE m.name = ig_reading_target.metric) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'unknown metric: ' || quote_literal(ig_reading_target.metric),
            HINT = (SELECT 'Known metrics: ' || string_agg(m.name, ', ' ORDER BY m.name) || '.'
                    FROM instagram_insights.metrics m);
    ELSIF ig_reading_target.account_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM instagram_insights.accounts a
        WHERE a.user_id = target AND a.account_id = ig_reading_target.account_id) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('account "%s" does not exist', ig_reading_target.account_id),
            HINT = 'SELECT account_id FROM instagram_insights.connections shows the accounts there are.';
    END IF;
    RETURN target;
END
$body$;
COMMENT ON FUNCTION ig_reading_target(uuid, text, text, date, date, boolean) IS
    'Internal: the user a reading function is about, when its arguments make sense; raises 22004, 22023, 42501 or 42704';

CREATE FUNCTION ig_known_grain(grain text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF ig_known_grain.grain IS NULL OR ig_known_grain.grain <> ALL (ARRAY['day', 'week', 'month']) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'unknown grain: ' || quote_nullable(ig_known_grain.grain),
            HINT = 'Known grains: day, week, month.';
    END IF;
    RETURN ig_known_grain.grain;
END
$body$;
COMMENT ON FUNCTION ig_known_grain(text) IS 'Internal: the grain, if it is day, week or month; else raises 22023';

CREATE FUNCTION ig_timeseries(metric text, since date, until date, grain text DEFAULT 'day', user_id uuid DEFAULT NULL,
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
COMMENT ON FUNCTION ig_timeseries(text, date, date, text, uuid, text) IS
    'One metric from day to day, week to week or month to month; a gap is a row with value NULL and days 0';

CREATE FUNCTION ig_peak_day(metric text, since date, until date, user_id uuid DEFAULT NULL, account_id text DEFAULT NULL)
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
COMMENT ON FUNCTION ig_peak_day(text, date, date, uuid, text) IS
    'The day of each account on which a metric was highest, the first of several; no row for an account without values';

CREATE FUNCTION ig_overview(user_id uuid DEFAULT NULL, account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, metric text, value numeric, day date, previous numeric, change numeric,
                   change_pct numeric, retrieved_at timestamptz, stale boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT l.account_id, l.metric, l.value, l.day, before.value, l.value - before.value,
           round(100 * (l.value - before.value) / NULLIF(before.value, 0), 2), l.retrieved_at,
           a.status <> 'active' OR COALESCE(a.last_success_at < now() - '36 hours'::interval, true)
    FROM instagram_insights.accounts a
    JOIN instagram_insights.instagram_latest_metrics l ON l.user_id = a.user_id AND l.account_id = a.account_id
    LEFT JOIN LATERAL (
        SELECT i.value
        FROM instagram_insights.insights i
        WHERE i.user_id = l.user_id AND i.account_id = l.account_id AND i.metric = l.metric
          AND i.period = ANY (ARRAY['day', 'lifetime'])
          AND i.end_time >= l.end_time - '50 hours'::interval AND i.end_time < l.end_time AND i.day = l.day - 1
        ORDER BY i.end_time DESC, i.period LIMIT 1
    ) before ON true
    WHERE a.user_id = (SELECT instagram_insights.ig_reading_target(ig_overview.user_id, ig_overview.account_id, NULL, NULL,
                                                                   NULL, false))
      AND (ig_overview.account_id IS NULL OR a.account_id = ig_overview.account_id)
    ORDER BY l.account_id, l.metric
$body$;
COMMENT ON FUNCTION ig_overview(uuid, text) IS
    'The newest value of each metric beside that of the day before; stale: the account was last synced more than 36 hours '
    'ago or needs a person';
