-- The data set of the reading benchmark: :users users with one account, four metrics, :days days to yesterday, loaded
-- day by day as the product would have stored them.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
INSERT INTO instagram_insights.accounts (user_id, account_id, last_success_at)
SELECT ('00000000-0000-4000-8000-' || lpad(u::text, 12, '0'))::uuid, '178414' || lpad(u::text, 11, '0'), now()
FROM generate_series(1, :users) u;
-- Foreign keys and triggers would be asked 20 million times; the rows are right, and no month is closed yet.
SET session_replication_role = replica;
ALTER TABLE instagram_insights.insights DISABLE TRIGGER late_insert;
SET synchronous_commit = off;
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, value, retrieved_at)
SELECT a.user_id, a.account_id, m.name, t.midnight, 1000 + (hashtext(a.account_id || m.name) & 4095) + (t.back * 37) % 211,
       t.midnight + interval '4 hours'
FROM (SELECT d.back, (((now() AT TIME ZONE 'America/Los_Angeles')::date - d.back)::timestamp
                      AT TIME ZONE 'America/Los_Angeles') AS midnight
      FROM generate_series(:days - 1, 0, -1) d(back)) t
CROSS JOIN instagram_insights.accounts a
CROSS JOIN unnest(ARRAY['reach', 'follower_count', 'profile_views', 'accounts_engaged']) m(name)
ORDER BY t.back DESC, hashtext(a.account_id), m.name;
RESET session_replication_role;
ALTER TABLE instagram_insights.insights ENABLE ALWAYS TRIGGER late_insert;
VACUUM (ANALYZE) instagram_insights.insights;
VACUUM (ANALYZE) instagram_insights.accounts;
