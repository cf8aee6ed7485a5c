-- Who may do what: nothing for PUBLIC, explicit grants for the three roles, definer functions owned by the worker role.

-- Default privileges of the installing role may have granted something to somebody: begin with nothing.
DO $nothing$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT 'TABLE' AS kind, c.oid::regclass::text AS name, acl.grantee
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'instagram_insights',
             aclexplode(c.relacl) acl
        WHERE c.relkind = ANY (ARRAY['r', 'p', 'v', 'S']::"char"[]) AND acl.grantee <> c.relowner
        UNION
        SELECT 'FUNCTION', p.oid::regprocedure::text, acl.grantee
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'instagram_insights',
             aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) acl
        WHERE acl.grantee <> p.proowner
        UNION
        SELECT 'TYPE', t.oid::regtype::text, acl.grantee
        FROM pg_type t
        -- The row types of tables and views too: a table of somebody's with such a column would stand in the way of updates.
        JOIN pg_class c ON c.oid = t.typrelid
        JOIN pg_namespace n ON n.oid = t.typnamespace AND n.nspname = 'instagram_insights',
             aclexplode(COALESCE(t.typacl, acldefault('T', t.typowner))) acl
        WHERE acl.grantee <> t.typowner
        UNION
        SELECT 'SCHEMA', n.nspname::text, acl.grantee
        FROM pg_namespace n, aclexplode(n.nspacl) acl
        WHERE n.nspname = 'instagram_insights' AND acl.grantee <> n.nspowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s', member.kind, member.name,
                       CASE WHEN member.grantee = 0 THEN 'PUBLIC'
                            ELSE quote_ident(pg_get_userbyid(member.grantee)) END);
    END LOOP;
END
$nothing$;
REVOKE ALL ON SCHEMA instagram_insights FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA instagram_insights FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA instagram_insights FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA instagram_insights FROM PUBLIC;

-- Definer functions belong to the worker role; those a superuser must own are said to be so where they are made.
ALTER FUNCTION ig_check_installation(boolean) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_pause(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_resume() OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_refresh_insights(uuid, text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_backfill(date, date, uuid, text, text[]) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_sync_all(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_cancel(bigint) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_nudge() OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_disconnect(text, uuid) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_delete_user_data(uuid) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_log_retention() OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_set_metrics(text[], uuid, text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_set_project(text, text, uuid) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_set_entity(text, text, uuid) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_count_foreign_tokens(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_doctor_budgets() OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_deauthorize(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_data_deletion(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_deletion_status(text) OWNER TO instagram_insights_worker;

GRANT USAGE ON SCHEMA instagram_insights
    TO instagram_insights_user, instagram_insights_admin, instagram_insights_worker;

-- Users and admins: reading (row level security says which rows), numbers by hand, the functions of the contract.
GRANT SELECT ON accounts, usage, sync_jobs, sync_log, metrics, connections, user_tokens, sync_logs,
    instagram_latest_metrics, connect_inbox, metric_settings, account_metrics, instagram_audience
    TO instagram_insights_user, instagram_insights_admin;
GRANT SELECT ON insights_monthly, insights_late, rollup_state, instagram_weekly, instagram_monthly
    TO instagram_insights_user, instagram_insights_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON insights, instagram_insights
    TO instagram_insights_user, instagram_insights_admin;
GRANT INSERT ON connect_inbox TO instagram_insights_user, instagram_insights_admin;
GRANT USAGE ON TYPE ig_fetch_result, ig_sync_status TO instagram_insights_user, instagram_insights_admin;
GRANT EXECUTE ON FUNCTION
    ig_current_user_id(), ig_target_user(uuid), ig_is_admin(), ig_only_account(),
    ig_fetch_insights(uuid, text, text[], date, date), ig_connect_token(text, text, uuid, text, timestamptz),
    ig_authorize_url(text, uuid, text), ig_connect(text, text), refresh_instagram_token(text, uuid),
    ig_refresh_insights(uuid, text), ig_backfill(date, date, uuid, text, text[]), ig_sync_status(bigint),
    ig_cancel(bigint), ig_disconnect(text, uuid), ig_delete_user_data(uuid),
    ig_set_project(text, text, uuid), ig_set_entity(text, text, uuid)
    TO instagram_insights_user, instagram_insights_admin;

GRANT EXECUTE ON FUNCTION
    ig_timeseries(text, date, date, text, uuid, text), ig_compare_periods(text, date, date, uuid, text),
    ig_peak_day(text, date, date, uuid, text), ig_overview(uuid, text), ig_coverage(uuid, text),
    ig_export_csv(date, date, uuid, text), ig_export_json(date, date, uuid, text),
    ig_reading_target(uuid, text, text, date, date, boolean), ig_known_grain(text), ig_csv_field(text),
    ig_closed_before(), ig_months_since()
    TO instagram_insights_user, instagram_insights_admin;

-- Admins: operating, and seeing all but credentials.
GRANT SELECT ON worker_state, installation, role_users, insights_before_2025, insights_2025, insights_2026,
    insights_2027, insights_2028, insights_2029, insights_2030, insights_2031, insights_2032, insights_from_2033
    TO instagram_insights_admin;
GRANT SELECT ON deletion_requests TO instagram_insights_admin;
GRANT SELECT (platform, login, app_id, redirect_uris, scopes, deletion_url, configured_at) ON apps
    TO instagram_insights_admin;
GRANT INSERT, UPDATE, DELETE ON role_users TO instagram_insights_admin;
GRANT DELETE,
    INSERT (name, platform, level, metric_type, period, breakdowns, rollup, history_days, min_followers,
            enabled_by_default, first_version, removed_on, description, periods, windows, asked_breakdowns, timeframe,
            offered_from),
    UPDATE (platform, level, metric_type, period, breakdowns, rollup, history_days, min_followers, enabled_by_default,
            first_version, removed_on, description, periods, windows, asked_breakdowns, timeframe, offered_from)
    ON metrics TO instagram_insights_admin;
GRANT EXECUTE ON FUNCTION
    ig_configure_app(text, text, text, text[], text[], text, text), ig_rotate_key(text), ig_deauthorize(text),
    ig_data_deletion(text), ig_deletion_status(text), ig_sync_all(text), ig_nudge(), ig_pause(text), ig_resume(),
    ig_schedule(text, text), ig_unschedule(text), ig_maintain(), ig_doctor(),
    ig_set_metrics(text[], uuid, text)
    TO instagram_insights_admin;
-- What those functions call with the rights of their caller.
GRANT EXECUTE ON FUNCTION
    ig_require_admin(), ig_installation_state(), ig_process_state(), ig_log_retention(), ig_count_foreign_tokens(text),
    ig_cron_lines(text, text), ig_require_cron(text), ig_cron_job_name(text),
    ig_chores(integer), ig_prune_ended(text, integer), ig_prune_gone(integer), ig_prune_cron_runs(integer),
    ig_prune_insights(integer), ig_empty_years(), ig_close_months(integer),
    ig_doctor_library(), ig_doctor_paused(), ig_doctor_worker(), ig_doctor_jobs(), ig_doctor_cron(),
    ig_doctor_accounts(), ig_doctor_identity(), ig_doctor_storage(),
    ig_doctor_budgets(), ig_doctor_app(), ig_doctor_permissions(), ig_doctor_clock(), ig_app_state(),
    ig_required_scopes(text)
    TO instagram_insights_admin;

-- The worker.
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts, credentials, usage, apps, oauth_states, deletion_requests, insights,
    sync_jobs, sync_log, worker_state, installation
    TO instagram_insights_worker;
GRANT SELECT ON metrics, connections, account_metrics TO instagram_insights_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON metric_settings TO instagram_insights_worker;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA instagram_insights TO instagram_insights_worker;
GRANT EXECUTE ON FUNCTION
    ig_current_user_id(), ig_target_user(uuid), ig_is_admin(), ig_require_admin(), ig_installation_state(),
    ig_write_installation(boolean, text), ig_require_running(), ig_lock_connected(uuid, text), ig_known_metrics(text[]),
    ig_notify_ended(bigint, text, text), ig_erase_history(uuid), ig_erase_account_history(uuid, text),
    ig_log_lost_tries(bigint[]), ig_signed_user(text),
    ig_disconnect(text, uuid), ig_wake_worker(), ig_setting(text), ig_process_state(),
    ig_metric_choice(text[]), ig_change_account(uuid, text, jsonb), ig_merge_parts(jsonb, jsonb), ig_maintain_daily(),
    ig_chores(integer), ig_prune_ended(text, integer), ig_prune_gone(integer), ig_prune_cron_runs(integer),
    ig_prune_insights(integer), ig_empty_years(), ig_close_months(integer)
    TO instagram_insights_worker;
