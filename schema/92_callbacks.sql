-- Meta's callbacks: a person removed the app, or asked for deletion. They name the person by the app-scoped id that the
-- accounts keep; a wrong signature changes nothing.

CREATE FUNCTION ig_signed_user(signed_request text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_signed_user';
COMMENT ON FUNCTION ig_signed_user(text) IS
    'Internal: the app-scoped user id of a signed_request, its HMAC checked against each app''s secret in constant '
    'time; raises 22023 when no app signed it, 55000 when none is configured';

CREATE FUNCTION ig_deauthorize(signed_request text) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    person text;
    account record;
    ended integer := 0;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    person := instagram_insights.ig_signed_user(ig_deauthorize.signed_request);
    FOR account IN
        SELECT a.user_id, a.account_id FROM instagram_insights.accounts a
        WHERE a.meta_user_id = person ORDER BY a.user_id, a.account_id
    LOOP
        ended := ended + instagram_insights.ig_disconnect(account.account_id, account.user_id);
    END LOOP;
    RETURN ended;
END
$body$;
COMMENT ON FUNCTION ig_deauthorize(text) IS
    'Meta''s deauthorize callback: disconnects every account of the person the signed_request names, and returns how '
    'many. For the app''s endpoint, as instagram_insights_admin.';

-- superuser-owned: as ig_erase_history(), for the history of one account.
CREATE FUNCTION ig_erase_account_history(user_id uuid, account_id text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    DELETE FROM instagram_insights.insights i
    WHERE i.user_id = ig_erase_account_history.user_id AND i.account_id = ig_erase_account_history.account_id;
    DELETE FROM instagram_insights.sync_log l
    WHERE l.user_id = ig_erase_account_history.user_id AND l.account_id = ig_erase_account_history.account_id;
END
$body$;
COMMENT ON FUNCTION ig_erase_account_history(uuid, text) IS 'Internal: deletes the numbers and the log of one account';

CREATE FUNCTION ig_data_deletion(signed_request text) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    person text;
    page text;
    code text := replace(gen_random_uuid()::text, '-', '');
    account record;
    erased integer := 0;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    person := instagram_insights.ig_signed_user(ig_data_deletion.signed_request);
    page := (SELECT p.deletion_url FROM instagram_insights.apps p
             WHERE p.deletion_url IS NOT NULL ORDER BY p.login LIMIT 1);
    IF page IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'no deletion_url is configured, and Meta wants one in the answer',
            HINT = 'Pass deletion_url to ig_configure_app(): the page of yours that shows ig_deletion_status().';
    END IF;
    FOR account IN
        SELECT a.user_id, a.account_id FROM instagram_insights.accounts a
        WHERE a.meta_user_id = person ORDER BY a.user_id, a.account_id FOR UPDATE
    LOOP
        DELETE FROM instagram_insights.sync_jobs j
        WHERE j.user_id = account.user_id AND j.account_id = account.account_id;
        PERFORM instagram_insights.ig_erase_account_history(account.user_id, account.account_id);
        DELETE FROM instagram_insights.credentials c
        WHERE c.user_id = account.user_id AND c.account_id = account.account_id;
        DELETE FROM instagram_insights.usage u
        WHERE u.user_id = account.user_id AND u.account_id = account.account_id;
        DELETE FROM instagram_insights.accounts a
        WHERE a.user_id = account.user_id AND a.account_id = account.account_id;
        erased := erased + 1;
    END LOOP;
    INSERT INTO instagram_insights.deletion_requests (confirmation_code, completed_at, accounts)
    VALUES (code, now(), erased);
    PERFORM instagram_insights.ig_wake_worker();
    RETURN jsonb_build_object('url', page || CASE WHEN page LIKE '%?%' THEN '&' ELSE '?' END || 'code=' || code,
                              'confirmation_code', code);
END
$body$;
COMMENT ON FUNCTION ig_data_deletion(text) IS
    'Meta''s data deletion callback: deletes every account of the person the signed_request names, with numbers, log '
    'and token. Returns what Meta wants: {url, confirmation_code}. For the app''s endpoint, as '
    'instagram_insights_admin.';

CREATE FUNCTION ig_deletion_status(confirmation_code text) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    found_request record;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    SELECT d.requested_at, d.completed_at INTO found_request
    FROM instagram_insights.deletion_requests d WHERE d.confirmation_code = ig_deletion_status.confirmation_code;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = 'there is no deletion request with this confirmation code',
            HINT = 'The code is the one ig_data_deletion() returned.';
    END IF;
    RETURN jsonb_build_object('confirmation_code', ig_deletion_status.confirmation_code,
                              'status', CASE WHEN found_request.completed_at IS NULL THEN 'pending' ELSE 'completed' END,
                              'requested_at', found_request.requested_at, 'completed_at', found_request.completed_at);
END
$body$;
COMMENT ON FUNCTION ig_deletion_status(text) IS
    'The state of a deletion request, for the page behind deletion_url: {confirmation_code, status, requested_at, '
    'completed_at}; 42704 when there is none';
