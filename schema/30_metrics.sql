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
    description text NOT NULL DEFAULT '',
    periods text[] NOT NULL DEFAULT '{}',
    windows text[] NOT NULL DEFAULT '{}' CHECK (windows <@ ARRAY['week', 'days_28']),
    asked_breakdowns text[] NOT NULL DEFAULT '{}',
    timeframe text CHECK (timeframe = ANY (ARRAY['this_week', 'this_month'])),
    offered_from date
);
COMMENT ON TABLE metrics IS 'Every metric that can be asked and stored; add a row to use one the API starts to offer';
COMMENT ON COLUMN metrics.name IS 'The name the API uses';
COMMENT ON COLUMN metrics.platform IS 'The platform that offers it';
COMMENT ON COLUMN metrics.level IS 'What it is about: account, media or audience';
COMMENT ON COLUMN metrics.metric_type IS
    'How it answers: time_series (a value a day), total_value (one number a window), snapshot (a field of the account '
    'read now)';
COMMENT ON COLUMN metrics.period IS
    'The period the API is asked for: day; lifetime for what is true now (with total_value: no days are named)';
COMMENT ON COLUMN metrics.breakdowns IS 'Breakdowns the API offers for it';
COMMENT ON COLUMN metrics.rollup IS 'How days combine: sum (additive), max (unique counts must never be added up), last (a total)';
COMMENT ON COLUMN metrics.additive IS 'Whether values of several days may be added up';
COMMENT ON COLUMN metrics.history_days IS 'How many complete days back the API answers; 0 for a snapshot, which has no history';
COMMENT ON COLUMN metrics.min_followers IS 'Accounts with fewer followers get no value from the API';
COMMENT ON COLUMN metrics.enabled_by_default IS 'Whether the daily sync asks for it';
COMMENT ON COLUMN metrics.offered_from IS 'The API answers it from this date on, if known; it is not asked before';
COMMENT ON COLUMN metrics.first_version IS 'First API version that offers it, if known';
COMMENT ON COLUMN metrics.removed_on IS 'The API stops answering it on this date; it is not asked from then on, its history stays';
COMMENT ON COLUMN metrics.builtin IS 'Shipped with the extension (not part of a dump: CREATE EXTENSION makes it again)';
COMMENT ON COLUMN metrics.description IS 'What it counts, in a sentence';
COMMENT ON COLUMN metrics.periods IS 'Periods the API offers; period and windows say which of them are asked';
COMMENT ON COLUMN metrics.windows IS
    'Rolling windows (week, days_28) that are asked beside period, for unique counts of a window cannot be had from its days; '
    'kept in insights.metadata of the day they end with: {"windows": {"week": 310}}';
COMMENT ON COLUMN metrics.asked_breakdowns IS
    'Breakdowns that are asked unless ig_set_metrics() says others, each in a request of its own; age,gender combines two';
COMMENT ON COLUMN metrics.timeframe IS 'The timeframe a demographic is asked for; NULL: none';

-- What the daily sync asks. The first five are on: those of the scripts this replaces, and the followers in total.
INSERT INTO metrics (name, metric_type, rollup, history_days, min_followers, enabled_by_default, periods, windows,
                     breakdowns, builtin, description)
VALUES
    ('reach', 'time_series', 'max', 400, 0, true, '{day,week,days_28}', '{week,days_28}',
     '{media_product_type,follow_type}', true,
     'Unique accounts that saw any content of the account (estimated)'),
    ('follower_count', 'time_series', 'sum', 29, 100, true, '{day}', '{}', '{}', true,
     'New followers of the day; the total is followers_count'),
    ('profile_views', 'total_value', 'sum', 365, 0, true, '{day}', '{}', '{}', true,
     'Visits to the profile'),
    ('accounts_engaged', 'total_value', 'max', 365, 0, true, '{day}', '{}', '{}', true,
     'Unique accounts that interacted with content of the account (estimated)'),
    ('followers_count', 'snapshot', 'last', 0, 0, true, '{}', '{}', '{}', true,
     'Followers in total when it was read; the API keeps no history of it');

-- Numbers of a day that an admin turns on, with the parts they come in.
INSERT INTO metrics (name, metric_type, rollup, history_days, min_followers, first_version, offered_from, periods,
                     breakdowns, asked_breakdowns, builtin, description)
VALUES
    ('views', 'total_value', 'sum', 365, 0, 'v22.0', NULL, '{day}',
     '{media_product_type,follow_type}', '{media_product_type}', true, 'Times content was played or displayed'),
    ('total_interactions', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}',
     '{media_product_type}', '{media_product_type}', true,
     'Likes, comments, saves, shares and replies less those taken back'),
    ('likes', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}',
     '{media_product_type}', '{media_product_type}', true, 'Likes of posts, reels and videos'),
    ('comments', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}',
     '{media_product_type}', '{media_product_type}', true, 'Comments on posts, reels and videos'),
    ('shares', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}',
     '{media_product_type}', '{media_product_type}', true, 'Shares of posts, stories, reels and videos'),
    ('saves', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}',
     '{media_product_type}', '{media_product_type}', true, 'Saves of posts, reels and videos'),
    ('replies', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}', '{}', '{}', true, 'Replies to stories'),
    ('reposts', 'total_value', 'sum', 365, 0, NULL, '2025-12-03', '{day}', '{}', '{}', true,
     'Reposts of posts, reels and stories'),
    ('website_clicks', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}', '{}', '{}', true,
     'Taps on the link in the profile'),
    ('profile_links_taps', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}',
     '{contact_button_type}', '{contact_button_type}', true, 'Taps on the contact buttons of the profile'),
    ('follows_and_unfollows', 'total_value', 'sum', 365, 100, NULL, NULL, '{day}',
     '{follow_type}', '{follow_type}', true,
     'Who followed (part FOLLOWER) and who left (part NON_FOLLOWER); the API gives no number beside the parts'),
    ('quotes', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}', '{}', '{}', true,
     'Named by the API without an explanation'),
    ('content_views', 'total_value', 'sum', 365, 0, NULL, NULL, '{day}', '{}', '{}', true,
     'Named by the API without an explanation');

-- What is true now: who the people are, and when they are online. There is no history to ask for but the one kept here.
INSERT INTO metrics (name, metric_type, period, rollup, history_days, min_followers, timeframe, periods, breakdowns,
                     asked_breakdowns, builtin, description)
VALUES
    ('follower_demographics', 'total_value', 'lifetime', 'last', 0, 100, 'this_month', '{lifetime}',
     '{age,gender,city,country}', '{age,gender,city,country}', true,
     'Followers by age, gender, city (45 at most) and country; parts only'),
    ('engaged_audience_demographics', 'total_value', 'lifetime', 'last', 0, 100, 'this_month', '{lifetime}',
     '{age,gender,city,country}', '{age,gender,city,country}', true,
     'Accounts that interacted within timeframe, by age, gender, city and country; parts only'),
    ('reached_audience_demographics', 'total_value', 'lifetime', 'last', 0, 100, 'this_month', '{lifetime}',
     '{age,gender,city,country}', '{age,gender,city,country}', true,
     'Accounts reached within timeframe, by age, gender, city and country; parts only'),
    ('online_followers', 'time_series', 'lifetime', 'last', 29, 100, NULL, '{lifetime}', '{}', '{}', true,
     'Followers online by hour of the day; parts only');

-- Offered to accounts that are joined with a Threads profile only; others are told that they are not supported.
INSERT INTO metrics (name, metric_type, period, rollup, history_days, periods, builtin, description)
VALUES
    ('threads_views', 'total_value', 'day', 'sum', 90, '{day}', true, 'Views of the Threads profile and posts'),
    ('threads_likes', 'total_value', 'day', 'sum', 90, '{day}', true, 'Likes on Threads'),
    ('threads_replies', 'total_value', 'day', 'sum', 90, '{day}', true, 'Replies on Threads'),
    ('threads_reposts', 'total_value', 'day', 'sum', 90, '{day}', true, 'Reposts on Threads'),
    ('threads_clicks', 'total_value', 'day', 'sum', 90, '{day}', true, 'Clicks on links on Threads'),
    ('threads_followers', 'total_value', 'day', 'last', 0, '{day}', true, 'Followers on Threads in total'),
    ('threads_follower_demographics', 'total_value', 'lifetime', 'last', 0, '{lifetime}', true,
     'Followers on Threads by age, gender, city and country; parts only');

-- What the API has stopped to answer: never asked, named here so that rows of those days find their metric.
INSERT INTO metrics (name, metric_type, period, rollup, history_days, removed_on, builtin, description)
VALUES
    ('impressions', 'time_series', 'day', 'sum', 0, '2025-04-21', true, 'Times content was on screen; see views'),
    ('email_contacts', 'time_series', 'day', 'sum', 0, '2025-01-08', true, 'Taps on Email; see profile_links_taps'),
    ('get_directions_clicks', 'time_series', 'day', 'sum', 0, '2025-01-08', true,
     'Taps on Directions; see profile_links_taps'),
    ('phone_call_clicks', 'time_series', 'day', 'sum', 0, '2025-01-08', true, 'Taps on Call; see profile_links_taps'),
    ('text_message_clicks', 'time_series', 'day', 'sum', 0, '2025-01-08', true,
     'Taps on Text; see profile_links_taps'),
    ('audience_gender_age', 'time_series', 'lifetime', 'last', 0, '2023-12-11', true,
     'Followers by gender and age; see follower_demographics'),
    ('audience_country', 'time_series', 'lifetime', 'last', 0, '2023-12-11', true,
     'Followers by country; see follower_demographics'),
    ('audience_city', 'time_series', 'lifetime', 'last', 0, '2023-12-11', true,
     'Followers by city; see follower_demographics'),
    ('audience_locale', 'time_series', 'lifetime', 'last', 0, '2023-12-11', true, 'Followers by language setting');
