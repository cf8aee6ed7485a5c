-- The metric registry: what a metric is, as data. A new metric is an INSERT.

CREATE TABLE metrics (
    name text NOT NULL PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    platform text NOT NULL DEFAULT 'instagram',
    level text NOT NULL DEFAULT 'account' CHECK (level = ANY (ARRAY['account', 'media', 'audience'])),
    metric_type text NOT NULL CHECK (metric_type = ANY (ARRAY['time_series', 'total_value', 'snapshot'])),
    period text NOT NULL DEFAULT 'day',
    breakdowns text[] NOT NULL DEFAULT '{}',
    rollup text NOT NULL CHECK (rollup = ANY (ARRAY['sum', 'max', 'last'])),
    additive boolean NOT NULL GENERATED ALWAYS AS (rollup = 'sum') STORED,
    history_days integer NOT NULL CHECK (history_days >= 0),
    min_followers integer NOT NULL DEFAULT 0,
    enabled_by_default boolean NOT NULL DEFAULT false,
    first_version text,
    removed_on date,
    builtin boolean NOT NULL DEFAULT false,
    description text NOT NULL DEFAULT ''
);
COMMENT ON TABLE metrics IS 'Every metric that can be asked and stored; add a row to use one the API starts to offer';
COMMENT ON COLUMN metrics.name IS 'The name the API uses';
COMMENT ON COLUMN metrics.platform IS 'The platform that offers it';
COMMENT ON COLUMN metrics.level IS 'What it is about: account, media or audience';
COMMENT ON COLUMN metrics.metric_type IS 'How it answers: time_series (a value a day), total_value (one number a window), snapshot (a field of the account read now)';
COMMENT ON COLUMN metrics.period IS 'The period the API is asked for';
COMMENT ON COLUMN metrics.breakdowns IS 'Breakdowns the API offers for it';
COMMENT ON COLUMN metrics.rollup IS 'How days combine: sum (additive), max (unique counts must never be added up), last (a total)';
COMMENT ON COLUMN metrics.additive IS 'Whether values of several days may be added up';
COMMENT ON COLUMN metrics.history_days IS 'How many complete days back the API answers; 0 for a snapshot, which has no history';
COMMENT ON COLUMN metrics.min_followers IS 'Accounts with fewer followers get no value from the API';
COMMENT ON COLUMN metrics.enabled_by_default IS 'Whether the daily sync asks for it';
COMMENT ON COLUMN metrics.first_version IS 'First API version that offers it, if known';
COMMENT ON COLUMN metrics.removed_on IS 'The API stops answering it on this date; it is not asked from then on, its history stays';
COMMENT ON COLUMN metrics.builtin IS 'Shipped with the extension (not part of a dump: CREATE EXTENSION makes it again)';
COMMENT ON COLUMN metrics.description IS 'What it counts, in a sentence';

INSERT INTO metrics (name, metric_type, rollup, history_days, min_followers, enabled_by_default, first_version, builtin, description)
VALUES
    ('reach', 'time_series', 'max', 400, 0, true, NULL, true,
     'Unique accounts that saw any content of the account (estimated)'),
    ('follower_count', 'time_series', 'sum', 29, 100, true, NULL, true,
     'New followers of the day; the total is followers_count'),
    ('profile_views', 'total_value', 'sum', 365, 0, true, NULL, true,
     'Visits to the profile'),
    ('accounts_engaged', 'total_value', 'max', 365, 0, true, NULL, true,
     'Unique accounts that interacted with content of the account (estimated)'),
    ('followers_count', 'snapshot', 'last', 0, 0, true, NULL, true,
     'Followers in total when it was read; the API keeps no history of it'),
    ('views', 'total_value', 'sum', 365, 0, false, 'v22.0', true,
     'Times content was played or displayed'),
    ('total_interactions', 'total_value', 'sum', 365, 0, false, NULL, true,
     'Likes, comments, saves, shares and replies less those taken back'),
    ('likes', 'total_value', 'sum', 365, 0, false, NULL, true, 'Likes of posts, reels and videos'),
    ('comments', 'total_value', 'sum', 365, 0, false, NULL, true, 'Comments on posts, reels and videos'),
    ('shares', 'total_value', 'sum', 365, 0, false, NULL, true, 'Shares of posts, stories, reels and videos'),
    ('saves', 'total_value', 'sum', 365, 0, false, NULL, true, 'Saves of posts, reels and videos'),
    ('replies', 'total_value', 'sum', 365, 0, false, NULL, true, 'Replies to stories'),
    ('reposts', 'total_value', 'sum', 365, 0, false, NULL, true, 'Reposts of posts, reels and stories'),
    ('website_clicks', 'total_value', 'sum', 365, 0, false, NULL, true, 'Taps on the link in the profile'),
    ('profile_links_taps', 'total_value', 'sum', 365, 0, false, NULL, true, 'Taps on the contact buttons of the profile');
