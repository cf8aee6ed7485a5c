-- The public SQL contract to the letter: columns in order, types, signatures with argument names and defaults, volatility.
BEGIN;
SET client_min_messages = warning;
SELECT plan(93);

-- Columns in their order; more may follow, none may change.
CREATE FUNCTION pg_temp.columns(object text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum)
    FROM pg_attribute a
    WHERE a.attrelid = ('instagram_insights.' || object)::regclass AND a.attnum > 0 AND NOT a.attisdropped
$$;
SELECT is(left(pg_temp.columns(object), length(columns)), columns, object || ' has the columns of the contract')
FROM (VALUES
    ('instagram_insights', 'id uuid, metric text, value numeric, end_time timestamp with time zone, retrieved_at timestamp with time zone, user_id uuid, account_id text, period text, day date, metadata jsonb, project_id text, entity_id text'),
    ('instagram_latest_metrics', 'user_id uuid, metric text, value numeric, end_time timestamp with time zone, retrieved_at timestamp with time zone, account_id text, day date'),
    ('user_tokens', 'user_id uuid, platform text, account_id text, account_username text, expires_at timestamp with time zone, issued_at timestamp with time zone, scopes text[], status text'),
    ('connections', 'user_id uuid, platform text, account_id text, username text, name text, login text, status text, expires_at timestamp with time zone, days_left integer, last_success_at timestamp with time zone, next_sync_at timestamp with time zone, blocked_until timestamp with time zone, last_error text, hint text, project_id text'),
    ('sync_logs', 'id bigint, job_id bigint, user_id uuid, account_id text, kind text, trigger text, started_at timestamp with time zone, finished_at timestamp with time zone, status text, rows_inserted integer, rows_updated integer, rows_unchanged integer, api_calls integer, error_code integer, error_message text, errors jsonb'),
    ('instagram_audience', 'user_id uuid, account_id text, metric text, day date, dimension text, bucket text, value numeric'),
    ('account_metrics', 'user_id uuid, account_id text, metric text, asked boolean, enabled boolean, available boolean, decided_by text, remark text'),
    ('connect_inbox', 'access_token text, account_id text, user_id uuid, login text, expires_at timestamp with time zone'),
    ('role_users', 'role_name name, user_id uuid'),
    ('apps', 'platform text, login text, app_id text, sealed_secret bytea, redirect_uris text[], scopes text[], deletion_url text, configured_at timestamp with time zone'),
    ('oauth_states', 'user_id uuid, state_hash bytea, login text, redirect_uri text, expires_at timestamp with time zone'),
    ('deletion_requests', 'confirmation_code text, requested_at timestamp with time zone, completed_at timestamp with time zone, accounts integer'),
    ('usage', 'user_id uuid, login text, account_id text, percent integer, blocked_until timestamp with time zone, calls integer, hour timestamp with time zone, observed_at timestamp with time zone'),
    ('ig_fetch_result', 'account_id text, user_id uuid, success boolean, status text, total_inserted integer, total_updated integer, total_unchanged integer, total_errors integer, metrics_inserted jsonb, errors jsonb, api_calls integer, elapsed interval, job_id bigint'),
    ('ig_sync_status', 'job_id bigint, user_id uuid, account_id text, kind text, state text, progress numeric, calls_done integer, calls_planned integer, rows_stored integer, attempt integer, next_try_at timestamp with time zone, queued_at timestamp with time zone, started_at timestamp with time zone, finished_at timestamp with time zone, error text, hint text')
) c(object, columns);

-- Signatures: arguments with defaults, result
SELECT is(pg_get_function_arguments(('instagram_insights.' || name)::regproc), arguments, name || ' takes the arguments of the contract')
FROM (VALUES
    ('ig_schedule', 'schedule text DEFAULT ''0 11 * * *''::text, job_name text DEFAULT NULL::text'),
    ('ig_unschedule', 'job_name text DEFAULT NULL::text'),
    ('ig_sync_all', 'trigger text DEFAULT ''cron''::text'),
    ('ig_nudge', ''),
    ('ig_pause', 'reason text DEFAULT NULL::text'),
    ('ig_resume', ''),
    ('ig_maintain', ''),
    ('ig_doctor', ''),
    ('ig_connect_token', 'access_token text, account_id text DEFAULT NULL::text, user_id uuid DEFAULT NULL::uuid, login text DEFAULT ''facebook''::text, expires_at timestamp with time zone DEFAULT NULL::timestamp with time zone'),
    ('ig_disconnect', 'account_id text DEFAULT NULL::text, user_id uuid DEFAULT NULL::uuid'),
    ('ig_delete_user_data', 'user_id uuid DEFAULT NULL::uuid'),
    ('ig_fetch_insights', 'user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text, metrics text[] DEFAULT NULL::text[], since date DEFAULT NULL::date, until date DEFAULT NULL::date'),
    ('ig_refresh_insights', 'user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text'),
    ('ig_backfill', 'since date, until date DEFAULT NULL::date, user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text, metrics text[] DEFAULT NULL::text[]'),
    ('ig_sync_status', 'job_id bigint'),
    ('ig_cancel', 'job_id bigint'),
    ('ig_configure_app', 'app_id text, app_secret text, login text DEFAULT ''facebook''::text, redirect_uris text[] DEFAULT ''{}''::text[], scopes text[] DEFAULT NULL::text[], platform text DEFAULT ''instagram''::text, deletion_url text DEFAULT NULL::text'),
    ('ig_authorize_url', 'redirect_uri text, user_id uuid DEFAULT NULL::uuid, login text DEFAULT NULL::text'),
    ('ig_connect', 'code text, state text'),
    ('refresh_instagram_token', 'account_id text DEFAULT NULL::text, user_id uuid DEFAULT NULL::uuid'),
    ('ig_deauthorize', 'signed_request text'),
    ('ig_data_deletion', 'signed_request text'),
    ('ig_deletion_status', 'confirmation_code text'),
    ('ig_rotate_key', 'new_key_file text DEFAULT NULL::text'),
    ('ig_set_metrics', 'metrics text[], user_id uuid DEFAULT NULL::uuid, account_id text DEFAULT NULL::text'),
    ('ig_set_project', 'account_id text, project_id text, user_id uuid DEFAULT NULL::uuid'),
    ('ig_set_entity', 'account_id text DEFAULT NULL::text, entity_id text DEFAULT NULL::text, user_id uuid DEFAULT NULL::uuid')
) f(name, arguments);
SELECT is(pg_get_function_result(('instagram_insights.' || name)::regproc), result, name || ' returns what the contract says')
FROM (VALUES
    ('ig_schedule', 'bigint'),
    ('ig_unschedule', 'boolean'),
    ('ig_sync_all', 'integer'),
    ('ig_nudge', 'boolean'),
    ('ig_pause', 'void'),
    ('ig_resume', 'void'),
    ('ig_maintain', 'TABLE(action text, object text, detail text)'),
    ('ig_doctor', 'TABLE(check_name text, status text, detail text, hint text)'),
    ('ig_connect_token', 'SETOF instagram_insights.connections'),
    ('ig_disconnect', 'integer'),
    ('ig_delete_user_data', 'jsonb'),
    ('ig_fetch_insights', 'SETOF instagram_insights.ig_fetch_result'),
    ('ig_refresh_insights', 'SETOF bigint'),
    ('ig_backfill', 'SETOF bigint'),
    ('ig_sync_status', 'SETOF instagram_insights.ig_sync_status'),
    ('ig_cancel', 'boolean'),
    ('ig_configure_app', 'void'),
    ('ig_authorize_url', 'text'),
    ('ig_connect', 'SETOF instagram_insights.connections'),
    ('refresh_instagram_token', 'SETOF instagram_insights.connections'),
    ('ig_deauthorize', 'integer'),
    ('ig_data_deletion', 'jsonb'),
    ('ig_deletion_status', 'jsonb'),
    ('ig_rotate_key', 'integer'),
    ('ig_set_metrics', 'void'),
    ('ig_set_project', 'void'),
    ('ig_set_entity', 'void')
) f(name, result);

-- Reading functions never write, so PostgREST serves them by GET; no other function pretends to be one.
SELECT is((SELECT string_agg(p.proname, ' ' ORDER BY p.proname::text COLLATE "C")
           FROM pg_proc p
           WHERE p.pronamespace = 'instagram_insights'::regnamespace AND p.provolatile = 's'
             AND has_function_privilege('instagram_insights_user', p.oid, 'EXECUTE')),
          'ig_closed_before ig_compare_periods ig_coverage ig_current_user_id ig_export_csv ig_export_json ig_is_admin '
          'ig_months_since ig_only_account ig_overview ig_peak_day ig_reading_target ig_sync_status ig_target_user ig_timeseries',
          'the reading functions of users are STABLE, all others VOLATILE');
SELECT is((SELECT p.provolatile FROM pg_proc p WHERE p.oid = ('instagram_insights.' || name)::regproc), 's', name || ' is STABLE')
FROM (VALUES ('ig_doctor'), ('ig_deletion_status')) f(name);
SELECT is((SELECT string_agg(p.proname, ' ') FROM pg_proc p
           WHERE p.pronamespace = 'instagram_insights'::regnamespace AND p.provolatile <> 'v'
             AND p.proname IN ('ig_configure_app', 'ig_authorize_url', 'ig_connect', 'refresh_instagram_token', 'ig_deauthorize',
                               'ig_data_deletion', 'ig_rotate_key')), NULL, 'what stores, calls or disconnects is VOLATILE');
SELECT is((SELECT p.proparallel FROM pg_proc p WHERE p.oid = 'instagram_insights.ig_current_user_id'::regproc), 'r',
          'ig_current_user_id is PARALLEL RESTRICTED: the acting user is known to its process only');
SELECT is((SELECT count(*) FROM pg_proc p
           WHERE p.pronamespace = 'instagram_insights'::regnamespace AND p.proisstrict), 0::bigint,
          'no function is STRICT: NULL means something everywhere');

-- Views
SELECT is((SELECT string_agg(c.relname, ' ' ORDER BY c.relname::text COLLATE "C")
           FROM pg_class c
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind = 'v'
             AND COALESCE('security_invoker=true' <> ALL (c.reloptions), true)),
          NULL, 'every view asks with the rights of its caller');
SELECT is((SELECT string_agg(v.column_name || '=' || v.is_updatable, ' ' ORDER BY v.ordinal_position)
           FROM information_schema.columns v
           WHERE v.table_schema = 'instagram_insights' AND v.table_name = 'instagram_insights'),
          'id=NO metric=YES value=YES end_time=YES retrieved_at=YES user_id=YES account_id=YES period=YES day=YES metadata=YES project_id=YES entity_id=YES',
          'instagram_insights is auto-updatable but for its id');
SELECT is((SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = 'instagram_insights.instagram_insights'::regclass), 0::bigint,
          'and no trigger makes it so');
SELECT is((SELECT string_agg(v.column_name || '=' || v.column_default, ' ' ORDER BY v.ordinal_position)
           FROM information_schema.columns v
           WHERE v.table_schema = 'instagram_insights' AND v.table_name = 'instagram_insights' AND v.column_default IS NOT NULL),
          'user_id=instagram_insights.ig_current_user_id() account_id=instagram_insights.ig_only_account() period=''day''::text',
          'its defaults are those of the contract');

-- The old unique key, widened; the uniqueness of live jobs
SELECT col_is_pk('instagram_insights', 'insights', ARRAY['user_id', 'account_id', 'metric', 'period', 'end_time'], 'the row key');
SELECT col_is_pk('instagram_insights', 'apps', ARRAY['platform', 'login'], 'one app for a login');
SELECT col_is_pk('instagram_insights', 'oauth_states', ARRAY['user_id', 'state_hash'], 'a state is one user''s');
SELECT col_is_pk('instagram_insights', 'deletion_requests', 'confirmation_code', 'a code is one deletion''s');
SELECT col_is_pk('instagram_insights', 'usage', ARRAY['user_id', 'login', 'account_id'], 'one budget for an account and login');
SELECT set_eq('SELECT user_id, login, account_id FROM instagram_insights.usage',
              $$VALUES ('00000000-0000-0000-0000-000000000000'::uuid, 'facebook', ''), ('00000000-0000-0000-0000-000000000000', 'instagram', '')$$,
              'the app of each login has its budget from the beginning');
INSERT INTO instagram_insights.oauth_states (user_id, state_hash, login, redirect_uri)
VALUES ('00000000-0000-4000-8000-00000000000a', '\x00', 'facebook', 'https://app.example.org/');
SELECT is((SELECT s.expires_at FROM instagram_insights.oauth_states s), now() + interval '10 minutes', 'a login may take ten minutes');
SELECT col_is_pk('instagram_insights', 'role_users', 'role_name', 'one user for a role');
SELECT ok(EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = 'instagram_insights.sync_jobs_live'::regclass AND i.indisunique),
          'one live refresh and one live daily job for an account');

SELECT is((SELECT e.extrelocatable FROM pg_extension e WHERE e.extname = 'instagram_insights'), false, 'not relocatable');
SELECT is(obj_description((SELECT e.oid FROM pg_extension e WHERE e.extname = 'instagram_insights'), 'pg_extension') IS NOT NULL, true,
          'the extension has a comment');
SELECT ok(NOT EXISTS (SELECT FROM instagram_insights.metrics m WHERE NOT m.builtin), 'shipped metrics are marked as such');
SELECT set_eq('SELECT name FROM instagram_insights.metrics WHERE enabled_by_default',
              ARRAY['reach', 'follower_count', 'profile_views', 'accounts_engaged', 'followers_count'],
              'the metrics of the system this replaces, and the followers in total, are on');
SELECT set_eq($$SELECT name FROM instagram_insights.metrics WHERE level = 'account' AND (removed_on IS NULL OR removed_on > now())$$,
    $$SELECT unnest('{reach,follower_count,online_followers,views,accounts_engaged,total_interactions,likes,comments,shares,saves,replies,reposts,quotes,
        content_views,profile_views,website_clicks,profile_links_taps,follows_and_unfollows,follower_demographics,engaged_audience_demographics,
        reached_audience_demographics,followers_count,threads_views,threads_likes,threads_replies,threads_reposts,threads_clicks,threads_followers,
        threads_follower_demographics}'::text[])$$, 'the registry knows every metric that the API offers for an account');
SELECT * FROM finish();
ROLLBACK;
