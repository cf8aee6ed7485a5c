-- Installing, installing again after a drop, and the ground the other files stand on.
SET client_min_messages = warning;
\set SHOW_CONTEXT never

CREATE EXTENSION instagram_insights;
SELECT extname, extrelocatable, nspname
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE extname = 'instagram_insights';

-- The roles outlive the extension, and installing again finds them.
DROP EXTENSION instagram_insights;
SELECT count(*) AS left_behind FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'instagram_insights';
SELECT rolname, rolsuper, rolbypassrls, rolcanlogin FROM pg_roles WHERE rolname LIKE 'instagram\_insights\_%' ORDER BY rolname COLLATE "C";
CREATE EXTENSION instagram_insights;

-- It lives in its own schema and cannot be put elsewhere.
ALTER EXTENSION instagram_insights SET SCHEMA public;

-- The worker may not be a role that row level security does not bind.
DROP EXTENSION instagram_insights;
ALTER ROLE instagram_insights_worker BYPASSRLS;
CREATE EXTENSION instagram_insights;
ALTER ROLE instagram_insights_worker NOBYPASSRLS;
CREATE ROLE regress_insights_intruder;
GRANT instagram_insights_worker TO regress_insights_intruder;
CREATE EXTENSION instagram_insights;
REVOKE instagram_insights_worker FROM regress_insights_intruder;
DROP ROLE regress_insights_intruder;
CREATE EXTENSION instagram_insights;

-- Nobody is called from here: a worker that is started finds itself switched off, and leaves at once.
SELECT set_config('instagram_insights.enabled', 'off', false);
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I SET instagram_insights.enabled = off', current_database());
    EXECUTE format('ALTER DATABASE %I SET instagram_insights.idle_timeout = 0', current_database());
    EXECUTE format('ALTER DATABASE %I SET instagram_insights.graph_url = %L', current_database(), 'http://127.0.0.1:9');
END
$$;

CREATE ROLE regress_insights_api;
CREATE ROLE regress_insights_boss LOGIN;
CREATE ROLE regress_insights_anon;
GRANT instagram_insights_user TO regress_insights_api;
GRANT instagram_insights_admin TO regress_insights_boss;

-- What a statement comes to: its error and whether that says what to do, or its first row.
CREATE FUNCTION public.outcome(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    answer record;
    state text;
    hint text;
BEGIN
    EXECUTE statement INTO answer;
    RETURN COALESCE(answer::text, 'no row');
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, hint = PG_EXCEPTION_HINT;
    RETURN state || CASE WHEN hint = '' THEN ' without a hint' ELSE '' END;
END
$$;
