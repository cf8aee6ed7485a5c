-- Functions to read with: two periods side by side, what there is and what is missing, and everything as text. They are
-- LANGUAGE sql, because their results have columns named as their arguments and the exports must not collect their rows.

CREATE FUNCTION ig_compare_periods(metric text, since date, until date, user_id uuid DEFAULT NULL,
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
COMMENT ON FUNCTION ig_compare_periods(text, date, date, uuid, text) IS
    'A stretch of days beside the one just before it, as long; *_days say how many days of each have a value';

CREATE FUNCTION ig_coverage(user_id uuid DEFAULT NULL, account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, metric text, first_day date, last_day date, days integer, missing_days integer,
                   clipped boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT c.account_id, c.metric, c.first_day, c.last_day, c.days, c.last_day - c.first_day + 1 - c.days,
           COALESCE(a.metric_state -> c.metric ->> 'clipped_before', '') <> ''
    FROM (SELECT i.account_id, i.metric, min(i.day) AS first_day, max(i.day) AS last_day,
                 count(DISTINCT i.day)::integer AS days
          FROM instagram_insights.insights i
          WHERE i.user_id = (SELECT instagram_insights.ig_reading_target(ig_coverage.user_id, ig_coverage.account_id, NULL,
                                                                         NULL, NULL, false))
            AND (ig_coverage.account_id IS NULL OR i.account_id = ig_coverage.account_id)
            AND i.period = ANY (ARRAY['day', 'lifetime']) AND i.value IS NOT NULL AND strpos(i.account_id, ':') = 0
          GROUP BY i.account_id, i.metric) c
    JOIN instagram_insights.accounts a
      ON a.user_id = (SELECT instagram_insights.ig_target_user(ig_coverage.user_id)) AND a.account_id = c.account_id
    ORDER BY c.account_id, c.metric
$body$;
COMMENT ON FUNCTION ig_coverage(uuid, text) IS
    'From when to when there are values of each metric, how many days, how many are missing between; clipped: older days '
    'could not be had from the API';

CREATE FUNCTION ig_csv_field(field text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT CASE WHEN ig_csv_field.field IS NULL THEN ''
                WHEN ig_csv_field.field ~ '[",\r\n]' OR ig_csv_field.field = '' OR ig_csv_field.field ~ '^\s|\s$'
                    THEN '"' || replace(ig_csv_field.field, '"', '""') || '"'
                ELSE ig_csv_field.field END
$body$;
COMMENT ON FUNCTION ig_csv_field(text) IS
    'Internal: a field of a CSV line by RFC 4180; NULL is an empty field, an empty text is ""';

CREATE FUNCTION ig_export_csv(since date DEFAULT NULL, until date DEFAULT NULL, user_id uuid DEFAULT NULL,
                              account_id text DEFAULT NULL) RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'account_id,metric,period,day,end_time,value,retrieved_at,project_id,entity_id,metadata'
    WHERE instagram_insights.ig_reading_target(ig_export_csv.user_id, ig_export_csv.account_id, NULL, ig_export_csv.since,
                                               ig_export_csv.until, false) IS NOT NULL
    UNION ALL
    (SELECT concat_ws(',', i.account_id, i.metric, instagram_insights.ig_csv_field(i.period),
                      to_char(i.day, 'YYYY-MM-DD'), btrim(to_json(i.end_time AT TIME ZONE 'UTC')::text, '"') || 'Z',
                      COALESCE(i.value::text, ''), btrim(to_json(i.retrieved_at AT TIME ZONE 'UTC')::text, '"') || 'Z',
                      instagram_insights.ig_csv_field(i.project_id), instagram_insights.ig_csv_field(i.entity_id),
                      instagram_insights.ig_csv_field(i.metadata::text))
     FROM instagram_insights.insights i
     WHERE i.user_id = (SELECT instagram_insights.ig_target_user(ig_export_csv.user_id))
       AND (ig_export_csv.account_id IS NULL OR i.account_id = ig_export_csv.account_id)
       AND strpos(i.account_id, ':') = 0
       AND (ig_export_csv.since IS NULL OR i.day >= ig_export_csv.since)
       AND (ig_export_csv.until IS NULL OR i.day <= ig_export_csv.until)
     ORDER BY i.account_id, i.metric, i.end_time, i.period)
$body$;
COMMENT ON FUNCTION ig_export_csv(date, date, uuid, text) IS
    'Every stored number as CSV (RFC 4180): a header, then a line a row, by account, metric and end_time; times in UTC';

CREATE FUNCTION ig_export_json(since date DEFAULT NULL, until date DEFAULT NULL, user_id uuid DEFAULT NULL,
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
COMMENT ON FUNCTION ig_export_json(date, date, uuid, text) IS
    'Every stored number as JSON Lines: an object a row, by account, metric and end_time; times in UTC';
