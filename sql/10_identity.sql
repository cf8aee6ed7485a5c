-- Who is asking: the three sources, and what comes of a missing or malformed one.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;
\set ann '00000000-0000-4000-8000-00000000000a'
\set bob '00000000-0000-4000-8000-00000000000b'

-- jwt, the default
SELECT ig_current_user_id() IS NULL AS nobody;
SET request.jwt.claims = '';
SELECT ig_current_user_id() IS NULL AS nobody;
SET request.jwt.claims = '{}';
SELECT ig_current_user_id() IS NULL AS nobody;
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000A"}';
SELECT ig_current_user_id() = :'ann' AS ann;
SET request.jwt.claims = '{"sub":"ann"}';
SELECT outcome('SELECT ig_current_user_id()');
SET request.jwt.claims = 'no json';
SELECT outcome('SELECT ig_current_user_id()');
SET request.jwt.claims = '[]';
SELECT outcome('SELECT ig_current_user_id()') IN ('()', '22023') AS harmless;

-- Another source's value does not count.
SET instagram_insights.user_id = '00000000-0000-4000-8000-00000000000b';
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';
SELECT ig_current_user_id() = :'ann' AS ann;

-- setting
SET instagram_insights.identity = 'setting';
SELECT ig_current_user_id() = :'bob' AS bob;
SET instagram_insights.user_id = 'bob';
SELECT outcome('SELECT ig_current_user_id()');
RESET instagram_insights.user_id;
SELECT ig_current_user_id() IS NULL AS nobody;

-- role: the role that was logged in as or set, also inside a definer function
SET instagram_insights.identity = 'role';
INSERT INTO role_users VALUES ('regress_insights_api', :'ann');
SELECT ig_current_user_id() IS NULL AS nobody;
SET ROLE regress_insights_api;
SELECT ig_current_user_id() = :'ann' AS ann, ig_target_user() = :'ann' AS ann, ig_is_admin() AS admin;
SELECT outcome('SELECT * FROM role_users');
RESET ROLE;
DELETE FROM role_users;
RESET instagram_insights.identity;

-- Whom a call may be about
SET ROLE regress_insights_api;
SELECT outcome(format('SELECT ig_target_user(%L)', :'bob'));
SELECT ig_target_user(:'ann') = :'ann' AS own;
RESET request.jwt.claims;
SELECT outcome('SELECT ig_target_user()');
SET ROLE regress_insights_boss;
SELECT ig_target_user(:'bob') = :'bob' AS anybody, ig_is_admin() AS admin;
SELECT outcome('SELECT ig_target_user()');

-- Only the DBA chooses the source.
SELECT outcome('SET instagram_insights.identity = ''setting''');
SELECT outcome('SET instagram_insights.enabled = on');
RESET ROLE;
