-- Which database this is: a restored or copied database knows that it is one, and calls nobody until a person says so.

CREATE FUNCTION ig_installation_state() RETURNS TABLE (state text, paused boolean, reason text, since timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    -- The server keeps 32 bits of a row's xmin, written_by has 64: only the lower half can be compared. A dump restores
    -- written_by but not xmin; pg_upgrade keeps both and the OID of the database, but makes a new cluster. Accounts without
    -- the row that connecting them wrote: a restore is under way, or left the row out.
    SELECT found.state, found.paused OR found.state = 'unstamped',
           CASE WHEN found.state = 'unstamped' THEN
                    'Accounts are here that this database has not connected: it is a copy, or is being restored.'
                ELSE found.pause_reason END,
           found.paused_at
    FROM (SELECT CASE
                     WHEN i.singleton IS NULL AND (EXISTS (SELECT FROM instagram_insights.accounts)
                                               OR EXISTS (SELECT FROM instagram_insights.apps)) THEN 'unstamped'
                     WHEN i.singleton IS NULL THEN 'new'
                     WHEN i.system_identifier = here.system_identifier AND i.database_oid = here.database_oid THEN 'same'
                     WHEN i.database_oid = here.database_oid
                          AND i.xmin::text::numeric = mod(i.written_by::text::numeric, 4294967296) THEN 'upgraded'
                     ELSE 'copy'
                 END AS state,
                 COALESCE(i.paused, false) AS paused, i.pause_reason, i.paused_at
          FROM (SELECT c.system_identifier, d.oid AS database_oid
                FROM pg_control_system() c, pg_database d
                WHERE d.datname = current_database()) here
          LEFT JOIN instagram_insights.installation i ON true) found
$body$;
COMMENT ON FUNCTION ig_installation_state() IS
    'Internal: whether the row of installation was written by this database (same), by it before pg_upgrade '
    '(upgraded), elsewhere (copy) or never (new, or unstamped when there are accounts all the same); and whether it says paused';

CREATE FUNCTION ig_write_installation(paused boolean, reason text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    INSERT INTO instagram_insights.installation AS i
        (system_identifier, database_oid, written_by, paused, pause_reason, paused_at)
    SELECT c.system_identifier, d.oid, pg_current_xact_id(), ig_write_installation.paused, ig_write_installation.reason,
           CASE WHEN ig_write_installation.paused THEN now() END
    FROM pg_control_system() c, pg_database d
    WHERE d.datname = current_database()
    ON CONFLICT ON CONSTRAINT installation_pkey DO UPDATE
        SET system_identifier = EXCLUDED.system_identifier, database_oid = EXCLUDED.database_oid,
            paused = EXCLUDED.paused, pause_reason = EXCLUDED.pause_reason, paused_at = EXCLUDED.paused_at;

    -- Behind a savepoint the row's xmin is the subtransaction's id, which pg_current_xact_id() does not tell: take it
    -- from the row itself, which this transaction has just written and now writes again under the same id.
    UPDATE instagram_insights.installation AS i SET written_by = i.xmin::text::xid8;
END
$body$;
COMMENT ON FUNCTION ig_write_installation(boolean, text) IS
    'Internal: stamps the installation as this database and sets or lifts the pause; the caller holds the table lock';

CREATE FUNCTION ig_check_installation(stamp boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    seen record;
BEGIN
    SELECT s.state, s.paused, s.reason INTO seen FROM instagram_insights.ig_installation_state() s;
    IF seen.state = 'same' THEN
        RETURN seen.paused;
    ELSIF seen.state = 'unstamped' THEN
        -- Nothing is written: the row may be about to be restored.
        RETURN true;
    ELSIF seen.state = 'new' AND NOT ig_check_installation.stamp THEN
        RETURN false;
    END IF;

    -- Rare: first use, after pg_upgrade, or a copy. One session decides, the others find its answer.
    LOCK TABLE instagram_insights.installation IN SHARE ROW EXCLUSIVE MODE;
    SELECT s.state, s.paused, s.reason INTO seen FROM instagram_insights.ig_installation_state() s;
    IF seen.state = 'unstamped' THEN
        RETURN true;
    ELSIF seen.state = 'copy' THEN
        PERFORM instagram_insights.ig_write_installation(true,
            'This database is a restored or template copy: its original may still be at work with the same accounts.');
        RETURN true;
    ELSIF seen.state <> 'same' THEN
        PERFORM instagram_insights.ig_write_installation(seen.paused, seen.reason);
    END IF;
    RETURN seen.paused;
END
$body$;
COMMENT ON FUNCTION ig_check_installation(boolean) IS
    'Internal: whether nobody may be called (true = paused). Pauses a copy, and stamps the installation after pg_upgrade and, '
    'if asked to by who connects something, at first use: the worker must not do that while a dump is being restored';

CREATE FUNCTION ig_require_running() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF instagram_insights.ig_check_installation() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'instagram_insights is paused in this database',
            DETAIL = (SELECT COALESCE(s.reason, 'No reason was given.')
                      FROM instagram_insights.ig_installation_state() s),
            HINT =
                'SELECT * FROM instagram_insights.ig_doctor() says more; SELECT instagram_insights.ig_resume() as a '
                'member of instagram_insights_admin ends the pause.';
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_require_running() IS 'Internal: raises 55000 while paused';

CREATE FUNCTION ig_require_admin() RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF NOT instagram_insights.ig_is_admin() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'permission denied: this needs membership in instagram_insights_admin',
            HINT = 'Ask a superuser for GRANT instagram_insights_admin TO your role.';
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_require_admin() IS
    'Internal: raises 42501 unless the caller is a superuser or in instagram_insights_admin';

CREATE FUNCTION ig_pause(reason text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    LOCK TABLE instagram_insights.installation IN SHARE ROW EXCLUSIVE MODE;
    PERFORM instagram_insights.ig_write_installation(true, COALESCE(NULLIF(ig_pause.reason, ''), 'Paused by hand.'));
    PERFORM instagram_insights.ig_wake_worker();
END
$body$;
COMMENT ON FUNCTION ig_pause(text) IS
    'Nobody is called from now on; work waits in the queue until ig_resume(). The reason is shown by ig_doctor()';

CREATE FUNCTION ig_resume() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    LOCK TABLE instagram_insights.installation IN SHARE ROW EXCLUSIVE MODE;
    PERFORM instagram_insights.ig_write_installation(false, NULL);
    PERFORM instagram_insights.ig_wake_worker();
END
$body$;
COMMENT ON FUNCTION ig_resume() IS
    'Ends a pause. In a restored copy it says: this database is the one that calls from now on; make sure the '
    'original does not';
