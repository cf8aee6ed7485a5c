-- Leaving nothing behind.
SET client_min_messages = warning;
DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I RESET instagram_insights.enabled', current_database());
    EXECUTE format('ALTER DATABASE %I RESET instagram_insights.idle_timeout', current_database());
    EXECUTE format('ALTER DATABASE %I RESET instagram_insights.graph_url', current_database());
END
$$;
DROP FUNCTION public.outcome(text);
DROP EXTENSION instagram_insights;
SELECT count(*) AS objects FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 'instagram_insights';
DROP ROLE regress_insights_api;
DROP ROLE regress_insights_boss;
DROP ROLE regress_insights_anon;
