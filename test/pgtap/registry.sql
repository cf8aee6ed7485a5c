-- Which metrics are asked for whom: the registry by date, the choice for all and for one account, who sees and who says.
BEGIN;
SET client_min_messages = warning;
SELECT plan(43);
CREATE ROLE pgtap_boss;
GRANT instagram_insights_admin TO pgtap_boss;
CREATE ROLE pgtap_api;
GRANT instagram_insights_user TO pgtap_api;
INSERT INTO instagram_insights.accounts (user_id, account_id)
VALUES ('00000000-0000-4000-8000-00000000000a', '1781'), ('00000000-0000-4000-8000-00000000000a', '1782'), ('00000000-0000-4000-8000-00000000000b', '1783');
INSERT INTO instagram_insights.accounts (user_id, account_id, platform) VALUES ('00000000-0000-4000-8000-00000000000b', 'threads:1', 'threads');
CREATE FUNCTION pg_temp.asked(account text) RETURNS text LANGUAGE sql AS $$
    SELECT string_agg(m.metric, ' ' ORDER BY m.metric COLLATE "C") FROM instagram_insights.account_metrics m WHERE m.account_id = account AND m.asked
$$;
CREATE FUNCTION pg_temp.parts(account text, name text) RETURNS text[] LANGUAGE sql AS $$
    SELECT m.breakdowns FROM instagram_insights.account_metrics m WHERE m.account_id = account AND m.metric = name
$$;

-- The registry alone
SELECT is(pg_temp.asked('1781'), 'accounts_engaged follower_count followers_count profile_views reach', 'without a choice the usual ones are asked');
SELECT is((SELECT count(*) FROM instagram_insights.account_metrics m WHERE m.account_id = 'threads:1'), 0::bigint, 'of another platform nothing');
SELECT is((SELECT count(*) FROM instagram_insights.account_metrics m WHERE m.account_id = '1781'), (SELECT count(*) FROM instagram_insights.metrics),
          'every metric of the registry has a row, whether it is on or not');
INSERT INTO instagram_insights.metrics (name, metric_type, rollup, history_days, enabled_by_default) VALUES ('brand_new', 'total_value', 'sum', 90, true);
SELECT is((SELECT (asked, metric_type, period, windows, breakdowns, timeframe, history_days)::text FROM instagram_insights.account_metrics
           WHERE account_id = '1781' AND metric = 'brand_new'), '(t,total_value,day,{},{},,90)', 'a metric that is inserted is asked, with nothing more said');
UPDATE instagram_insights.metrics SET removed_on = now() AT TIME ZONE 'UTC' + interval '1 day' WHERE name = 'brand_new';
SELECT ok(pg_temp.asked('1781') LIKE '%brand_new%', 'until the day it is removed');
UPDATE instagram_insights.metrics SET removed_on = now() AT TIME ZONE 'UTC' WHERE name = 'brand_new';
SELECT results_eq($$SELECT asked, enabled, available, remark LIKE 'The API stopped answering it on %' FROM instagram_insights.account_metrics
                    WHERE account_id = '1781' AND metric = 'brand_new'$$, 'VALUES (false, true, false, true)', 'from then on it is not, and says why');
UPDATE instagram_insights.metrics SET removed_on = NULL, offered_from = now() AT TIME ZONE 'UTC' + interval '1 day' WHERE name = 'brand_new';
SELECT ok(pg_temp.asked('1781') NOT LIKE '%brand_new%', 'nor before the day it is offered from');
DELETE FROM instagram_insights.metrics WHERE name = 'brand_new';
SELECT is((SELECT string_agg(name, ' ') FROM instagram_insights.metrics WHERE removed_on <= now() AND enabled_by_default), NULL, 'nothing that was removed is on');
SELECT is((SELECT string_agg(name, ' ') FROM instagram_insights.metrics
           WHERE NOT asked_breakdowns <@ breakdowns OR NOT windows <@ periods OR additive <> (rollup = 'sum')), NULL, 'only what is offered is asked');
SELECT is((SELECT windows FROM instagram_insights.metrics WHERE name = 'reach'), '{week,days_28}', 'reach is asked for its windows as well, since its days cannot be added up');
SELECT is((SELECT string_agg(name, ' ' ORDER BY name) FROM instagram_insights.metrics WHERE timeframe IS NOT NULL),
          'engaged_audience_demographics follower_demographics reached_audience_demographics', 'demographics have a timeframe');

-- The choice of a DBA, as one behind an API makes it
SET ROLE pgtap_boss;
SELECT lives_ok($$SELECT instagram_insights.ig_set_metrics(metrics => '{views,reach}')$$, 'an admin chooses for all');
SELECT is(pg_temp.asked('1781') || ', ' || pg_temp.asked('1783'), 'reach views, reach views', 'the list is all that is on');
SELECT lives_ok($$SELECT instagram_insights.ig_set_metrics('{likes,likes}', '00000000-0000-4000-8000-00000000000a', '1782')$$, 'and for one account');
SELECT is(pg_temp.asked('1781') || ', ' || pg_temp.asked('1782'), 'reach views, likes', 'which is the only one that changes');
SELECT set_eq($$SELECT account_id, metric, windows, windows_of FROM instagram_insights.account_metrics WHERE windows_of IS NOT NULL$$,
    $$VALUES ('1781', 'reach', '{week,days_28}'::text[], 'every day'), ('1782', 'reach', '{week,days_28}', 'ends of weeks'),
             ('1783', 'reach', '{week,days_28}', 'every day')$$, 'windows are asked for every day where it is named');
SELECT set_eq('SELECT account_id, decided_by FROM instagram_insights.account_metrics', $$VALUES ('1781', 'site'), ('1782', 'account'), ('1783', 'site')$$,
              'and everybody can see what decided');
SELECT lives_ok($$SELECT instagram_insights.ig_set_metrics('{saves}', '00000000-0000-4000-8000-00000000000a')$$, 'without an account it is all of the user''s');
SELECT is(pg_temp.asked('1781') || ', ' || pg_temp.asked('1782') || ', ' || pg_temp.asked('1783'), 'saves, saves, reach views', '... and nobody else''s');
SELECT instagram_insights.ig_set_metrics(NULL, '00000000-0000-4000-8000-00000000000a');
SELECT instagram_insights.ig_set_metrics(NULL);
SELECT ok(bool_and(decided_by = 'default'), 'NULL brings the usual ones back') FROM instagram_insights.account_metrics;
SELECT is((SELECT string_agg(DISTINCT windows_of, ', ') FROM instagram_insights.account_metrics), 'ends of weeks', '... with windows that end with a week');

-- Breakdowns
SELECT is(pg_temp.parts('1781', 'follower_demographics'), '{age,gender,city,country}', 'demographics have four breakdowns unless others are named');
SELECT instagram_insights.ig_set_metrics('{"follower_demographics:age,gender","follower_demographics:city",reach:follow_type,views:,likes}');
SELECT results_eq($$SELECT pg_temp.parts('1781', n) FROM unnest('{follower_demographics,reach,views,likes}'::text[]) n$$,
                  $$VALUES ('{"age,gender",city}'::text[]), ('{follow_type}'), ('{}'), ('{media_product_type}')$$, 'named ones, combined ones, none, the usual one');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{likes:age}')$$, '22023', 'metric "likes" has no breakdown "age"', 'a breakdown that is not offered is refused');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{"likes:media_product_type,"}')$$, '22023', NULL, 'and an empty one between others');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{nonsense}')$$, '22023', NULL, 'an unknown metric is refused');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{impressions}')$$, '22023', 'metric "impressions" cannot be turned on: the API stopped answering it on 2025-04-21', 'and one that was removed');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{}')$$, '22023', 'metrics is an empty list', 'and an empty list');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{reach}', '00000000-0000-4000-8000-00000000000a', '1783')$$, '42704', 'account "1783" does not exist', 'another''s account is unknown');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{reach}', '00000000-0000-4000-8000-00000000000c')$$, '55000', 'no account is connected', 'a user without accounts is told so');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{reach}', NULL, '1781')$$, '22004', NULL, 'an account without a user is nobody''s');
SELECT instagram_insights.ig_set_metrics(NULL);

-- A user, as PostgREST asks
RESET ROLE;
UPDATE instagram_insights.accounts SET metric_state = '{"reach": {"unsupported_since": "2026-11-20T10:00:00Z", "reason": "not for this account"}}' WHERE account_id = '1781';
SET ROLE pgtap_api;
SET LOCAL request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';
SELECT set_eq('SELECT account_id FROM instagram_insights.account_metrics', ARRAY['1781', '1782'], 'a user sees what is on for own accounts, and no others');
SELECT results_eq($$SELECT asked, remark, unsupported_since FROM instagram_insights.account_metrics WHERE account_id = '1781' AND metric = 'reach'$$,
                  $$VALUES (true, 'Refused for this account: not for this account. It is asked again a week later.', '2026-11-20 10:00Z'::timestamptz)$$, 'and what the API refused');
SELECT throws_ok($$SELECT instagram_insights.ig_set_metrics('{views}', NULL, '1781')$$, '42501', NULL, 'but changes nothing');
SELECT throws_ok($$INSERT INTO instagram_insights.metric_settings (metrics) VALUES ('{}')$$, '42501', NULL, 'not by hand either');
SELECT is((SELECT count(*) FROM instagram_insights.metric_settings), 0::bigint, 'what is on for all may be read');
RESET request.jwt.claims;
SELECT is_empty('SELECT * FROM instagram_insights.account_metrics', 'nobody sees nothing');

-- The worker reads the choices of many accounts by their keys.
RESET ROLE;
INSERT INTO instagram_insights.accounts (user_id, account_id)
SELECT ('00000000-0000-4000-9000-' || lpad(n::text, 12, '0'))::uuid, '179' || n FROM generate_series(1, 5000) n;
ANALYZE instagram_insights.accounts;
CREATE TEMP TABLE claimed AS SELECT user_id, account_id, NULL::text[] AS metrics FROM instagram_insights.accounts WHERE account_id LIKE '1790%' OR account_id LIKE '17911%';
ANALYZE claimed;
GRANT SELECT ON claimed TO instagram_insights_worker;
CREATE FUNCTION pg_temp.plan(query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE 'EXPLAIN (COSTS off) ' || query;
END
$$;
SET ROLE instagram_insights_worker;
SELECT is_empty($$SELECT line FROM pg_temp.plan('SELECT c.account_id, m.metric, m.breakdowns FROM claimed c,
                      LATERAL (SELECT * FROM instagram_insights.account_metrics a WHERE a.user_id = c.user_id AND a.account_id = c.account_id OFFSET 0) m
                      WHERE m.available AND CASE WHEN c.metrics IS NULL THEN m.enabled ELSE m.metric = ANY (c.metrics) END') line
                  WHERE line LIKE '%Seq Scan on accounts%'$$, 'the worker joins it without reading every account');
SELECT is((SELECT count(*) FROM claimed c JOIN instagram_insights.account_metrics m USING (user_id, account_id) WHERE m.asked),
          (SELECT 5 * count(*) FROM claimed), 'and finds what is on for each');

-- Projects and entities
RESET ROLE;
SET ROLE pgtap_api;
SET LOCAL request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000a"}';
SELECT lives_ok($$SELECT instagram_insights.ig_set_project(account_id => '1781', project_id => 'spring'), instagram_insights.ig_set_entity(NULL, 'acme')$$,
                'a user says which project and entity own accounts belong to');
SELECT throws_ok($$SELECT instagram_insights.ig_set_project('1783', 'spring')$$, '42704', 'account "1783" does not exist', 'not those of others');
SELECT throws_ok($$SELECT instagram_insights.ig_set_project('1783', 'spring', '00000000-0000-4000-8000-00000000000b')$$, '42501', NULL, 'nor by naming their user');
RESET ROLE;
SELECT results_eq($$SELECT account_id, project_id, entity_id FROM instagram_insights.accounts WHERE account_id ~ '^178.$' ORDER BY account_id$$,
                  $$VALUES ('1781', 'spring', 'acme'), ('1782', NULL, 'acme'), ('1783', NULL, NULL)$$, 'and that is kept');
SELECT * FROM finish();
ROLLBACK;
