-- Apps, logins and keys as far as they need no network: what is stored sealed, what is refused, who may see what.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';

-- Without an app nobody logs in, and no callback can be checked.
SET ROLE regress_insights_api;
SELECT outcome('SELECT ig_authorize_url(''https://app.example.org/back'')');
SELECT outcome('SELECT ig_configure_app(''1234567890'', ''secret'')') AS by_a_user;
SELECT outcome('SELECT ig_rotate_key()') AS by_a_user, outcome('SELECT ig_deauthorize(''a.b'')') LIKE '42501%' AS refused;
SET ROLE regress_insights_boss;
SELECT outcome('SELECT ig_deauthorize(''a.b'')');

-- Apps that are not apps
SELECT bad, outcome('SELECT ig_configure_app(' || bad || ')')
FROM (VALUES (1, '''12x'', ''y'''), (2, 'NULL, ''y'''), (3, ''''', ''y'''), (4, '''1'', NULL'), (5, '''1'', '''''), (6, '''1'', ''a b'''),
             (7, '''1'', ''y'', ''myspace'''), (8, '''1'', ''y'', ''facebook'', ARRAY[''ftp://x'']'),
             (9, '''1'', ''y'', ''facebook'', ARRAY[''http://example.org/'']'), (10, '''1'', ''y'', ''facebook'', ARRAY[''https://x/#f'']'),
             (11, '''1'', ''y'', ''facebook'', ARRAY[''https://x/ y'']'), (12, '''1'', ''y'', ''facebook'', ARRAY[NULL]::text[]'),
             (13, '''1'', ''y'', ''facebook'', ''{}'', ARRAY[''Bad Scope'']'), (14, '''1'', ''y'', platform => ''tiktok'''),
             (15, '''1'', ''y'', deletion_url => ''elsewhere''')) b(n, bad) ORDER BY n;
RESET ROLE;
SELECT count(*) AS stored FROM apps;

-- An app for each login; configuring again replaces.
SET ROLE regress_insights_boss;
SELECT ig_configure_app('1111', 'regressSecretOfBefore', 'facebook', ARRAY['https://old.example.org/'], ARRAY['instagram_basic']);
SELECT ig_configure_app('1234567890', 'regressSecretOfFacebook', redirect_uris => ARRAY['https://app.example.org/back', 'http://localhost:8080/'],
                        deletion_url => 'https://app.example.org/deleted?lang=en');
SELECT ig_configure_app('9876543210', 'regressSecretOfInstagram', 'instagram', ARRAY['https://app.example.org/back']);
SELECT platform, login, app_id, redirect_uris, scopes, deletion_url FROM apps ORDER BY login;

-- An admin sees all of an app but its secret, and nothing of logins on their way; a user neither.
SELECT outcome('SELECT sealed_secret FROM apps') LIKE '42501%' AS refused, outcome('SELECT * FROM apps') LIKE '42501%' AS refused,
       outcome('SELECT * FROM oauth_states') LIKE '42501%' AS refused,
       outcome('DELETE FROM apps') LIKE '42501%' AS refused, outcome('DELETE FROM deletion_requests') LIKE '42501%' AS refused;
SELECT outcome('SELECT count(*) FROM deletion_requests');
SET ROLE regress_insights_api;
SELECT outcome('SELECT app_id FROM apps') LIKE '42501%' AS refused, outcome('SELECT * FROM oauth_states') LIKE '42501%' AS refused,
       outcome('SELECT * FROM deletion_requests') LIKE '42501%' AS refused;
SELECT count(*) AS budgets FROM usage;
RESET ROLE;
SELECT count(*) AS apps, bool_or(position('regress'::bytea IN sealed_secret) > 0) AS in_the_clear FROM apps;

-- The URL of each login: to the letter but for the state, which is another each time and is stored as a hash.
SET ROLE regress_insights_api;
SELECT regexp_replace(ig_authorize_url('https://app.example.org/back'), 'state=[A-Za-z0-9_-]{43}', 'state=...') AS url;
SELECT regexp_replace(ig_authorize_url('https://app.example.org/back', login => 'instagram'), 'state=[A-Za-z0-9_-]{43}', 'state=...') AS url;
SELECT outcome('SELECT ig_authorize_url(NULL)'), outcome('SELECT ig_authorize_url(''https://app.example.org/back/'')'),
       outcome('SELECT ig_authorize_url(''https://old.example.org/'')'),
       outcome('SELECT ig_authorize_url(''http://localhost:8080/'', login => ''instagram'')'),
       outcome('SELECT ig_authorize_url(''https://app.example.org/back'', login => ''myspace'')'),
       outcome('SELECT ig_authorize_url(''https://app.example.org/back'', ''00000000-0000-4000-8000-00000000000b'')');
RESET ROLE;
SELECT user_id, login, redirect_uri, octet_length(state_hash), expires_at - now() BETWEEN '9 minutes' AND '10 minutes' AS ten_minutes FROM oauth_states ORDER BY login;

-- Coming back: what is refused before anybody is called. Everything that is wrong with a state is one text.
SELECT ig_authorize_url('https://app.example.org/back') AS url \gset
SELECT substring(:'url' FROM 'state=([^&]+)') AS state \gset
SET ROLE regress_insights_api;
SELECT outcome('SELECT * FROM ig_connect(NULL, ''x'')'), outcome('SELECT * FROM ig_connect(''#_'', ''x'')'),
       outcome('SELECT * FROM ig_connect(repeat(''c'', 5000), ''x'')');
SELECT outcome(format('SELECT * FROM ig_connect(''code'', %L)', :'state')) AS switched_off;
RESET ROLE;
SET instagram_insights.enabled = on;
SELECT * FROM ig_connect('code', NULL);
SELECT * FROM ig_connect('code', 'invented');
SET ROLE regress_insights_api;
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SELECT outcome(format('SELECT * FROM ig_connect(''code'', %L)', :'state')) AS of_somebody_else;
RESET request.jwt.claims;
SELECT outcome(format('SELECT * FROM ig_connect(''code'', %L)', :'state')) AS of_nobody;
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';
-- The API is out of reach: the error gives the state back, nothing is stored.
SELECT outcome(format('SELECT * FROM ig_connect(''code'', %L)', :'state')) AS out_of_reach;
RESET ROLE;
SELECT count(*) AS logins_on_their_way FROM oauth_states;
UPDATE oauth_states SET expires_at = now() WHERE login = 'facebook';
SET ROLE regress_insights_api;
SELECT outcome(format('SELECT * FROM ig_connect(''code'', %L)', :'state')) AS too_old;
SELECT ig_authorize_url('https://app.example.org/back', login => 'instagram') IS NOT NULL AS begun;
RESET ROLE;
SELECT login, count(*) AS logins_on_their_way FROM oauth_states GROUP BY login;

-- Renewing: accounts that have no end, are too young, ended, or are not there
SET ROLE regress_insights_api;
SELECT * FROM refresh_instagram_token('17841400000000001');
SELECT * FROM refresh_instagram_token('17841400000000099');
SELECT outcome('SELECT * FROM refresh_instagram_token(user_id => ''00000000-0000-4000-8000-00000000000b'')') LIKE '42501%' AS refused;
RESET ROLE;
BEGIN;
UPDATE accounts SET status = 'active', login = 'instagram', issued_at = now() - interval '1 hour', expires_at = now() + interval '59 days' WHERE account_id = '17841400000000002';
SAVEPOINT young;
SELECT * FROM refresh_instagram_token('17841400000000002');
ROLLBACK TO young;
UPDATE accounts SET issued_at = now() - interval '61 days', expires_at = now() - interval '1 day' WHERE account_id = '17841400000000002';
SELECT * FROM refresh_instagram_token('17841400000000002');
ROLLBACK;
BEGIN;
UPDATE accounts SET issued_at = now() - interval '40 days', expires_at = now() + interval '20 days' WHERE account_id = '17841400000000003';
SELECT * FROM refresh_instagram_token('17841400000000003');
ROLLBACK;
RESET instagram_insights.enabled;
SELECT outcome('SELECT * FROM refresh_instagram_token(''17841400000000001'')') AS switched_off;

-- A new key for everything, and everything opens with it. A file of one's choice needs the right to write files.
CREATE TEMP TABLE before AS SELECT substring(sealed_token FROM 2 FOR 8) AS key FROM credentials UNION ALL SELECT substring(sealed_secret FROM 2 FOR 8) FROM apps;
SET ROLE regress_insights_boss;
SELECT outcome('SELECT ig_rotate_key(''/tmp/key'')') LIKE '42501%' AS refused;
SELECT ig_rotate_key() AS sealed_anew;
RESET ROLE;
SELECT outcome('SELECT ig_rotate_key(''here'')'), outcome('SELECT ig_rotate_key('''')');
SELECT count(*) AS sealed, count(DISTINCT key) AS keys, bool_or(key IN (SELECT key FROM before)) AS an_old_one
FROM (SELECT substring(sealed_token FROM 2 FOR 8) AS key FROM credentials UNION ALL SELECT substring(sealed_secret FROM 2 FOR 8) FROM apps) s;
SELECT ig_count_foreign_tokens((SELECT key_id FROM ig_process_state())) AS of_another_key;
SET ROLE regress_insights_api;
SELECT ig_authorize_url('https://app.example.org/back') IS NOT NULL AS the_app_is_readable;
RESET ROLE;
DROP TABLE before;

-- Taken back with its savepoint, a change of the key leaves the old one in place, and everything opens.
BEGIN;
SAVEPOINT kept;
SELECT ig_rotate_key() AS sealed_anew;
ROLLBACK TO kept;
COMMIT;
SELECT ig_count_foreign_tokens((SELECT key_id FROM ig_process_state())) AS of_another_key;
DELETE FROM oauth_states;
DELETE FROM apps;
