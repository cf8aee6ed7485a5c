-- What ig_doctor() says of the API's budgets.

-- Runs as the worker role: of the settings it needs one, and ig_setting() would show them all.
CREATE FUNCTION ig_doctor_budgets() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'budgets',
           CASE WHEN b.blocked + b.near > 0 THEN 'warn' ELSE 'ok' END,
           CASE WHEN b.apps IS NOT NULL THEN format('the API asked not to be called at all for the app of: %s', b.apps)
                WHEN b.blocked > 0 THEN format('the API asked not to be called for %s accounts', b.blocked)
                WHEN b.near > 0 THEN format('%s budgets are used to %s percent or more, the most to %s', b.near,
                                            b.threshold, b.most)
                ELSE format('no budget of the API is used to %s percent', b.threshold) END,
           CASE WHEN b.blocked > 0 THEN format('Nothing to do: calls go on by themselves, the last at %s.', b.until)
                WHEN b.near > 0 THEN format(
                    'Backfill waits and daily syncs are slowed down until %s, unless the API says before then that '
                    'less is used. instagram_insights.spread spreads the daily syncs.', b.known_until) END
    FROM (SELECT t.threshold,
                 count(*) FILTER (WHERE u.blocked_until > now()) AS blocked,
                 string_agg(DISTINCT u.login, ', ')
                     FILTER (WHERE u.account_id = '' AND u.blocked_until > now()) AS apps,
                 max(u.blocked_until) FILTER (WHERE u.blocked_until > now()) AS until,
                 count(*) FILTER (WHERE u.percent >= t.threshold AND u.observed_at > now() - '1 hour'::interval
                                    AND (u.blocked_until IS NULL OR u.blocked_until < u.observed_at)) AS near,
                 max(u.percent) FILTER (WHERE u.observed_at > now() - '1 hour'::interval) AS most,
                 max(u.observed_at) + '1 hour'::interval AS known_until
          FROM (SELECT instagram_insights.ig_setting('usage_threshold')::integer AS threshold) t
               LEFT JOIN instagram_insights.usage u ON true
          GROUP BY t.threshold) b
$body$;
COMMENT ON FUNCTION ig_doctor_budgets() IS 'Internal: checks whether the API wants to be called less';
