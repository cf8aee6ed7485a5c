-- Putting work into the queue. Each function wakes the worker once, at commit.

CREATE FUNCTION ig_lock_connected(user_id uuid, account_id text) RETURNS SETOF accounts
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF ig_lock_connected.account_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM instagram_insights.accounts a
        WHERE a.user_id = ig_lock_connected.user_id AND a.account_id = ig_lock_connected.account_id) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('account "%s" does not exist', ig_lock_connected.account_id),
            HINT = 'SELECT account_id FROM instagram_insights.connections shows the accounts there are.';
    END IF;

    -- The lock holds off a deletion until this transaction ends, so that no work is left for an account that is gone.
    RETURN QUERY
    SELECT a.*
    FROM instagram_insights.accounts a
    WHERE a.user_id = ig_lock_connected.user_id
      AND (ig_lock_connected.account_id IS NULL OR a.account_id = ig_lock_connected.account_id)
      AND a.status <> 'disconnected'
    ORDER BY a.account_id
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = CASE WHEN ig_lock_connected.account_id IS NULL THEN 'no account is connected'
                           ELSE format('account "%s" is not connected', ig_lock_connected.account_id) END,
            HINT = 'Connect it first, with instagram_insights.ig_authorize_url() or ig_connect_token().';
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_lock_connected(uuid, text) IS
    'Internal: the connected accounts a call is about, locked against deletion; raises 42704 or 55000 when there is '
    'none';

CREATE FUNCTION ig_refresh_insights(user_id uuid DEFAULT NULL, account_id text DEFAULT NULL) RETURNS SETOF bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_refresh_insights.user_id);
    account record;
    job bigint;
BEGIN
    PERFORM instagram_insights.ig_require_running();
    FOR account IN
        SELECT a.account_id, a.blocked_until
        FROM instagram_insights.ig_lock_connected(target, ig_refresh_insights.account_id) a
    LOOP
        -- A refresh that lives is returned. If it ends between the two statements, the next round enqueues a new one.
        LOOP
            INSERT INTO instagram_insights.sync_jobs AS j (user_id, account_id, kind, trigger, due_at)
            VALUES (target, account.account_id, 'refresh', 'user', GREATEST(now(), account.blocked_until))
            ON CONFLICT DO NOTHING
            RETURNING j.job_id INTO job;
            EXIT WHEN FOUND;
            SELECT j.job_id INTO job
            FROM instagram_insights.sync_jobs j
            WHERE j.user_id = target AND j.account_id = account.account_id AND j.kind = 'refresh'
              AND j.state = ANY (ARRAY['queued', 'running', 'waiting']);
            EXIT WHEN FOUND;
        END LOOP;
        RETURN NEXT job;
    END LOOP;
    PERFORM instagram_insights.ig_wake_worker();
END
$body$;
COMMENT ON FUNCTION ig_refresh_insights(uuid, text) IS
    'Asks for fresh numbers and returns at once: one job id for each connected account, see ig_sync_status(). A '
    'refresh that already waits or runs is returned, not doubled.';

CREATE FUNCTION ig_known_metrics(metrics text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    unknown text;
BEGIN
    IF ig_known_metrics.metrics IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(COALESCE(quote_literal(asked.name), 'NULL'), ', ' ORDER BY asked.place) INTO unknown
    FROM unnest(ig_known_metrics.metrics) WITH ORDINALITY asked(name, place)
    WHERE NOT EXISTS (SELECT FROM instagram_insights.metrics m
                      WHERE m.name = asked.name AND m.level = 'account' AND m.platform = 'instagram'
                        AND COALESCE(m.removed_on > current_date, true));
    IF unknown IS NOT NULL OR cardinality(ig_known_metrics.metrics) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = COALESCE('unknown metric: ' || unknown, 'metrics is an empty list'),
            HINT = (SELECT 'Known metrics: ' || string_agg(m.name, ', ' ORDER BY m.name)
                           || '. Leave metrics out for those that are on.'
                    FROM instagram_insights.metrics m
                    WHERE m.level = 'account' AND m.platform = 'instagram' AND COALESCE(m.removed_on > current_date, true));
    END IF;
    RETURN ARRAY(SELECT DISTINCT asked.name FROM unnest(ig_known_metrics.metrics) asked(name) ORDER BY asked.name);
END
$body$;
COMMENT ON FUNCTION ig_known_metrics(text[]) IS
    'Internal: the metrics without repeats; raises 22023 naming the known ones when one is unknown or the list is '
    'empty';

CREATE FUNCTION ig_backfill(since date, until date DEFAULT NULL, user_id uuid DEFAULT NULL,
                            account_id text DEFAULT NULL, metrics text[] DEFAULT NULL) RETURNS SETOF bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_backfill.user_id);
    today date := (now() AT TIME ZONE 'America/Los_Angeles')::date;
    wanted text[];
    account record;
    job bigint;
BEGIN
    IF ig_backfill.since IS NULL OR NOT isfinite(ig_backfill.since)
       OR NOT COALESCE(isfinite(ig_backfill.until), true) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'since and until must be days',
            HINT = 'Give the first day as since, such as ''2026-01-01''; leave until out for yesterday.';
    ELSIF ig_backfill.since > today THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('since (%s) is in the future', ig_backfill.since),
            HINT = format('Days are US-Pacific days; there it is %s now.', today);
    ELSIF ig_backfill.since > ig_backfill.until THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('since (%s) is after until (%s)', ig_backfill.since, ig_backfill.until),
            HINT = 'Both days are included; since is the earlier one.';
    END IF;
    wanted := instagram_insights.ig_known_metrics(ig_backfill.metrics);
    PERFORM instagram_insights.ig_require_running();

    FOR account IN
        SELECT a.account_id, a.blocked_until
        FROM instagram_insights.ig_lock_connected(target, ig_backfill.account_id) a
    LOOP
        -- The same range asked twice costs the API's budget once.
        SELECT j.job_id INTO job
        FROM instagram_insights.sync_jobs j
        WHERE j.user_id = target AND j.account_id = account.account_id AND j.kind = 'backfill'
          AND j.state = ANY (ARRAY['queued', 'running', 'waiting'])
          AND j.since = ig_backfill.since AND j.until IS NOT DISTINCT FROM ig_backfill.until
          AND j.metrics IS NOT DISTINCT FROM wanted
        ORDER BY j.job_id LIMIT 1;
        IF NOT FOUND THEN
            INSERT INTO instagram_insights.sync_jobs AS j
                (user_id, account_id, kind, trigger, metrics, since, until, due_at)
            VALUES (target, account.account_id, 'backfill', 'user', wanted, ig_backfill.since, ig_backfill.until,
                    GREATEST(now(), account.blocked_until))
            RETURNING j.job_id INTO job;
        END IF;
        RETURN NEXT job;
    END LOOP;
    PERFORM instagram_insights.ig_wake_worker();
END
$body$;
COMMENT ON FUNCTION ig_backfill(date, date, uuid, text, text[]) IS
    'Asks for the days since to until (both included; yesterday by default) again: one job id for each connected '
    'account. What the API no longer answers is recorded as clipped.';

CREATE FUNCTION ig_sync_all(trigger text DEFAULT 'cron') RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    spread interval;
    enqueued integer;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    PERFORM instagram_insights.ig_require_running();
    spread := make_interval(secs => COALESCE(instagram_insights.ig_setting('spread'), '0')::double precision);

    -- An account that is just being deleted or disconnected is left out rather than waited for. One whose token could
    -- not be opened is tried again: the key may be back.
    INSERT INTO instagram_insights.sync_jobs (user_id, account_id, kind, trigger, due_at)
    SELECT a.user_id, a.account_id, 'daily', left(COALESCE(NULLIF(ig_sync_all.trigger, ''), 'cron'), 100),
           -- Each account has its own place within the spread, the same every day.
           GREATEST(now() + spread * ((hashtextextended(a.user_id || ' ' || a.account_id, 0) & 1048575) / 1048576.0), a.blocked_until)
    FROM instagram_insights.accounts a
    WHERE a.status = ANY (ARRAY['active', 'token_unreadable']) AND (a.expires_at IS NULL OR a.expires_at > now())
    FOR KEY SHARE SKIP LOCKED
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS enqueued = ROW_COUNT;

    PERFORM instagram_insights.ig_wake_worker();
    RETURN enqueued;
END
$body$;
COMMENT ON FUNCTION ig_sync_all(text) IS
    'Puts one daily job for each connected account into the queue, never a second one while one lives, and returns '
    'how many it put there; for pg_cron';
