-- plpgsql_check finds nothing in any function: no error, no warning, no hidden cast, nothing for an injection to get into.
BEGIN;
SET client_min_messages = warning;
-- Its newer versions want to be there before the session's first function in PL/pgSQL.
LOAD 'plpgsql_check';
SELECT * FROM no_plan();
CREATE EXTENSION plpgsql_check;

CREATE TEMP VIEW checked AS
SELECT p.oid, p.proname, found.*
FROM pg_proc p
JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
-- A trigger's function is checked against each table that it is on.
LEFT JOIN LATERAL (SELECT DISTINCT t.tgrelid FROM pg_trigger t WHERE t.tgfoid = p.oid AND t.tgparentid = 0) fired ON true
CROSS JOIN LATERAL plpgsql_check_function_tb(p.oid, COALESCE(fired.tgrelid, 0), fatal_errors => false, other_warnings => true,
    performance_warnings => true, extra_warnings => true, security_warnings => true) found
WHERE p.pronamespace = 'instagram_insights'::regnamespace;

-- What it reports and what is as it should be, each with its reason
CREATE TEMP TABLE known (name text, message text, detail text, reason text);
INSERT INTO known VALUES
    ('ig_doctor_cron', 'immutable expression without parameters found', NULL, 'pg_cron may be absent when the function is planned'),
    ('ig_prune_ended', 'routine is marked as VOLATILE, should be STABLE', NULL, 'its dynamic statement deletes'),
    ('ig_prune_gone', 'relation "instagram_insights.{sync_jobs,sync_log,usage}" does not exist', NULL,
     '2.8 takes the array that the loop goes through for each of its elements'),
    ('ig_prune_gone', 'routine is marked as VOLATILE, should be STABLE', NULL, 'its dynamic statements delete'),
    (NULL, 'target type is different type than source type', 'cast "integer" value to "bigint" type', 'a constant, once a call');

SELECT cmp_ok((SELECT count(*) FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
               WHERE p.pronamespace = 'instagram_insights'::regnamespace), '>=', 40::bigint, '(there are functions to check)');
CREATE FUNCTION instagram_insights.ig_bait(given text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE n integer; BEGIN EXECUTE 'SELECT ' || given; RETURN nothing; END $$;
SELECT ok((SELECT array_agg(c.level) @> ARRAY['error', 'security'] FROM checked c WHERE c.proname = 'ig_bait'), '(an error and an injection would be found)');
DROP FUNCTION instagram_insights.ig_bait(text);

SELECT is((SELECT string_agg(concat_ws(' ', E'\n' || c.proname, 'line', c.lineno, c.level, c.message, c.detail, c.query), '' ORDER BY c.proname, c.lineno)
           FROM checked c
           WHERE NOT EXISTS (SELECT FROM known k WHERE c.message = k.message AND (k.name IS NULL OR k.name = c.proname)
                               AND (k.detail IS NULL OR k.detail = c.detail))), NULL, 'every function is clean');
SELECT * FROM finish();
ROLLBACK;
