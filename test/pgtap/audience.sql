-- The parts of a number: stored in metadata under a documented shape, unfolded by instagram_audience, merged by answers.
BEGIN;
SET client_min_messages = warning;
SELECT plan(12);
CREATE ROLE pgtap_api;
GRANT instagram_insights_user TO pgtap_api;
INSERT INTO instagram_insights.accounts (user_id, account_id)
VALUES ('00000000-0000-4000-8000-00000000000a', '1781'), ('00000000-0000-4000-8000-00000000000b', '1782');
INSERT INTO instagram_insights.insights (user_id, account_id, metric, period, end_time, value, metadata)
VALUES ('00000000-0000-4000-8000-00000000000a', '1781', 'follows_and_unfollows', 'day', '2026-11-21 08:00Z', NULL,
        '{"breakdowns": {"follow_type": {"FOLLOWER": 33, "NON_FOLLOWER": 12}}}'),
       ('00000000-0000-4000-8000-00000000000a', '1781', 'follower_demographics', 'lifetime', '2026-11-21 08:00Z', NULL,
        '{"breakdowns": {"city": {"São Paulo, São Paulo (state)": 9}, "age,gender": {"25-34,F": 18014398509481985}}, "note": {"mine": 1}}'),
       ('00000000-0000-4000-8000-00000000000a', '1781', 'online_followers', 'lifetime', '2026-11-21 08:00Z', NULL, '{"hours": {"0": 61, "22": 940}}'),
       ('00000000-0000-4000-8000-00000000000a', '1781', 'online_followers', 'lifetime', '2026-11-20 08:00Z', NULL, '{"hours": {}}'),
       ('00000000-0000-4000-8000-00000000000b', '1782', 'views', 'day', '2026-07-02 07:00Z', 10, '{"breakdowns": {"media_product_type": {"REEL": 7, "POST": 3.5}}}');

SELECT results_eq($$SELECT account_id, metric, day, dimension, bucket, value FROM instagram_insights.instagram_audience
                    ORDER BY metric, day, dimension COLLATE "C", bucket COLLATE "C"$$,
    $$VALUES ('1781', 'follower_demographics', date '2026-11-20', 'age,gender', '25-34,F', 18014398509481985),
             ('1781', 'follower_demographics', '2026-11-20', 'city', 'São Paulo, São Paulo (state)', 9),
             ('1781', 'follows_and_unfollows', '2026-11-20', 'follow_type', 'FOLLOWER', 33),
             ('1781', 'follows_and_unfollows', '2026-11-20', 'follow_type', 'NON_FOLLOWER', 12),
             ('1781', 'online_followers', '2026-11-20', 'hour', '0', 61), ('1781', 'online_followers', '2026-11-20', 'hour', '22', 940),
             ('1782', 'views', '2026-07-01', 'media_product_type', 'POST', 3.5), ('1782', 'views', '2026-07-01', 'media_product_type', 'REEL', 7)$$,
    'each part is a row, with its number to the last digit');

-- What the application put there is not of the shape, and does no harm.
INSERT INTO instagram_insights.insights (user_id, account_id, metric, end_time, metadata)
SELECT '00000000-0000-4000-8000-00000000000b', '1782', 'likes', timestamptz '2026-11-01 07:00Z' + n * interval '1 day', m
FROM unnest(ARRAY['[]', '1', '"text"', 'null', '{}', '{"breakdowns": 1}', '{"breakdowns": []}', '{"breakdowns": {"age": 5}}', '{"breakdowns": {"age": {"1": "x"}}}',
                  '{"hours": null}', '{"hours": [1]}']::jsonb[]) WITH ORDINALITY t(m, n);
SELECT results_eq($$SELECT dimension, bucket, value FROM instagram_insights.instagram_audience WHERE metric = 'likes'$$,
                  $$VALUES ('age', '1', NULL::numeric)$$, 'metadata of another shape has no parts, and a part that is no number no value');

-- A user, as PostgREST asks
SET ROLE pgtap_api;
SET LOCAL request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SELECT set_eq('SELECT DISTINCT account_id FROM instagram_insights.instagram_audience', ARRAY['1782'], 'a user sees own parts only');
SELECT results_eq($$SELECT bucket, value FROM instagram_insights.instagram_audience WHERE metric = 'views' AND day >= '2026-07-01' ORDER BY value DESC LIMIT 1$$,
                  $$VALUES ('REEL', 7::numeric)$$, 'filtered and ordered');
SELECT throws_ok('DELETE FROM instagram_insights.instagram_audience', '55000', NULL, 'and cannot write to the view');
RESET request.jwt.claims;
SELECT is_empty('SELECT * FROM instagram_insights.instagram_audience', 'nobody sees nothing');
RESET ROLE;

-- Answers come one dimension at a time.
SELECT is(instagram_insights.ig_merge_parts(kept, came)::text, merged, what)
FROM (VALUES
    ('{"breakdowns": {"age": {"13-17": 1}, "city": {"X": 2}}}'::jsonb, '{"breakdowns": {"age": {"18-24": 3}}}'::jsonb,
     '{"breakdowns": {"age": {"18-24": 3}, "city": {"X": 2}}}', 'a dimension that came replaces its older self and leaves the others'),
    ('{"note": 1, "hours": {"0": 5}}', '{"hours": {"1": 6}}', '{"note": 1, "hours": {"1": 6}}', 'hours are replaced, what the application put there stays'),
    ('{"note": 1}', NULL, '{"note": 1}', 'an answer without parts changes nothing'),
    (NULL, '{"hours": {"1": 6}}', '{"hours": {"1": 6}}', 'the first parts of a row'),
    ('[1]', '{"hours": {"1": 6}}', '{"hours": {"1": 6}}', 'what is no object makes room'),
    ('{"breakdowns": 7}', '{"breakdowns": {"age": {"18-24": 3}}}', '{"breakdowns": {"age": {"18-24": 3}}}', 'so do malformed parts')) c(kept, came, merged, what);
SELECT * FROM finish();
ROLLBACK;
