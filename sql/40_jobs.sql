-- The queue as users see it: asking, being told, cancelling.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;
\set SHOW_CONTEXT never
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SET ROLE regress_insights_api;

-- One job an account; asked again, the same one.
SELECT array_agg(j ORDER BY j) AS first FROM ig_refresh_insights() j \gset
SELECT array_agg(j ORDER BY j) = :'first' AS same, count(*) FROM ig_refresh_insights() j;
SELECT s.account_id, s.kind, s.state, s.progress, s.calls_done, s.calls_planned, s.rows_stored, s.attempt,
       s.next_try_at = s.queued_at AS due_at_once, s.started_at, s.finished_at, s.error, s.hint
FROM unnest(:'first'::bigint[]) j, ig_sync_status(j) s ORDER BY s.account_id;
SELECT account_id, next_sync_at IS NOT NULL AS planned FROM connections ORDER BY account_id;

-- A range in the past, with all metrics or some; the same range asked again is the same job.
SELECT b AS backfill FROM ig_backfill('2026-01-01', '2026-01-31', account_id => '17841400000000011', metrics => '{views,reach,views}') b \gset
SELECT b = :backfill AS same FROM ig_backfill('2026-01-01', '2026-01-31', account_id => '17841400000000011', metrics => '{reach,views}') b;
SELECT b = :backfill AS same FROM ig_backfill('2026-01-01', account_id => '17841400000000011') b;
SELECT kind, trigger, state, metrics, since, until, priority FROM sync_jobs WHERE job_id = :backfill;
SELECT count(*) FROM ig_backfill('2026-02-01', '2026-02-01');

-- Bad input
SELECT * FROM ig_backfill('2026-01-02', '2026-01-01');
SELECT * FROM ig_backfill('2026-01-01', metrics => '{reach,impressions,NULL}');
SELECT * FROM ig_refresh_insights(account_id => '17841400000000001');
SELECT * FROM ig_refresh_insights(account_id => '1');
SELECT outcome('SELECT ig_backfill(NULL)');
SELECT outcome('SELECT ig_backfill(''infinity'')');
SELECT outcome('SELECT ig_backfill(''2026-01-01'', ''infinity'')');
SELECT outcome('SELECT ig_backfill((now() + interval ''3 days'')::date)');
SELECT outcome('SELECT ig_backfill(''2026-01-01'', metrics => ''{}'')');
SELECT outcome('SELECT ig_backfill(''2026-01-01'', account_id => ''1'')');
SELECT outcome('SELECT ig_backfill(''2026-01-01'', user_id => ''00000000-0000-4000-8000-00000000000a'')');
SELECT outcome('SELECT ig_refresh_insights(''00000000-0000-4000-8000-00000000000a'')');
RESET request.jwt.claims;
SELECT outcome('SELECT ig_refresh_insights()');
SELECT outcome('SELECT ig_backfill(''2026-01-01'')');
SELECT outcome('SELECT ig_cancel(1)');
SELECT count(*) FROM sync_jobs;

-- Another user's job is as if it did not exist.
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000c"}';
SELECT count(*) FROM ig_sync_status(:backfill);
SELECT outcome('SELECT ig_refresh_insights()') AS nothing_connected;
\set VERBOSITY sqlstate
SELECT ig_cancel(:backfill);
SELECT ig_cancel(0);
SELECT ig_cancel(NULL);
\set VERBOSITY default

-- Cancelling: at once while queued; a running one gets a new generation, so that its result is refused.
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SELECT ig_cancel(:backfill) AS changed, ig_cancel(:backfill) AS changed_again;
SELECT state, finished_at IS NOT NULL AS ended, progress, error FROM ig_sync_status(:backfill);
RESET ROLE;
UPDATE sync_jobs SET state = 'running', generation = 7, lease_until = now() + interval '1 hour', started_at = now(),
    calls_done = 1, calls_planned = 3 WHERE job_id = (:'first'::bigint[])[1];
SET ROLE regress_insights_api;
SELECT state, progress, next_try_at FROM ig_sync_status((:'first'::bigint[])[1]);
SELECT ig_cancel((:'first'::bigint[])[1]);
SELECT state, generation, lease_until, error_kind FROM sync_jobs WHERE job_id = (:'first'::bigint[])[1];

-- A throttled account's work waits until it may be called.
RESET ROLE;
UPDATE accounts SET blocked_until = now() + interval '1 hour' WHERE account_id = '17841400000000011';
SET ROLE regress_insights_api;
SELECT r AS waits FROM ig_refresh_insights(account_id => '17841400000000011') r \gset
SELECT state, next_try_at > now() + interval '30 minutes' AS later FROM ig_sync_status(:waits);
RESET ROLE;
UPDATE accounts SET blocked_until = NULL WHERE account_id = '17841400000000011';

-- An admin may act for anybody; users may not write the queue.
SET ROLE regress_insights_boss;
RESET request.jwt.claims;
SELECT count(*) FROM ig_refresh_insights('00000000-0000-4000-8000-00000000000b');
SELECT ig_cancel(max(job_id)) FROM sync_jobs WHERE kind = 'refresh';
SET ROLE regress_insights_api;
SELECT outcome('UPDATE sync_jobs SET state = ''queued''') LIKE '42501%' AS refused;
SELECT outcome('DELETE FROM sync_log') LIKE '42501%' AS refused;
RESET ROLE;
DELETE FROM sync_jobs;
