-- What people read of weeks and months. A week or month without any value has no row.

-- One pass over the rows. max of {end_time, value} is the newest value; it is built for totals only. A week of unique counts
-- is the window that the API counted, beside its Sunday, or a row of period week that somebody wrote. Anybody may have
-- written metadata by hand: what is no number is no window.
CREATE VIEW instagram_weekly WITH (security_invoker = true) AS
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
COMMENT ON VIEW instagram_weekly IS 'Figures of ISO weeks, own rows only; a week without any value has no row';
COMMENT ON COLUMN instagram_weekly.user_id IS 'Whose numbers they are';
COMMENT ON COLUMN instagram_weekly.account_id IS 'The account';
COMMENT ON COLUMN instagram_weekly.metric IS 'The metric';
COMMENT ON COLUMN instagram_weekly.period_start IS 'The Monday it begins';
COMMENT ON COLUMN instagram_weekly.value IS 'The figure, made as method says';
COMMENT ON COLUMN instagram_weekly.days IS 'How many of its days have a value; 7 for a figure of the API''s own';
COMMENT ON COLUMN instagram_weekly.method IS
    'sum of the days; max: the highest day, for unique counts must not be added up; last: the newest total; api: unique '
    'over the whole week, as the API counted it';

-- A function in PL/pgSQL: it plans for the days in question, which the view could not tell the planner, so that the years
-- before are not even planned, and with a small cost that asks for no JIT compilation. An admin's conditions do not reach
-- into it; row level security does.
CREATE FUNCTION ig_months_since()
    RETURNS TABLE (owner uuid, account_id text, metric text, period_start date, value numeric, days integer, method text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10 ROWS 1000
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    closed date := instagram_insights.ig_closed_before();
BEGIN
    RETURN QUERY
    SELECT f.user_id, f.account_id, f.metric, f.first, COALESCE(f.added, f.highest, f.newest[2]), f.days, f.rollup
    FROM (SELECT i.user_id, i.account_id, i.metric, date_trunc('month', i.day::timestamp)::date AS first, m.rollup,
                 sum(i.value) FILTER (WHERE m.rollup = 'sum') AS added,
                 max(i.value) FILTER (WHERE m.rollup = 'max') AS highest,
                 max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE m.rollup = 'last') AS newest,
                 count(*)::integer AS days
          FROM instagram_insights.insights i
          JOIN instagram_insights.metrics m ON m.name = i.metric
          WHERE i.period = 'day' AND i.value IS NOT NULL AND i.day >= closed
            AND i.end_time >= (closed::timestamp AT TIME ZONE 'America/Los_Angeles')
          GROUP BY i.user_id, i.account_id, i.metric, date_trunc('month', i.day::timestamp)::date, m.rollup) f;
END
$body$;
COMMENT ON FUNCTION ig_months_since() IS
    'Internal: the part of each month that is in no closed one, computed from the rows';

-- Months that are over, and, put together for each month, what is kept of the month that is not, months in which
-- something was written late, and the days since. count(*) = 0 where an anti-join would be a nested loop over all marks,
-- for the planner cannot guess how many are of that month.
CREATE VIEW instagram_monthly WITH (security_invoker = true) AS
SELECT c.user_id, c.account_id, c.metric, c.period_start, c.value, c.days, c.method
FROM insights_monthly c
WHERE c.period_start < (SELECT pg_catalog.date_trunc('month', ig_closed_before()::timestamp)::date)
  AND pg_catalog.strpos(c.account_id, ':') = 0
  AND NOT EXISTS (SELECT FROM insights_late l
                  WHERE l.user_id = c.user_id AND l.account_id = c.account_id AND l.metric = c.metric
                    AND l.period_start = c.period_start)
UNION ALL
SELECT p.user_id, p.account_id, p.metric, p.period_start,
       CASE p.method
           WHEN 'sum' THEN pg_catalog.sum(p.value)
           WHEN 'max' THEN pg_catalog.max(p.value)
           ELSE COALESCE(pg_catalog.max(p.value) FILTER (WHERE p.since), pg_catalog.max(p.value)) END,
       pg_catalog.sum(p.days)::integer,
       p.method
FROM (
    SELECT c.user_id, c.account_id, c.metric, c.period_start, c.value, c.days, c.method, false AS since
    FROM insights_monthly c
    WHERE c.period_start = (SELECT pg_catalog.date_trunc('month', ig_closed_before()::timestamp)::date)
      AND 0 = (SELECT pg_catalog.count(*) FROM insights_late l
               WHERE l.user_id = c.user_id AND l.account_id = c.account_id AND l.metric = c.metric
                 AND l.period_start = c.period_start)
    UNION ALL
    SELECT l.user_id, l.account_id, l.metric, l.period_start,
           COALESCE(rows.added, rows.highest, rows.newest[2]), rows.days, m.rollup, false
    FROM (SELECT DISTINCT w.user_id, w.account_id, w.metric, w.period_start,
                 w.period_start::timestamp AT TIME ZONE 'America/Los_Angeles' AS first,
                 (w.period_start + '1 month 1 day'::interval) AT TIME ZONE 'America/Los_Angeles' AS behind
          FROM insights_late w
          WHERE w.period_start < (SELECT ig_closed_before())) l
    JOIN metrics m ON m.name = l.metric
    CROSS JOIN LATERAL (
        SELECT pg_catalog.sum(i.value) FILTER (WHERE m.rollup = 'sum') AS added,
               pg_catalog.max(i.value) FILTER (WHERE m.rollup = 'max') AS highest,
               pg_catalog.max(ARRAY[extract(epoch FROM i.end_time), i.value])
                   FILTER (WHERE m.rollup = 'last') AS newest,
               pg_catalog.count(i.value)::integer AS days
        FROM insights i
        WHERE i.user_id = l.user_id AND i.account_id = l.account_id AND i.metric = l.metric AND i.period = 'day'
          AND i.end_time >= l.first AND i.end_time < l.behind AND i.value IS NOT NULL
          AND i.day >= l.period_start AND i.day < (l.period_start + '1 month'::interval)::date
          AND i.day < (SELECT ig_closed_before())) rows
    WHERE rows.days > 0
    UNION ALL
    SELECT r.owner, r.account_id, r.metric, r.period_start, r.value, r.days, r.method, true
    FROM ig_months_since() r
) p
WHERE pg_catalog.strpos(p.account_id, ':') = 0
GROUP BY p.user_id, p.account_id, p.metric, p.period_start, p.method;
COMMENT ON VIEW instagram_monthly IS 'Figures of months, own rows only; a month without any value has no row';
COMMENT ON COLUMN instagram_monthly.user_id IS 'Whose numbers they are';
COMMENT ON COLUMN instagram_monthly.account_id IS 'The account';
COMMENT ON COLUMN instagram_monthly.metric IS 'The metric';
COMMENT ON COLUMN instagram_monthly.period_start IS 'The first of the month';
COMMENT ON COLUMN instagram_monthly.value IS 'The figure, made as method says';
COMMENT ON COLUMN instagram_monthly.days IS 'How many of its days have a value';
COMMENT ON COLUMN instagram_monthly.method IS
    'sum of the days; max: the highest day, for unique counts must not be added up; last: the newest total';
