-- What ig_doctor() says of apps, accounts, tokens, permissions and the clock.

CREATE FUNCTION ig_count_foreign_tokens(key_id text) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    -- Bytes 2 to 9 of a sealed value name its key (src/vault/vault.cpp).
    SELECT count(*)
    FROM instagram_insights.credentials c
    WHERE encode(substr(c.sealed_token, 2, 8), 'hex') IS DISTINCT FROM ig_count_foreign_tokens.key_id
$body$;
COMMENT ON FUNCTION ig_count_foreign_tokens(text) IS
    'Internal: how many tokens are sealed under another key than this one';

CREATE FUNCTION ig_doctor_accounts() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    key_id text := (SELECT p.key_id FROM instagram_insights.ig_process_state() p);
    total bigint;
    expiring bigint;
    fewest integer;
    waiting bigint;
    sealed_elsewhere bigint;
BEGIN
    SELECT count(*) FILTER (WHERE c.status <> 'disconnected'), count(*) FILTER (WHERE c.status = 'expiring'),
           count(*) FILTER (WHERE c.status = 'needs_login'), count(*) FILTER (WHERE c.status = 'token_unreadable'),
           (min(LEAST(c.days_left, floor(extract(epoch FROM a.data_access_expires_at - now()) / 86400)))
               FILTER (WHERE c.status = ANY (ARRAY['active', 'expiring', 'throttled'])))::integer
    INTO total, expiring, waiting, sealed_elsewhere, fewest
    FROM instagram_insights.connections c
    JOIN instagram_insights.accounts a ON a.user_id = c.user_id AND a.account_id = c.account_id;
    IF key_id IS NOT NULL THEN
        sealed_elsewhere := GREATEST(sealed_elsewhere, instagram_insights.ig_count_foreign_tokens(key_id));
    END IF;

    IF total = 0 THEN
        RETURN QUERY SELECT 'accounts', 'warn', 'no account is connected yet',
            'Connect one with instagram_insights.ig_authorize_url() or ig_connect_token().';
    ELSE
        RETURN QUERY SELECT 'accounts', 'ok', format('%s accounts are connected', total), NULL::text;
    END IF;
    IF sealed_elsewhere > 0 THEN
        RETURN QUERY SELECT 'tokens', 'fail',
            format('%s tokens are sealed under another key and cannot be opened', sealed_elsewhere),
            'Bring the key file back that was in use then, or have these users connect again.';
    ELSIF waiting > 0 THEN
        RETURN QUERY SELECT 'tokens', 'warn', format('%s accounts need a new login', waiting),
            'SELECT user_id, account_id, hint FROM instagram_insights.connections WHERE status = ''needs_login'' '
            'shows which.';
    ELSIF expiring > 0 THEN
        RETURN QUERY SELECT 'tokens', 'warn', format('%s tokens, or what they give access to, end within 7 days, the first in %s days',
                                       expiring, fewest),
            'SELECT user_id, account_id, hint FROM instagram_insights.connections WHERE status = ''expiring'' '
            'shows which; connect them again before.';
    ELSE
        RETURN QUERY SELECT 'tokens', 'ok',
            CASE WHEN fewest IS NULL THEN 'no token needs attention'
                 ELSE format('no token needs attention, the first ends in %s days', fewest) END, NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_accounts() IS 'Internal: checks accounts and tokens';


CREATE FUNCTION ig_app_state() RETURNS TABLE (login text, app_id text, redirect_uris integer, error text, hint text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_app_state';
COMMENT ON FUNCTION ig_app_state() IS
    'Internal: the apps that are configured, how many redirect_uris each has, and why its secret does not open, if so';

CREATE FUNCTION ig_required_scopes(login text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'ig_required_scopes';
COMMENT ON FUNCTION ig_required_scopes(text) IS
    'Internal: the permissions without which a token of this login gives no insights, with spaces between';

CREATE FUNCTION ig_doctor_app() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    wanted record;
    configured integer := 0;
    problems integer := 0;
BEGIN
    FOR wanted IN
        SELECT l.login, s.app_id, s.redirect_uris, s.error, s.hint,
               (SELECT count(*) FROM instagram_insights.accounts a
                WHERE a.login = l.login AND a.platform = 'instagram' AND a.status <> 'disconnected') AS used_by
        FROM unnest(ARRAY['facebook', 'instagram']) l (login)
        LEFT JOIN instagram_insights.ig_app_state() s ON s.login = l.login
        ORDER BY l.login
    LOOP
        configured := configured + (wanted.app_id IS NOT NULL)::integer;
        problems := problems + 1;
        IF wanted.error IS NOT NULL THEN
            RETURN QUERY SELECT 'app', 'fail',
                format('the secret of the app of the %s login does not open: %s', wanted.login, wanted.error),
                wanted.hint;
        ELSIF wanted.redirect_uris = 0 THEN
            RETURN QUERY SELECT 'app', 'warn',
                format('the app of the %s login has no redirect_uris: nobody can begin a login', wanted.login),
                'Configure it again with ig_configure_app(..., redirect_uris => ARRAY[''https://...'']).';
        ELSIF wanted.app_id IS NULL AND wanted.used_by > 0 THEN
            RETURN QUERY SELECT 'app', 'warn',
                format('no app is configured for the %s login, which %s accounts use', wanted.login, wanted.used_by),
                CASE WHEN wanted.login = 'facebook' THEN
                         'Their tokens are renewed only with the app they belong to: ig_configure_app(), then connect them again.'
                     ELSE 'Their tokens are renewed without; ig_configure_app() lets people log in again themselves.' END;
        ELSE
            problems := problems - 1;
        END IF;
    END LOOP;
    IF problems = 0 THEN
        RETURN QUERY SELECT 'app', 'ok',
            CASE WHEN configured = 0 THEN 'no app is configured, and no account needs one'
                 ELSE 'every login in use has its app, and the secrets open' END, NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_app() IS 'Internal: checks the apps of the logins that accounts use';

CREATE FUNCTION ig_doctor_permissions() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'permissions',
           CASE WHEN count(*) > 0 THEN 'warn' ELSE 'ok' END,
           CASE WHEN count(*) > 0 THEN
                    format('%s accounts lack a permission that insights need, most often %s', count(*),
                           mode() WITHIN GROUP (ORDER BY lacking.scopes))
                ELSE 'no account is known to lack a permission' END,
           CASE WHEN count(*) > 0 THEN
                    'Those people log in again with ig_authorize_url() and grant everything the dialog shows; '
                    'SELECT user_id, account_id, scopes FROM instagram_insights.accounts shows who has which.' END
    FROM (SELECT (SELECT string_agg(needed.scope, ', ')
                  FROM unnest(string_to_array(instagram_insights.ig_required_scopes(a.login), ' ')) needed (scope)
                  WHERE needed.scope <> ALL (a.scopes)) AS scopes
          FROM instagram_insights.accounts a
          WHERE a.platform = 'instagram' AND a.status <> 'disconnected' AND cardinality(a.scopes) > 0) lacking
    WHERE lacking.scopes IS NOT NULL
$body$;
COMMENT ON FUNCTION ig_doctor_permissions() IS
    'Internal: checks that accounts whose permissions are known have those that insights need';

CREATE FUNCTION ig_doctor_clock() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'clock',
           CASE WHEN abs(w.clock_ahead_seconds) > 300 THEN 'warn' ELSE 'ok' END,
           CASE WHEN w.clock_seen_at IS NULL THEN 'not compared yet: the worker has had no answer that says the time'
                WHEN abs(w.clock_ahead_seconds) > 300 THEN
                    format('this server''s clock was %s %s the API''s, seen at %s',
                           make_interval(secs => abs(w.clock_ahead_seconds)),
                           CASE WHEN w.clock_ahead_seconds > 0 THEN 'ahead of' ELSE 'behind' END, w.clock_seen_at)
                ELSE format('within 5 minutes of the API''s, seen at %s', w.clock_seen_at) END,
           CASE WHEN abs(w.clock_ahead_seconds) > 300 THEN
                    'Set the clock (NTP): when tokens are renewed, how long a login may take and which day is asked for '
                    'depend on it.' END
    FROM instagram_insights.worker_state w
$body$;
COMMENT ON FUNCTION ig_doctor_clock() IS 'Internal: checks our clock against that of the API, as the worker saw it last';
