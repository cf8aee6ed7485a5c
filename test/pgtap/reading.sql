-- The reading functions: their signatures, what they answer, what they refuse, and that nobody reads somebody else's.
BEGIN;
SET client_min_messages = warning;
SELECT * FROM no_plan();
SELECT is(pg_get_function_arguments(('instagram_insights.' || name)::regproc) || ' -> ' || pg_get_function_result(('instagram_insights.' || name)::regproc),
          signature, name || ' has the signature of the contract')
FROM (VALUES
    ('ig_timeseries', 'metric text, since date, until date, grain text DEFAULT ''day''::text, user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text -> TABLE(account_id text, bucket date, value numeric, days integer)'),
    ('ig_compare_periods', 'metric text, since date, until date, user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text -> TABLE(account_id text, current numeric, previous numeric, change numeric, change_pct numeric, current_days integer, previous_days integer, method text)'),
    ('ig_peak_day', 'metric text, since date, until date, user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text -> TABLE(account_id text, day date, value numeric)'),
    ('ig_overview', 'user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text -> TABLE(account_id text, metric text, value numeric, day date, previous numeric, change numeric, change_pct numeric, retrieved_at timestamp with time zone, stale boolean)'),
    ('ig_coverage', 'user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text -> TABLE(account_id text, metric text, first_day date, last_day date, days integer, missing_days integer, clipped boolean)'),
    ('ig_export_csv', 'since date DEFAULT NULL::date, until date DEFAULT NULL::date, user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text -> SETOF text'),
    ('ig_export_json', 'since date DEFAULT NULL::date, until date DEFAULT NULL::date, user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text -> SETOF text')
) f(name, signature);

CREATE FUNCTION pg_temp.midnight(day date) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT (day + 1)::timestamp AT TIME ZONE 'America/Los_Angeles' $$;
INSERT INTO instagram_insights.accounts (user_id, account_id, last_success_at, metric_state) VALUES
    ('00000000-0000-4000-8000-00000000000a', 'a1', now(), '{"views": {"clipped_before": "2026-01-01"}}'),
    ('00000000-0000-4000-8000-00000000000a', 'a2', now() - interval '40 hours', '{}'),
    ('00000000-0000-4000-8000-00000000000b', 'b1', now(), '{}');
-- 28 October to 10 November 2026, over the end of summer time; 3 and 4 November are missing, 8 November came without a value.
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value, retrieved_at, project_id, metadata)
SELECT '00000000-0000-4000-8000-00000000000a', 'a1', m.name, pg_temp.midnight(d::date), CASE WHEN d <> '2026-11-08' THEN m.factor * extract(day FROM d) END,
       '2026-11-12 10:00+00', CASE WHEN d = '2026-11-10' THEN 'x,"y"' END, CASE WHEN d = '2026-11-09' THEN '{"parts": [1, 2.50]}'::jsonb END
FROM generate_series(timestamp '2026-10-28', '2026-11-10', '1 day') d, (VALUES ('views', 1.50), ('reach', 10), ('followers_count', 100)) m(name, factor)
WHERE d NOT IN ('2026-11-03', '2026-11-04');
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value)
VALUES ('00000000-0000-4000-8000-00000000000b', 'b1', 'views', pg_temp.midnight('2026-11-10'), 777);
CREATE ROLE pgtap_visitor;
GRANT instagram_insights_user TO pgtap_visitor;
SET LOCAL request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';
SET ROLE pgtap_visitor;

SELECT results_eq($$SELECT bucket, value, days FROM instagram_insights.ig_timeseries(metric => 'views', since => '2026-11-01', until => '2026-11-05', account_id => 'a1')$$,
    $$VALUES ('2026-11-01'::date, 1.50::numeric, 1), ('2026-11-02', 3.00, 1), ('2026-11-03', NULL, 0), ('2026-11-04', NULL, 0), ('2026-11-05', 7.50, 1)$$,
    'a gap is a row without a value, and the day of 25 hours is one day');
SELECT results_eq($$SELECT bucket, value, days FROM instagram_insights.ig_timeseries('views', '2026-10-30', '2026-11-09', 'week', account_id => 'a1')$$,
    $$VALUES ('2026-10-26'::date, (30 + 31 + 1) * 1.50, 3), ('2026-11-02', (2 + 5 + 6 + 7) * 1.50, 4), ('2026-11-09', 9 * 1.50, 1)$$,
    'weeks begin on Monday, and say how many days they have');
SELECT results_eq($$SELECT bucket, value, days FROM instagram_insights.ig_timeseries('reach', '2026-10-01', '2026-12-31', 'month', account_id => 'a1')$$,
    $$VALUES ('2026-10-01'::date, 310::numeric, 4), ('2026-11-01', 100, 7), ('2026-12-01', NULL, 0)$$, 'unique counts: the highest day');
SELECT results_eq($$SELECT bucket, value FROM instagram_insights.ig_timeseries('followers_count', '2026-10-28', '2026-11-08', 'month', account_id => 'a1')$$,
    $$VALUES ('2026-10-01'::date, 3100::numeric), ('2026-11-01', 700)$$, 'totals: the newest one that is known');
SELECT results_eq($$SELECT account_id, count(value), count(*) FROM instagram_insights.ig_timeseries('views', '2026-11-01', '2026-11-10') GROUP BY 1 ORDER BY 1$$,
    $$VALUES ('a1', 7::bigint, 10::bigint), ('a2', 0, 10)$$, 'all own accounts without a name, also those without values');
SELECT results_eq($$SELECT * FROM instagram_insights.ig_compare_periods('views', '2026-11-05', '2026-11-10')$$,
    $$VALUES ('a1', 55.50, 96.00, -40.50, -42.19, 5, 4, 'sum'), ('a2', NULL, NULL, NULL, NULL, 0, 0, 'sum')$$,
    'two periods beside each other, with the days each has');
SELECT results_eq($$SELECT current, previous, method, current_days FROM instagram_insights.ig_compare_periods('reach', '2026-11-05', '2026-11-10', account_id => 'a1')$$,
    $$VALUES (100::numeric, 310::numeric, 'max', 5)$$, 'unique counts are compared by their highest day');
RESET ROLE;
SAVEPOINT windows;
UPDATE instagram_insights.insights SET metadata = format('{"windows":{"week":%s,"days_28":"none"}}', extract(day FROM day) * 1000)::jsonb
WHERE account_id = 'a1' AND metric = ANY ('{reach,views}') AND day >= '2026-11-01';
SET ROLE pgtap_visitor;
SELECT results_eq($$SELECT current, previous, method, current_days, previous_days FROM instagram_insights.ig_compare_periods('reach', '2026-11-03', '2026-11-09', account_id => 'a1')$$,
    $$VALUES (9000::numeric, 2000::numeric, 'api', 7, 7)$$, 'but for two windows that the API counted');
SELECT results_eq($$SELECT current, method FROM instagram_insights.ig_compare_periods('reach', '2026-11-02', '2026-11-08', account_id => 'a1')$$,
    $$VALUES (70::numeric, 'max')$$, 'one window is not compared with a highest day');
SELECT results_eq($$SELECT current, method FROM instagram_insights.ig_compare_periods('views', '2026-11-03', '2026-11-09', account_id => 'a1')$$,
    $$VALUES (40.50, 'sum')$$, 'what can be added up needs no window');
SELECT results_eq($$SELECT bucket, value, days FROM instagram_insights.ig_timeseries('reach', '2026-10-26', '2026-11-10', 'week', account_id => 'a1')$$,
    $$VALUES ('2026-10-26'::date, 1000::numeric, 7), ('2026-11-02', 70, 4), ('2026-11-09', 100, 2)$$, 'nor is a week that has one made from its days');
SELECT results_eq($$SELECT bucket, value, days FROM instagram_insights.ig_timeseries('reach', '2026-10-28', '2026-11-01', 'week', account_id => 'a1')$$,
    $$VALUES ('2026-10-26'::date, 310::numeric, 5)$$, 'unless it is cut');
RESET ROLE;
ROLLBACK TO windows;
SET ROLE pgtap_visitor;
SELECT is((SELECT change_pct FROM instagram_insights.ig_compare_periods('views', '2026-10-28', '2026-11-10', account_id => 'a1')), NULL,
          'no percentage of nothing');
SELECT results_eq($$SELECT * FROM instagram_insights.ig_peak_day('views', '2026-11-01', '2026-11-10')$$,
    $$VALUES ('a1', '2026-11-10'::date, 15.00)$$, 'the day it was highest');
SELECT results_eq($$SELECT account_id, metric, value, day, previous, change, change_pct, stale FROM instagram_insights.ig_overview()$$,
    $$VALUES ('a1', 'followers_count', 1000::numeric, '2026-11-10'::date, 900::numeric, 100::numeric, 11.11, false),
             ('a1', 'reach', 100, '2026-11-10', 90, 10, 11.11, false), ('a1', 'views', 15.00, '2026-11-10', 13.50, 1.50, 11.11, false)$$,
    'the newest values at a glance');
SELECT results_eq($$SELECT * FROM instagram_insights.ig_coverage(account_id => 'a1') WHERE metric IN ('reach', 'views')$$,
    $$VALUES ('a1', 'reach', '2026-10-28'::date, '2026-11-10'::date, 11, 3, false), ('a1', 'views', '2026-10-28', '2026-11-10', 11, 3, true)$$,
    'what there is, what is missing, and what could not be had');

SELECT results_eq($$SELECT l FROM instagram_insights.ig_export_csv('2026-11-08', '2026-11-10', account_id => 'a1') l WHERE l !~ '^a1,(reach|foll)'$$,
    ARRAY['account_id,metric,period,day,end_time,value,retrieved_at,project_id,entity_id,metadata',
          'a1,views,day,2026-11-08,2026-11-09T08:00:00Z,,2026-11-12T10:00:00Z,,,',
          'a1,views,day,2026-11-09,2026-11-10T08:00:00Z,13.50,2026-11-12T10:00:00Z,,,"{""parts"": [1, 2.50]}"',
          'a1,views,day,2026-11-10,2026-11-11T08:00:00Z,15.00,2026-11-12T10:00:00Z,"x,""y""",,'],
    'CSV keeps digits, and quotes by RFC 4180');
SELECT results_eq($$SELECT l::jsonb ->> 'day', (l::jsonb -> 'value')::text, l::jsonb -> 'metadata' -> 'parts', l::jsonb ->> 'project_id' FROM instagram_insights.ig_export_json('2026-11-08', account_id => 'a1') l WHERE l::jsonb ->> 'metric' = 'views'$$,
    $$VALUES ('2026-11-08', 'null', NULL::jsonb, NULL), ('2026-11-09', '13.50', '[1, 2.50]'::jsonb, NULL), ('2026-11-10', '15.00', NULL, 'x,"y"')$$,
    'JSON Lines hold the same');
SELECT is((SELECT count(*) FROM instagram_insights.ig_export_json()), 36::bigint, 'everything without bounds');
SELECT is((SELECT count(*) FROM instagram_insights.ig_export_json() l WHERE l ~ E'\n'), 0::bigint, 'an object a line');

-- What is refused, and how
SELECT throws_ok(query, state, message, 'refuses ' || query)
FROM (VALUES
    ('SELECT * FROM instagram_insights.ig_timeseries(''likes_of_all'', ''2026-01-01'', ''2026-01-02'')', '22023', 'unknown metric: ''likes_of_all'''),
    ('SELECT * FROM instagram_insights.ig_timeseries(''views'', ''2026-01-03'', ''2026-01-02'')', '22023', 'no stretch of days: since 2026-01-03, until 2026-01-02'),
    ('SELECT * FROM instagram_insights.ig_timeseries(''views'', NULL, ''2026-01-02'')', '22004', 'metric, since and until are needed'),
    ('SELECT * FROM instagram_insights.ig_timeseries(''views'', ''-infinity'', ''2026-01-02'')', '22023', 'no stretch of days: since -infinity, until 2026-01-02'),
    ('SELECT * FROM instagram_insights.ig_timeseries(''views'', ''2026-01-01'', ''2026-01-02'', ''hour'')', '22023', 'unknown grain: ''hour'''),
    ('SELECT * FROM instagram_insights.ig_timeseries(''views'', ''2026-01-01'', ''2026-01-02'', NULL)', '22023', 'unknown grain: NULL'),
    ('SELECT * FROM instagram_insights.ig_timeseries(''views'', ''2026-01-01'', ''2026-01-02'', account_id => ''b1'')', '42704', 'account "b1" does not exist'),
    ('SELECT * FROM instagram_insights.ig_timeseries(''views'', ''2026-01-01'', ''2026-01-02'', account_id => ''none'')', '42704', 'account "none" does not exist'),
    ('SELECT * FROM instagram_insights.ig_compare_periods(''nothing'', ''2026-01-01'', ''2026-01-02'')', '22023', 'unknown metric: ''nothing'''),
    ('SELECT * FROM instagram_insights.ig_compare_periods(''views'', ''2026-01-01'', NULL)', '22004', 'metric, since and until are needed'),
    ('SELECT * FROM instagram_insights.ig_peak_day(''views'', ''2026-01-01'', ''2026-01-02'', account_id => ''b1'')', '42704', 'account "b1" does not exist'),
    ('SELECT * FROM instagram_insights.ig_peak_day(''views'', ''2026-01-02'', ''2026-01-01'')', '22023', 'no stretch of days: since 2026-01-02, until 2026-01-01'),
    ('SELECT * FROM instagram_insights.ig_peak_day(''nothing'', ''2026-01-01'', ''2026-01-02'')', '22023', 'unknown metric: ''nothing'''),
    ('SELECT * FROM instagram_insights.ig_peak_day(NULL, ''2026-01-01'', ''2026-01-02'')', '22004', 'metric, since and until are needed'),
    ('SELECT * FROM instagram_insights.ig_peak_day(''views'', NULL, ''2026-01-02'')', '22004', 'metric, since and until are needed'),
    ('SELECT * FROM instagram_insights.ig_overview(account_id => ''b1'')', '42704', 'account "b1" does not exist'),
    ('SELECT * FROM instagram_insights.ig_coverage(account_id => ''b1'')', '42704', 'account "b1" does not exist'),
    ('SELECT * FROM instagram_insights.ig_export_csv(account_id => ''b1'')', '42704', 'account "b1" does not exist'),
    ('SELECT * FROM instagram_insights.ig_export_csv(''2026-01-02'', ''2026-01-01'')', '22023', 'no stretch of days: since 2026-01-02, until 2026-01-01'),
    ('SELECT * FROM instagram_insights.ig_export_json(''2026-01-02'', ''2026-01-01'')', '22023', 'no stretch of days: since 2026-01-02, until 2026-01-01')
) r(query, state, message);
SELECT throws_ok(format('SELECT * FROM instagram_insights.%s', call), '42501', NULL, call || ' of another user')
FROM unnest(ARRAY['ig_timeseries(''views'', ''2026-01-01'', ''2026-01-02'', user_id => ''00000000-0000-4000-8000-00000000000b'')',
    'ig_compare_periods(''views'', ''2026-01-01'', ''2026-01-02'', ''00000000-0000-4000-8000-00000000000b'')',
    'ig_peak_day(''views'', ''2026-01-01'', ''2026-01-02'', ''00000000-0000-4000-8000-00000000000b'')',
    'ig_overview(''00000000-0000-4000-8000-00000000000b'')', 'ig_coverage(''00000000-0000-4000-8000-00000000000b'')',
    'ig_export_csv(user_id => ''00000000-0000-4000-8000-00000000000b'')', 'ig_export_json(user_id => ''00000000-0000-4000-8000-00000000000b'')']) call;
SET LOCAL request.jwt.claims = '';
SELECT throws_ok(format('SELECT * FROM instagram_insights.%s', call), '22004', NULL, call || ' of nobody')
FROM unnest(ARRAY['ig_timeseries(''views'', ''2026-01-01'', ''2026-01-02'')', 'ig_compare_periods(''views'', ''2026-01-01'', ''2026-01-02'')',
    'ig_peak_day(''views'', ''2026-01-01'', ''2026-01-02'')', 'ig_overview()', 'ig_coverage()', 'ig_export_csv()', 'ig_export_json()']) call;
SELECT is_empty(format('SELECT * FROM instagram_insights.%I', name), name || ' shows nobody nothing')
FROM unnest(ARRAY['instagram_weekly', 'instagram_monthly', 'instagram_latest_metrics', 'insights_monthly', 'insights_late']) name;

-- Each sees own rows; the months that are kept are no way around it.
RESET ROLE;
SELECT lives_ok('SELECT * FROM instagram_insights.ig_maintain()', 'months are closed');
SET LOCAL request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SET ROLE pgtap_visitor;
SELECT is((SELECT string_agg(DISTINCT account_id, ' ') FROM instagram_insights.instagram_weekly), 'b1', 'weeks are own');
SELECT is((SELECT string_agg(DISTINCT account_id, ' ') FROM instagram_insights.instagram_monthly), 'b1', 'months are own');
SELECT is((SELECT string_agg(DISTINCT account_id, ' ') FROM instagram_insights.insights_monthly), 'b1', 'also where they are kept');
SELECT throws_ok('UPDATE instagram_insights.insights_monthly SET value = 0', '42501', NULL, 'nobody changes what is kept');
SELECT throws_ok('DELETE FROM instagram_insights.insights_late', '42501', NULL, 'nor takes a mark away');
SELECT throws_ok('UPDATE instagram_insights.rollup_state SET closed_before = now()', '42501', NULL, 'nor says what is closed');
SELECT throws_ok('SELECT * FROM instagram_insights.ig_close_months()', '42501', NULL, 'nor closes months');
UPDATE instagram_insights.instagram_insights SET value = 778 WHERE account_id = 'b1';
SELECT is((SELECT value FROM instagram_insights.instagram_monthly), 778::numeric, 'a late change by a user counts at once');
RESET ROLE;
SET LOCAL request.jwt.claims = '';
GRANT instagram_insights_admin TO pgtap_visitor;
SET ROLE pgtap_visitor;
SELECT is((SELECT string_agg(DISTINCT account_id, ' ' ORDER BY account_id) FROM instagram_insights.instagram_monthly), 'a1 b1', 'an admin sees everybody''s months');
SELECT is((SELECT value FROM instagram_insights.ig_overview('00000000-0000-4000-8000-00000000000b')), 778::numeric, 'and asks for anybody');

-- By GET: a transaction that may not write
RESET ROLE;
REVOKE instagram_insights_admin FROM pgtap_visitor;
SET LOCAL request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';
SET ROLE pgtap_visitor;
SET LOCAL transaction_read_only = on;
SELECT lives_ok('SELECT * FROM instagram_insights.' || what, what || ' only reads')
FROM unnest(ARRAY['ig_timeseries(metric => ''views'', since => ''2026-11-01'', until => ''2026-11-05'', grain => ''week'')', 'ig_overview()', 'ig_coverage()',
    'ig_peak_day(metric => ''views'', since => ''2026-11-01'', until => ''2026-11-05'')', 'ig_compare_periods(metric => ''views'', since => ''2026-11-01'', until => ''2026-11-05'')',
    'ig_export_csv()', 'ig_export_json()', 'instagram_weekly', 'instagram_monthly', 'instagram_latest_metrics']) what;
SELECT * FROM finish();
ROLLBACK;
