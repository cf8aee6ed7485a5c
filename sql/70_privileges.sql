-- Who may do what: a role without grants nothing, users their own, admins all but tokens, the worker not everything.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;

SET ROLE regress_insights_anon;
SELECT outcome('SELECT * FROM instagram_insights.connections') LIKE '42501%' AS refused,
       outcome('SELECT instagram_insights.ig_current_user_id()') LIKE '42501%' AS refused;
RESET ROLE;

-- By table: what each of the three roles has
SELECT c.relname::text COLLATE "C" AS name,
       concat_ws(',', CASE WHEN has_table_privilege('instagram_insights_user', c.oid, 'SELECT') THEN 'r' END,
                 CASE WHEN has_table_privilege('instagram_insights_user', c.oid, 'INSERT') THEN 'a' END,
                 CASE WHEN has_table_privilege('instagram_insights_user', c.oid, 'UPDATE') THEN 'w' END,
                 CASE WHEN has_table_privilege('instagram_insights_user', c.oid, 'DELETE') THEN 'd' END) AS "user",
       concat_ws(',', CASE WHEN has_table_privilege('instagram_insights_admin', c.oid, 'SELECT') THEN 'r' END,
                 CASE WHEN has_table_privilege('instagram_insights_admin', c.oid, 'INSERT') THEN 'a' END,
                 CASE WHEN has_table_privilege('instagram_insights_admin', c.oid, 'UPDATE') THEN 'w' END,
                 CASE WHEN has_table_privilege('instagram_insights_admin', c.oid, 'DELETE') THEN 'd' END) AS admin,
       concat_ws(',', CASE WHEN has_table_privilege('instagram_insights_worker', c.oid, 'SELECT') THEN 'r' END,
                 CASE WHEN has_table_privilege('instagram_insights_worker', c.oid, 'INSERT') THEN 'a' END,
                 CASE WHEN has_table_privilege('instagram_insights_worker', c.oid, 'UPDATE') THEN 'w' END,
                 CASE WHEN has_table_privilege('instagram_insights_worker', c.oid, 'DELETE') THEN 'd' END) AS worker
FROM pg_class c
WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind IN ('r', 'p', 'v')
ORDER BY 1;

-- By function
SELECT p.proname::text COLLATE "C" AS name,
       has_function_privilege('instagram_insights_user', p.oid, 'EXECUTE') AS "user",
       has_function_privilege('instagram_insights_admin', p.oid, 'EXECUTE') AS admin,
       has_function_privilege('instagram_insights_worker', p.oid, 'EXECUTE') AS worker,
       has_function_privilege('regress_insights_anon', p.oid, 'EXECUTE') AS anybody
FROM pg_proc p
WHERE p.pronamespace = 'instagram_insights'::regnamespace
ORDER BY 1;

-- The worker role reaches accounts of everybody, but numbers and log of nobody it does not act for.
SELECT count(*) FROM ig_connect_token('IGregressTokenOfAnn1', '17841400000000001', '00000000-0000-4000-8000-00000000000a');
INSERT INTO insights (user_id, account_id, metric, value, end_time)
VALUES ('00000000-0000-4000-8000-00000000000a', '17841400000000001', 'reach', 1, '2026-11-20 08:00+00');
SET ROLE instagram_insights_worker;
SELECT (SELECT count(*) FROM accounts) AS accounts, (SELECT count(*) FROM insights) AS insights;
SELECT outcome($$INSERT INTO instagram_insights.insights (user_id, account_id, metric, value, end_time)
                 VALUES ('00000000-0000-4000-8000-00000000000a', '17841400000000001', 'reach', 1, '2026-11-21 08:00+00')$$) LIKE '42501%' AS refused;
RESET ROLE;

-- Default privileges of the installing role give nothing away either.
DROP EXTENSION instagram_insights;
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO regress_insights_anon;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO regress_insights_anon;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO regress_insights_anon;
CREATE EXTENSION instagram_insights;
SELECT count(*) AS given_away FROM pg_class c, aclexplode(c.relacl) a
WHERE c.relnamespace = 'instagram_insights'::regnamespace AND a.grantee = 'regress_insights_anon'::regrole;
SELECT count(*) AS given_away FROM pg_proc p, aclexplode(p.proacl) a
WHERE p.pronamespace = 'instagram_insights'::regnamespace AND a.grantee = 'regress_insights_anon'::regrole;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM regress_insights_anon;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON FUNCTIONS FROM regress_insights_anon;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM regress_insights_anon;
