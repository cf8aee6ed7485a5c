-- What keeps users apart, read from the catalog: policies, privileges, definer functions, search paths.
BEGIN;
SET client_min_messages = warning;
SELECT * FROM no_plan();

-- Row level security on everything, for the owner as well
SELECT is((SELECT string_agg(c.relname, ' ' ORDER BY c.relname::text COLLATE "C")
           FROM pg_class c
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind IN ('r', 'p')
             AND NOT (c.relrowsecurity AND c.relforcerowsecurity)),
          NULL, 'row level security is on and forced on every table and partition');

-- Exactly these policies
CREATE TEMP TABLE expected AS
SELECT t.tab, p.name, p.command, p.roles
FROM (SELECT c.relname AS tab FROM pg_class c
      WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind IN ('r', 'p')
        AND c.relname NOT IN ('metrics', 'role_users', 'worker_state', 'installation', 'apps', 'deletion_requests', 'metric_settings',
                              'rollup_state')) t,
     (VALUES ('tenant', '*', 'public'), ('admin_reads', 'r', 'instagram_insights_admin'), ('worker', '*', 'instagram_insights_worker')) p(name, command, roles)
WHERE p.name = 'tenant'
   OR p.name = 'admin_reads' AND t.tab NOT IN ('credentials', 'oauth_states')
   OR p.name = 'worker' AND t.tab IN ('accounts', 'credentials', 'oauth_states', 'usage', 'sync_jobs')
UNION ALL VALUES
    ('worker_state', 'worker', '*', 'instagram_insights_worker'), ('worker_state', 'admin_reads', 'r', 'instagram_insights_admin'),
    ('apps', 'worker', '*', 'instagram_insights_worker'), ('apps', 'admin_reads', 'r', 'instagram_insights_admin'),
    ('deletion_requests', 'worker', '*', 'instagram_insights_worker'), ('deletion_requests', 'admin_reads', 'r', 'instagram_insights_admin'),
    ('installation', 'worker', '*', 'instagram_insights_worker'), ('installation', 'admin_reads', 'r', 'instagram_insights_admin'),
    ('rollup_state', 'readable', 'r', 'public'),
    ('metric_settings', 'readable', 'r', 'public'), ('metric_settings', 'worker', '*', 'instagram_insights_worker'),
    ('role_users', 'admin_maps', '*', 'instagram_insights_admin'),
    ('metrics', 'readable', 'r', 'public'), ('metrics', 'admin_adds', 'a', 'instagram_insights_admin'),
    ('metrics', 'admin_changes', 'w', 'instagram_insights_admin'), ('metrics', 'admin_removes', 'd', 'instagram_insights_admin');
SELECT set_eq($$
    SELECT c.relname::text, p.polname::text, p.polcmd::text,
           CASE WHEN p.polroles = '{0}' THEN 'public' ELSE (SELECT string_agg(r.rolname, ' ') FROM pg_roles r WHERE r.oid = ANY (p.polroles)) END
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'instagram_insights'::regnamespace$$,
    'SELECT tab::text, name::text, command::text, roles::text FROM expected', 'there are exactly the policies of the design');
SELECT is((SELECT count(*) FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND NOT p.polpermissive), 0::bigint, 'all are permissive');
SELECT is(pg_get_expr(p.polqual, p.polrelid),
          '(user_id = ( SELECT instagram_insights.ig_current_user_id() AS ig_current_user_id))', c.relname || ' shows own rows only')
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'instagram_insights'::regnamespace AND p.polname = 'tenant';
SELECT is(pg_get_expr(p.polwithcheck, p.polrelid), pg_get_expr(p.polqual, p.polrelid), c.relname || ' takes own rows only')
FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
WHERE c.relnamespace = 'instagram_insights'::regnamespace AND p.polname = 'tenant';

-- Tenant tables can be distributed by user_id: keys begin with it, no triggers of ours, no key to a table without it.
SELECT ok((SELECT a.attname FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = i.indkey[0]) = 'user_id',
          format('unique index %s begins with user_id', i.indexrelid::regclass))
FROM pg_index i
WHERE i.indrelid IN (SELECT ('instagram_insights.' || e.tab)::regclass FROM expected e WHERE e.name = 'tenant') AND i.indisunique;
SELECT ok(EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = ('instagram_insights.' || e.tab)::regclass
                  AND a.attname = 'user_id' AND a.atttypid = 'uuid'::regtype AND a.attnotnull),
          e.tab || ' has user_id uuid NOT NULL')
FROM expected e WHERE e.name = 'tenant';
SELECT is((SELECT string_agg(DISTINCT regexp_replace(c.relname, '^insights_(before_|from_)?2.*', 'insights') || ' ' || t.tgname, ', ')
           FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind IN ('r', 'p') AND NOT t.tgisinternal),
          'insights emptied, insights late_delete, insights late_insert, insights late_update, metrics method_changed',
          'no triggers on tables but those that tell which months must be made anew');
SELECT is((SELECT count(*) FROM pg_class c WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind = 'r'
             AND c.relispartition), 10::bigint, 'ten partitions');

-- Nothing for PUBLIC
SELECT is((SELECT count(*) FROM pg_class c, aclexplode(c.relacl) a
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND a.grantee = 0), 0::bigint, 'no table, view or sequence is granted to PUBLIC');
SELECT is((SELECT count(*) FROM pg_proc p, aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
           WHERE p.pronamespace = 'instagram_insights'::regnamespace AND a.grantee = 0), 0::bigint, 'no function is granted to PUBLIC');
SELECT is((SELECT count(*) FROM pg_namespace n, aclexplode(COALESCE(n.nspacl, acldefault('n', n.nspowner))) a
           WHERE n.nspname = 'instagram_insights' AND a.grantee = 0), 0::bigint, 'the schema is not granted to PUBLIC');
SELECT is((SELECT count(*) FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c',
                  aclexplode(COALESCE(t.typacl, acldefault('T', t.typowner))) a
           WHERE t.typnamespace = 'instagram_insights'::regnamespace AND a.grantee = 0), 0::bigint, 'no type is granted to PUBLIC');
SELECT is((SELECT string_agg(DISTINCT pg_get_userbyid(a.grantee)::text, ' ' ORDER BY pg_get_userbyid(a.grantee)::text)
           FROM pg_class c, aclexplode(c.relacl) a
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND a.grantee <> c.relowner),
          'instagram_insights_admin instagram_insights_user instagram_insights_worker', 'only the three roles have anything');
SELECT is((SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid WHERE r.rolname = 'instagram_insights_worker'),
          0::bigint, 'nobody is in the worker role');
SELECT ok(NOT (r.rolsuper OR r.rolbypassrls OR r.rolcanlogin OR r.rolcreaterole OR r.rolcreatedb), r.rolname || ' is a plain group')
FROM pg_roles r WHERE r.rolname IN ('instagram_insights_user', 'instagram_insights_admin', 'instagram_insights_worker');

-- Definer functions
SELECT set_eq($$
    SELECT p.proname::text FROM pg_proc p
    WHERE p.pronamespace = 'instagram_insights'::regnamespace AND p.prosecdef AND pg_get_userbyid(p.proowner) = 'instagram_insights_worker'$$,
    ARRAY['ig_check_installation', 'ig_pause', 'ig_resume', 'ig_refresh_insights', 'ig_backfill', 'ig_sync_all', 'ig_cancel',
          'ig_nudge', 'ig_disconnect', 'ig_delete_user_data', 'ig_log_retention', 'ig_set_metrics', 'ig_set_project', 'ig_set_entity',
          'ig_count_foreign_tokens',
          'ig_doctor_budgets', 'ig_deauthorize', 'ig_data_deletion', 'ig_deletion_status'],
    'these functions run as the worker role');
SELECT set_eq($$
    SELECT p.proname::text FROM pg_proc p
    WHERE p.pronamespace = 'instagram_insights'::regnamespace AND p.prosecdef AND pg_get_userbyid(p.proowner) <> 'instagram_insights_worker'$$,
    ARRAY['ig_erase_history', 'ig_erase_account_history', 'ig_log_lost_tries', 'ig_prune_ended', 'ig_prune_gone', 'ig_prune_cron_runs',
          'ig_prune_insights', 'ig_empty_years', 'ig_close_months', 'ig_closable_before', 'ig_reopen_months'],
    'these, and no other, run as a superuser');
SELECT set_eq($$
    SELECT p.proname::text FROM pg_proc p
    WHERE p.pronamespace = 'instagram_insights'::regnamespace AND pg_get_userbyid(p.proowner) = 'instagram_insights_worker' AND NOT p.prosecdef$$,
    ARRAY[]::text[], 'the worker role owns nothing else');
SELECT is((SELECT count(*) FROM pg_class c WHERE pg_get_userbyid(c.relowner) = 'instagram_insights_worker'), 0::bigint, 'nor any table');

-- The callbacks' deletion is out of reach but by them: nobody calls what runs as a superuser directly.
SELECT is((SELECT string_agg(p.proname || ' ' || r.rolname, ', ') FROM pg_proc p, pg_roles r
           WHERE p.pronamespace = 'instagram_insights'::regnamespace AND p.proname IN ('ig_erase_history', 'ig_erase_account_history', 'ig_log_lost_tries')
             AND r.rolname IN ('instagram_insights_user', 'instagram_insights_admin') AND has_function_privilege(r.oid, p.oid, 'EXECUTE')),
          NULL, 'neither users nor admins call what erases or writes history');

-- Secrets: an admin reads every column of apps but one; logins on their way and tokens are the worker's alone.
SELECT is((SELECT string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_attribute a
           WHERE a.attrelid = 'instagram_insights.apps'::regclass AND a.attnum > 0 AND NOT a.attisdropped
             AND NOT has_column_privilege('instagram_insights_admin', a.attrelid, a.attnum, 'SELECT')),
          'sealed_secret', 'an admin sees all of an app but its secret');
SELECT is((SELECT count(*) FROM pg_attribute a, pg_roles r, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE']) privilege
           WHERE a.attrelid IN ('instagram_insights.apps'::regclass, 'instagram_insights.oauth_states'::regclass,
                                'instagram_insights.credentials'::regclass, 'instagram_insights.deletion_requests'::regclass)
             AND a.attnum > 0 AND (r.rolname = 'instagram_insights_user' OR r.rolname = 'instagram_insights_admin' AND privilege <> 'SELECT')
             AND has_column_privilege(r.oid, a.attrelid, a.attnum, privilege)), 0::bigint,
          'users have nothing of apps, logins, tokens and deletion requests; admins change none of them');

-- Search paths and bodies
SELECT is((SELECT string_agg(p.proname, ' ') FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
           WHERE p.pronamespace = 'instagram_insights'::regnamespace AND l.lanname IN ('sql', 'plpgsql')
             AND NOT COALESCE('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)),
          NULL, 'every function pins its search_path');
SELECT is((SELECT string_agg(p.proname || ' ' || v.setting, ', ' ORDER BY p.proname::text COLLATE "C") FROM pg_proc p, unnest(p.proconfig) v(setting)
           WHERE p.pronamespace = 'instagram_insights'::regnamespace AND v.setting NOT LIKE 'search\_path=%'),
          'ig_empty_years lock_timeout=200ms, ig_maintain_daily enable_seqscan=on, ig_maintain_daily enable_hashjoin=on, '
          || 'ig_maintain_daily enable_mergejoin=on, ig_maintain_daily plan_cache_mode=auto, ig_prune_insights lock_timeout=200ms',
          'two functions set a lock_timeout, one the planner''s usual ways, none anything else');
SELECT ok(p.prosrc !~* 'current_setting\s*\(\s*''(instagram_insights|request)\.', p.proname || ' reads no setting of ours by itself')
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'instagram_insights'::regnamespace AND l.lanname IN ('sql', 'plpgsql');
-- An argument may stand in a body only behind the function's name; what stands behind another dot is a column, what stands
-- before an opening bracket of a column list or behind := is judged by the eye of whoever reads the body.
SELECT ok(NOT EXISTS (
           SELECT FROM regexp_matches(regexp_replace(regexp_replace(p.prosrc, '--[^\n]*', '', 'g'), '''[^'']*''', '''''', 'g'),
                                      '(\w+\.)?\m' || a.name || '\M\s*(=|<>|>|<|IS\M|LIKE\M)', 'gi') m(part)
           WHERE m.part[1] IS NULL AND NOT (p.prosrc ~* ('(SET|,)\s+' || a.name || '\s*='))),
          format('%s compares no bare %s', p.proname, a.name))
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang,
     unnest(p.proargnames[1:p.pronargs]) a(name)
WHERE p.pronamespace = 'instagram_insights'::regnamespace AND l.lanname IN ('sql', 'plpgsql') AND p.pronargs > 0;
-- Whoever takes a user_id asks first whether the caller may name it.
SELECT ok(strpos(p.prosrc, 'ig_target_user(') BETWEEN 1 AND COALESCE(NULLIF(strpos(p.prosrc, 'BEGIN'), 0), 0),
          p.proname || ' checks the user before anything else')
FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
WHERE p.pronamespace = 'instagram_insights'::regnamespace AND l.lanname = 'plpgsql' AND 'user_id' = ANY (p.proargnames)
  AND has_function_privilege('instagram_insights_user', p.oid, 'EXECUTE');

-- Everything says what it is.
SELECT is((SELECT string_agg(c.relname, ' ') FROM pg_class c
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind IN ('r', 'p', 'v')
             AND obj_description(c.oid, 'pg_class') IS NULL), NULL, 'every table and view has a comment');
SELECT is((SELECT string_agg(c.relname || '.' || a.attname, ' ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'c') AND NOT c.relispartition
             AND a.attnum > 0 AND NOT a.attisdropped AND col_description(c.oid, a.attnum) IS NULL), NULL, 'every column has one');
SELECT is((SELECT string_agg(p.proname, ' ') FROM pg_proc p
           WHERE p.pronamespace = 'instagram_insights'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL), NULL, 'every function has one');
SELECT is((SELECT string_agg(t.typname, ' ') FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
           WHERE t.typnamespace = 'instagram_insights'::regnamespace AND obj_description(t.oid, 'pg_type') IS NULL), NULL, 'every type has one');
SELECT is((SELECT string_agg(p.polname || ' of ' || p.polrelid::regclass, ', ') FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
           WHERE c.relnamespace = 'instagram_insights'::regnamespace AND obj_description(p.oid, 'pg_policy') IS NULL), NULL, 'every policy has one');

-- What a dump takes along
SELECT set_eq($$
    SELECT d.oid::regclass::text, d.condition
    FROM pg_extension e, unnest(e.extconfig, e.extcondition) d(oid, condition) WHERE e.extname = 'instagram_insights'$$,
    $$SELECT 'instagram_insights.' || d.name, d.condition
      FROM (SELECT name, '' AS condition FROM unnest(ARRAY['apps', 'deletion_requests', 'accounts', 'credentials', 'sync_log', 'role_users', 'installation',
                'account_generations', 'sync_log_id_seq', 'sync_jobs_job_id_seq']) name
            UNION ALL SELECT c.relname, '' FROM pg_class c
                      WHERE c.relnamespace = 'instagram_insights'::regnamespace AND c.relkind = 'r' AND c.relispartition
            UNION ALL VALUES ('metrics', 'WHERE NOT builtin'), ('metric_settings', '')) d$$,
    'a dump holds what cannot be fetched again, and neither jobs nor the worker''s state');
SELECT * FROM finish();
ROLLBACK;
