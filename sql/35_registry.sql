-- Choosing metrics and naming projects: what a person is told when it cannot be done.
SET client_min_messages = warning;
SET search_path = instagram_insights, public;
\set SHOW_CONTEXT never
SET request.jwt.claims = '{"sub":"00000000-0000-4000-8000-00000000000b"}';
SET ROLE regress_insights_boss;
SELECT ig_set_metrics('{reach,veiws}');
SELECT ig_set_metrics('{}');
SELECT ig_set_metrics('{reach,impressions}');
SELECT ig_set_metrics('{likes:age}');
SELECT ig_set_metrics('{replies:age}');
SELECT ig_set_metrics('{reach}', NULL, '17841400000000001');
SELECT ig_set_metrics('{reach}', '00000000-0000-4000-8000-0000000000cc');
SELECT ig_set_metrics('{reach,follower_demographics:country}', account_id => '17841400000000011');
SELECT account_id, metric, decided_by, breakdowns FROM account_metrics
WHERE asked AND user_id = ig_current_user_id() ORDER BY account_id, metric;
SELECT ig_set_metrics(NULL, account_id => '17841400000000011');

SET ROLE regress_insights_api;
SELECT ig_set_metrics('{views}');
SELECT ig_set_project('17841400000000001', 'spring');
SELECT ig_set_project('17841400000000011', 'spring', '00000000-0000-4000-8000-00000000000a');
SELECT ig_set_project('17841400000000011', 'spring');
SELECT ig_set_entity('17841400000000011', '');
SELECT account_id, project_id FROM connections ORDER BY account_id;
SELECT ig_set_project(NULL, NULL);
SELECT count(project_id) FROM connections;
RESET request.jwt.claims;
SELECT ig_set_project('17841400000000011', 'spring');
RESET ROLE;
