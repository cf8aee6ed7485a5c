-- The views against their definition, on many rows: newest values by one probe each, ids that do not collide.
BEGIN;
SET client_min_messages = warning;
SELECT plan(13);
INSERT INTO instagram_insights.accounts (user_id, account_id)
SELECT ('00000000-0000-4000-8000-' || lpad(u::text, 12, '0'))::uuid, '178' || a FROM generate_series(1, 4) u, generate_series(1, 3) a;
SELECT setseed(0.5);
INSERT INTO instagram_insights.insights (user_id, account_id, metric, period, end_time, value)
SELECT a.user_id, a.account_id, m.name, p.period, timestamptz '2026-11-20 08:00+00' - d * interval '1 day',
       CASE WHEN random() < 0.1 THEN NULL ELSE d END
FROM instagram_insights.accounts a, instagram_insights.metrics m,
     (VALUES ('day'), ('lifetime'), ('week')) p(period), generate_series(0, 800, 3) d
WHERE random() < 0.2;
ANALYZE instagram_insights.insights;

SELECT results_eq(
    'SELECT user_id, account_id, metric, value, end_time, retrieved_at, day FROM instagram_insights.instagram_latest_metrics
     ORDER BY user_id, account_id, metric',
    $$SELECT DISTINCT ON (user_id, account_id, metric) user_id, account_id, metric, value, end_time, retrieved_at, day
      FROM instagram_insights.insights WHERE period IN ('day', 'lifetime') AND NOT (end_time, user_id, account_id, metric, period) IN (
          SELECT l.end_time, l.user_id, l.account_id, l.metric, l.period FROM instagram_insights.insights l
          JOIN instagram_insights.insights d USING (end_time, user_id, account_id, metric)
          WHERE l.period = 'lifetime' AND d.period = 'day')
      ORDER BY user_id, account_id, metric, end_time DESC$$,
    'the latest view shows exactly the newest row of each metric');
INSERT INTO instagram_insights.metrics (name, metric_type, rollup, history_days) VALUES ('by_hand', 'total_value', 'sum', 0);
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value)
SELECT user_id, account_id, 'by_hand', '2030-01-01', 5 FROM instagram_insights.accounts LIMIT 1;
SELECT is((SELECT count(*) FROM instagram_insights.instagram_latest_metrics WHERE metric = 'by_hand'), 1::bigint,
          'also of a metric that was added by hand');

CREATE FUNCTION pg_temp.scans(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS off) ' || query LOOP
        IF line ~ '(Seq Scan|Bitmap|Unique|Sort) ?.* on insights' THEN
            RETURN NEXT line;
        END IF;
    END LOOP;
END
$$;
CREATE ROLE pgtap_reader;
GRANT instagram_insights_user TO pgtap_reader;
SET LOCAL request.jwt.claims = '{"sub":"00000000-0000-4000-8000-000000000002"}';
SET ROLE pgtap_reader;
SELECT is_empty($$SELECT pg_temp.scans('SELECT * FROM instagram_insights.instagram_latest_metrics')$$,
                'it probes the primary key and never reads the history');
SELECT is((SELECT count(DISTINCT user_id) FROM instagram_insights.instagram_latest_metrics), 1::bigint, 'a user sees own rows only');
SELECT is((SELECT count(*) FROM instagram_insights.connections), 3::bigint, 'and own accounts only');
RESET ROLE;

SELECT is((SELECT count(DISTINCT id) FROM instagram_insights.instagram_insights),
          (SELECT count(*) FROM instagram_insights.insights), 'every row has an id of its own');
CREATE TEMP TABLE ids AS SELECT id FROM instagram_insights.instagram_insights;
SET LOCAL timezone = 'Pacific/Kiritimati';
SET LOCAL datestyle = 'German';
SELECT set_eq('SELECT id FROM instagram_insights.instagram_insights', 'SELECT id FROM ids', 'which does not depend on the session''s settings');
UPDATE instagram_insights.insights SET value = value + 1;
SELECT set_eq('SELECT id FROM instagram_insights.instagram_insights', 'SELECT id FROM ids', 'nor on the value');

-- Days: summer time, winter time, and the nights of the switch
INSERT INTO instagram_insights.instagram_insights (user_id, account_id, metric, period, end_time)
SELECT '00000000-0000-4000-8000-000000000001', '1781', 'views', 'test', t
FROM unnest(ARRAY['2026-07-02 07:00+00', '2026-11-01 07:00+00', '2026-11-02 08:00+00', '2026-03-09 07:00+00', '2026-11-02 07:59:59+00']::timestamptz[]) t;
SELECT results_eq($$SELECT end_time, day FROM instagram_insights.instagram_insights WHERE period = 'test' ORDER BY end_time$$,
    $$VALUES ('2026-03-09 07:00+00'::timestamptz, '2026-03-08'::date), ('2026-07-02 07:00+00', '2026-07-01'),
             ('2026-11-01 07:00+00', '2026-10-31'), ('2026-11-02 07:59:59+00', '2026-11-01'), ('2026-11-02 08:00+00', '2026-11-01')$$,
    'a value measures the Pacific day that its end_time ends');

-- Other platforms are not Instagram.
INSERT INTO instagram_insights.accounts (user_id, account_id, platform) VALUES ('00000000-0000-4000-8000-000000000001', 'threads:9', 'threads');
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value)
VALUES ('00000000-0000-4000-8000-000000000001', 'threads:9', 'views', now(), 1);
SELECT is((SELECT count(*) FROM instagram_insights.instagram_insights WHERE account_id = 'threads:9'), 0::bigint, 'not in instagram_insights');
SELECT is((SELECT count(*) FROM instagram_insights.instagram_latest_metrics WHERE account_id = 'threads:9'), 0::bigint, 'nor among the latest');

-- The next sync is the earliest waiting one.
INSERT INTO instagram_insights.sync_jobs (user_id, account_id, kind, state, due_at) VALUES
    ('00000000-0000-4000-8000-000000000001', '1781', 'backfill', 'waiting', '2030-01-02'),
    ('00000000-0000-4000-8000-000000000001', '1781', 'backfill', 'queued', '2030-01-01'),
    ('00000000-0000-4000-8000-000000000001', '1781', 'backfill', 'succeeded', '2029-01-01');
SELECT is((SELECT next_sync_at FROM instagram_insights.connections
           WHERE user_id = '00000000-0000-4000-8000-000000000001' AND account_id = '1781'), '2030-01-01'::timestamptz, 'next_sync_at');
-- One probe for each account and kind, however long the queue is.
CREATE FUNCTION pg_temp.plan_of_connections() RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN SELECT next_sync_at FROM instagram_insights.connections';
END
$$;
SET enable_seqscan = off;
SELECT ok((SELECT bool_or(line ~ 'sync_jobs_live') AND bool_or(line ~ 'sync_jobs_backfills') FROM pg_temp.plan_of_connections() line),
    'found by the indexes of living jobs');
RESET enable_seqscan;
SELECT * FROM finish();
ROLLBACK;
