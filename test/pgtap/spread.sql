-- instagram_insights.spread: ig_sync_all() gives each account its own place within it, the same every day.
BEGIN;
SET client_min_messages = warning;
SELECT plan(6);

SELECT count(*) FROM generate_series(1, 200) n,
    instagram_insights.ig_connect_token('EAAspread' || n, '1784140000' || n, ('00000000-0000-4000-8000-' || lpad(n::text, 12, '0'))::uuid);

CREATE FUNCTION pg_temp.places() RETURNS TABLE (account_id text, place interval) LANGUAGE sql AS $$
    SELECT j.account_id, j.due_at - now() FROM instagram_insights.sync_jobs j WHERE j.kind = 'daily' AND j.account_id LIKE '1784140000%'
$$;

SET instagram_insights.spread = '2h';
SELECT is(instagram_insights.ig_sync_all('test'), 200, 'every account gets its job');
CREATE TEMPORARY TABLE first_day AS SELECT * FROM pg_temp.places();
SELECT is((SELECT count(*) FROM first_day WHERE place < '0'::interval OR place >= '2h'::interval), 0::bigint, 'none is due before now or behind the spread');
SELECT cmp_ok((SELECT count(DISTINCT place) FROM first_day), '>', 190::bigint, 'each account has a place of its own');
SELECT is((SELECT count(*) FROM generate_series(0, 7) eighth
           WHERE (SELECT count(*) FROM first_day WHERE floor(extract(epoch FROM place) / 900) = eighth) NOT BETWEEN 8 AND 50), 0::bigint,
    'no eighth of the time is empty or crowded');

DELETE FROM instagram_insights.sync_jobs WHERE kind = 'daily';
SELECT instagram_insights.ig_sync_all('test');
SELECT is_empty('(SELECT * FROM first_day EXCEPT SELECT * FROM pg_temp.places())', 'the next day every account has the same place');

DELETE FROM instagram_insights.sync_jobs WHERE kind = 'daily';
RESET instagram_insights.spread;
SELECT instagram_insights.ig_sync_all('test');
SELECT is((SELECT count(*) FROM pg_temp.places() WHERE place > '0'::interval), 0::bigint, 'without a spread all are due at once');

SELECT * FROM finish();
ROLLBACK;
