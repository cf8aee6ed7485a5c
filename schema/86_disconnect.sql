-- Ending a connection, and deleting all of a user. A result that is still on its way cannot come back afterwards.

CREATE FUNCTION ig_disconnect(account_id text DEFAULT NULL, user_id uuid DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_disconnect.user_id);
    chosen text[];
    job record;
BEGIN
    -- FOR UPDATE waits for a store in progress, and later ones see the new generation.
    chosen := ARRAY(SELECT a.account_id
                    FROM instagram_insights.accounts a
                    WHERE a.user_id = target
                      AND (ig_disconnect.account_id IS NULL OR a.account_id = ig_disconnect.account_id)
                    ORDER BY a.account_id
                    FOR UPDATE);
    IF ig_disconnect.account_id IS NOT NULL AND cardinality(chosen) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('account "%s" does not exist', ig_disconnect.account_id),
            HINT = 'SELECT account_id FROM instagram_insights.connections shows the accounts there are.';
    END IF;

    DELETE FROM instagram_insights.credentials c WHERE c.user_id = target AND c.account_id = ANY (chosen);
    chosen := ARRAY(SELECT a.account_id FROM instagram_insights.accounts a
                    WHERE a.user_id = target AND a.account_id = ANY (chosen) AND a.status <> 'disconnected');
    UPDATE instagram_insights.accounts AS a
    SET status = 'disconnected', generation = nextval('instagram_insights.account_generations'),
        issued_at = NULL, expires_at = NULL, scopes = '{}', blocked_until = NULL, last_error = NULL, hint = NULL
    WHERE a.user_id = target AND a.account_id = ANY (chosen);

    FOR job IN
        UPDATE instagram_insights.sync_jobs AS j
        SET state = 'cancelled', finished_at = clock_timestamp(), lease_until = NULL, generation = j.generation + 1,
            error_kind = 'cancelled', error = 'the account was disconnected', hint = 'Connect it again to sync it.'
        WHERE j.user_id = target AND j.account_id = ANY (chosen)
          AND j.state = ANY (ARRAY['queued', 'running', 'waiting'])
        RETURNING j.job_id, j.kind
    LOOP
        PERFORM instagram_insights.ig_notify_ended(job.job_id, job.kind, 'cancelled');
    END LOOP;
    PERFORM instagram_insights.ig_wake_worker();
    RETURN cardinality(chosen);
END
$body$;
COMMENT ON FUNCTION ig_disconnect(text, uuid) IS
    'Deletes the token of one account, or of all, and cancels its jobs; the numbers are kept. Returns how many '
    'accounts were connected before.';

-- superuser-owned: row level security lets the worker role see insights and sync_log of the user it acts for only, and
-- an admin may delete another user's data. It only deletes by user_id, and only ig_delete_user_data() may call it.
CREATE FUNCTION ig_erase_history(user_id uuid) RETURNS TABLE (insights bigint, sync_log bigint)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    DELETE FROM instagram_insights.insights i WHERE i.user_id = ig_erase_history.user_id;
    GET DIAGNOSTICS insights = ROW_COUNT;
    DELETE FROM instagram_insights.sync_log l WHERE l.user_id = ig_erase_history.user_id;
    GET DIAGNOSTICS sync_log = ROW_COUNT;
    RETURN NEXT;
END
$body$;
COMMENT ON FUNCTION ig_erase_history(uuid) IS
    'Internal: deletes a user''s numbers and log, and says how many rows that were';

CREATE FUNCTION ig_delete_user_data(user_id uuid DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_delete_user_data.user_id);
    history record;
    jobs bigint;
    tokens bigint;
    connected bigint;
BEGIN
    -- Before all else: waits for a login in progress (it holds its state), whose accounts are then found below, and
    -- no login that was only begun can be ended any more.
    DELETE FROM instagram_insights.oauth_states s WHERE s.user_id = target;
    -- Waits for stores in progress (they hold the account FOR KEY SHARE) and keeps new ones out.
    PERFORM a.account_id
    FROM instagram_insights.accounts a
    WHERE a.user_id = target
    ORDER BY a.account_id
    FOR UPDATE;

    DELETE FROM instagram_insights.sync_jobs j WHERE j.user_id = target;
    GET DIAGNOSTICS jobs = ROW_COUNT;
    SELECT e.insights, e.sync_log INTO history FROM instagram_insights.ig_erase_history(target) e;
    DELETE FROM instagram_insights.credentials c WHERE c.user_id = target;
    GET DIAGNOSTICS tokens = ROW_COUNT;
    DELETE FROM instagram_insights.usage u WHERE u.user_id = target;
    DELETE FROM instagram_insights.accounts a WHERE a.user_id = target;
    GET DIAGNOSTICS connected = ROW_COUNT;

    PERFORM instagram_insights.ig_wake_worker();
    RETURN jsonb_build_object('accounts', connected, 'credentials', tokens, 'insights', history.insights,
                              'sync_jobs', jobs, 'sync_log', history.sync_log);
END
$body$;
COMMENT ON FUNCTION ig_delete_user_data(uuid) IS
    'Deletes everything stored about a user: accounts, tokens, numbers, jobs and log. Returns how many rows of each '
    'table.';
