-- Meta's callbacks: only a configured app's signature counts, and exactly the accounts of the person it names go.
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET search_path = instagram_insights, public;

-- Three accounts of two users belong to one person at the platform, the fourth to another.
SELECT ig_configure_app('1234567890', 'regressSecretOfFacebook');
SELECT ig_configure_app('9876543210', 'regressSecretOfInstagram', 'instagram');
SELECT count(*) FROM ig_connect_token('IGregress', '17841400000000021', '00000000-0000-4000-8000-00000000000a');
SELECT count(*) FROM ig_connect_token('IGregress', '17841400000000022', '00000000-0000-4000-8000-00000000000a');
SELECT count(*) FROM ig_connect_token('IGregress', '17841400000000023', '00000000-0000-4000-8000-00000000000b');
SELECT count(*) FROM ig_connect_token('IGregress', '17841400000000024', '00000000-0000-4000-8000-00000000000b');
UPDATE accounts SET meta_user_id = CASE account_id WHEN '17841400000000024' THEN '10220000000000002' ELSE '10220000000000001' END;
INSERT INTO insights (user_id, account_id, metric, value, end_time)
SELECT user_id, account_id, 'reach', 1, '2026-11-20 08:00+00' FROM accounts;
INSERT INTO sync_log (user_id, account_id, kind, trigger, started_at, finished_at, status)
SELECT user_id, account_id, 'daily', 'cron', now(), now(), 'succeeded' FROM accounts;
INSERT INTO sync_jobs (user_id, account_id, kind, due_at) SELECT user_id, account_id, 'daily', now() + interval '1 day' FROM accounts;
INSERT INTO usage (user_id, login, account_id, percent) SELECT user_id, login, account_id, 10 FROM accounts;

-- Signed requests for the person ...001 and for somebody unknown; the payload {"algorithm":"HMAC-SHA256", ...} in base64url
\set payload eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTc2MzgwMDAwMCwidXNlcl9pZCI6IjEwMjIwMDAwMDAwMDAwMDAxIn0
\set unknown eyJhbGdvcml0aG0iOiJITUFDLVNIQTI1NiIsImlzc3VlZF9hdCI6MTc2MzgwMDAwMCwidXNlcl9pZCI6IjEwMjIwMDAwMDAwMDAwMDk5In0
\set by_facebook UOd0GI0I5gQNx1DzEXdcHqHsr88xjEEnniPsuR2vRLU
\set by_instagram 4J4l1GeJRiwJ6c3EX1-PGtAS8XMUbgjxN7Mk-m7Xrnw
\set by_another Jjc4p-rJXZxIfdMGbOJ03iPFsPoc91jr1_I3UragFt0
\set unknown_by_facebook mfvd9waEvtwjve1tGTTLjIwDkRp7vJ7h1oia8aDGkT4

SET ROLE regress_insights_boss;
SELECT ig_deauthorize(:'by_another' || '.' || :'payload');
SELECT outcome('SELECT ig_deauthorize(NULL)'), outcome('SELECT ig_deauthorize('''')'), outcome('SELECT ig_deauthorize(''.'')'),
       outcome('SELECT ig_deauthorize(' || quote_literal(:'payload') || ')'),
       outcome('SELECT ig_deauthorize(' || quote_literal(:'by_facebook' || '.' || :'unknown') || ')'),
       outcome('SELECT ig_deauthorize(' || quote_literal(left(:'by_facebook', -1) || '.' || :'payload') || ')'),
       outcome('SELECT ig_data_deletion(' || quote_literal(:'by_another' || '.' || :'payload') || ')');
SELECT count(*) AS untouched FROM connections WHERE status = 'active';
SELECT ig_deauthorize(:'unknown_by_facebook' || '.' || :'unknown') AS nobody_we_know;
SELECT ig_deauthorize(:'by_facebook' || '.' || :'payload') AS disconnected;
SELECT account_id, status FROM connections ORDER BY account_id;
SELECT ig_deauthorize(:'by_facebook' || '.' || :'payload') AS once_more;
SELECT count(*) AS numbers_kept FROM insights;

-- Deletion needs a page to send the person to; either app's signature will do.
SELECT ig_data_deletion(:'by_instagram' || '.' || :'payload');
SELECT ig_configure_app('9876543210', 'regressSecretOfInstagram', 'instagram', deletion_url => 'https://app.example.org/deleted?lang=en');
SELECT ig_data_deletion(:'by_instagram' || '.' || :'payload') AS answer \gset
SELECT (:'answer'::jsonb ->> 'confirmation_code') ~ '^[0-9a-f]{32}$' AS code,
       replace(:'answer'::jsonb ->> 'url', :'answer'::jsonb ->> 'confirmation_code', '...') AS url;
SELECT s - 'requested_at' - 'completed_at' - 'confirmation_code' AS status, s ->> 'confirmation_code' = :'answer'::jsonb ->> 'confirmation_code' AS same,
       (s ->> 'completed_at')::timestamptz >= (s ->> 'requested_at')::timestamptz AS completed
FROM ig_deletion_status(:'answer'::jsonb ->> 'confirmation_code') s;
SELECT ig_deletion_status('0000');
SELECT outcome('SELECT ig_deletion_status(NULL)');
SELECT accounts FROM deletion_requests;
RESET ROLE;
SELECT tab, user_id, account_id FROM (
    SELECT 'accounts' AS tab, user_id, account_id FROM accounts
    UNION ALL SELECT 'credentials', user_id, account_id FROM credentials
    UNION ALL SELECT 'insights', user_id, account_id FROM insights
    UNION ALL SELECT 'sync_jobs', user_id, account_id FROM sync_jobs
    UNION ALL SELECT 'sync_log', user_id, account_id FROM sync_log
    UNION ALL SELECT 'usage', user_id, account_id FROM usage WHERE account_id <> '') t ORDER BY tab, account_id;

-- Also for somebody we hold nothing of: nothing is left, and that is what Meta is told.
SET ROLE regress_insights_boss;
SELECT ig_data_deletion(:'unknown_by_facebook' || '.' || :'unknown') ? 'confirmation_code' AS answered;
RESET ROLE;
SELECT ig_delete_user_data('00000000-0000-4000-8000-00000000000b');

-- A login that was begun does not survive the deletion of its user.
SELECT ig_configure_app('1234567890', 'regressSecretOfFacebook', redirect_uris => '{https://app.example.org/back}');
SELECT ig_authorize_url('https://app.example.org/back', '00000000-0000-4000-8000-00000000000b') IS NOT NULL AS begun;
SELECT ig_delete_user_data('00000000-0000-4000-8000-00000000000b');
SELECT count(*) AS logins_on_their_way FROM oauth_states;
DELETE FROM deletion_requests;
DELETE FROM apps;
