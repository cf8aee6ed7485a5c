-- Retention: what is old goes, round by round, from every user; what is young, live or asked to be kept stays.
BEGIN;
SET client_min_messages = warning;
SELECT plan(18);
SET LOCAL instagram_insights.log_retention = '30d';
INSERT INTO instagram_insights.accounts (user_id, account_id)
VALUES ('00000000-0000-4000-8000-00000000000a', '1781'), ('00000000-0000-4000-8000-00000000000b', '1782');
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value)
SELECT a.user_id, a.account_id, m, t.first + n * interval '1 day', n
FROM instagram_insights.accounts a, unnest(ARRAY['reach', 'views']) m,
     (VALUES (now() - interval '3 years', 5), (now() - interval '110 days', 20)) t(first, days), generate_series(1, t.days) n;
CREATE FUNCTION pg_temp.fill() RETURNS void LANGUAGE sql AS $$
    INSERT INTO instagram_insights.sync_jobs (user_id, account_id, kind, state, finished_at)
    SELECT u, 'x', 'backfill', 'succeeded', now() - a FROM unnest(ARRAY['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']::uuid[]) u,
        unnest(ARRAY[interval '1 day', interval '31 days', interval '32 days', interval '40 days']) a;
    INSERT INTO instagram_insights.sync_log (user_id, account_id, kind, trigger, started_at, finished_at, status)
    SELECT j.user_id, 'x', 'daily', 'cron', j.finished_at, j.finished_at, 'succeeded' FROM instagram_insights.sync_jobs j
$$;
SELECT pg_temp.fill();
INSERT INTO cron.job_run_details (jobid, runid, database, username, command, status, return_message, start_time, end_time)
SELECT 1, 1000 + n, d, 'somebody', c, 'succeeded', '', now() - interval '40 days', now() - interval '40 days'
FROM (VALUES (1, current_database(), 'SELECT instagram_insights.ig_sync_all()'), (2, current_database(), 'SELECT instagram_insights.ig_nudge()'),
             (3, current_database(), 'SELECT * FROM instagram_insights.ig_maintain()'), (4, 'elsewhere', 'SELECT instagram_insights.ig_sync_all()'),
             (5, current_database(), 'SELECT 1')) r(n, d, c);

-- One short round
SELECT results_eq($$SELECT object, detail, more FROM instagram_insights.ig_chores(2) WHERE object IN ('sync_log', 'sync_jobs', 'cron.job_run_details')$$,
    $$VALUES ('sync_log', '2 rows older than log_retention', true), ('sync_jobs', '2 ended jobs older than log_retention', true),
             ('cron.job_run_details', '2 rows older than log_retention', true)$$, 'a round takes so many rows of each kind, and says that more remain');
SELECT is((SELECT min(finished_at) FROM instagram_insights.sync_log), now() - interval '32 days', 'the oldest first');

-- The rest of a day, as the worker: every user's rows, whoever it acts for
SET LOCAL instagram_insights.insights_retention = '100d';
SET ROLE instagram_insights_worker;
SELECT is(instagram_insights.ig_maintain_daily(), true, 'the worker empties a year at the end of a round, whose lock ends with it: another follows');
SELECT is(instagram_insights.ig_maintain_daily(), false, 'which finds nothing more to do');
RESET ROLE;
SELECT is((SELECT count(*) FROM instagram_insights.sync_log), 2::bigint, 'young log rows of both users are kept');
SELECT is((SELECT count(*) FROM instagram_insights.sync_jobs), 2::bigint, 'so are jobs that ended lately');
SELECT set_eq('SELECT runid FROM cron.job_run_details', ARRAY[1004, 1005], 'of pg_cron''s log our runs in this database go, whoever ran them');
SELECT is((SELECT count(*) FILTER (WHERE end_time < now() - interval '100 days') || ' ' || count(*) FROM instagram_insights.insights),
          '0 ' || 2 * 2 * (SELECT count(*) FROM generate_series(1, 20) n WHERE n >= 10), 'numbers older than insights_retention are gone, younger ones are not');
SELECT ok((SELECT maintained_at = now() FROM instagram_insights.worker_state), 'the day is marked as done');
SELECT pg_temp.fill();
SET ROLE instagram_insights_worker;
SELECT is(instagram_insights.ig_maintain_daily(), false, 'and a second call on that day');
RESET ROLE;
SELECT is((SELECT count(*) FROM instagram_insights.sync_jobs), 10::bigint, '... deletes nothing');
UPDATE instagram_insights.worker_state SET maintained_at = now() - interval '1 day';
INSERT INTO instagram_insights.sync_jobs (user_id, account_id, kind, state, finished_at)
SELECT '00000000-0000-4000-8000-00000000000a', 'x', 'backfill', 'failed', now() - interval '50 days' FROM generate_series(1, 10000);
SET ROLE instagram_insights_worker;
SELECT is(instagram_insights.ig_maintain_daily(), true, 'where there is much, it says that it is to be called again');
SELECT is((SELECT maintained_at FROM instagram_insights.worker_state), now() - interval '1 day', '... and the day is not done');
SELECT is(instagram_insights.ig_maintain_daily(), false, 'until a round comes to the end');
RESET ROLE;

-- Users whose last account went by a foreign key of the application
INSERT INTO instagram_insights.usage (user_id, login, account_id) VALUES ('00000000-0000-4000-8000-00000000000b', 'facebook', '1782');
DELETE FROM instagram_insights.accounts WHERE account_id = '1782';
SELECT results_eq($$SELECT m.detail FROM instagram_insights.ig_maintain() m WHERE m.object = 'users'$$,
                  $$VALUES ('6 rows of users who have no account any more')$$, 'what is left of a user without accounts goes');
SELECT set_eq($$SELECT user_id FROM instagram_insights.sync_jobs UNION SELECT user_id FROM instagram_insights.sync_log UNION SELECT user_id FROM instagram_insights.usage$$,
              ARRAY['00000000-0000-4000-8000-00000000000a', '00000000-0000-0000-0000-000000000000']::uuid[], 'what belongs to others, or to the app, stays');

SET LOCAL instagram_insights.log_retention = 0;
SET LOCAL instagram_insights.insights_retention = 0;
INSERT INTO instagram_insights.sync_jobs (user_id, account_id, kind, state, finished_at)
VALUES ('00000000-0000-4000-8000-00000000000a', 'x', 'backfill', 'failed', '2000-01-01');
SELECT is((SELECT string_agg(substring(m.detail FROM '^\d+'), ' ') FROM instagram_insights.ig_maintain() m WHERE m.action = 'delete'), '0 0 0', 'with 0 all is kept');
SELECT throws_ok($$SELECT instagram_insights.ig_prune_ended('accounts', 1)$$, '22023', 'nothing ends in "accounts"', 'nothing else can be pruned');
SELECT * FROM finish();
ROLLBACK;
