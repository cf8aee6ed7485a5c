-- What pg_dump takes along: what cannot be fetched again. Not the jobs, not the worker's state, not shipped metrics.

SELECT pg_catalog.pg_extension_config_dump('apps', '');
SELECT pg_catalog.pg_extension_config_dump('deletion_requests', '');
SELECT pg_catalog.pg_extension_config_dump('accounts', '');
SELECT pg_catalog.pg_extension_config_dump('credentials', '');
SELECT pg_catalog.pg_extension_config_dump('insights_before_2025', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2025', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2026', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2027', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2028', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2029', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2030', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2031', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2032', '');
SELECT pg_catalog.pg_extension_config_dump('insights_from_2033', '');
SELECT pg_catalog.pg_extension_config_dump('sync_log', '');
SELECT pg_catalog.pg_extension_config_dump('role_users', '');
SELECT pg_catalog.pg_extension_config_dump('installation', '');
SELECT pg_catalog.pg_extension_config_dump('metrics', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('metric_settings', '');
SELECT pg_catalog.pg_extension_config_dump('account_generations', '');
SELECT pg_catalog.pg_extension_config_dump('sync_log_id_seq', '');
-- The jobs stay behind, but sync_log keeps their ids: a restored database goes on counting.
SELECT pg_catalog.pg_extension_config_dump('sync_jobs_job_id_seq', '');
