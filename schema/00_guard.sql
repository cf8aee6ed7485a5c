-- Refuses to be run by psql directly. Names below need no schema: CREATE EXTENSION runs these files with
-- search_path = instagram_insights, pg_temp, so pg_catalog comes first; what runs later pins its own.
\echo Use "CREATE EXTENSION instagram_insights" to load this file. \quit
