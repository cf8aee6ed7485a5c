-- ig_schedule() and what goes with it, in a database that has pg_cron.
BEGIN;
SET client_min_messages = warning;
SELECT plan(24);
CREATE ROLE pgtap_boss LOGIN;
GRANT instagram_insights_admin TO pgtap_boss;
CREATE ROLE pgtap_other LOGIN;
GRANT instagram_insights_admin TO pgtap_other;
CREATE ROLE pgtap_user LOGIN;
GRANT instagram_insights_user TO pgtap_user;
GRANT USAGE ON SCHEMA cron TO pgtap_other;
CREATE FUNCTION pg_temp.jobs() RETURNS TABLE (job text) LANGUAGE sql AS $$
    SELECT format('%s|%s|%s|%s', replace(j.jobname::text, current_database(), 'DB'), j.schedule, j.command, j.username) FROM cron.job j
$$;
CREATE FUNCTION pg_temp.status() RETURNS text LANGUAGE sql AS $$
    SELECT d.status FROM instagram_insights.ig_doctor() d WHERE d.check_name = 'pg_cron'
$$;

SET ROLE pgtap_boss;
SELECT throws_ok('SELECT instagram_insights.ig_schedule()', '42501', 'permission denied for schema cron',
                 'a role that may not use pg_cron is told so');
SELECT is((SELECT d.hint FROM instagram_insights.ig_doctor() d WHERE d.check_name = 'pg_cron'),
          'As a superuser: GRANT USAGE ON SCHEMA cron TO pgtap_boss;', 'and how to be allowed');
SELECT is((SELECT m.detail FROM instagram_insights.ig_maintain() m WHERE m.object = 'cron.job_run_details'),
          '0 rows older than log_retention', 'ig_maintain needs no right on pg_cron');
RESET ROLE;
GRANT USAGE ON SCHEMA cron TO pgtap_boss;
SET ROLE pgtap_boss;
SELECT is(pg_temp.status(), 'warn', 'the doctor misses the schedule');
SELECT is(instagram_insights.ig_unschedule(), false, 'nothing to remove yet');

SELECT throws_ok('SELECT instagram_insights.ig_schedule(''every day'')', '22023', 'invalid schedule: every day', 'a bad schedule is refused');
SELECT is_empty('SELECT * FROM pg_temp.jobs()', 'and nothing is left of the try');

SELECT ok(instagram_insights.ig_schedule() > 0, 'it schedules');
SELECT set_eq('SELECT * FROM pg_temp.jobs()', ARRAY[
    'instagram_insights daily sync (DB)|0 11 * * *|SELECT instagram_insights.ig_sync_all()|pgtap_boss',
    'instagram_insights daily sync (DB) nudge|*/5 * * * *|SELECT instagram_insights.ig_nudge()|pgtap_boss'],
    'the daily sync and the nudge, as the caller');
SELECT is(pg_temp.status(), 'ok', 'the doctor sees it');
SELECT ok(instagram_insights.ig_schedule('30 10 * * *') > 0, 'it schedules anew');
SELECT set_eq('SELECT * FROM pg_temp.jobs()', ARRAY[
    'instagram_insights daily sync (DB)|30 10 * * *|SELECT instagram_insights.ig_sync_all()|pgtap_boss',
    'instagram_insights daily sync (DB) nudge|*/5 * * * *|SELECT instagram_insights.ig_nudge()|pgtap_boss'],
    'replaced, not doubled');
SELECT ok(instagram_insights.ig_schedule('0 12 * * *', 'noon') > 0, 'another name is another schedule');
SELECT is((SELECT d.detail FROM instagram_insights.ig_doctor() d WHERE d.check_name = 'pg_cron'), '2 daily syncs are scheduled',
          'which the doctor remarks');
SELECT is(instagram_insights.ig_unschedule('noon'), true, 'it is removed by its name');
SELECT is((SELECT count(*) FROM cron.job), 2::bigint, 'both jobs of it, and no others');

-- A superuser sees the jobs of others and takes them over.
RESET ROLE;
SELECT ok(instagram_insights.ig_schedule() > 0, 'a superuser schedules');
SELECT set_eq('SELECT DISTINCT username::text FROM cron.job', ARRAY[current_user::text], 'in the place of whoever did before');

-- The outcome of runs
INSERT INTO cron.job_run_details (jobid, database, username, command, status, return_message, start_time, end_time)
VALUES (1, current_database(), current_user, 'SELECT instagram_insights.ig_sync_all()', 'succeeded', '', now() - interval '40 days', now() - interval '40 days'),
       (1, current_database(), current_user, 'SELECT 1', 'succeeded', '', now() - interval '40 days', now() - interval '40 days'),
       (1, current_database(), current_user, 'SELECT instagram_insights.ig_nudge()', 'failed', 'no such role', now(), now());
SELECT is(pg_temp.status(), 'fail', 'a run that failed is told');
SELECT is((SELECT m.detail FROM instagram_insights.ig_maintain() m WHERE m.object = 'cron.job_run_details'),
          '1 rows older than log_retention', 'old runs of ours are removed');
SELECT is((SELECT count(*) FROM cron.job_run_details r WHERE r.command = 'SELECT 1'), 1::bigint, 'those of others are not');

SET ROLE pgtap_user;
SELECT throws_ok('SELECT instagram_insights.ig_schedule()', '42501', NULL, 'a user may not schedule');
RESET ROLE;
UPDATE cron.job SET database = 'elsewhere';
SELECT throws_ok('SELECT instagram_insights.ig_schedule()', '42710', NULL, 'a job of that name for another database is not taken over');
SELECT is((SELECT count(*) FROM cron.job), 2::bigint, 'and stays');
SELECT * FROM finish();
ROLLBACK;
