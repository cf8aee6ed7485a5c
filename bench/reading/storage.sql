-- Bytes a row, tables and indexes together: the layout this replaces beside ours, same rows, same order, indexes kept
-- while loading as they are in life, ours in years as it is. The variable order is the order in which they come.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE TABLE public.old_insights (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    metric text NOT NULL,
    value numeric NOT NULL,
    end_time timestamptz NOT NULL,
    retrieved_at timestamptz NOT NULL DEFAULT now(),
    user_id uuid NOT NULL,
    UNIQUE (metric, end_time, user_id)
);
CREATE INDEX ON public.old_insights (user_id);
CREATE INDEX ON public.old_insights (metric);
CREATE INDEX ON public.old_insights (end_time);
CREATE INDEX ON public.old_insights (user_id, metric, end_time);
SET synchronous_commit = off;
INSERT INTO public.old_insights (metric, value, end_time, retrieved_at, user_id)
SELECT i.metric, i.value, i.end_time, i.retrieved_at, i.user_id
FROM instagram_insights.insights i
WHERE i.user_id <= ('00000000-0000-4000-8000-' || lpad(:'sample', 12, '0'))::uuid
ORDER BY :order;
CREATE TABLE public.our_insights (LIKE instagram_insights.insights INCLUDING ALL) PARTITION BY RANGE (end_time);
SELECT format('CREATE TABLE public.our_%s PARTITION OF public.our_insights %s', c.relname, pg_get_expr(c.relpartbound, c.oid))
FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
WHERE h.inhparent = 'instagram_insights.insights'::regclass \gexec
INSERT INTO public.our_insights (user_id, account_id, metric, period, end_time, value, retrieved_at)
SELECT i.user_id, i.account_id, i.metric, i.period, i.end_time, i.value, i.retrieved_at
FROM instagram_insights.insights i
WHERE i.user_id <= ('00000000-0000-4000-8000-' || lpad(:'sample', 12, '0'))::uuid
ORDER BY :order;
CREATE FUNCTION pg_temp.bytes(name text) RETURNS TABLE (heap numeric, indexes numeric, total numeric) LANGUAGE sql AS $$
    SELECT round(sum(pg_table_size(t.oid)) / n, 1), round(sum(pg_indexes_size(t.oid)) / n, 1),
           round(sum(pg_total_relation_size(t.oid)) / n, 1)
    FROM (SELECT count(*) AS n FROM public.old_insights) c,
         (SELECT name::regclass AS oid UNION ALL SELECT h.inhrelid FROM pg_inherits h WHERE h.inhparent = name::regclass) t
    GROUP BY n
$$;
SELECT 'old' AS layout, b.* FROM pg_temp.bytes('public.old_insights') b
UNION ALL SELECT 'ours', b.* FROM pg_temp.bytes('public.our_insights') b;
SELECT round(100 * o.total / b.total, 1) AS ours_percent_of_old
FROM pg_temp.bytes('public.our_insights') o, pg_temp.bytes('public.old_insights') b;
REINDEX TABLE public.old_insights;
REINDEX TABLE public.our_insights;
SELECT 'old, reindexed' AS layout, b.* FROM pg_temp.bytes('public.old_insights') b
UNION ALL SELECT 'ours, reindexed', b.* FROM pg_temp.bytes('public.our_insights') b;
DROP TABLE public.old_insights, public.our_insights;
