-- Connecting with a token at hand: no network, no token anywhere but sealed.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';
SET ROLE regress_insights_api;

SELECT user_id, platform, account_id, login, status, expires_at, days_left, next_sync_at, hint
FROM ig_connect_token('IGregressTokenOfAnn1', '17841400000000001');
SELECT account_id, login, status, days_left
FROM ig_connect_token('IGregressTokenOfAnn2', '17841400000000002', NULL, 'instagram', now() + interval '5 days 1 hour');

-- Bad input
SELECT outcome('SELECT * FROM ig_connect_token(NULL, ''17841400000000003'')');
SELECT outcome('SELECT * FROM ig_connect_token('''', ''17841400000000003'')');
SELECT outcome('SELECT * FROM ig_connect_token(''two words'', ''17841400000000003'')');
SELECT outcome('SELECT * FROM ig_connect_token(''tok'', ''17841400000000003'', login => ''myspace'')');
SELECT outcome('SELECT * FROM ig_connect_token(''tok'', ''17841400000000003'', ''00000000-0000-4000-8000-00000000000b'')');

-- The inbox takes what COPY brings, and shows nothing.
COPY connect_inbox (access_token, account_id, login) FROM STDIN;
IGregressTokenOfAnn3	17841400000000003	facebook
\.
INSERT INTO connect_inbox (access_token, account_id) VALUES ('IGregressTokenOfAnn4', '17841400000000004');
SELECT count(*) FROM connect_inbox;
SELECT account_id, login, status, hint IS NOT NULL AS has_hint FROM connections ORDER BY account_id;
SELECT account_id, status FROM user_tokens ORDER BY account_id;

-- The table of tokens is out of reach, and holds none in the clear.
SELECT outcome('SELECT * FROM credentials');
SET ROLE regress_insights_boss;
SELECT outcome('SELECT * FROM credentials');
RESET ROLE;
SELECT count(*) AS tokens, bool_or(position('IGregress'::bytea IN sealed_token) > 0) AS in_the_clear FROM credentials;

-- Every state that a connection can be in, and what it says to do
UPDATE accounts SET expires_at = now() - interval '1 minute' WHERE account_id = '17841400000000003';
UPDATE accounts SET blocked_until = now() + interval '1 hour' WHERE account_id = '17841400000000004';
SELECT account_id, status, days_left, hint FROM connections ORDER BY account_id;
UPDATE accounts SET status = 'token_unreadable' WHERE account_id = '17841400000000003';
UPDATE accounts SET status = 'needs_login', hint = 'the hint that was stored' WHERE account_id = '17841400000000004';
UPDATE accounts SET expires_at = 'infinity' WHERE account_id = '17841400000000002';
SELECT account_id, status, days_left, hint FROM connections ORDER BY account_id;

-- Other people's accounts are not there. An admin sees all; somebody without identity nothing.
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SET ROLE regress_insights_api;
SELECT count(*) FROM connections;
SELECT count(*) FROM accounts;
RESET request.jwt.claims;
SELECT count(*) FROM connections;
SET ROLE regress_insights_boss;
SELECT count(*) FROM connections;
RESET ROLE;
