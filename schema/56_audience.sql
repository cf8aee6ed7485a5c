-- The parts of a number: breakdowns, demographics and hours, kept in insights.metadata and unfolded here.

CREATE FUNCTION ig_merge_parts(kept jsonb, came jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT CASE
               WHEN jsonb_typeof(ig_merge_parts.came) IS DISTINCT FROM 'object' THEN ig_merge_parts.kept
               WHEN jsonb_typeof(ig_merge_parts.kept) IS DISTINCT FROM 'object' THEN ig_merge_parts.came
               ELSE ig_merge_parts.kept || ig_merge_parts.came || (
                   SELECT COALESCE(jsonb_object_agg(m.name, (ig_merge_parts.kept -> m.name) || (ig_merge_parts.came -> m.name)), '{}')
                   FROM unnest(ARRAY['breakdowns', 'windows']) m(name)
                   WHERE jsonb_typeof(ig_merge_parts.kept -> m.name) = 'object'
                     AND jsonb_typeof(ig_merge_parts.came -> m.name) = 'object')
           END
$body$;
COMMENT ON FUNCTION ig_merge_parts(jsonb, jsonb) IS
    'Internal: the metadata of a row after an answer with some of its parts: a dimension or window that came replaces the '
    'one that was kept, the others and what the application put there stay';

-- Anybody may have written metadata by hand, hence the CASEs: what is not of the shape has no parts.
CREATE VIEW instagram_audience WITH (security_invoker = true) AS
SELECT i.user_id,
       i.account_id,
       i.metric,
       i.day,
       part.dimension,
       part.bucket,
       CASE WHEN pg_catalog.jsonb_typeof(part.amount) = 'number' THEN part.amount::numeric END AS value,
       i.period,
       i.end_time,
       i.retrieved_at
FROM insights i
CROSS JOIN LATERAL (
    SELECT d.key AS dimension, b.key AS bucket, b.value AS amount
    FROM pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(i.metadata -> 'breakdowns') = 'object'
                                    THEN i.metadata -> 'breakdowns' ELSE '{}' END) d,
         pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(d.value) = 'object' THEN d.value ELSE '{}' END) b
    UNION ALL
    SELECT 'hour', h.key, h.value
    FROM pg_catalog.jsonb_each(CASE WHEN pg_catalog.jsonb_typeof(i.metadata -> 'hours') = 'object'
                                    THEN i.metadata -> 'hours' ELSE '{}' END) h
) part
WHERE i.metadata IS NOT NULL AND pg_catalog.strpos(i.account_id, ':') = 0;
COMMENT ON VIEW instagram_audience IS
    'The parts of each number of Instagram accounts, own rows only: by age, gender, city, country, follow_type, '
    'media_product_type, contact_button_type, or by hour';
COMMENT ON COLUMN instagram_audience.user_id IS 'Whose row it is';
COMMENT ON COLUMN instagram_audience.account_id IS 'The account';
COMMENT ON COLUMN instagram_audience.metric IS 'The metric, one of metrics.name';
COMMENT ON COLUMN instagram_audience.day IS 'The US-Pacific day it measures';
COMMENT ON COLUMN instagram_audience.dimension IS
    'What the parts are told apart by: age, city, ..., combined ones such as age,gender; hour for online_followers';
COMMENT ON COLUMN instagram_audience.bucket IS
    'The part, as the API names it: 25-34, F, BR, REEL, 0 to 23; of a combined dimension in its order, such as 25-34,F';
COMMENT ON COLUMN instagram_audience.value IS 'The number, exactly as the API said it';
COMMENT ON COLUMN instagram_audience.period IS 'day, or lifetime for what was true at the end of the day';
COMMENT ON COLUMN instagram_audience.end_time IS 'The end of the period';
COMMENT ON COLUMN instagram_audience.retrieved_at IS 'When the number or its parts last changed';
