-- Calls every SQL function once or more, in single-user mode with a Graph sandbox: what valgrind watches. Statements end at an
-- empty line.
CREATE EXTENSION instagram_insights;

SET search_path = instagram_insights, pg_catalog;

SELECT set_config('instagram_insights.user_id', '00000000-0000-0000-0000-00000000000a', false);

-- Connecting: by hand, by the inbox, by a login, and what is refused.
SELECT ig_process_state(), ig_current_user_id(), ig_is_admin(), ig_setting('spread'), ig_required_scopes('facebook');

SELECT * FROM ig_configure_app('1234567890', 'secretoftheapp', 'facebook', ARRAY['https://app.example.org/back'], deletion_url => 'https://app.example.org/deleted');

SELECT * FROM ig_app_state();

SELECT length(ig_authorize_url('https://app.example.org/back'));

SELECT * FROM ig_connect('a code that never was', 'a state that never was');

SELECT * FROM ig_connect_token('EAAsandbox000000000001', '17841400000000001');

SELECT * FROM ig_connect_token('EAAunknown', '17841400000000001');

INSERT INTO connect_inbox (access_token, account_id, login) VALUES ('IGAAsandbox000000000002', '17841400000000002', 'instagram');

SELECT * FROM connections;

UPDATE accounts SET issued_at = now() - interval '40 days', expires_at = now() + interval '20 days';

SELECT * FROM refresh_instagram_token();

-- Fetching, first all that is due, then a range, then what is refused; and numbers brought along.
SELECT * FROM ig_fetch_insights();

SELECT * FROM ig_fetch_insights(account_id => '17841400000000001', metrics => '{reach,views,follower_demographics}', since => current_date - 60, until => current_date - 40);

SELECT * FROM ig_fetch_insights(metrics => '{no_such_metric}');

INSERT INTO instagram_insights.instagram_insights (account_id, metric, end_time, value) VALUES ('17841400000000001', 'reach', '2024-05-01 07:00:00+00', 12);

DELETE FROM instagram_insights.instagram_insights WHERE end_time = '2024-05-01 07:00:00+00';

SELECT ig_merge_parts('{"breakdowns":{"country":{"BR":31}}}', '{"breakdowns":{"age":{"13-17":2}}}');

-- Reading.
SELECT count(*) FROM instagram_insights.instagram_insights;

SELECT * FROM ig_overview();

SELECT * FROM ig_timeseries('reach', current_date - 40, current_date, 'week');

SELECT * FROM ig_compare_periods('reach', current_date - 20, current_date - 2);

SELECT * FROM ig_peak_day('reach', current_date - 40, current_date);

SELECT * FROM ig_coverage();

SELECT count(*) FROM ig_export_csv();

SELECT count(*) FROM ig_export_json();

SELECT ig_csv_field('a "quoted", field');

-- The queue, without a worker.
SELECT * FROM ig_sync_status((SELECT min(j) FROM ig_refresh_insights() j));

SELECT ig_backfill(current_date - 100, current_date - 90);

SELECT ig_sync_all();

SELECT ig_cancel(max(job_id)) FROM sync_jobs;

SELECT ig_nudge();

SELECT ig_set_metrics('{reach,views}');

SELECT ig_set_project('17841400000000001', 'a project');

SELECT ig_set_entity('17841400000000001', 'an entity');

-- Keeping house.
SELECT * FROM ig_doctor();

SELECT * FROM ig_maintain();

SELECT ig_close_months();

SELECT ig_maintain_daily(), ig_close_days('2026-01-01', '2026-01-31'), ig_only_account();

SELECT count(*) FROM instagram_monthly;

UPDATE metrics SET rollup = 'last' WHERE name = 'reach';

SELECT ig_erase_account_history('00000000-0000-0000-0000-00000000000a', '17841400000000002');

SELECT ig_pause('a look under the bonnet');

SELECT ig_resume();

SELECT ig_schedule();

SELECT ig_unschedule();

SELECT ig_rotate_key();

SELECT * FROM ig_fetch_insights(account_id => '17841400000000002');

-- Leaving.
SELECT ig_deauthorize(:'signed_request');

SELECT ig_data_deletion(:'signed_request');

SELECT ig_deletion_status('a code that never was');

SELECT ig_deauthorize('forged.request');

SELECT ig_disconnect('17841400000000002');

SELECT ig_delete_user_data();

-- The end: what was not counted as called.
SELECT pg_stat_force_next_flush();

SELECT string_agg(p.proname, ' ' ORDER BY p.proname) AS never_called FROM pg_proc p WHERE p.pronamespace = 'instagram_insights'::regnamespace AND p.prolang <> (SELECT oid FROM pg_language WHERE lanname = 'sql') AND NOT EXISTS (SELECT FROM pg_stat_user_functions f WHERE f.funcid = p.oid);

DROP EXTENSION instagram_insights;

SELECT 'every call was made' AS ended;

