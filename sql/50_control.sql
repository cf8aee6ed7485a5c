-- Operating: the daily sync, the nudge, pausing, copies, scheduling without pg_cron, retention, the doctor.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;
\set SHOW_CONTEXT never
SET ROLE regress_insights_boss;

-- Accounts that are connected and whose token is good; never twice. Waiting accounts are due when they may be called.
RESET ROLE;
UPDATE accounts SET blocked_until = now() + interval '1 hour' WHERE account_id = '17841400000000012';
SELECT account_id, status, expires_at < now() AS ended FROM accounts ORDER BY account_id;
SET ROLE regress_insights_boss;
SELECT ig_sync_all() AS enqueued, ig_sync_all('again') AS again;
SELECT account_id, kind, trigger, state, due_at > now() + interval '30 minutes' AS later FROM sync_jobs ORDER BY account_id;
RESET ROLE;
UPDATE accounts SET blocked_until = NULL;

-- The nudge says whether there was work and somebody to do it. (Switched on here only; the worker still is not.)
SELECT ig_nudge() AS switched_off;
SET instagram_insights.enabled = on;
BEGIN;
SELECT ig_nudge() AS due;
UPDATE sync_jobs SET due_at = now() + interval '1 hour';
SELECT ig_nudge() AS due;
UPDATE sync_jobs SET state = 'running', lease_until = now() - interval '1 minute' WHERE account_id = '17841400000000011';
SELECT ig_nudge() AS lease_is_over;
ROLLBACK;

-- Pausing
SET ROLE regress_insights_boss;
SELECT ig_pause('for the test');
SELECT ig_nudge() AS paused;
SELECT ig_sync_all();
SELECT status, detail ~ 'for the test' AS says_why, hint FROM ig_doctor() WHERE check_name = 'paused';
SET ROLE regress_insights_api;
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SELECT outcome('SELECT ig_refresh_insights()'), outcome('SELECT ig_backfill(''2026-01-01'')');
SELECT count(*) > 0 AS reading_goes_on FROM instagram_insights;
SET ROLE regress_insights_boss;
SELECT ig_resume();
SELECT status, detail FROM ig_doctor() WHERE check_name = 'paused';

-- The row says which database this is, also when it was written behind a savepoint.
RESET ROLE;
BEGIN;
SAVEPOINT here;
SELECT ig_resume();
SELECT xmin::text = written_by::text AS row_and_writer_agree FROM installation;
COMMIT;
SELECT ig_check_installation() AS paused, state FROM ig_installation_state();
-- pg_upgrade: a new cluster, the same database, rows as they were. (The row is written here as another cluster would have.)
BEGIN;
UPDATE installation SET system_identifier = 1, written_by = pg_current_xact_id();
SELECT state FROM ig_installation_state();
SELECT ig_check_installation() AS paused;
SELECT state FROM ig_installation_state();
ROLLBACK;
-- A restore: written_by came along, xmin did not.
BEGIN;
UPDATE installation SET system_identifier = 1, written_by = '3';
SELECT state FROM ig_installation_state();
SELECT status, hint ~ 'ig_resume' AS says_how FROM ig_doctor() WHERE check_name = 'paused';
SELECT ig_check_installation() AS paused, ig_check_installation() AS still_paused;
SELECT state, paused FROM ig_installation_state();
SELECT ig_resume();
SELECT state, paused FROM ig_installation_state();
ROLLBACK;
-- A restore under way: accounts are here, the row is not yet. Paused, and nothing is written that the restore would trip over.
BEGIN;
DELETE FROM installation;
INSERT INTO accounts (user_id, account_id) VALUES ('00000000-0000-0000-0000-0000000000ff', '17841400000000099');
SELECT state, paused FROM ig_installation_state();
SELECT ig_check_installation() AS paused, ig_check_installation(stamp => true) AS paused_for_who_connects;
SELECT outcome('SELECT ig_sync_all()');
SELECT status, hint ~ 'ig_resume' AS says_how FROM ig_doctor() WHERE check_name = 'paused';
SELECT count(*) AS rows_written FROM installation;
ROLLBACK;
-- First use: who only looks writes nothing, who connects does.
BEGIN;
DELETE FROM installation;
DELETE FROM accounts;
SELECT ig_check_installation() AS paused, (SELECT count(*) FROM installation) AS rows_written;
SELECT ig_check_installation(stamp => true) AS paused;
SELECT state FROM ig_installation_state();
ROLLBACK;
-- A database made from this one as a template
BEGIN;
UPDATE installation SET database_oid = 1, written_by = pg_current_xact_id();
SELECT ig_check_installation() AS paused;
ROLLBACK;

-- Scheduling where pg_cron is not: the hint holds the statements to run elsewhere.
SET ROLE regress_insights_boss;
SELECT outcome('SELECT ig_schedule()'), outcome('SELECT ig_unschedule()'), outcome('SELECT ig_schedule(NULL)'),
       outcome('SELECT ig_schedule(job_name => '''')');
DO $$
DECLARE
    hint text;
BEGIN
    PERFORM instagram_insights.ig_schedule('5 4 * * *', 'it''s mine');
EXCEPTION WHEN object_not_in_prerequisite_state THEN
    GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
    RAISE WARNING '%', replace(hint, current_database(), 'DB');
END
$$;
SET ROLE instagram_insights_admin;
SELECT ig_schedule();
RESET ROLE;

-- Retention: old log rows and ended jobs go, young and live ones stay; numbers only if that is asked for.
DELETE FROM sync_jobs;
INSERT INTO sync_jobs (user_id, account_id, kind, state, finished_at)
VALUES ('00000000-0000-4000-8000-00000000000b', 'x', 'refresh', 'succeeded', now() - interval '31 days'),
       ('00000000-0000-4000-8000-00000000000b', 'x', 'refresh', 'failed', now() - interval '1 hour'),
       ('00000000-0000-4000-8000-00000000000b', 'x', 'daily', 'queued', NULL);
INSERT INTO sync_log (user_id, account_id, kind, trigger, started_at, finished_at, status)
SELECT '00000000-0000-4000-8000-00000000000b', 'x', 'daily', 'cron', now() - a, now() - a, 'succeeded'
FROM unnest(ARRAY[interval '31 days', interval '400 days', interval '1 day']) a;
SET ROLE regress_insights_boss;
-- How many months it closes depends on whether the worker was first.
SELECT action, object, CASE WHEN action <> 'close' THEN detail END AS detail FROM ig_maintain();
SELECT count(*) AS jobs, (SELECT count(*) FROM sync_log) AS log FROM sync_jobs;
RESET ROLE;
BEGIN;
INSERT INTO insights (user_id, account_id, metric, value, end_time)
VALUES ('00000000-0000-4000-8000-00000000000b', '17841400000000011', 'likes', 1, now() - interval '1 day'),
       ('00000000-0000-4000-8000-00000000000b', '17841400000000011', 'likes', 1, now() - interval '101 days');
SET LOCAL instagram_insights.insights_retention = '100d';
SELECT action, object FROM ig_maintain() WHERE object LIKE '%before_2025';
SELECT count(*) FILTER (WHERE end_time < now() - interval '100 days') AS old,
       count(*) FILTER (WHERE metric = 'likes') AS recent, count(*) FILTER (WHERE end_time > '2039-01-01') AS future
FROM insights;
ROLLBACK;
DELETE FROM sync_jobs;
DELETE FROM sync_log;

-- The doctor never raises, says ok, warn or fail, and what to do about the last two.
SET ROLE regress_insights_boss;
SELECT check_name, status IN ('ok', 'warn', 'fail') AS known, (status = 'ok') = (hint IS NULL) AS hinted FROM ig_doctor();
SET ROLE regress_insights_api;
SELECT outcome(f) LIKE '42501%' AS refused, f
FROM unnest(ARRAY['SELECT ig_doctor()', 'SELECT ig_sync_all()', 'SELECT ig_nudge()', 'SELECT ig_pause()', 'SELECT ig_resume()',
                  'SELECT ig_maintain()', 'SELECT ig_schedule()', 'SELECT ig_unschedule()', 'SELECT ig_setting(''key_command'')',
                  'SELECT ig_check_installation()', 'SELECT ig_wake_worker()']) f;
RESET ROLE;
