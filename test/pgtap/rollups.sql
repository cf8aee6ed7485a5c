-- Weeks and months against a recomputation written differently, over random data with gaps, before and after months are
-- closed and after every kind of write by hand.
BEGIN;
SET client_min_messages = warning;
SELECT * FROM no_plan();
SELECT setseed(0.25);
CREATE FUNCTION pg_temp.someone(n integer) RETURNS uuid LANGUAGE sql AS $$
    SELECT ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid $$;
CREATE FUNCTION pg_temp.midnight(day date) RETURNS timestamptz LANGUAGE sql AS $$
    SELECT (day + 1)::timestamp AT TIME ZONE 'America/Los_Angeles' $$;
INSERT INTO instagram_insights.accounts (user_id, account_id)
SELECT pg_temp.someone(u), '178' || u || a FROM generate_series(1, 3) u, generate_series(1, 2) a;
-- Two years to today: every switch of summer time and two turns of the year; a third of the days are missing.
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value)
SELECT a.user_id, a.account_id, m.name, pg_temp.midnight(current_date - d),
       CASE WHEN random() < 0.05 THEN NULL ELSE round((random() * 1000)::numeric, 2) END
FROM instagram_insights.accounts a, unnest(ARRAY['reach', 'views', 'followers_count', 'accounts_engaged']) m(name),
     generate_series(0, 750) d
WHERE random() < 0.66;

-- The same figures, day by day in PL/pgSQL.
CREATE FUNCTION pg_temp.plain(grain text)
    RETURNS TABLE (user_id uuid, account_id text, metric text, period_start date, value numeric, days integer, method text)
    LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    r record;
    last_key text;
    this_key text;
BEGIN
    FOR r IN SELECT i.user_id, i.account_id, i.metric, i.value, m.rollup,
                    CASE grain WHEN 'month' THEN to_char(i.day, 'YYYY-MM-01')::date
                               ELSE to_date(to_char(i.day, 'IYYY-IW'), 'IYYY-IW') END AS first
             FROM instagram_insights.insights i JOIN instagram_insights.metrics m ON m.name = i.metric
             WHERE i.period = 'day' AND i.value IS NOT NULL ORDER BY i.user_id, i.account_id, i.metric, i.end_time
    LOOP
        this_key := concat_ws('|', r.user_id, r.account_id, r.metric, r.first);
        IF this_key IS DISTINCT FROM last_key THEN
            IF last_key IS NOT NULL THEN RETURN NEXT; END IF;
            user_id := r.user_id; account_id := r.account_id; metric := r.metric; period_start := r.first;
            value := r.value; days := 1; method := r.rollup; last_key := this_key;
        ELSE
            value := CASE r.rollup WHEN 'sum' THEN value + r.value WHEN 'max' THEN greatest(value, r.value) ELSE r.value END;
            days := days + 1;
        END IF;
    END LOOP;
    IF last_key IS NOT NULL THEN RETURN NEXT; END IF;
END
$$;
CREATE FUNCTION pg_temp.same(what text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN NEXT bag_eq('SELECT * FROM instagram_insights.instagram_monthly', 'SELECT * FROM pg_temp.plain(''month'')', 'months: ' || what);
END
$$;
CREATE FUNCTION pg_temp.closed() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM instagram_insights.insights_monthly c
    WHERE NOT EXISTS (SELECT FROM instagram_insights.insights_late l
                      WHERE (l.user_id, l.account_id, l.metric, l.period_start) = (c.user_id, c.account_id, c.metric, c.period_start)) $$;

SELECT bag_eq('SELECT * FROM instagram_insights.instagram_weekly', 'SELECT * FROM pg_temp.plain(''week'')', 'weeks are ISO weeks');
SELECT pg_temp.same('nothing is closed');
SELECT lives_ok('SELECT * FROM instagram_insights.ig_maintain()', 'months are closed');
SELECT cmp_ok((SELECT closed_before FROM instagram_insights.rollup_state), '>', current_date - 9, 'to some days ago');
SELECT cmp_ok(pg_temp.closed(), '>', 500::bigint, 'and kept');
SELECT pg_temp.same('closed');

-- What is kept is really what is read.
SAVEPOINT spoiled;
UPDATE instagram_insights.insights_monthly SET value = value + 1
WHERE (user_id, account_id, metric, period_start) IN (SELECT user_id, account_id, metric, min(period_start) FROM instagram_insights.insights_monthly GROUP BY 1, 2, 3);
SELECT is((SELECT count(*) FROM (TABLE instagram_insights.instagram_monthly EXCEPT SELECT * FROM pg_temp.plain('month')) d), 24::bigint,
          'a closed month is not computed again');
ROLLBACK TO spoiled;

-- Late writes of every kind, with the view right after each.
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value)
SELECT a.user_id, a.account_id, 'reach', pg_temp.midnight(current_date - d), 5000 + d
FROM instagram_insights.accounts a, generate_series(20, 700, 97) d
ON CONFLICT (user_id, account_id, metric, period, end_time) DO UPDATE SET value = EXCLUDED.value;
SELECT pg_temp.same('late values and corrections');
DELETE FROM instagram_insights.insights WHERE random() < 0.05;
SELECT pg_temp.same('rows deleted by hand');
DELETE FROM instagram_insights.insights WHERE metric = 'views' AND date_trunc('month', day) = date_trunc('month', current_date - 200);
SELECT pg_temp.same('a whole month deleted');
UPDATE instagram_insights.insights SET value = NULL WHERE random() < 0.02;
SELECT pg_temp.same('values taken back');
UPDATE instagram_insights.insights_2026 SET value = value * 2 WHERE random() < 0.02;
SELECT pg_temp.same('rows changed in a partition');
UPDATE instagram_insights.insights SET metric = 'saves' WHERE metric = 'reach' AND random() < 0.02;
UPDATE instagram_insights.insights SET end_time = end_time - interval '3 years' WHERE random() < 0.01;
SELECT pg_temp.same('rows moved to another metric and another year');
SELECT lives_ok('SELECT * FROM instagram_insights.ig_maintain()', 'closed again');
SELECT is((SELECT count(*) FROM instagram_insights.insights_late WHERE period_start < current_date - 40), 0::bigint, 'no mark is left');
SELECT pg_temp.same('closed again');
SELECT lives_ok('SELECT * FROM instagram_insights.ig_maintain()', 'and once more');
SELECT pg_temp.same('closing twice adds nothing');

-- Savepoints take their marks along.
SAVEPOINT undone;
UPDATE instagram_insights.insights SET value = 0 WHERE user_id = pg_temp.someone(1);
ROLLBACK TO undone;
SELECT pg_temp.same('a write that was undone');
SELECT is((SELECT count(*) FROM instagram_insights.insights_late WHERE period_start < current_date - 40), 0::bigint, 'leaves no mark');

-- What a metric is taken for, a year emptied, a partition taken away, a clock set back.
UPDATE instagram_insights.metrics SET rollup = 'max' WHERE name = 'views';
SELECT pg_temp.same('views is taken for unique');
SELECT lives_ok('SELECT * FROM instagram_insights.ig_maintain()', 'closed as such');
SELECT pg_temp.same('closed as such');
SAVEPOINT emptied;
TRUNCATE instagram_insights.insights_2025;
SELECT pg_temp.same('a year emptied');
ROLLBACK TO emptied;
SAVEPOINT detached;
ALTER EXTENSION instagram_insights DROP TABLE instagram_insights.insights_2025;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE instagram_insights.insights DETACH PARTITION instagram_insights.insights_2025;
SELECT pg_temp.same('a partition taken away');
ROLLBACK TO detached;
UPDATE instagram_insights.rollup_state SET closed_before = current_date + 40;
SELECT is(instagram_insights.ig_closed_before(), '-infinity'::date, 'months closed by a clock that was ahead do not count');
SELECT pg_temp.same('the clock was set back');
SELECT lives_ok('SELECT * FROM instagram_insights.ig_maintain()', 'closed anew');
SELECT pg_temp.same('closed anew');
SAVEPOINT untold;
ALTER TABLE instagram_insights.insights DISABLE TRIGGER late_delete;
SELECT is((SELECT action FROM instagram_insights.ig_maintain() WHERE object = 'insights_monthly'), 'skip', 'without the triggers nothing is closed');
DELETE FROM instagram_insights.insights WHERE random() < 0.01;
SELECT pg_temp.same('without the triggers');
ROLLBACK TO untold;

-- The API's own window, when it is that week's
INSERT INTO instagram_insights.insights (user_id, account_id, metric, period, end_time, value)
SELECT pg_temp.someone(1), '17811', 'reach', 'week', pg_temp.midnight(date '2026-06-07' + d), 9000 + d FROM generate_series(-7, 7) d;
SELECT results_eq($$SELECT period_start, value, days, method FROM instagram_insights.instagram_weekly
                    WHERE account_id = '17811' AND metric = 'reach' AND method = 'api' ORDER BY 1$$,
    $$VALUES ('2026-05-25'::date, 8993::numeric, 7, 'api'), ('2026-06-01', 9000, 7, 'api'), ('2026-06-08', 9007, 7, 'api')$$,
    'a week of unique accounts is what the API counted for it');
-- The same beside the number of the Sunday, as syncs keep it; what is no number, or beside another day, is no week's.
UPDATE instagram_insights.insights i SET metadata = odd.metadata
FROM generate_series(date '2026-03-02', '2026-03-29', '1 day') WITH ORDINALITY d(day, n),
     LATERAL (SELECT CASE WHEN extract(isodow FROM d.day) < 7 THEN '{"windows":{"week":1}}'
                          WHEN d.n = 7 THEN '{"windows":{"week":5003.5,"days_28":1}}' WHEN d.n = 14 THEN '{"windows":{"week":"no"}}'
                          WHEN d.n = 21 THEN '{"windows":["week"]}' ELSE '"windows"' END::jsonb) odd(metadata)
WHERE i.account_id = '17812' AND i.metric = 'reach' AND i.day = d.day;
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value, metadata)
VALUES (pg_temp.someone(1), '17812', 'reach', pg_temp.midnight('2026-03-08'), 7, '{"windows":{"week":5003.5,"days_28":1}}')
ON CONFLICT (user_id, account_id, metric, period, end_time) DO UPDATE SET value = 7;
SELECT results_eq($$SELECT period_start, value, days, method FROM instagram_insights.instagram_weekly
                    WHERE account_id = '17812' AND metric = 'reach' AND method = 'api' ORDER BY 1$$,
    $$VALUES ('2026-03-02'::date, 5003.5::numeric, 7, 'api')$$, 'or beside the number of its last day');
SELECT is((SELECT count(*) FROM instagram_insights.instagram_weekly w WHERE w.metric IN ('reach', 'accounts_engaged') AND w.method = 'sum'),
          0::bigint, 'unique counts are never added up');
SELECT pg_temp.same('windows are no days');

-- An account that goes takes its months and marks along.
UPDATE instagram_insights.insights SET value = 1 WHERE user_id = pg_temp.someone(3);
DELETE FROM instagram_insights.accounts WHERE user_id = pg_temp.someone(3);
SELECT is((SELECT count(*) FROM instagram_insights.insights_monthly WHERE user_id = pg_temp.someone(3))
          + (SELECT count(*) FROM instagram_insights.insights_late WHERE user_id = pg_temp.someone(3)), 0::bigint,
          'nothing is left of an account that was deleted');
SELECT lives_ok('SELECT instagram_insights.ig_delete_user_data(pg_temp.someone(2))', 'a user is deleted');
SELECT is((SELECT count(*) FROM instagram_insights.insights_monthly WHERE user_id = pg_temp.someone(2))
          + (SELECT count(*) FROM instagram_insights.insights_late WHERE user_id = pg_temp.someone(2)), 0::bigint,
          'and nothing is left of the months either');
SELECT pg_temp.same('users are gone');
SELECT * FROM finish();
ROLLBACK;
