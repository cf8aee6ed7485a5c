-- What one user sees: the latest numbers and thirty days as a line of bars. Run by script/demo as a role of the application.
\set claims '{"sub":"' :user '"}'
SELECT set_config('request.jwt.claims', :'claims', false) AS claims \gset
SET search_path = instagram_insights;
\pset footer off
\pset null '-'

SELECT c.username, l.metric, l.value, l.day
  FROM instagram_latest_metrics l
  JOIN connections c USING (user_id, account_id)
 ORDER BY c.username, l.metric;

-- A dot is a day without a value: missing is not zero.
WITH days AS (
    SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date - back AS day FROM generate_series(1, 30) AS back
), numbers AS (
    SELECT c.username, m.metric, d.day, i.value,
           min(i.value) OVER (PARTITION BY c.username, m.metric) AS least,
           max(i.value) OVER (PARTITION BY c.username, m.metric) AS most
      FROM connections c
     CROSS JOIN (VALUES ('reach'), ('follower_count'), ('profile_views'), ('accounts_engaged')) AS m (metric)
     CROSS JOIN days d
      LEFT JOIN instagram_insights i ON i.account_id = c.account_id AND i.metric = m.metric AND i.day = d.day
)
SELECT username, metric,
       string_agg(CASE WHEN value IS NULL THEN '·'
                       ELSE substr('▁▂▃▄▅▆▇█', 1 + floor(COALESCE(7 * (value - least) / NULLIF(most - least, 0), 0))::integer, 1)
                  END, '' ORDER BY day) AS "30 days to yesterday",
       max(least) AS least, max(most) AS most
  FROM numbers
 GROUP BY username, metric
 ORDER BY username, metric;
