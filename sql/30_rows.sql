-- The numbers: reading views, writing by hand, defaults, keys.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;
SET timezone = 'Asia/Tokyo';
\set SHOW_CONTEXT never
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SET ROLE regress_insights_api;

-- Without an account there is nothing to write to, with one it is the default, with two it must be named.
INSERT INTO instagram_insights (metric, value, end_time) VALUES ('reach', 1, '2026-11-20 08:00+00');
SELECT count(*) FROM ig_connect_token('IGregressTokenOfBob1', '17841400000000011');
INSERT INTO instagram_insights (metric, value, end_time) VALUES ('reach', 1, '2026-11-20 08:00+00')
RETURNING id, metric, value, user_id, account_id, period, day;
SELECT count(*) FROM ig_connect_token('IGregressTokenOfBob2', '17841400000000012');
INSERT INTO instagram_insights (metric, value, end_time) VALUES ('reach', 1, '2026-11-21 08:00+00');

-- The upsert of old writers, with its wider conflict target; the id stays whatever the time zone.
INSERT INTO instagram_insights (metric, value, end_time, account_id)
VALUES ('reach', 2, '2026-11-20 08:00+00', '17841400000000011'),
       ('reach', 3, '2026-11-21 08:00+00', '17841400000000011'),
       ('follower_count', NULL, '2026-11-21 08:00+00', '17841400000000011'),
       ('reach', 4, '2026-11-21 08:00+00', '17841400000000012'),
       ('reach', 5, '2024-12-31 08:00+00', '17841400000000012'),
       ('reach', 6, '2040-01-01 08:00+00', '17841400000000012')
ON CONFLICT (user_id, account_id, metric, period, end_time) DO UPDATE SET value = EXCLUDED.value;
SET timezone = 'America/New_York';
SET datestyle = 'SQL, DMY';
SELECT id, account_id, metric, value, day::text FROM instagram_insights ORDER BY account_id, metric, end_time;
RESET datestyle;

-- The newest of each metric, whichever partition it lies in; a value that is missing is not zero.
SELECT account_id, metric, value, day FROM instagram_latest_metrics ORDER BY account_id, metric;
SELECT count(*) FROM pg_class WHERE relname LIKE 'insights\_%' AND relispartition AND relkind = 'r';

-- A total in period lifetime is found, the newer of both wins; other periods do not count.
INSERT INTO instagram_insights (metric, value, end_time, account_id, period)
VALUES ('views', 50, '2026-11-22 08:00+00', '17841400000000011', 'lifetime'),
       ('reach', 90, '2026-11-23 08:00+00', '17841400000000011', 'week');
SELECT metric, value FROM instagram_latest_metrics WHERE account_id = '17841400000000011' ORDER BY metric;

-- What cannot be written
SELECT outcome($$INSERT INTO instagram_insights (id, metric, value, end_time) VALUES (gen_random_uuid(), 'reach', 1, now())$$) LIKE '0A000%' AS id_is_read_only;
SELECT outcome($$INSERT INTO instagram_insights (day, account_id, metric, value, end_time) VALUES ('2026-01-01', '17841400000000011', 'reach', 1, now())$$) LIKE '428C9%' AS day_is_read_only;
\set VERBOSITY sqlstate
INSERT INTO instagram_insights (metric, value, end_time, account_id) VALUES ('made_up', 1, now(), '17841400000000011');
INSERT INTO instagram_insights (metric, value, end_time, account_id) VALUES ('reach', 1, now(), '17841400000000001');
INSERT INTO instagram_insights (metric, value, end_time, account_id, user_id)
VALUES ('reach', 1, now(), '17841400000000001', '00000000-0000-4000-8000-00000000000a');
INSERT INTO instagram_insights (metric, value, end_time, account_id) VALUES ('reach', 1, now(), 'threads:1');
UPDATE instagram_insights SET user_id = '00000000-0000-4000-8000-00000000000a' WHERE metric = 'views';
INSERT INTO insights_2026 (user_id, account_id, metric, end_time) VALUES (ig_current_user_id(), '17841400000000011', 'reach', now());
\set VERBOSITY default
UPDATE instagram_insights SET value = 51, project_id = 'p1' WHERE metric = 'views' RETURNING value, project_id;
DELETE FROM instagram_insights WHERE period = 'week' RETURNING metric, value;

-- Nobody else sees or touches a row; an admin reads it and cannot write it.
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';
SELECT count(*) FROM instagram_insights;
SELECT count(*) FROM instagram_latest_metrics;
UPDATE instagram_insights SET value = 0;
DELETE FROM instagram_insights;
RESET request.jwt.claims;
SELECT count(*) FROM instagram_insights;
SET ROLE regress_insights_boss;
SELECT count(*) FROM instagram_insights;
SELECT outcome($$INSERT INTO instagram_insights (user_id, account_id, metric, value, end_time)
                 VALUES ('00000000-0000-4000-8000-00000000000b', '17841400000000011', 'reach', 1, now())$$) LIKE '42501%' AS refused;
DELETE FROM instagram_insights;
RESET ROLE;
SELECT count(*) FROM instagram_insights;

-- The registry is data: an admin adds a metric, and may not pass it off as a shipped one or remove those.
SET ROLE regress_insights_boss;
INSERT INTO metrics (name, metric_type, rollup, history_days) VALUES ('regress_metric', 'total_value', 'sum', 30);
UPDATE metrics SET enabled_by_default = true WHERE name = 'views' RETURNING builtin;
DELETE FROM metrics WHERE builtin;
SELECT outcome('UPDATE metrics SET builtin = false') LIKE '42501%' AS refused;
DELETE FROM metrics WHERE name = 'regress_metric' RETURNING name;
UPDATE metrics SET enabled_by_default = false WHERE name = 'views';
RESET ROLE;
