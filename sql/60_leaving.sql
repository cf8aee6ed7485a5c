-- Disconnecting keeps the numbers; deletion keeps nothing; neither touches anybody else.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;
\set SHOW_CONTEXT never
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SET ROLE regress_insights_api;
SELECT count(*) AS jobs FROM ig_refresh_insights();
SELECT generation AS before FROM accounts WHERE account_id = '17841400000000011' \gset

SELECT outcome('SELECT ig_disconnect(''17841400000000001'')') AS of_ann, outcome('SELECT ig_disconnect(''1'')') AS of_nobody;
SELECT outcome('SELECT ig_disconnect(user_id => ''00000000-0000-4000-8000-00000000000a'')');
SELECT ig_disconnect('17841400000000011') AS disconnected, ig_disconnect('17841400000000011') AS again;
SELECT account_id, status, hint FROM connections ORDER BY account_id;
SELECT account_id FROM user_tokens ORDER BY account_id;
SELECT account_id, state, error FROM sync_jobs ORDER BY account_id;
SELECT generation > :before AS results_on_their_way_are_void FROM accounts WHERE account_id = '17841400000000011';
SELECT count(*) > 0 AS history_kept FROM instagram_insights WHERE account_id = '17841400000000011';
SELECT outcome('SELECT ig_refresh_insights(account_id => ''17841400000000011'')');
SELECT count(*) AS only_the_connected_one FROM ig_refresh_insights();
RESET ROLE;
SELECT account_id FROM credentials WHERE user_id = '00000000-0000-4000-8000-00000000000b';

-- Connected again, it goes on under a new generation.
SET ROLE regress_insights_api;
SELECT account_id, status FROM ig_connect_token('IGregressTokenOfBob1', '17841400000000011');
SELECT ig_disconnect() AS both;

-- All of it
SELECT outcome('SELECT ig_delete_user_data(''00000000-0000-4000-8000-00000000000a'')');
SELECT ig_delete_user_data();
SELECT ig_delete_user_data();
RESET ROLE;
SELECT tab, count FROM (
    SELECT 'accounts' AS tab, count(*) FROM accounts WHERE user_id = '00000000-0000-4000-8000-00000000000b'
    UNION ALL SELECT 'credentials', count(*) FROM credentials WHERE user_id = '00000000-0000-4000-8000-00000000000b'
    UNION ALL SELECT 'insights', count(*) FROM insights WHERE user_id = '00000000-0000-4000-8000-00000000000b'
    UNION ALL SELECT 'sync_jobs', count(*) FROM sync_jobs WHERE user_id = '00000000-0000-4000-8000-00000000000b'
    UNION ALL SELECT 'sync_log', count(*) FROM sync_log WHERE user_id = '00000000-0000-4000-8000-00000000000b') t ORDER BY tab;
SELECT count(*) AS accounts_of_ann FROM accounts;

-- An admin may do it for somebody else, with the numbers and the log of that user, not of the others.
INSERT INTO insights (user_id, account_id, metric, value, end_time)
VALUES ('00000000-0000-4000-8000-00000000000a', '17841400000000001', 'reach', 1, '2026-11-20 08:00+00');
INSERT INTO sync_log (user_id, account_id, kind, trigger, started_at, finished_at, status)
VALUES ('00000000-0000-4000-8000-00000000000a', '17841400000000001', 'daily', 'cron', now(), now(), 'succeeded'),
       ('00000000-0000-4000-8000-00000000000c', '1', 'daily', 'cron', now(), now(), 'succeeded');
SET ROLE regress_insights_boss;
RESET request.jwt.claims;
SELECT outcome('SELECT ig_delete_user_data()');
SELECT ig_delete_user_data('00000000-0000-4000-8000-00000000000a');
SELECT count(*) AS log_of_others FROM sync_log;
RESET ROLE;
DELETE FROM sync_log;
