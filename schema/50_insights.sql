-- The numbers themselves, range-partitioned by year of end_time. All partitions are made here (design.md, Outgrowing one
-- machine): partitions made at run time could not be restored from a dump.

-- Columns of fixed width first: between texts, alignment would cost 8 bytes a row.
CREATE TABLE insights (
    user_id uuid NOT NULL,
    end_time timestamptz NOT NULL,
    retrieved_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    day date NOT NULL GENERATED ALWAYS AS
        (((end_time AT TIME ZONE 'America/Los_Angeles') - '1 second'::interval)::date) STORED,
    account_id text NOT NULL,
    metric text NOT NULL,
    period text NOT NULL DEFAULT 'day',
    value numeric,
    metadata jsonb,
    project_id text,
    entity_id text,
    PRIMARY KEY (user_id, account_id, metric, period, end_time) WITH (fillfactor = 100),
    FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, account_id) ON DELETE CASCADE,
    FOREIGN KEY (metric) REFERENCES metrics (name)
) PARTITION BY RANGE (end_time);
COMMENT ON TABLE insights IS 'One value of one metric of one account for one period; read it through the view instagram_insights';
COMMENT ON COLUMN insights.user_id IS 'The user who may read it';
COMMENT ON COLUMN insights.account_id IS 'The account it is about';
COMMENT ON COLUMN insights.metric IS 'The metric, one of metrics.name';
COMMENT ON COLUMN insights.period IS 'day for daily numbers';
COMMENT ON COLUMN insights.end_time IS 'The end of the period, as the API said it';
COMMENT ON COLUMN insights.value IS 'The number, exactly as the API said it';
COMMENT ON COLUMN insights.retrieved_at IS 'When this value last changed (freshness is accounts.last_success_at)';
COMMENT ON COLUMN insights.day IS 'The US-Pacific day it measures';
COMMENT ON COLUMN insights.metadata IS 'Parts of the value, and rolling windows that end with the day, if it has any';
COMMENT ON COLUMN insights.project_id IS 'accounts.project_id when the row was stored';
COMMENT ON COLUMN insights.entity_id IS 'accounts.entity_id when the row was stored';

CREATE TABLE insights_before_2025 PARTITION OF insights FOR VALUES FROM (MINVALUE) TO ('2025-01-01 00:00:00+00');
CREATE TABLE insights_2025 PARTITION OF insights FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');
CREATE TABLE insights_2026 PARTITION OF insights FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2027-01-01 00:00:00+00');
CREATE TABLE insights_2027 PARTITION OF insights FOR VALUES FROM ('2027-01-01 00:00:00+00') TO ('2028-01-01 00:00:00+00');
CREATE TABLE insights_2028 PARTITION OF insights FOR VALUES FROM ('2028-01-01 00:00:00+00') TO ('2029-01-01 00:00:00+00');
CREATE TABLE insights_2029 PARTITION OF insights FOR VALUES FROM ('2029-01-01 00:00:00+00') TO ('2030-01-01 00:00:00+00');
CREATE TABLE insights_2030 PARTITION OF insights FOR VALUES FROM ('2030-01-01 00:00:00+00') TO ('2031-01-01 00:00:00+00');
CREATE TABLE insights_2031 PARTITION OF insights FOR VALUES FROM ('2031-01-01 00:00:00+00') TO ('2032-01-01 00:00:00+00');
CREATE TABLE insights_2032 PARTITION OF insights FOR VALUES FROM ('2032-01-01 00:00:00+00') TO ('2033-01-01 00:00:00+00');
CREATE TABLE insights_from_2033 PARTITION OF insights FOR VALUES FROM ('2033-01-01 00:00:00+00') TO (MAXVALUE);
COMMENT ON TABLE insights_before_2025 IS 'Partition of insights: end_time before 2025';
COMMENT ON TABLE insights_2025 IS 'Partition of insights: end_time in 2025';
COMMENT ON TABLE insights_2026 IS 'Partition of insights: end_time in 2026';
COMMENT ON TABLE insights_2027 IS 'Partition of insights: end_time in 2027';
COMMENT ON TABLE insights_2028 IS 'Partition of insights: end_time in 2028';
COMMENT ON TABLE insights_2029 IS 'Partition of insights: end_time in 2029';
COMMENT ON TABLE insights_2030 IS 'Partition of insights: end_time in 2030';
COMMENT ON TABLE insights_2031 IS 'Partition of insights: end_time in 2031';
COMMENT ON TABLE insights_2032 IS 'Partition of insights: end_time in 2032';
COMMENT ON TABLE insights_from_2033 IS 'Partition of insights: end_time in 2033 and later';

-- Finds the days that no month holds yet (81_rollup_tables.sql) and those past retention. Values come day by day, so it needs
-- next to no space.
CREATE INDEX insights_by_time ON insights USING brin (end_time) WITH (pages_per_range = 32, autosummarize = on);
