-- Weeks and months: figures that never add up unique counts, and the months that are over kept ready.

CREATE TABLE insights_monthly (
    user_id uuid NOT NULL,
    account_id text NOT NULL,
    metric text NOT NULL,
    period_start date NOT NULL,
    value numeric NOT NULL,
    days integer NOT NULL,
    method text NOT NULL,
    PRIMARY KEY (user_id, account_id, metric, period_start),
    FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, account_id) ON DELETE CASCADE
);
-- For the month that is not over, of everybody.
CREATE INDEX insights_monthly_by_month ON insights_monthly (period_start);
COMMENT ON TABLE insights_monthly IS
    'What instagram_monthly shows of the days before rollup_state.closed_before, ready; made by ig_maintain(), not dumped';
COMMENT ON COLUMN insights_monthly.user_id IS 'The user who may read it';
COMMENT ON COLUMN insights_monthly.account_id IS 'The account it is about';
COMMENT ON COLUMN insights_monthly.metric IS 'The metric';
COMMENT ON COLUMN insights_monthly.period_start IS 'The first day of the month';
COMMENT ON COLUMN insights_monthly.value IS 'Its figure, of the days before rollup_state.closed_before';
COMMENT ON COLUMN insights_monthly.days IS 'How many of these days have a value';
COMMENT ON COLUMN insights_monthly.method IS 'How it was made: metrics.rollup when it was made';

-- The transaction is part of the key: a mark says "what this transaction wrote is in no month yet", and each needs its
-- own, because one that ends later is in no month that was made meanwhile.
CREATE TABLE insights_late (
    user_id uuid NOT NULL,
    account_id text NOT NULL,
    metric text NOT NULL,
    period_start date NOT NULL,
    written_by xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    PRIMARY KEY (user_id, account_id, metric, period_start, written_by),
    FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, account_id) ON DELETE CASCADE
);
COMMENT ON TABLE insights_late IS
    'Months in which a day was written after it could have been closed: computed from the rows until ig_maintain() has '
    'made them anew';
COMMENT ON COLUMN insights_late.user_id IS 'The user whose numbers changed';
COMMENT ON COLUMN insights_late.account_id IS 'The account';
COMMENT ON COLUMN insights_late.metric IS 'The metric';
COMMENT ON COLUMN insights_late.period_start IS 'The first day of the month';
COMMENT ON COLUMN insights_late.written_by IS 'The transaction that changed it';

CREATE TABLE rollup_state (
    singleton boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (singleton),
    closed_before date NOT NULL DEFAULT '-infinity',
    partitions oid[] NOT NULL DEFAULT '{}'
);
INSERT INTO rollup_state DEFAULT VALUES;
COMMENT ON TABLE rollup_state IS 'One row: how far insights_monthly reaches';
COMMENT ON COLUMN rollup_state.singleton IS 'Always true';
COMMENT ON COLUMN rollup_state.closed_before IS 'The days before it are in insights_monthly; -infinity: none is';
COMMENT ON COLUMN rollup_state.partitions IS 'The partitions of insights then: with others, nothing counts as closed';

CREATE FUNCTION ig_closed_before() RETURNS date
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT COALESCE((
        SELECT s.closed_before
        FROM instagram_insights.rollup_state s
        WHERE s.closed_before <= (now() AT TIME ZONE 'America/Los_Angeles')::date - 4
          AND s.partitions = (SELECT array_agg(h.inhrelid ORDER BY h.inhrelid) FROM pg_inherits h
                              WHERE h.inhparent = 'instagram_insights.insights'::regclass)), '-infinity')
$body$;
COMMENT ON FUNCTION ig_closed_before() IS
    'Internal: the days before it are read from insights_monthly; -infinity when that cannot be relied on: no month was closed, a '
    'partition came or went, the clock was set back';

-- It writes as the superuser: whoever changes a number may not touch the marks, and row level security would hide them
-- from the worker role. It writes the key of the row that fired it and nothing else, each month once a statement.
CREATE FUNCTION ig_mark_late() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_mark_late';
COMMENT ON FUNCTION ig_mark_late() IS 'Internal: marks the month of a row of insights that was written late';

-- Only what is older than four days runs the function: a day's usual values and their corrections cost a comparison.
-- clock_timestamp(), for a transaction may last; ig_close_months() keeps clear of days that an open one could still
-- write without a mark.
CREATE TRIGGER late_insert AFTER INSERT ON insights FOR EACH ROW
    WHEN (NEW.end_time < pg_catalog.clock_timestamp() - '4 days'::interval)
    EXECUTE FUNCTION ig_mark_late();
CREATE TRIGGER late_update AFTER UPDATE ON insights FOR EACH ROW
    WHEN ((OLD.end_time < pg_catalog.clock_timestamp() - '4 days'::interval
           OR NEW.end_time < pg_catalog.clock_timestamp() - '4 days'::interval)
          AND (OLD.value, OLD.end_time, OLD.period, OLD.metric, OLD.account_id, OLD.user_id)
              IS DISTINCT FROM (NEW.value, NEW.end_time, NEW.period, NEW.metric, NEW.account_id, NEW.user_id))
    EXECUTE FUNCTION ig_mark_late();
CREATE TRIGGER late_delete AFTER DELETE ON insights FOR EACH ROW
    WHEN (OLD.end_time < pg_catalog.clock_timestamp() - '4 days'::interval)
    EXECUTE FUNCTION ig_mark_late();

-- superuser-owned, as above. What is emptied at once or taken for something else is closed anew from the beginning.
CREATE FUNCTION ig_reopen_months() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    UPDATE instagram_insights.rollup_state SET closed_before = '-infinity';
    RETURN NULL;
END
$body$;
COMMENT ON FUNCTION ig_reopen_months() IS 'Internal: from now on no month counts as closed';

CREATE TRIGGER method_changed AFTER UPDATE OF rollup ON metrics FOR EACH ROW
    WHEN (OLD.rollup <> NEW.rollup) EXECUTE FUNCTION ig_reopen_months();
-- Replicas and logical subscribers apply rows with session_replication_role = replica.
DO $triggers$
DECLARE
    part name;
BEGIN
    FOR part IN
        SELECT c.relname FROM pg_class c
        WHERE c.oid = 'instagram_insights.insights'::regclass
           OR c.oid IN (SELECT h.inhrelid FROM pg_inherits h WHERE h.inhparent = 'instagram_insights.insights'::regclass)
    LOOP
        EXECUTE format('CREATE TRIGGER emptied AFTER TRUNCATE ON instagram_insights.%I
                            FOR EACH STATEMENT EXECUTE FUNCTION instagram_insights.ig_reopen_months()', part);
        EXECUTE format('ALTER TABLE instagram_insights.%I ENABLE ALWAYS TRIGGER emptied', part);
        EXECUTE format('ALTER TABLE instagram_insights.%I ENABLE ALWAYS TRIGGER late_insert', part);
        EXECUTE format('ALTER TABLE instagram_insights.%I ENABLE ALWAYS TRIGGER late_update', part);
        EXECUTE format('ALTER TABLE instagram_insights.%I ENABLE ALWAYS TRIGGER late_delete', part);
    END LOOP;
END
$triggers$;
