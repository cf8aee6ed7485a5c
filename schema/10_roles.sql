-- The three group roles. They are cluster-wide, so another database may have made them already, and they outlive
-- DROP EXTENSION: grants of yours to them would be lost otherwise.
DO $roles$
DECLARE
    wanted name;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['instagram_insights_user', 'instagram_insights_admin', 'instagram_insights_worker']::name[]
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;

    -- A role that could bypass row level security would make every promise about tenants empty.
    IF EXISTS (SELECT FROM pg_catalog.pg_roles r
               WHERE r.rolname = 'instagram_insights_worker'
                 AND (r.rolsuper OR r.rolbypassrls OR r.rolcanlogin)) THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = 'role "instagram_insights_worker" exists with rights it must not have',
            HINT = 'Run ALTER ROLE instagram_insights_worker NOSUPERUSER NOBYPASSRLS NOLOGIN, then CREATE EXTENSION again.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_auth_members m
               JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
               WHERE r.rolname = 'instagram_insights_worker') THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = 'role "instagram_insights_worker" has members',
            HINT = 'Nobody may act as the worker: REVOKE instagram_insights_worker from its members, then CREATE EXTENSION again.';
    END IF;
END
$roles$;

COMMENT ON ROLE instagram_insights_user IS
    'instagram_insights: may read and write own rows; grant it to the role your application uses';
COMMENT ON ROLE instagram_insights_admin IS
    'instagram_insights: may set up, schedule, pause and see every user''s state; grant it to people and jobs that operate it';
COMMENT ON ROLE instagram_insights_worker IS
    'instagram_insights: the identity of the background worker; is granted to nobody';
