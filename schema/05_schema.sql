-- Refuses a schema that somebody else has prepared: one who may create schemas could have made this one before, with
-- operators that the statements below would find and a superuser would run, or stay the owner of what they live in.
DO $schema$
DECLARE
    before text := pg_catalog.current_setting('search_path');
    found record;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    SELECT n.nspname, pg_get_userbyid(n.nspowner) AS owner,
           (SELECT r.rolsuper FROM pg_roles r WHERE r.oid = n.nspowner) AS owner_is_superuser,
           (SELECT string_agg(CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(a.grantee)::text END, ', ')
            FROM aclexplode(n.nspacl) a WHERE a.privilege_type = 'CREATE' AND a.grantee <> n.nspowner
              -- Default privileges of the schema that CREATE EXTENSION has just made: nobody sees it yet; revoked later.
              AND n.xmin::text::numeric <> mod(pg_current_xact_id()::text::numeric, 4294967296)) AS others_create,
           EXISTS (SELECT FROM pg_proc p WHERE p.pronamespace = n.oid)
           OR EXISTS (SELECT FROM pg_operator o WHERE o.oprnamespace = n.oid)
           OR EXISTS (SELECT FROM pg_type t WHERE t.typnamespace = n.oid)
           OR EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid) AS has_objects
    INTO found
    FROM pg_namespace n WHERE n.nspname = 'instagram_insights';

    IF NOT found.owner_is_superuser THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = format('schema "%s" belongs to %s, who is no superuser', found.nspname, found.owner),
            HINT = 'Look at what is in it, then DROP SCHEMA instagram_insights; CREATE EXTENSION makes a new one.';
    ELSIF found.others_create IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = format('others may create objects in schema "%s": %s', found.nspname, found.others_create),
            HINT = 'REVOKE CREATE ON SCHEMA instagram_insights FROM them, then CREATE EXTENSION again.';
    ELSIF found.has_objects THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = format('schema "%s" is not empty', found.nspname),
            HINT = 'Look at what is in it and drop or move that, then CREATE EXTENSION again.';
    END IF;
    PERFORM pg_catalog.set_config('search_path', before, true);
END
$schema$;
