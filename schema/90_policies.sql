-- Row level security: on every table, for its owner as well (forced), so that a forgotten grant shows nobody's rows.

DO $policies$
DECLARE
    tab text;
BEGIN
    -- Tenant tables. The subselect makes the identity be asked once a statement rather than once a row.
    FOREACH tab IN ARRAY ARRAY['accounts', 'credentials', 'oauth_states', 'usage', 'sync_jobs', 'sync_log', 'insights',
                               'insights_monthly', 'insights_late',
                               'insights_before_2025', 'insights_2025', 'insights_2026', 'insights_2027',
                               'insights_2028', 'insights_2029', 'insights_2030', 'insights_2031', 'insights_2032', 'insights_from_2033']
    LOOP
        EXECUTE format('ALTER TABLE instagram_insights.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE format('ALTER TABLE instagram_insights.%I FORCE ROW LEVEL SECURITY', tab);
        EXECUTE format('CREATE POLICY tenant ON instagram_insights.%I
                            USING (user_id = (SELECT instagram_insights.ig_current_user_id()))
                            WITH CHECK (user_id = (SELECT instagram_insights.ig_current_user_id()))', tab);
        EXECUTE format('COMMENT ON POLICY tenant ON instagram_insights.%I IS %L', tab, 'Everyone has own rows only');
        IF tab <> ALL (ARRAY['credentials', 'oauth_states']) THEN
            EXECUTE format('CREATE POLICY admin_reads ON instagram_insights.%I FOR SELECT
                                TO instagram_insights_admin USING (true)', tab);
            EXECUTE format('COMMENT ON POLICY admin_reads ON instagram_insights.%I IS %L', tab,
                'Admins see every user''s rows');
        END IF;
    END LOOP;

    -- The worker finds work and accounts of everybody; numbers and log it writes as the user they belong to.
    FOREACH tab IN ARRAY ARRAY['accounts', 'credentials', 'oauth_states', 'usage', 'sync_jobs'] LOOP
        EXECUTE format('CREATE POLICY worker ON instagram_insights.%I
                            TO instagram_insights_worker USING (true) WITH CHECK (true)', tab);
        EXECUTE format('COMMENT ON POLICY worker ON instagram_insights.%I IS %L', tab, 'The worker serves every user');
    END LOOP;

    -- Tables that belong to nobody.
    FOREACH tab IN ARRAY ARRAY['worker_state', 'installation', 'apps', 'deletion_requests', 'metrics', 'metric_settings', 'rollup_state',
                               'role_users'] LOOP
        EXECUTE format('ALTER TABLE instagram_insights.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE format('ALTER TABLE instagram_insights.%I FORCE ROW LEVEL SECURITY', tab);
    END LOOP;
    FOREACH tab IN ARRAY ARRAY['worker_state', 'installation', 'apps', 'deletion_requests'] LOOP
        EXECUTE format('CREATE POLICY worker ON instagram_insights.%I
                            TO instagram_insights_worker USING (true) WITH CHECK (true)', tab);
        EXECUTE format('COMMENT ON POLICY worker ON instagram_insights.%I IS %L', tab, 'The worker keeps it');
        EXECUTE format('CREATE POLICY admin_reads ON instagram_insights.%I FOR SELECT
                                TO instagram_insights_admin USING (true)', tab);
        EXECUTE format('COMMENT ON POLICY admin_reads ON instagram_insights.%I IS %L', tab, 'Admins see it');
    END LOOP;
END
$policies$;

CREATE POLICY readable ON metrics FOR SELECT USING (true);
COMMENT ON POLICY readable ON metrics IS 'The registry is the same for everybody';
-- A dump holds the rows that are not builtin; CREATE EXTENSION makes the builtin ones, which may be changed only.
CREATE POLICY admin_adds ON metrics FOR INSERT TO instagram_insights_admin WITH CHECK (NOT builtin);
COMMENT ON POLICY admin_adds ON metrics IS 'Admins add metrics of their own';
CREATE POLICY admin_changes ON metrics FOR UPDATE TO instagram_insights_admin USING (true) WITH CHECK (true);
COMMENT ON POLICY admin_changes ON metrics IS 'Admins change what a metric is taken for';
CREATE POLICY admin_removes ON metrics FOR DELETE TO instagram_insights_admin USING (NOT builtin);
COMMENT ON POLICY admin_removes ON metrics IS 'Admins remove metrics of their own';

CREATE POLICY readable ON metric_settings FOR SELECT USING (true);
COMMENT ON POLICY readable ON metric_settings IS 'What is on for all is no secret';
CREATE POLICY worker ON metric_settings TO instagram_insights_worker USING (true) WITH CHECK (true);
COMMENT ON POLICY worker ON metric_settings IS 'ig_set_metrics() writes it';

CREATE POLICY readable ON rollup_state FOR SELECT USING (true);
COMMENT ON POLICY readable ON rollup_state IS 'How far months are closed is no secret';

CREATE POLICY admin_maps ON role_users TO instagram_insights_admin USING (true) WITH CHECK (true);
COMMENT ON POLICY admin_maps ON role_users IS 'Admins say which user a role is';
