-- Which metrics are on for every account; ig_set_metrics() writes it, what one account has of its own stands in accounts.

CREATE TABLE metric_settings (
    singleton boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (singleton),
    metrics jsonb NOT NULL CHECK (pg_catalog.jsonb_typeof(metrics) = 'object')
);
COMMENT ON TABLE metric_settings IS
    'At most one row: what is on for accounts without a choice of their own; none: what metrics.enabled_by_default says';
COMMENT ON COLUMN metric_settings.singleton IS 'Always true: there is one row at most';
COMMENT ON COLUMN metric_settings.metrics IS
    'A member for each metric that is on, with its breakdowns or null for the usual ones';
