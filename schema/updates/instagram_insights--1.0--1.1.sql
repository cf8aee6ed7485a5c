-- From 1.0 to 1.1. How such a script is written: README.md in this folder.
\echo Use "ALTER EXTENSION instagram_insights UPDATE TO '1.1'" to load this file. \quit

-- Loads the library, so that this session starts the next worker when it commits; and stops before anything is changed
-- where a server still has the old one preloaded.
DO $library$
DECLARE
    loaded text := (SELECT p.library_version FROM instagram_insights.ig_process_state() p);
BEGIN
    IF pg_catalog.string_to_array(loaded, '.')::integer[] < ARRAY[1, 1] THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = pg_catalog.format('the library of instagram_insights in this session is version %s, this update needs 1.1',
                                        loaded),
            HINT = 'Restart the server if it preloads the library, or connect anew; then run ALTER EXTENSION '
                   'instagram_insights UPDATE again.';
    END IF;
END
$library$;

-- Says which of the two is the older one.
CREATE OR REPLACE FUNCTION ig_doctor_library() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    process record;
    installed text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'instagram_insights');
BEGIN
    SELECT * INTO process FROM instagram_insights.ig_process_state();
    IF process.library_version = installed THEN
        RETURN QUERY SELECT 'library', 'ok', 'version ' || installed, NULL::text;
    ELSE
        RETURN QUERY SELECT 'library', 'fail',
            format('the library is version %s, the extension in this database %s', process.library_version, installed),
            CASE WHEN string_to_array(process.library_version, '.')::integer[] > string_to_array(installed, '.')::integer[]
                 THEN 'Run ALTER EXTENSION instagram_insights UPDATE in this database.'
                 ELSE format('Install the package of version %s, restart the server if it preloads the library, and '
                             'connect anew.', installed) END;
    END IF;
    IF process.preloaded THEN
        RETURN QUERY SELECT 'preload', 'ok', 'the library is in shared_preload_libraries', NULL::text;
    ELSE
        RETURN QUERY SELECT 'preload', 'warn',
            'the library is not in shared_preload_libraries: after a restart of the server work goes on at the next '
            'nudge only',
            'Add instagram_insights to shared_preload_libraries and restart the server, or let ig_schedule() nudge '
            'every 5 minutes.';
    END IF;
    IF process.enabled THEN
        RETURN QUERY SELECT 'enabled', 'ok', 'instagram_insights.enabled is on', NULL::text;
    ELSE
        RETURN QUERY SELECT 'enabled', 'warn', 'instagram_insights.enabled is off: nobody is called',
            'Set instagram_insights.enabled to on and reload the configuration, unless this is a copy that must stay '
            'quiet.';
    END IF;
    IF process.key_status = 'missing' AND instagram_insights.ig_count_foreign_tokens('') = 0 THEN
        RETURN QUERY SELECT 'key', 'ok', 'no key yet: it is made when the first account is connected', NULL::text;
    ELSE
        RETURN QUERY SELECT 'key', CASE WHEN process.key_status = ANY (ARRAY['ok', 'warn']) THEN process.key_status
                                         ELSE 'fail' END,
            process.key_detail, process.key_hint;
    END IF;
END
$body$;

-- The last word of every update: at commit the worker of the version before goes and one of this version begins.
SELECT ig_wake_worker();
