-- What is asked for each account, and who may say so: the registry, the DBA's choice and what the API refused, in one place.

-- For many accounts at once join it LATERAL (... OFFSET 0): each costs one look-up by its key and a pass over the registry.
-- Left to itself the planner, which knows little of so small a registry, may read every account there is.
CREATE VIEW account_metrics WITH (security_invoker = true) AS
SELECT a.user_id,
       a.account_id,
       m.name AS metric,
       on_today.enabled AND on_today.available AS asked,
       on_today.enabled,
       on_today.available,
       CASE WHEN a.metrics IS NOT NULL THEN 'account' WHEN a.chosen IS NOT NULL THEN 'site' ELSE 'default' END AS decided_by,
       CASE
           WHEN m.removed_on <= on_today.today THEN 'The API stopped answering it on ' || pg_catalog.to_char(m.removed_on, 'YYYY-MM-DD') || '.'
           WHEN m.offered_from > on_today.today THEN 'The API answers it from ' || pg_catalog.to_char(m.offered_from, 'YYYY-MM-DD') || ' on.'
           WHEN refused.since IS NOT NULL THEN
               'Refused for this account' || COALESCE(': ' || (a.metric_state -> m.name ->> 'reason'), '')
               || '. It is asked again a week later.'
       END AS remark,
       refused.since AS unsupported_since,
       CASE WHEN pg_catalog.jsonb_typeof(a.chosen -> m.name) = 'array'
            THEN ARRAY(SELECT pg_catalog.jsonb_array_elements_text(a.chosen -> m.name))
            ELSE m.asked_breakdowns END AS breakdowns,
       m.metric_type,
       m.period,
       m.windows,
       m.timeframe,
       m.history_days,
       m.min_followers,
       CASE WHEN m.windows = '{}' THEN NULL WHEN a.chosen ? m.name THEN 'every day' ELSE 'ends of weeks' END AS windows_of
FROM (SELECT c.user_id, c.account_id, c.platform, c.metrics, c.metric_state,
             COALESCE(c.metrics, (SELECT s.metrics FROM metric_settings s)) AS chosen
      FROM accounts c) a
JOIN metrics m ON m.platform = a.platform AND m.level = 'account'
CROSS JOIN LATERAL (
    SELECT COALESCE(a.chosen ? m.name, m.enabled_by_default) AS enabled,
           COALESCE(m.removed_on > d.today, true) AND COALESCE(m.offered_from <= d.today, true) AS available,
           d.today
    FROM (SELECT (pg_catalog.now() AT TIME ZONE 'UTC')::date AS today) d) on_today
CROSS JOIN LATERAL (
    SELECT (a.metric_state -> m.name ->> 'unsupported_since')::timestamptz AS since) refused;
COMMENT ON VIEW account_metrics IS
    'Which metrics are asked for each account, own accounts only: a row for each account and metric of the registry';
COMMENT ON COLUMN account_metrics.user_id IS 'The user whose account it is';
COMMENT ON COLUMN account_metrics.account_id IS 'The account';
COMMENT ON COLUMN account_metrics.metric IS 'The metric, one of metrics.name';
COMMENT ON COLUMN account_metrics.asked IS 'Whether the daily sync asks for it: it is on, and the API offers it today';
COMMENT ON COLUMN account_metrics.enabled IS 'Whether it is on';
COMMENT ON COLUMN account_metrics.available IS 'Whether the API offers it today, by the dates of the registry';
COMMENT ON COLUMN account_metrics.decided_by IS
    'What turned it on or off: account (ig_set_metrics() for it), site (ig_set_metrics() for all) or default';
COMMENT ON COLUMN account_metrics.remark IS 'Why there are no numbers although it may be on; NULL if nothing is known';
COMMENT ON COLUMN account_metrics.unsupported_since IS 'The API refused it for this account then';
COMMENT ON COLUMN account_metrics.breakdowns IS 'The breakdowns asked with it, each in a request of its own';
COMMENT ON COLUMN account_metrics.metric_type IS 'How it answers: time_series, total_value or snapshot';
COMMENT ON COLUMN account_metrics.period IS 'The period it is asked for';
COMMENT ON COLUMN account_metrics.windows IS 'Rolling windows that are asked beside it';
COMMENT ON COLUMN account_metrics.timeframe IS 'The timeframe a demographic is asked for';
COMMENT ON COLUMN account_metrics.history_days IS 'How many complete days back the API answers';
COMMENT ON COLUMN account_metrics.min_followers IS 'Accounts with fewer followers get no value from the API';
COMMENT ON COLUMN account_metrics.windows_of IS
    'Which windows: every day where ig_set_metrics() names the metric, else ends of weeks: those that end with an ISO week; '
    'NULL if it has none';

CREATE FUNCTION ig_metric_choice(metrics text[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    bad record;
BEGIN
    IF ig_metric_choice.metrics IS NULL THEN
        RETURN NULL;
    ELSIF cardinality(ig_metric_choice.metrics) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'metrics is an empty list',
            HINT = 'NULL turns the usual ones on; ig_disconnect() stops asking for an account, ig_pause() for all.';
    END IF;

    SELECT m.name, m.removed_on INTO bad
    FROM instagram_insights.metrics m
    WHERE m.removed_on <= (now() AT TIME ZONE 'UTC')::date
      AND m.name = ANY (ARRAY(SELECT split_part(entry, ':', 1) FROM unnest(ig_metric_choice.metrics) entry))
    ORDER BY m.name LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('metric "%s" cannot be turned on: the API stopped answering it on %s', bad.name,
                             to_char(bad.removed_on, 'YYYY-MM-DD')),
            HINT = 'Leave it out; what is stored of it stays readable.';
    END IF;
    PERFORM instagram_insights.ig_known_metrics(
        ARRAY(SELECT split_part(entry, ':', 1) FROM unnest(ig_metric_choice.metrics) entry));

    SELECT m.name, m.breakdowns, asked.breakdown INTO bad
    FROM unnest(ig_metric_choice.metrics) entry
    JOIN instagram_insights.metrics m ON m.name = split_part(entry, ':', 1),
         string_to_table(substr(entry, length(m.name) + 2), ',') asked(breakdown)
    WHERE asked.breakdown <> ALL (m.breakdowns)
    ORDER BY m.name, asked.breakdown LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('metric "%s" has no breakdown "%s"', bad.name, bad.breakdown),
            HINT = CASE WHEN cardinality(bad.breakdowns) = 0 THEN 'It has none: name the metric alone.'
                        ELSE 'It has: ' || array_to_string(bad.breakdowns, ', ') || '.' END;
    END IF;

    -- name: as usual; name: with nothing behind the colon: the number alone; several entries of one metric add up.
    RETURN (SELECT jsonb_object_agg(chosen.name, chosen.breakdowns)
            FROM (SELECT split_part(entry, ':', 1) AS name,
                         CASE WHEN bool_or(strpos(entry, ':') > 0) THEN COALESCE(
                             jsonb_agg(DISTINCT substr(entry, strpos(entry, ':') + 1)) FILTER (WHERE entry LIKE '%:_%'), '[]')
                         END AS breakdowns
                  FROM unnest(ig_metric_choice.metrics) entry
                  GROUP BY 1) chosen);
END
$body$;
COMMENT ON FUNCTION ig_metric_choice(text[]) IS
    'Internal: a list of metrics as metric_settings keeps it; raises 22023 for what cannot be asked';

CREATE FUNCTION ig_change_account(target uuid, account_id text, changes jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    UPDATE instagram_insights.accounts AS a
    SET metrics = CASE WHEN changes ? 'metrics' THEN NULLIF(changes -> 'metrics', 'null') ELSE a.metrics END,
        project_id = CASE WHEN changes ? 'project_id' THEN changes ->> 'project_id' ELSE a.project_id END,
        entity_id = CASE WHEN changes ? 'entity_id' THEN changes ->> 'entity_id' ELSE a.entity_id END
    WHERE a.user_id = target AND (ig_change_account.account_id IS NULL OR a.account_id = ig_change_account.account_id);
    IF FOUND THEN
        RETURN;
    ELSIF ig_change_account.account_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'no account is connected',
            HINT = 'Connect one first, with instagram_insights.ig_authorize_url() or ig_connect_token().';
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'undefined_object',
        MESSAGE = format('account "%s" does not exist', ig_change_account.account_id),
        HINT = 'SELECT account_id FROM instagram_insights.connections shows the accounts there are.';
END
$body$;
COMMENT ON FUNCTION ig_change_account(uuid, text, jsonb) IS
    'Internal: changes what may be chosen about one account of a user, or about all with NULL; raises 42704 or 55000 when '
    'there is none';

CREATE FUNCTION ig_set_metrics(metrics text[], user_id uuid DEFAULT NULL, account_id text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    choice jsonb;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    choice := instagram_insights.ig_metric_choice(ig_set_metrics.metrics);
    IF ig_set_metrics.user_id IS NOT NULL OR ig_set_metrics.account_id IS NOT NULL THEN
        PERFORM instagram_insights.ig_change_account(instagram_insights.ig_target_user(ig_set_metrics.user_id),
                                                     ig_set_metrics.account_id, jsonb_build_object('metrics', choice));
    ELSIF choice IS NULL THEN
        DELETE FROM instagram_insights.metric_settings;
    ELSE
        INSERT INTO instagram_insights.metric_settings (metrics) VALUES (choice)
        ON CONFLICT (singleton) DO UPDATE SET metrics = EXCLUDED.metrics;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_set_metrics(text[], uuid, text) IS
    'Says which metrics are asked from now on: the whole list, for every account, or with user_id and account_id for '
    'theirs; NULL for what is usual. views:media_product_type names a breakdown, views: asks for none.';
