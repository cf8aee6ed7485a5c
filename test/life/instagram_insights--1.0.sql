-- Version 1.0 as people installed it, frozen: what every update must be able to begin from. Never shipped, never changed.
-- Long because it is one whole installation script, all the files of schema/ of that version one after the other.
-- Refuses to be run by psql directly. Names below need no schema: CREATE EXTENSION runs these files with
-- search_path = instagram_insights, pg_temp, so pg_catalog comes first; what runs later pins its own.
\echo Use "CREATE EXTENSION instagram_insights" to load this file. \quit
-- The three group roles. They are cluster-wide, so another database may have made them already, and they outlive
-- DROP EXTENSION: grants of yours to them would be lost otherwise.
DO $roles$
DECLARE
    wanted name;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['instagram_insights_user', 'instagram_insights_admin', 'instagram_insights_worker']::name[]
    LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles r WHERE r.rolname = wanted) THEN
            EXECUTE pg_catalog.format('CREATE ROLE %I NOLOGIN', wanted);
        END IF;
    END LOOP;

    -- A role that could bypass row level security would make every promise about tenants empty.
    IF EXISTS (SELECT FROM pg_catalog.pg_roles r
               WHERE r.rolname = 'instagram_insights_worker'
                 AND (r.rolsuper OR r.rolbypassrls OR r.rolcanlogin)) THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = 'role "instagram_insights_worker" exists with rights it must not have',
            HINT = 'Run ALTER ROLE instagram_insights_worker NOSUPERUSER NOBYPASSRLS NOLOGIN, then CREATE EXTENSION again.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_auth_members m
               JOIN pg_catalog.pg_roles r ON r.oid = m.roleid
               WHERE r.rolname = 'instagram_insights_worker') THEN
        RAISE EXCEPTION USING
            ERRCODE = '55000',
            MESSAGE = 'role "instagram_insights_worker" has members',
            HINT = 'Nobody may act as the worker: REVOKE instagram_insights_worker from its members, then CREATE EXTENSION again.';
    END IF;
END
$roles$;

COMMENT ON ROLE instagram_insights_user IS
    'instagram_insights: may read and write own rows; grant it to the role your application uses';
COMMENT ON ROLE instagram_insights_admin IS
    'instagram_insights: may set up, schedule, pause and see every user''s state; grant it to people and jobs that operate it';
COMMENT ON ROLE instagram_insights_worker IS
    'instagram_insights: the identity of the background worker; is granted to nobody';
-- Who is asking: the one answer every policy and every function uses.

CREATE FUNCTION ig_current_user_id() RETURNS uuid
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ig_current_user_id';
COMMENT ON FUNCTION ig_current_user_id() IS
    'The user this session acts for, by the source named in instagram_insights.identity; NULL when none is known. Raises 22023 when the source holds something that is no uuid.';

CREATE FUNCTION ig_target_user(user_id uuid DEFAULT NULL) RETURNS uuid
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ig_target_user';
COMMENT ON FUNCTION ig_target_user(uuid) IS
    'The user a call is about: the argument, or the current user when it is NULL. Raises 22004 when neither is known, 42501 when the caller asks for another user without being in instagram_insights_admin.';

CREATE FUNCTION ig_is_admin() RETURNS boolean
    LANGUAGE c STABLE PARALLEL RESTRICTED
    AS 'MODULE_PATHNAME', 'ig_is_admin';
COMMENT ON FUNCTION ig_is_admin() IS
    'Whether the caller is a superuser or in instagram_insights_admin; also inside SECURITY DEFINER functions the caller''s own role counts.';

CREATE TABLE role_users (
    role_name name NOT NULL PRIMARY KEY,
    user_id uuid NOT NULL
);
COMMENT ON TABLE role_users IS 'Which user a database role is, for instagram_insights.identity = role';
COMMENT ON COLUMN role_users.role_name IS 'A database role (not checked to exist: roles come and go)';
COMMENT ON COLUMN role_users.user_id IS 'The user this role acts for';
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
    'Rolling windows (week, days_28) that are asked beside period, and stored as rows of that period: a window of unique '
    'counts cannot be had from its days';
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
-- Connected accounts and their sealed tokens.

CREATE SEQUENCE account_generations AS bigint;
COMMENT ON SEQUENCE account_generations IS 'Never repeats: a connection made after a deletion is another one than before it';

CREATE TABLE accounts (
    user_id uuid NOT NULL,
    account_id text NOT NULL CHECK (account_id ~ '^([a-z]+:)?[A-Za-z0-9_.-]{1,64}$'),
    platform text NOT NULL DEFAULT 'instagram',
    username text,
    name text,
    login text NOT NULL DEFAULT 'facebook' CHECK (login = ANY (ARRAY['facebook', 'instagram'])),
    status text NOT NULL DEFAULT 'active'
        CHECK (status = ANY (ARRAY['active', 'needs_login', 'disconnected', 'token_unreadable'])),
    generation bigint NOT NULL DEFAULT pg_catalog.nextval('account_generations'),
    connected_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    issued_at timestamptz,
    expires_at timestamptz,
    data_access_expires_at timestamptz,
    debugged_at timestamptz,
    refresh_after timestamptz,
    scopes text[] NOT NULL DEFAULT '{}',
    app_id text,
    meta_user_id text,
    last_success_at timestamptz,
    blocked_until timestamptz,
    last_error text,
    hint text,
    metric_state jsonb NOT NULL DEFAULT '{}',
    project_id text,
    entity_id text,
    metrics jsonb CHECK (pg_catalog.jsonb_typeof(metrics) = 'object'),
    PRIMARY KEY (user_id, account_id)
) WITH (fillfactor = 75);  -- every sync updates its row: beside the old one, and without touching an index
COMMENT ON TABLE accounts IS 'Accounts that users connected; one row for each user and account';
COMMENT ON COLUMN accounts.user_id IS 'The user whose account this is';
COMMENT ON COLUMN accounts.account_id IS 'The id of the professional account; ids of other platforms carry a prefix such as threads:';
COMMENT ON COLUMN accounts.platform IS 'instagram';
COMMENT ON COLUMN accounts.username IS 'The account''s handle, as last seen';
COMMENT ON COLUMN accounts.name IS 'The account''s display name, as last seen';
COMMENT ON COLUMN accounts.login IS 'Which login made the token: facebook or instagram; decides the host';
COMMENT ON COLUMN accounts.status IS 'active, needs_login, disconnected or token_unreadable; what the view connections shows is derived from it';
COMMENT ON COLUMN accounts.generation IS 'Raised by each connect and disconnect: a result fetched under an older one is dropped';
COMMENT ON COLUMN accounts.connected_at IS 'When the token was stored';
COMMENT ON COLUMN accounts.issued_at IS 'When the token was issued, if known';
COMMENT ON COLUMN accounts.expires_at IS 'When the token ends; NULL if it never does or nobody said';
COMMENT ON COLUMN accounts.data_access_expires_at IS 'When the platform stops answering although the token lives, unless the person uses the app again; NULL if not known';
COMMENT ON COLUMN accounts.debugged_at IS 'When the platform was last asked how long the data may be read; at most once a day';
COMMENT ON COLUMN accounts.refresh_after IS 'Renewing the token failed: not tried again before then';
COMMENT ON COLUMN accounts.app_id IS 'The app the token belongs to, if one was configured when it was stored; its secret makes appsecret_proof';
COMMENT ON COLUMN accounts.meta_user_id IS 'The person''s app-scoped id, by which Meta''s callbacks name who left';
COMMENT ON COLUMN accounts.scopes IS 'Permissions of the token, if known';
COMMENT ON COLUMN accounts.last_success_at IS 'When the account was last synced with a result; the freshness of its numbers';
COMMENT ON COLUMN accounts.blocked_until IS 'The API asked not to be called for this account before then';
COMMENT ON COLUMN accounts.last_error IS 'Why the last sync of this account failed; NULL after a success';
COMMENT ON COLUMN accounts.hint IS 'What to do about last_error';
COMMENT ON COLUMN accounts.metric_state IS 'By metric: through (last day answered), clipped_before (days before it could not be had), unsupported_since and reason';
COMMENT ON COLUMN accounts.project_id IS 'Free for your application; copied to rows stored from now on';
COMMENT ON COLUMN accounts.entity_id IS 'Free for your application; copied to rows stored from now on';
COMMENT ON COLUMN accounts.metrics IS
    'What ig_set_metrics() turned on for this account: a member for each metric, with its breakdowns or null for the '
    'usual ones; NULL: what is on for all';

-- Meta's callbacks name a person, not an account.
CREATE INDEX accounts_meta_user ON accounts (meta_user_id) WHERE meta_user_id IS NOT NULL;

CREATE TABLE credentials (
    user_id uuid NOT NULL,
    account_id text NOT NULL,
    sealed_token bytea NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (user_id, account_id),
    FOREIGN KEY (user_id, account_id) REFERENCES accounts (user_id, account_id) ON DELETE CASCADE
);
COMMENT ON TABLE credentials IS 'Sealed access tokens; no user has any right on this table';
COMMENT ON COLUMN credentials.user_id IS 'The user whose token this is';
COMMENT ON COLUMN credentials.account_id IS 'The account the token is for';
COMMENT ON COLUMN credentials.sealed_token IS 'XChaCha20-Poly1305 with the row''s identity as associated data: opens nowhere else';
COMMENT ON COLUMN credentials.stored_at IS 'When it was sealed';
-- Apps of the platform, logins on their way, and Meta's deletion requests.

CREATE TABLE apps (
    platform text NOT NULL DEFAULT 'instagram',
    login text NOT NULL CHECK (login = ANY (ARRAY['facebook', 'instagram'])),
    app_id text NOT NULL CHECK (app_id ~ '^[0-9]{1,32}$'),
    sealed_secret bytea NOT NULL,
    redirect_uris text[] NOT NULL DEFAULT '{}',
    scopes text[],
    deletion_url text,
    configured_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (platform, login)
);
COMMENT ON TABLE apps IS 'The app of each login, see ig_configure_app(); its secret is sealed';
COMMENT ON COLUMN apps.platform IS 'instagram';
COMMENT ON COLUMN apps.login IS 'facebook or instagram: which login the app serves';
COMMENT ON COLUMN apps.app_id IS 'The app''s id in Meta''s dashboard (for the Instagram login: the Instagram app id)';
COMMENT ON COLUMN apps.sealed_secret IS 'XChaCha20-Poly1305; opens for this app only';
COMMENT ON COLUMN apps.redirect_uris IS 'Where a login may come back to, to the letter';
COMMENT ON COLUMN apps.scopes IS 'Permissions to ask for; NULL for those that insights need';
COMMENT ON COLUMN apps.deletion_url IS 'Page that shows the state of a deletion request; the confirmation code is appended';
COMMENT ON COLUMN apps.configured_at IS 'When it was last configured';

CREATE TABLE oauth_states (
    user_id uuid NOT NULL,
    state_hash bytea NOT NULL,
    login text NOT NULL,
    redirect_uri text NOT NULL,
    expires_at timestamptz NOT NULL DEFAULT pg_catalog.now() + '10 minutes'::interval,
    PRIMARY KEY (user_id, state_hash)
);
CREATE INDEX oauth_states_hash ON oauth_states (state_hash);
COMMENT ON TABLE oauth_states IS 'Logins that were begun; one use, ten minutes; not part of a dump';
COMMENT ON COLUMN oauth_states.user_id IS 'The user the login was begun for';
COMMENT ON COLUMN oauth_states.state_hash IS 'SHA-256 of the state: who reads this table cannot finish a login';
COMMENT ON COLUMN oauth_states.login IS 'facebook or instagram';
COMMENT ON COLUMN oauth_states.redirect_uri IS 'Where the login comes back to; the exchange must name the same';
COMMENT ON COLUMN oauth_states.expires_at IS 'Not accepted from then on';

CREATE TABLE deletion_requests (
    confirmation_code text NOT NULL PRIMARY KEY,
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    completed_at timestamptz,
    accounts integer NOT NULL DEFAULT 0
);
COMMENT ON TABLE deletion_requests IS 'Deletions that Meta asked for, so that a confirmation code can be looked up; holds no user';
COMMENT ON COLUMN deletion_requests.confirmation_code IS 'Random; what the person was given';
COMMENT ON COLUMN deletion_requests.requested_at IS 'When Meta asked';
COMMENT ON COLUMN deletion_requests.completed_at IS 'When everything was deleted';
COMMENT ON COLUMN deletion_requests.accounts IS 'How many accounts were deleted';
-- How much of the API's budgets is used, as the API last said: obeyed by every process, and after a restart.

CREATE TABLE usage (
    user_id uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    login text NOT NULL CHECK (login = ANY (ARRAY['facebook', 'instagram'])),
    account_id text NOT NULL DEFAULT '',
    percent integer,
    blocked_until timestamptz,
    calls integer NOT NULL DEFAULT 0,
    hour timestamptz,
    observed_at timestamptz,
    PRIMARY KEY (user_id, login, account_id)
) WITH (fillfactor = 50);
-- Always there, so that whoever writes them need not wait for another who makes them at the same moment.
INSERT INTO usage (login) VALUES ('facebook'), ('instagram');
COMMENT ON TABLE usage IS
    'Budgets of the API: a row for the app of each login (the zero user_id) and one for each account that was called; '
    'not part of a dump';
COMMENT ON COLUMN usage.user_id IS 'The user whose account this is; the zero uuid for a whole app';
COMMENT ON COLUMN usage.login IS 'facebook or instagram: which app, and with it which host';
COMMENT ON COLUMN usage.account_id IS 'The account; empty for a whole app';
COMMENT ON COLUMN usage.percent IS 'Share of the budget that was used, in percent, as the API said at observed_at';
COMMENT ON COLUMN usage.blocked_until IS 'The API asked not to be called before then';
COMMENT ON COLUMN usage.calls IS
    'Calls of the account in that hour; exact while instagram_insights.calls_per_hour is set';
COMMENT ON COLUMN usage.hour IS 'The hour that calls counts';
COMMENT ON COLUMN usage.observed_at IS 'When the API said so; an hour later it is not held to be true any more';
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
COMMENT ON COLUMN insights.metadata IS 'Parts of the value, if it has any';
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
-- What is asked for each account, and who may say so: the registry, the DBA's choice and what the API refused, in one place.

-- For many accounts at once join it LATERAL (... OFFSET 0): each costs one look-up by its key and a pass over the registry.
-- Left to itself the planner, which knows little of so small a registry, may read every account there is.
CREATE VIEW account_metrics WITH (security_invoker = true) AS
SELECT a.user_id,
       a.account_id,
       m.name AS metric,
       on_today.enabled AND on_today.available AS asked,
       on_today.enabled,
       on_today.available,
       CASE WHEN a.metrics IS NOT NULL THEN 'account' WHEN a.chosen IS NOT NULL THEN 'site' ELSE 'default' END AS decided_by,
       CASE
           WHEN m.removed_on <= on_today.today THEN 'The API stopped answering it on ' || pg_catalog.to_char(m.removed_on, 'YYYY-MM-DD') || '.'
           WHEN m.offered_from > on_today.today THEN 'The API answers it from ' || pg_catalog.to_char(m.offered_from, 'YYYY-MM-DD') || ' on.'
           WHEN refused.since IS NOT NULL THEN
               'Refused for this account' || COALESCE(': ' || (a.metric_state -> m.name ->> 'reason'), '')
               || '. It is asked again a week later.'
       END AS remark,
       refused.since AS unsupported_since,
       CASE WHEN pg_catalog.jsonb_typeof(a.chosen -> m.name) = 'array'
            THEN ARRAY(SELECT pg_catalog.jsonb_array_elements_text(a.chosen -> m.name))
            ELSE m.asked_breakdowns END AS breakdowns,
       m.metric_type,
       m.period,
       CASE WHEN a.chosen ? m.name THEN m.windows ELSE '{}'::text[] END AS windows,
       m.timeframe,
       m.history_days,
       m.min_followers
FROM (SELECT c.user_id, c.account_id, c.platform, c.metrics, c.metric_state,
             COALESCE(c.metrics, (SELECT s.metrics FROM metric_settings s)) AS chosen
      FROM accounts c) a
JOIN metrics m ON m.platform = a.platform AND m.level = 'account'
CROSS JOIN LATERAL (
    SELECT COALESCE(a.chosen ? m.name, m.enabled_by_default) AS enabled,
           COALESCE(m.removed_on > d.today, true) AND COALESCE(m.offered_from <= d.today, true) AS available,
           d.today
    FROM (SELECT (pg_catalog.now() AT TIME ZONE 'UTC')::date AS today) d) on_today
CROSS JOIN LATERAL (
    SELECT (a.metric_state -> m.name ->> 'unsupported_since')::timestamptz AS since) refused;
COMMENT ON VIEW account_metrics IS
    'Which metrics are asked for each account, own accounts only: a row for each account and metric of the registry';
COMMENT ON COLUMN account_metrics.user_id IS 'The user whose account it is';
COMMENT ON COLUMN account_metrics.account_id IS 'The account';
COMMENT ON COLUMN account_metrics.metric IS 'The metric, one of metrics.name';
COMMENT ON COLUMN account_metrics.asked IS 'Whether the daily sync asks for it: it is on, and the API offers it today';
COMMENT ON COLUMN account_metrics.enabled IS 'Whether it is on';
COMMENT ON COLUMN account_metrics.available IS 'Whether the API offers it today, by the dates of the registry';
COMMENT ON COLUMN account_metrics.decided_by IS
    'What turned it on or off: account (ig_set_metrics() for it), site (ig_set_metrics() for all) or default';
COMMENT ON COLUMN account_metrics.remark IS 'Why there are no numbers although it may be on; NULL if nothing is known';
COMMENT ON COLUMN account_metrics.unsupported_since IS 'The API refused it for this account then';
COMMENT ON COLUMN account_metrics.breakdowns IS 'The breakdowns asked with it, each in a request of its own';
COMMENT ON COLUMN account_metrics.metric_type IS 'How it answers: time_series, total_value or snapshot';
COMMENT ON COLUMN account_metrics.period IS 'The period it is asked for';
COMMENT ON COLUMN account_metrics.windows IS 'Rolling windows that are asked beside it: those of the registry where ig_set_metrics() names the metric, else none';
COMMENT ON COLUMN account_metrics.timeframe IS 'The timeframe a demographic is asked for';
COMMENT ON COLUMN account_metrics.history_days IS 'How many complete days back the API answers';
COMMENT ON COLUMN account_metrics.min_followers IS 'Accounts with fewer followers get no value from the API';

CREATE FUNCTION ig_metric_choice(metrics text[]) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    bad record;
BEGIN
    IF ig_metric_choice.metrics IS NULL THEN
        RETURN NULL;
    ELSIF cardinality(ig_metric_choice.metrics) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'metrics is an empty list',
            HINT = 'NULL turns the usual ones on; ig_disconnect() stops asking for an account, ig_pause() for all.';
    END IF;

    SELECT m.name, m.removed_on INTO bad
    FROM instagram_insights.metrics m
    WHERE m.removed_on <= (now() AT TIME ZONE 'UTC')::date
      AND m.name = ANY (ARRAY(SELECT split_part(entry, ':', 1) FROM unnest(ig_metric_choice.metrics) entry))
    ORDER BY m.name LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('metric "%s" cannot be turned on: the API stopped answering it on %s', bad.name,
                             to_char(bad.removed_on, 'YYYY-MM-DD')),
            HINT = 'Leave it out; what is stored of it stays readable.';
    END IF;
    PERFORM instagram_insights.ig_known_metrics(
        ARRAY(SELECT split_part(entry, ':', 1) FROM unnest(ig_metric_choice.metrics) entry));

    SELECT m.name, m.breakdowns, asked.breakdown INTO bad
    FROM unnest(ig_metric_choice.metrics) entry
    JOIN instagram_insights.metrics m ON m.name = split_part(entry, ':', 1),
         string_to_table(substr(entry, length(m.name) + 2), ',') asked(breakdown)
    WHERE asked.breakdown <> ALL (m.breakdowns)
    ORDER BY m.name, asked.breakdown LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('metric "%s" has no breakdown "%s"', bad.name, bad.breakdown),
            HINT = CASE WHEN cardinality(bad.breakdowns) = 0 THEN 'It has none: name the metric alone.'
                        ELSE 'It has: ' || array_to_string(bad.breakdowns, ', ') || '.' END;
    END IF;

    -- name: as usual; name: with nothing behind the colon: the number alone; several entries of one metric add up.
    RETURN (SELECT jsonb_object_agg(chosen.name, chosen.breakdowns)
            FROM (SELECT split_part(entry, ':', 1) AS name,
                         CASE WHEN bool_or(strpos(entry, ':') > 0) THEN COALESCE(
                             jsonb_agg(DISTINCT substr(entry, strpos(entry, ':') + 1)) FILTER (WHERE entry LIKE '%:_%'), '[]')
                         END AS breakdowns
                  FROM unnest(ig_metric_choice.metrics) entry
                  GROUP BY 1) chosen);
END
$body$;
COMMENT ON FUNCTION ig_metric_choice(text[]) IS
    'Internal: a list of metrics as metric_settings keeps it; raises 22023 for what cannot be asked';

CREATE FUNCTION ig_change_account(target uuid, account_id text, changes jsonb) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    UPDATE instagram_insights.accounts AS a
    SET metrics = CASE WHEN changes ? 'metrics' THEN NULLIF(changes -> 'metrics', 'null') ELSE a.metrics END,
        project_id = CASE WHEN changes ? 'project_id' THEN changes ->> 'project_id' ELSE a.project_id END,
        entity_id = CASE WHEN changes ? 'entity_id' THEN changes ->> 'entity_id' ELSE a.entity_id END
    WHERE a.user_id = target AND (ig_change_account.account_id IS NULL OR a.account_id = ig_change_account.account_id);
    IF FOUND THEN
        RETURN;
    ELSIF ig_change_account.account_id IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'no account is connected',
            HINT = 'Connect one first, with instagram_insights.ig_authorize_url() or ig_connect_token().';
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'undefined_object',
        MESSAGE = format('account "%s" does not exist', ig_change_account.account_id),
        HINT = 'SELECT account_id FROM instagram_insights.connections shows the accounts there are.';
END
$body$;
COMMENT ON FUNCTION ig_change_account(uuid, text, jsonb) IS
    'Internal: changes what may be chosen about one account of a user, or about all with NULL; raises 42704 or 55000 when '
    'there is none';

CREATE FUNCTION ig_set_metrics(metrics text[], user_id uuid DEFAULT NULL, account_id text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    choice jsonb;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    choice := instagram_insights.ig_metric_choice(ig_set_metrics.metrics);
    IF ig_set_metrics.user_id IS NOT NULL OR ig_set_metrics.account_id IS NOT NULL THEN
        PERFORM instagram_insights.ig_change_account(instagram_insights.ig_target_user(ig_set_metrics.user_id),
                                                     ig_set_metrics.account_id, jsonb_build_object('metrics', choice));
    ELSIF choice IS NULL THEN
        DELETE FROM instagram_insights.metric_settings;
    ELSE
        INSERT INTO instagram_insights.metric_settings (metrics) VALUES (choice)
        ON CONFLICT (singleton) DO UPDATE SET metrics = EXCLUDED.metrics;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_set_metrics(text[], uuid, text) IS
    'Says which metrics are asked from now on: the whole list, for every account, or with user_id and account_id for '
    'theirs; NULL for what is usual. views:media_product_type names a breakdown, views: asks for none.';
-- Which project and which entity of your application an account belongs to: rows stored from then on carry it.

CREATE FUNCTION ig_set_project(account_id text, project_id text, user_id uuid DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_set_project.user_id);
BEGIN
    PERFORM instagram_insights.ig_change_account(target, ig_set_project.account_id,
                                                 jsonb_build_object('project_id', NULLIF(ig_set_project.project_id, '')));
END
$body$;
COMMENT ON FUNCTION ig_set_project(text, text, uuid) IS
    'Says which project of your application an account belongs to (account_id NULL: all of the user); rows that are stored '
    'from now on carry it, rows that are there keep theirs. NULL or empty for none.';

CREATE FUNCTION ig_set_entity(account_id text DEFAULT NULL, entity_id text DEFAULT NULL, user_id uuid DEFAULT NULL)
    RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_set_entity.user_id);
BEGIN
    PERFORM instagram_insights.ig_change_account(target, ig_set_entity.account_id,
                                                 jsonb_build_object('entity_id', NULLIF(ig_set_entity.entity_id, '')));
END
$body$;
COMMENT ON FUNCTION ig_set_entity(text, text, uuid) IS
    'As ig_set_project(), for the entity (a brand, a client) an account belongs to';
-- The parts of a number: breakdowns, demographics and hours, kept in insights.metadata and unfolded here.

CREATE FUNCTION ig_merge_parts(kept jsonb, came jsonb) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT CASE
               WHEN jsonb_typeof(ig_merge_parts.came) IS DISTINCT FROM 'object' THEN ig_merge_parts.kept
               WHEN jsonb_typeof(ig_merge_parts.kept) IS DISTINCT FROM 'object' THEN ig_merge_parts.came
               WHEN jsonb_typeof(ig_merge_parts.kept -> 'breakdowns') = 'object'
                AND jsonb_typeof(ig_merge_parts.came -> 'breakdowns') = 'object' THEN
                   jsonb_set(ig_merge_parts.kept || ig_merge_parts.came, '{breakdowns}',
                             (ig_merge_parts.kept -> 'breakdowns') || (ig_merge_parts.came -> 'breakdowns'))
               ELSE ig_merge_parts.kept || ig_merge_parts.came
           END
$body$;
COMMENT ON FUNCTION ig_merge_parts(jsonb, jsonb) IS
    'Internal: the metadata of a row after an answer with some of its parts: a dimension that came replaces the one that '
    'was kept, the others and what the application put there stay';

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
-- The queue of work, and what the worker and the installation know of themselves.

CREATE TABLE sync_jobs (
    user_id uuid NOT NULL,
    job_id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    account_id text NOT NULL,
    kind text NOT NULL CHECK (kind = ANY (ARRAY['refresh', 'daily', 'backfill'])),
    priority smallint NOT NULL GENERATED ALWAYS AS
        (CASE WHEN kind = 'refresh' THEN 0 WHEN kind = 'daily' THEN 1 ELSE 2 END) STORED,
    trigger text NOT NULL DEFAULT 'user',
    state text NOT NULL DEFAULT 'queued'
        CHECK (state = ANY (ARRAY['queued', 'running', 'waiting', 'succeeded', 'partial', 'failed', 'cancelled'])),
    metrics text[],
    since date,
    until date,
    due_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    lease_until timestamptz,
    generation bigint NOT NULL DEFAULT 0,
    attempt integer NOT NULL DEFAULT 0,
    crashes integer NOT NULL DEFAULT 0,
    calls_done integer NOT NULL DEFAULT 0,
    calls_planned integer NOT NULL DEFAULT 0,
    rows_stored integer NOT NULL DEFAULT 0,
    queued_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    started_at timestamptz,
    finished_at timestamptz,
    error_kind text,
    error text,
    hint text,
    PRIMARY KEY (user_id, job_id)
) WITH (fillfactor = 70);
-- Looking a job up by its id alone, and taking the next due one, must not grow with the queue.
CREATE INDEX sync_jobs_job_id ON sync_jobs (job_id);
CREATE INDEX sync_jobs_due ON sync_jobs (priority, due_at)
    WHERE state = ANY (ARRAY['queued', 'waiting']);
-- Work of one account that lives (connections.next_sync_at, the same backfill asked twice): this one and sync_jobs_live, each
-- for the kinds the other leaves out, so that a job pays for one of them only.
CREATE INDEX sync_jobs_backfills ON sync_jobs (user_id, account_id)
    WHERE kind = 'backfill' AND state = ANY (ARRAY['queued', 'running', 'waiting']);
CREATE INDEX sync_jobs_running ON sync_jobs (lease_until) WHERE state = 'running';
CREATE INDEX sync_jobs_finished ON sync_jobs (finished_at) WHERE finished_at IS NOT NULL;
-- At most one live refresh and one live daily job for an account: this is what makes enqueueing idempotent.
CREATE UNIQUE INDEX sync_jobs_live ON sync_jobs (user_id, account_id, kind)
    WHERE kind <> 'backfill'
      AND state = ANY (ARRAY['queued', 'running', 'waiting']);
COMMENT ON TABLE sync_jobs IS 'Work to do, being done and done; not part of a dump';
COMMENT ON COLUMN sync_jobs.user_id IS 'The user whose account is synced';
COMMENT ON COLUMN sync_jobs.job_id IS 'Identifies the job; ig_sync_status(job_id) tells its state';
COMMENT ON COLUMN sync_jobs.account_id IS 'The account to sync';
COMMENT ON COLUMN sync_jobs.kind IS 'refresh (a person waits), daily or backfill';
COMMENT ON COLUMN sync_jobs.priority IS 'Order of claiming: 0 refresh, 1 daily, 2 backfill';
COMMENT ON COLUMN sync_jobs.trigger IS 'What put it there: user, cron, ...';
COMMENT ON COLUMN sync_jobs.state IS
    'queued, running, waiting (for its next try), succeeded, partial, failed or cancelled';
COMMENT ON COLUMN sync_jobs.metrics IS 'Only these metrics; NULL for those that are on';
COMMENT ON COLUMN sync_jobs.since IS 'First day to ask; NULL for what is due';
COMMENT ON COLUMN sync_jobs.until IS 'Last day to ask; NULL for yesterday';
COMMENT ON COLUMN sync_jobs.due_at IS 'Not claimed before';
COMMENT ON COLUMN sync_jobs.lease_until IS 'While running: after this moment another worker may take it';
COMMENT ON COLUMN sync_jobs.generation IS
    'Raised by each claim, cancel and reclaim: a late worker''s result is refused';
COMMENT ON COLUMN sync_jobs.attempt IS 'Tries so far that failed or run';
COMMENT ON COLUMN sync_jobs.crashes IS 'How often the worker died with this job in hand';
COMMENT ON COLUMN sync_jobs.calls_done IS 'API calls made in this try';
COMMENT ON COLUMN sync_jobs.calls_planned IS 'API calls this try needs, as known';
COMMENT ON COLUMN sync_jobs.rows_stored IS 'Rows inserted, updated or found unchanged';
COMMENT ON COLUMN sync_jobs.queued_at IS 'When it was put in the queue';
COMMENT ON COLUMN sync_jobs.started_at IS 'When its first try began';
COMMENT ON COLUMN sync_jobs.finished_at IS 'When it ended';
COMMENT ON COLUMN sync_jobs.error_kind IS 'Kind of the failure that decided the state';
COMMENT ON COLUMN sync_jobs.error IS 'What went wrong; NULL if nothing did';
COMMENT ON COLUMN sync_jobs.hint IS 'What to do about error';

CREATE TABLE worker_state (
    singleton boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (singleton),
    leader_pid integer,
    started_at timestamptz,
    library_version text,
    clock_ahead_seconds bigint,
    clock_seen_at timestamptz,
    maintained_at timestamptz
);
INSERT INTO worker_state DEFAULT VALUES;
COMMENT ON TABLE worker_state IS
    'One row: which process is the worker of this database, if one runs; not part of a dump';
COMMENT ON COLUMN worker_state.singleton IS 'Always true: there is one row';
COMMENT ON COLUMN worker_state.leader_pid IS 'Process id of the worker; NULL when it left';
COMMENT ON COLUMN worker_state.started_at IS 'When it started';
COMMENT ON COLUMN worker_state.library_version IS 'Version of the library it runs';
COMMENT ON COLUMN worker_state.clock_ahead_seconds IS 'How far our clock was ahead of the API''s, by the Date of an answer; negative: behind';
COMMENT ON COLUMN worker_state.clock_seen_at IS 'When that was seen; written once an hour at most';
COMMENT ON COLUMN worker_state.maintained_at IS 'When the worker last ended the daily deletion of what is too old';

CREATE TABLE installation (
    singleton boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (singleton),
    system_identifier bigint NOT NULL,
    database_oid oid NOT NULL,
    written_by xid8 NOT NULL,
    paused boolean NOT NULL DEFAULT false,
    pause_reason text,
    paused_at timestamptz
);
COMMENT ON TABLE installation IS
    'One row, written at first use: which database this is, so that a restored copy knows that it is one and calls '
    'nobody';
COMMENT ON COLUMN installation.singleton IS 'Always true: there is one row';
COMMENT ON COLUMN installation.system_identifier IS 'The cluster that wrote the row';
COMMENT ON COLUMN installation.database_oid IS 'The database that wrote the row';
COMMENT ON COLUMN installation.written_by IS
    'The transaction that wrote the row: equal to its xmin unless a restore copied it';
COMMENT ON COLUMN installation.paused IS 'Nobody is called while true; see ig_pause() and ig_resume()';
COMMENT ON COLUMN installation.pause_reason IS 'Why, in words';
COMMENT ON COLUMN installation.paused_at IS 'Since when';
-- One row for every try to sync an account; read it through the view sync_logs.

CREATE TABLE sync_log (
    user_id uuid NOT NULL,
    id bigint NOT NULL GENERATED ALWAYS AS IDENTITY,
    job_id bigint,
    account_id text NOT NULL,
    kind text NOT NULL,
    trigger text NOT NULL,
    started_at timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    status text NOT NULL,
    rows_inserted integer NOT NULL DEFAULT 0,
    rows_updated integer NOT NULL DEFAULT 0,
    rows_unchanged integer NOT NULL DEFAULT 0,
    api_calls integer NOT NULL DEFAULT 0,
    error_code integer,
    error_message text,
    errors jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (user_id, id)
);
-- For retention. Rows come in the order of time: a few numbers a hundred pages tell where the old ones are.
CREATE INDEX sync_log_finished ON sync_log USING brin (finished_at) WITH (autosummarize = on);
COMMENT ON TABLE sync_log IS 'One row for every try to sync an account, kept for instagram_insights.log_retention';
COMMENT ON COLUMN sync_log.user_id IS 'The user whose account it was';
COMMENT ON COLUMN sync_log.id IS 'Rising number';
COMMENT ON COLUMN sync_log.job_id IS 'The job; NULL for ig_fetch_insights()';
COMMENT ON COLUMN sync_log.account_id IS 'The account';
COMMENT ON COLUMN sync_log.kind IS 'refresh, daily, backfill or fetch';
COMMENT ON COLUMN sync_log.trigger IS 'What asked for it: user, cron, ...';
COMMENT ON COLUMN sync_log.started_at IS 'When this try began';
COMMENT ON COLUMN sync_log.finished_at IS 'When this try ended';
COMMENT ON COLUMN sync_log.status IS 'succeeded, partial, failed, throttled, needs_login, token_unreadable, paused or cancelled';
COMMENT ON COLUMN sync_log.rows_inserted IS 'New rows';
COMMENT ON COLUMN sync_log.rows_updated IS 'Rows whose value the API corrected';
COMMENT ON COLUMN sync_log.rows_unchanged IS 'Rows that were there already with this value';
COMMENT ON COLUMN sync_log.api_calls IS 'Calls to the API';
COMMENT ON COLUMN sync_log.error_code IS 'The API''s code of the first error, if it gave one';
COMMENT ON COLUMN sync_log.error_message IS 'The first error in words';
COMMENT ON COLUMN sync_log.errors IS 'All errors: [{metric, kind, code, subcode, message, hint}]';
-- What people read and write by hand: views over the tables, all with the rights of whoever asks.

CREATE FUNCTION ig_only_account() RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    known text[];
BEGIN
    SELECT array_agg(a.account_id ORDER BY a.account_id) INTO known
    FROM instagram_insights.accounts a
    WHERE a.user_id = instagram_insights.ig_current_user_id() AND a.platform = 'instagram';

    IF cardinality(known) = 1 THEN
        RETURN known[1];
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = 'not_null_violation',
        MESSAGE = 'account_id is needed',
        DETAIL = CASE WHEN known IS NULL THEN 'The current user has no account.'
                      ELSE format('The current user has %s accounts.', cardinality(known)) END,
        HINT = CASE WHEN known IS NULL THEN 'Connect one first, with instagram_insights.ig_authorize_url() or ig_connect_token().'
                    ELSE 'Name one of them: ' || array_to_string(known, ', ') || '.' END;
END
$body$;
COMMENT ON FUNCTION ig_only_account() IS
    'The current user''s only Instagram account, the default of instagram_insights.account_id. Raises 23502 when '
    'there is none or more than one.';

-- The id must not depend on TimeZone or DateStyle, hence the epoch; lengths in front keep different keys different.
CREATE VIEW instagram_insights WITH (security_invoker = true) AS
SELECT pg_catalog.md5(i.user_id::text
           || ':' || pg_catalog.length(i.account_id)::text || ':' || i.account_id
           || ':' || pg_catalog.length(i.metric)::text || ':' || i.metric
           || ':' || pg_catalog.length(i.period)::text || ':' || i.period
           || ':' || extract(epoch FROM i.end_time AT TIME ZONE 'UTC')::text)::uuid AS id,
       i.metric,
       i.value,
       i.end_time,
       i.retrieved_at,
       i.user_id,
       i.account_id,
       i.period,
       i.day,
       i.metadata,
       i.project_id,
       i.entity_id
FROM insights i
WHERE pg_catalog.strpos(i.account_id, ':') = 0
WITH CASCADED CHECK OPTION;
ALTER VIEW instagram_insights ALTER COLUMN user_id SET DEFAULT ig_current_user_id();
ALTER VIEW instagram_insights ALTER COLUMN account_id SET DEFAULT ig_only_account();
ALTER VIEW instagram_insights ALTER COLUMN period SET DEFAULT 'day';
COMMENT ON VIEW instagram_insights IS
    'The numbers of Instagram accounts, own rows only. Can be written: ON CONFLICT (user_id, account_id, metric, '
    'period, end_time).';
COMMENT ON COLUMN instagram_insights.id IS
    'Derived from the row''s key, so it stays the same when the value is corrected; read-only';
COMMENT ON COLUMN instagram_insights.metric IS 'The metric, one of metrics.name';
COMMENT ON COLUMN instagram_insights.value IS 'The number, exactly as the API said it';
COMMENT ON COLUMN instagram_insights.end_time IS 'The end of the period, as the API said it';
COMMENT ON COLUMN instagram_insights.retrieved_at IS
    'When this value last changed; freshness is connections.last_success_at';
COMMENT ON COLUMN instagram_insights.user_id IS 'Whose row it is; the current user by default';
COMMENT ON COLUMN instagram_insights.account_id IS 'The account; by default the user''s only one';
COMMENT ON COLUMN instagram_insights.period IS 'day for daily numbers, the default';
COMMENT ON COLUMN instagram_insights.day IS 'The US-Pacific day it measures; read-only, follows from end_time';
COMMENT ON COLUMN instagram_insights.metadata IS 'Parts of the value, if it has any';
COMMENT ON COLUMN instagram_insights.project_id IS 'Free for your application';
COMMENT ON COLUMN instagram_insights.entity_id IS 'Free for your application';

-- A loose index scan: from the end of an account's rows backwards, one probe of the primary key brings the newest row of
-- the next metric and period, however long the history is; DISTINCT ON reads it all. No name of a metric comes after
-- 64 times z, in any collation. The foreign key to accounts makes sure that no row is missed.
CREATE VIEW instagram_latest_metrics WITH (security_invoker = true) AS
SELECT a.user_id,
       newest.metric,
       newest.value,
       newest.end_time,
       newest.retrieved_at,
       a.account_id,
       newest.day
FROM accounts a
CROSS JOIN LATERAL (
    WITH RECURSIVE step (metric, period, value, end_time, retrieved_at, day) AS (
        SELECT pg_catalog.repeat('z', 64), ''::text, NULL::numeric, NULL::timestamptz, NULL::timestamptz, NULL::date
        UNION ALL
        SELECT following.metric, following.period, following.value, following.end_time, following.retrieved_at,
               following.day
        FROM step
        CROSS JOIN LATERAL (
            SELECT i.metric, i.period, i.value, i.end_time, i.retrieved_at, i.day
            FROM insights i
            WHERE i.user_id = a.user_id AND i.account_id = a.account_id
              AND (i.metric, i.period) < (step.metric, step.period)
            ORDER BY i.metric DESC, i.period DESC, i.end_time DESC LIMIT 1
        ) following
    )
    SELECT DISTINCT ON (s.metric) s.metric, s.value, s.end_time, s.retrieved_at, s.day
    FROM step s
    WHERE s.period = ANY (ARRAY['day', 'lifetime'])
    ORDER BY s.metric, s.end_time DESC, s.period
) newest
WHERE pg_catalog.strpos(a.account_id, ':') = 0;
COMMENT ON VIEW instagram_latest_metrics IS 'The newest value of each metric of each Instagram account, own rows only';
COMMENT ON COLUMN instagram_latest_metrics.user_id IS 'Whose row it is';
COMMENT ON COLUMN instagram_latest_metrics.metric IS 'The metric, one of metrics.name';
COMMENT ON COLUMN instagram_latest_metrics.value IS 'Its newest value';
COMMENT ON COLUMN instagram_latest_metrics.end_time IS 'The end of the period it measures';
COMMENT ON COLUMN instagram_latest_metrics.retrieved_at IS 'When this value last changed';
COMMENT ON COLUMN instagram_latest_metrics.account_id IS 'The account';
COMMENT ON COLUMN instagram_latest_metrics.day IS 'The US-Pacific day it measures';

CREATE VIEW sync_logs WITH (security_invoker = true) AS
SELECT l.id, l.job_id, l.user_id, l.account_id, l.kind, l.trigger, l.started_at, l.finished_at, l.status,
       l.rows_inserted, l.rows_updated, l.rows_unchanged, l.api_calls, l.error_code, l.error_message, l.errors
FROM sync_log l;
COMMENT ON VIEW sync_logs IS 'One row for every try to sync an account, own rows only';
COMMENT ON COLUMN sync_logs.id IS 'Rising number';
COMMENT ON COLUMN sync_logs.job_id IS 'The job; NULL for ig_fetch_insights()';
COMMENT ON COLUMN sync_logs.user_id IS 'The user whose account it was';
COMMENT ON COLUMN sync_logs.account_id IS 'The account';
COMMENT ON COLUMN sync_logs.kind IS 'refresh, daily, backfill or fetch';
COMMENT ON COLUMN sync_logs.trigger IS 'What asked for it: user, cron, ...';
COMMENT ON COLUMN sync_logs.started_at IS 'When this try began';
COMMENT ON COLUMN sync_logs.finished_at IS 'When this try ended';
COMMENT ON COLUMN sync_logs.status IS
    'succeeded, partial, failed, throttled, needs_login, token_unreadable, paused or cancelled';
COMMENT ON COLUMN sync_logs.rows_inserted IS 'New rows';
COMMENT ON COLUMN sync_logs.rows_updated IS 'Rows whose value the API corrected';
COMMENT ON COLUMN sync_logs.rows_unchanged IS 'Rows that were there already with this value';
COMMENT ON COLUMN sync_logs.api_calls IS 'Calls to the API';
COMMENT ON COLUMN sync_logs.error_code IS 'The API''s code of the first error, if it gave one';
COMMENT ON COLUMN sync_logs.error_message IS 'The first error in words';
COMMENT ON COLUMN sync_logs.errors IS 'All errors: [{metric, kind, code, subcode, message, hint}]';
-- The state of each connected account, said so that a person knows what to do; never a token.

CREATE VIEW connections WITH (security_invoker = true) AS
SELECT s.user_id,
       s.platform,
       s.account_id,
       s.username,
       s.name,
       s.login,
       s.status,
       s.expires_at,
       s.days_left,
       s.last_success_at,
       -- A probe of an index each, however long the queue is.
       LEAST((SELECT pg_catalog.min(j.due_at)
              FROM sync_jobs j
              WHERE j.user_id = s.user_id AND j.account_id = s.account_id AND j.kind <> 'backfill'
                AND j.state = ANY (ARRAY['queued', 'running', 'waiting']) AND j.state <> 'running'),
             (SELECT pg_catalog.min(j.due_at)
              FROM sync_jobs j
              WHERE j.user_id = s.user_id AND j.account_id = s.account_id AND j.kind = 'backfill'
                AND j.state = ANY (ARRAY['queued', 'running', 'waiting']) AND j.state <> 'running')) AS next_sync_at,
       s.blocked_until,
       s.last_error,
       CASE
           WHEN s.status = 'active' THEN s.hint
           WHEN s.status = 'expiring' AND s.access_days_left < COALESCE(s.days_left, s.access_days_left + 1) THEN
               pg_catalog.format('The app may read the data for %s more days: the person must use the app again: log in '
                                 'again with ig_authorize_url() before.', s.access_days_left)
           WHEN s.status = 'expiring' THEN pg_catalog.format(
               'The token ends in %s days: log in again before with ig_authorize_url(), or store a new token with ig_connect_token().',
               s.days_left)
           WHEN s.status = 'throttled' THEN
               'The API asked to wait; the sync goes on by itself after blocked_until.'
           WHEN s.status = 'needs_login' AND s.access_ended THEN
               'The app may not read the data any more: the person must use the app again: log in again with '
               'ig_authorize_url().'
           WHEN s.status = 'needs_login' THEN COALESCE(
               s.hint, 'The token is no longer accepted: log in again with ig_authorize_url(), or store a new token with ig_connect_token().')
           WHEN s.status = 'token_unreadable' THEN
               'The token was sealed under another key: bring that key back, or store the token again with '
               'ig_connect_token().'
           ELSE 'Disconnected; the history is kept. Connect again with ig_authorize_url() or ig_connect_token().'
       END AS hint,
       s.project_id
FROM (
    SELECT a.*,
           CASE
               WHEN a.expires_at < 'infinity'::timestamptz AND a.status <> 'disconnected' THEN
                   GREATEST(0, pg_catalog.floor(extract(epoch FROM a.expires_at - pg_catalog.now()) / 86400))::integer
           END AS days_left,
           pg_catalog.floor(extract(epoch FROM a.data_access_expires_at - pg_catalog.now()) / 86400)::integer AS access_days_left,
           a.data_access_expires_at <= pg_catalog.now()
               AND (a.expires_at IS NULL OR a.expires_at > pg_catalog.now()) AS access_ended
    FROM (
        SELECT c.user_id, c.platform, c.account_id, c.username, c.name, c.login, c.expires_at, c.last_success_at,
               c.blocked_until, c.last_error, c.hint, c.project_id, c.data_access_expires_at,
               CASE
                   WHEN c.status <> 'active' THEN c.status
                   WHEN c.expires_at <= pg_catalog.now() OR c.data_access_expires_at <= pg_catalog.now() THEN 'needs_login'
                   WHEN c.blocked_until > pg_catalog.now() THEN 'throttled'
                   WHEN LEAST(c.expires_at, c.data_access_expires_at) <= pg_catalog.now() + '7 days'::interval THEN 'expiring'
                   ELSE 'active'
               END AS status
        FROM accounts c
    ) a
) s;
COMMENT ON VIEW connections IS 'Connected accounts with their state and what to do about it, own rows only';
COMMENT ON COLUMN connections.user_id IS 'The user whose account it is';
COMMENT ON COLUMN connections.platform IS 'instagram';
COMMENT ON COLUMN connections.account_id IS 'The id of the professional account';
COMMENT ON COLUMN connections.username IS 'The account''s handle, as last seen';
COMMENT ON COLUMN connections.name IS 'The account''s display name, as last seen';
COMMENT ON COLUMN connections.login IS 'Which login made the token: facebook or instagram';
COMMENT ON COLUMN connections.status IS
    'active, expiring (the token or the access to the data, within 7 days), needs_login, throttled, disconnected or token_unreadable';
COMMENT ON COLUMN connections.expires_at IS 'When the token ends; NULL if it never does or nobody said';
COMMENT ON COLUMN connections.days_left IS 'Whole days until expires_at; NULL if that is not known';
COMMENT ON COLUMN connections.last_success_at IS 'When the account was last synced with a result';
COMMENT ON COLUMN connections.next_sync_at IS
    'When work waiting in the queue for this account is due; NULL if none waits';
COMMENT ON COLUMN connections.blocked_until IS 'The API asked not to be called for this account before then';
COMMENT ON COLUMN connections.last_error IS 'Why the last sync failed; NULL after a success';
COMMENT ON COLUMN connections.hint IS 'What to do now; NULL when nothing is to be done';
COMMENT ON COLUMN connections.project_id IS 'Free for your application; copied to rows stored from now on';

-- Old readers take a row as "connected", so a disconnected account has none here, as before.
CREATE VIEW user_tokens WITH (security_invoker = true) AS
SELECT c.user_id, c.platform, c.account_id, c.username AS account_username, c.expires_at, a.issued_at, a.scopes,
       c.status
FROM connections c
JOIN accounts a ON a.user_id = c.user_id AND a.account_id = c.account_id
WHERE c.status <> 'disconnected';
COMMENT ON VIEW user_tokens IS
    'Which tokens are stored, own rows only; never a token itself. A disconnected account has no row';
COMMENT ON COLUMN user_tokens.user_id IS 'The user whose token it is';
COMMENT ON COLUMN user_tokens.platform IS 'instagram';
COMMENT ON COLUMN user_tokens.account_id IS 'The account the token is for';
COMMENT ON COLUMN user_tokens.account_username IS 'The account''s handle, as last seen';
COMMENT ON COLUMN user_tokens.expires_at IS 'When the token ends; NULL if it never does or nobody said';
COMMENT ON COLUMN user_tokens.issued_at IS 'When the token was issued, if known';
COMMENT ON COLUMN user_tokens.scopes IS 'Permissions of the token, if known';
COMMENT ON COLUMN user_tokens.status IS 'As in connections';
-- Functions to read with: over a stretch of days, and as the newest values at a glance. They are LANGUAGE sql, because
-- their results have columns named as their arguments.

CREATE FUNCTION ig_reading_target(user_id uuid, account_id text, metric text, since date, until date, needed boolean)
    RETURNS uuid
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_reading_target.user_id);
BEGIN
    IF ig_reading_target.needed AND (ig_reading_target.since IS NULL OR ig_reading_target.until IS NULL
                                     OR ig_reading_target.metric IS NULL) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'null_value_not_allowed',
            MESSAGE = 'metric, since and until are needed',
            HINT = 'since and until are the first and the last day, for example date ''2026-01-01'', date ''2026-01-31''.';
    ELSIF NOT COALESCE(isfinite(ig_reading_target.since), true) OR NOT COALESCE(isfinite(ig_reading_target.until), true)
          OR ig_reading_target.since > ig_reading_target.until
          OR (ig_reading_target.needed AND ig_reading_target.until - ig_reading_target.since > 36600) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('no stretch of days: since %s, until %s', ig_reading_target.since, ig_reading_target.until),
            HINT = 'since is the first day and until the last, both included, at most a hundred years.';
    ELSIF ig_reading_target.metric IS NOT NULL
          AND NOT EXISTS (SELECT FROM instagram_insights.metrics m WHERE m.name = ig_reading_target.metric) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'unknown metric: ' || quote_literal(ig_reading_target.metric),
            HINT = (SELECT 'Known metrics: ' || string_agg(m.name, ', ' ORDER BY m.name) || '.'
                    FROM instagram_insights.metrics m);
    ELSIF ig_reading_target.account_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM instagram_insights.accounts a
        WHERE a.user_id = target AND a.account_id = ig_reading_target.account_id) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('account "%s" does not exist', ig_reading_target.account_id),
            HINT = 'SELECT account_id FROM instagram_insights.connections shows the accounts there are.';
    END IF;
    RETURN target;
END
$body$;
COMMENT ON FUNCTION ig_reading_target(uuid, text, text, date, date, boolean) IS
    'Internal: the user a reading function is about, when its arguments make sense; raises 22004, 22023, 42501 or 42704';

CREATE FUNCTION ig_known_grain(grain text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF ig_known_grain.grain IS NULL OR ig_known_grain.grain <> ALL (ARRAY['day', 'week', 'month']) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'unknown grain: ' || quote_nullable(ig_known_grain.grain),
            HINT = 'Known grains: day, week, month.';
    END IF;
    RETURN ig_known_grain.grain;
END
$body$;
COMMENT ON FUNCTION ig_known_grain(text) IS 'Internal: the grain, if it is day, week or month; else raises 22023';

CREATE FUNCTION ig_timeseries(metric text, since date, until date, grain text DEFAULT 'day', user_id uuid DEFAULT NULL,
                              account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, bucket date, value numeric, days integer)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    WITH asked AS MATERIALIZED (
        SELECT instagram_insights.ig_reading_target(ig_timeseries.user_id, ig_timeseries.account_id, ig_timeseries.metric,
                                                    ig_timeseries.since, ig_timeseries.until, true) AS target,
               instagram_insights.ig_known_grain(ig_timeseries.grain) AS grain,
               (SELECT m.rollup FROM instagram_insights.metrics m WHERE m.name = ig_timeseries.metric) AS method
    ), accounts AS (
        SELECT a.account_id
        FROM instagram_insights.accounts a
        WHERE a.user_id = (SELECT asked.target FROM asked) AND strpos(a.account_id, ':') = 0
          AND (ig_timeseries.account_id IS NULL OR a.account_id = ig_timeseries.account_id)
    ), buckets AS (
        SELECT b.first::date AS first
        FROM asked, generate_series(date_trunc(asked.grain, ig_timeseries.since::timestamp),
                                    ig_timeseries.until::timestamp, ('1 ' || asked.grain)::interval) b(first)
    ), filled AS (
        SELECT i.account_id, date_trunc(asked.grain, i.day::timestamp)::date AS first,
               max(i.value) FILTER (WHERE i.period = 'week') AS counted,
               CASE asked.method
                   WHEN 'sum' THEN sum(i.value) FILTER (WHERE i.period = 'day')
                   WHEN 'max' THEN max(i.value) FILTER (WHERE i.period = 'day')
                   ELSE (max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE i.period = 'day'))[2] END AS made,
               count(*) FILTER (WHERE i.period = 'day')::integer AS days
        FROM asked, instagram_insights.insights i
        WHERE i.user_id = (SELECT asked.target FROM asked) AND i.metric = ig_timeseries.metric
          AND i.account_id IN (SELECT a.account_id FROM accounts a)
          AND i.end_time >= (ig_timeseries.since::timestamp AT TIME ZONE 'America/Los_Angeles')
          AND i.end_time < ((ig_timeseries.until + 2)::timestamp AT TIME ZONE 'America/Los_Angeles')
          AND i.day >= ig_timeseries.since AND i.day <= ig_timeseries.until AND i.value IS NOT NULL
          AND (i.period = 'day'
               OR (i.period = 'week' AND asked.grain = 'week' AND asked.method = 'max'
                   AND extract(isodow FROM i.day) = 7 AND i.day - 6 >= ig_timeseries.since))
        GROUP BY i.account_id, date_trunc(asked.grain, i.day::timestamp)::date, asked.method
    )
    SELECT a.account_id, b.first, COALESCE(f.counted, f.made),
           CASE WHEN f.counted IS NULL THEN COALESCE(f.days, 0) ELSE 7 END
    FROM accounts a
    CROSS JOIN buckets b
    LEFT JOIN filled f ON f.account_id = a.account_id AND f.first = b.first
    ORDER BY a.account_id, b.first
$body$;
COMMENT ON FUNCTION ig_timeseries(text, date, date, text, uuid, text) IS
    'One metric from day to day, week to week or month to month; a gap is a row with value NULL and days 0';

CREATE FUNCTION ig_peak_day(metric text, since date, until date, user_id uuid DEFAULT NULL, account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, day date, value numeric)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT DISTINCT ON (i.account_id) i.account_id, i.day, i.value
    FROM instagram_insights.insights i
    WHERE i.user_id = (SELECT instagram_insights.ig_reading_target(ig_peak_day.user_id, ig_peak_day.account_id,
                                  ig_peak_day.metric, ig_peak_day.since, ig_peak_day.until, true))
      AND (ig_peak_day.account_id IS NULL OR i.account_id = ig_peak_day.account_id) AND strpos(i.account_id, ':') = 0
      AND i.metric = ig_peak_day.metric AND i.period = 'day' AND i.value IS NOT NULL
      AND i.end_time >= (ig_peak_day.since::timestamp AT TIME ZONE 'America/Los_Angeles')
      AND i.end_time < ((ig_peak_day.until + 2)::timestamp AT TIME ZONE 'America/Los_Angeles')
      AND i.day >= ig_peak_day.since AND i.day <= ig_peak_day.until
    ORDER BY i.account_id, i.value DESC, i.day
$body$;
COMMENT ON FUNCTION ig_peak_day(text, date, date, uuid, text) IS
    'The day of each account on which a metric was highest, the first of several; no row for an account without values';

CREATE FUNCTION ig_overview(user_id uuid DEFAULT NULL, account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, metric text, value numeric, day date, previous numeric, change numeric,
                   change_pct numeric, retrieved_at timestamptz, stale boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT l.account_id, l.metric, l.value, l.day, before.value, l.value - before.value,
           round(100 * (l.value - before.value) / NULLIF(before.value, 0), 2), l.retrieved_at,
           a.status <> 'active' OR COALESCE(a.last_success_at < now() - '36 hours'::interval, true)
    FROM instagram_insights.accounts a
    JOIN instagram_insights.instagram_latest_metrics l ON l.user_id = a.user_id AND l.account_id = a.account_id
    LEFT JOIN LATERAL (
        SELECT i.value
        FROM instagram_insights.insights i
        WHERE i.user_id = l.user_id AND i.account_id = l.account_id AND i.metric = l.metric
          AND i.period = ANY (ARRAY['day', 'lifetime'])
          AND i.end_time >= l.end_time - '50 hours'::interval AND i.end_time < l.end_time AND i.day = l.day - 1
        ORDER BY i.end_time DESC, i.period LIMIT 1
    ) before ON true
    WHERE a.user_id = (SELECT instagram_insights.ig_reading_target(ig_overview.user_id, ig_overview.account_id, NULL, NULL,
                                                                   NULL, false))
      AND (ig_overview.account_id IS NULL OR a.account_id = ig_overview.account_id)
    ORDER BY l.account_id, l.metric
$body$;
COMMENT ON FUNCTION ig_overview(uuid, text) IS
    'The newest value of each metric beside that of the day before; stale: the account was last synced more than 36 hours '
    'ago or needs a person';
-- Functions to read with: two periods side by side, what there is and what is missing, and everything as text. They are
-- LANGUAGE sql, because their results have columns named as their arguments and the exports must not collect their rows.

CREATE FUNCTION ig_compare_periods(metric text, since date, until date, user_id uuid DEFAULT NULL,
                                   account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, current numeric, previous numeric, change numeric, change_pct numeric,
                   current_days integer, previous_days integer, method text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    WITH asked AS MATERIALIZED (
        SELECT instagram_insights.ig_reading_target(ig_compare_periods.user_id, ig_compare_periods.account_id,
                   ig_compare_periods.metric, ig_compare_periods.since, ig_compare_periods.until, true) AS target,
               ig_compare_periods.until - ig_compare_periods.since + 1 AS length,
               m.rollup AS method,
               CASE WHEN m.rollup = 'max' THEN
                   CASE ig_compare_periods.until - ig_compare_periods.since WHEN 6 THEN 'week' WHEN 27 THEN 'days_28' END
               END AS window
        FROM (SELECT) one LEFT JOIN instagram_insights.metrics m ON m.name = ig_compare_periods.metric
    ), sides AS (
        SELECT i.account_id, i.day >= ig_compare_periods.since AS now,
               max(i.value) FILTER (WHERE i.period <> 'day') AS counted,
               CASE asked.method
                   WHEN 'sum' THEN sum(i.value) FILTER (WHERE i.period = 'day')
                   WHEN 'max' THEN max(i.value) FILTER (WHERE i.period = 'day')
                   ELSE (max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE i.period = 'day'))[2] END AS made,
               count(*) FILTER (WHERE i.period = 'day')::integer AS days
        FROM asked, instagram_insights.insights i
        WHERE i.user_id = (SELECT asked.target FROM asked) AND i.metric = ig_compare_periods.metric
          AND (ig_compare_periods.account_id IS NULL OR i.account_id = ig_compare_periods.account_id)
          AND i.end_time >= ((ig_compare_periods.since - asked.length)::timestamp AT TIME ZONE 'America/Los_Angeles')
          AND i.end_time < ((ig_compare_periods.until + 2)::timestamp AT TIME ZONE 'America/Los_Angeles')
          AND i.day >= ig_compare_periods.since - asked.length AND i.day <= ig_compare_periods.until
          AND i.value IS NOT NULL
          AND (i.period = 'day'
               OR (i.period = asked.window AND i.day = ANY (ARRAY[ig_compare_periods.since - 1, ig_compare_periods.until])))
        GROUP BY i.account_id, i.day >= ig_compare_periods.since, asked.method
    ), paired AS (
        -- A window that the API counted is compared with such a one only.
        SELECT a.account_id, c.counted IS NOT NULL AND p.counted IS NOT NULL AS both,
               c.counted AS c_counted, p.counted AS p_counted, c.made AS c_made, p.made AS p_made,
               COALESCE(c.days, 0) AS c_days, COALESCE(p.days, 0) AS p_days
        FROM instagram_insights.accounts a
        LEFT JOIN sides c ON c.account_id = a.account_id AND c.now
        LEFT JOIN sides p ON p.account_id = a.account_id AND NOT p.now
        WHERE a.user_id = (SELECT asked.target FROM asked) AND strpos(a.account_id, ':') = 0
          AND (ig_compare_periods.account_id IS NULL OR a.account_id = ig_compare_periods.account_id)
    )
    SELECT v.account_id, v.current, v.previous, v.current - v.previous,
           round(100 * (v.current - v.previous) / NULLIF(v.previous, 0), 2),
           CASE WHEN v.both THEN asked.length ELSE v.c_days END, CASE WHEN v.both THEN asked.length ELSE v.p_days END,
           CASE WHEN v.both THEN 'api' ELSE asked.method END
    FROM asked, (SELECT q.*, CASE WHEN q.both THEN q.c_counted ELSE q.c_made END AS current,
                        CASE WHEN q.both THEN q.p_counted ELSE q.p_made END AS previous
                 FROM paired q) v
    ORDER BY v.account_id
$body$;
COMMENT ON FUNCTION ig_compare_periods(text, date, date, uuid, text) IS
    'A stretch of days beside the one just before it, as long; *_days say how many days of each have a value';

CREATE FUNCTION ig_coverage(user_id uuid DEFAULT NULL, account_id text DEFAULT NULL)
    RETURNS TABLE (account_id text, metric text, first_day date, last_day date, days integer, missing_days integer,
                   clipped boolean)
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT c.account_id, c.metric, c.first_day, c.last_day, c.days, c.last_day - c.first_day + 1 - c.days,
           COALESCE(a.metric_state -> c.metric ->> 'clipped_before', '') <> ''
    FROM (SELECT i.account_id, i.metric, min(i.day) AS first_day, max(i.day) AS last_day,
                 count(DISTINCT i.day)::integer AS days
          FROM instagram_insights.insights i
          WHERE i.user_id = (SELECT instagram_insights.ig_reading_target(ig_coverage.user_id, ig_coverage.account_id, NULL,
                                                                         NULL, NULL, false))
            AND (ig_coverage.account_id IS NULL OR i.account_id = ig_coverage.account_id)
            AND i.period = ANY (ARRAY['day', 'lifetime']) AND i.value IS NOT NULL AND strpos(i.account_id, ':') = 0
          GROUP BY i.account_id, i.metric) c
    JOIN instagram_insights.accounts a
      ON a.user_id = (SELECT instagram_insights.ig_target_user(ig_coverage.user_id)) AND a.account_id = c.account_id
    ORDER BY c.account_id, c.metric
$body$;
COMMENT ON FUNCTION ig_coverage(uuid, text) IS
    'From when to when there are values of each metric, how many days, how many are missing between; clipped: older days '
    'could not be had from the API';

CREATE FUNCTION ig_csv_field(field text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT CASE WHEN ig_csv_field.field IS NULL THEN ''
                WHEN ig_csv_field.field ~ '[",\r\n]' OR ig_csv_field.field = '' OR ig_csv_field.field ~ '^\s|\s$'
                    THEN '"' || replace(ig_csv_field.field, '"', '""') || '"'
                ELSE ig_csv_field.field END
$body$;
COMMENT ON FUNCTION ig_csv_field(text) IS
    'Internal: a field of a CSV line by RFC 4180; NULL is an empty field, an empty text is ""';

CREATE FUNCTION ig_export_csv(since date DEFAULT NULL, until date DEFAULT NULL, user_id uuid DEFAULT NULL,
                              account_id text DEFAULT NULL) RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'account_id,metric,period,day,end_time,value,retrieved_at,project_id,entity_id,metadata'
    WHERE instagram_insights.ig_reading_target(ig_export_csv.user_id, ig_export_csv.account_id, NULL, ig_export_csv.since,
                                               ig_export_csv.until, false) IS NOT NULL
    UNION ALL
    (SELECT concat_ws(',', i.account_id, i.metric, instagram_insights.ig_csv_field(i.period),
                      to_char(i.day, 'YYYY-MM-DD'), btrim(to_json(i.end_time AT TIME ZONE 'UTC')::text, '"') || 'Z',
                      COALESCE(i.value::text, ''), btrim(to_json(i.retrieved_at AT TIME ZONE 'UTC')::text, '"') || 'Z',
                      instagram_insights.ig_csv_field(i.project_id), instagram_insights.ig_csv_field(i.entity_id),
                      instagram_insights.ig_csv_field(i.metadata::text))
     FROM instagram_insights.insights i
     WHERE i.user_id = (SELECT instagram_insights.ig_target_user(ig_export_csv.user_id))
       AND (ig_export_csv.account_id IS NULL OR i.account_id = ig_export_csv.account_id)
       AND strpos(i.account_id, ':') = 0
       AND (ig_export_csv.since IS NULL OR i.day >= ig_export_csv.since)
       AND (ig_export_csv.until IS NULL OR i.day <= ig_export_csv.until)
     ORDER BY i.account_id, i.metric, i.end_time, i.period)
$body$;
COMMENT ON FUNCTION ig_export_csv(date, date, uuid, text) IS
    'Every stored number as CSV (RFC 4180): a header, then a line a row, by account, metric and end_time; times in UTC';

CREATE FUNCTION ig_export_json(since date DEFAULT NULL, until date DEFAULT NULL, user_id uuid DEFAULT NULL,
                               account_id text DEFAULT NULL) RETURNS SETOF text
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT json_build_object(
               'account_id', i.account_id, 'metric', i.metric, 'period', i.period, 'day', to_char(i.day, 'YYYY-MM-DD'),
               'end_time', btrim(to_json(i.end_time AT TIME ZONE 'UTC')::text, '"') || 'Z', 'value', i.value,
               'retrieved_at', btrim(to_json(i.retrieved_at AT TIME ZONE 'UTC')::text, '"') || 'Z',
               'project_id', i.project_id, 'entity_id', i.entity_id, 'metadata', i.metadata)::text
    FROM instagram_insights.insights i
    WHERE i.user_id = (SELECT instagram_insights.ig_reading_target(ig_export_json.user_id, ig_export_json.account_id, NULL,
                                  ig_export_json.since, ig_export_json.until, false))
      AND (ig_export_json.account_id IS NULL OR i.account_id = ig_export_json.account_id) AND strpos(i.account_id, ':') = 0
      AND (ig_export_json.since IS NULL OR i.day >= ig_export_json.since)
      AND (ig_export_json.until IS NULL OR i.day <= ig_export_json.until)
    ORDER BY i.account_id, i.metric, i.end_time, i.period
$body$;
COMMENT ON FUNCTION ig_export_json(date, date, uuid, text) IS
    'Every stored number as JSON Lines: an object a row, by account, metric and end_time; times in UTC';
-- Closing months: what ig_maintain() does so that instagram_monthly need not read every row of everybody.

CREATE FUNCTION ig_closable_before() RETURNS date
    LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    -- A transaction that is open may have written days up to four before it began without leaving a mark.
    SELECT ((LEAST(now(),
                   (SELECT min(s.xact_start) FROM pg_stat_activity s WHERE s.datname = current_database()),
                   (SELECT min(p.prepared) FROM pg_prepared_xacts p WHERE p.database = current_database()))
             - '4 days 1 second'::interval) AT TIME ZONE 'America/Los_Angeles')::date
$body$;
COMMENT ON FUNCTION ig_closable_before() IS
    'Internal: the days before it cannot change without leaving a mark in insights_late; superuser-owned, because others '
    'do not see when a transaction began';

-- Both in one statement, so that what is taken away and what is computed are of one snapshot: a mark that is not seen
-- stays, and with it the month is computed from the rows.
CREATE FUNCTION ig_close_late(closed_before date, most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    taken bigint;
BEGIN
    WITH marks AS (
        DELETE FROM instagram_insights.insights_late l
        WHERE l.ctid = ANY (ARRAY(SELECT o.ctid FROM instagram_insights.insights_late o LIMIT ig_close_late.most))
        RETURNING l.user_id, l.account_id, l.metric, l.period_start
    ), cells AS (
        SELECT DISTINCT k.user_id, k.account_id, k.metric, k.period_start
        FROM marks k
        WHERE k.period_start < ig_close_late.closed_before
    ), made AS (
        SELECT k.user_id, k.account_id, k.metric, k.period_start, m.rollup AS method, rows.days,
               COALESCE(rows.added, rows.highest, rows.newest[2]) AS value
        FROM cells k
        JOIN instagram_insights.metrics m ON m.name = k.metric
        CROSS JOIN LATERAL (
            SELECT sum(i.value) FILTER (WHERE m.rollup = 'sum') AS added,
                   max(i.value) FILTER (WHERE m.rollup = 'max') AS highest,
                   max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE m.rollup = 'last') AS newest,
                   count(i.value)::integer AS days
            FROM instagram_insights.insights i
            WHERE i.user_id = k.user_id AND i.account_id = k.account_id AND i.metric = k.metric AND i.period = 'day'
              AND i.end_time >= (k.period_start::timestamp AT TIME ZONE 'America/Los_Angeles')
              AND i.end_time < ((k.period_start + '1 month 1 day'::interval) AT TIME ZONE 'America/Los_Angeles')
              AND i.day >= k.period_start AND i.day < (k.period_start + '1 month'::interval)::date
              AND i.day < ig_close_late.closed_before AND i.value IS NOT NULL) rows
        WHERE rows.days > 0
    ), emptied AS (
        DELETE FROM instagram_insights.insights_monthly c
        USING cells k
        WHERE c.user_id = k.user_id AND c.account_id = k.account_id AND c.metric = k.metric
          AND c.period_start = k.period_start
          AND NOT EXISTS (SELECT FROM made f WHERE f.user_id = k.user_id AND f.account_id = k.account_id
                            AND f.metric = k.metric AND f.period_start = k.period_start)
    ), stored AS (
        INSERT INTO instagram_insights.insights_monthly AS c
               (user_id, account_id, metric, period_start, value, days, method)
        SELECT f.user_id, f.account_id, f.metric, f.period_start, f.value, f.days, f.method
        FROM made f
        ON CONFLICT ON CONSTRAINT insights_monthly_pkey
        DO UPDATE SET value = EXCLUDED.value, days = EXCLUDED.days, method = EXCLUDED.method
    )
    SELECT count(*) INTO taken FROM marks;
    RETURN taken;
END
$body$;
COMMENT ON FUNCTION ig_close_late(date, integer) IS
    'Internal: makes months anew in which something was written late, so many marks at most; returns how many';

CREATE FUNCTION ig_close_days(since date, until date) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    touched bigint;
BEGIN
    -- since and until lie in one month; until is not included. What is kept of the month's days before is added to.
    INSERT INTO instagram_insights.insights_monthly AS c (user_id, account_id, metric, period_start, value, days, method)
    SELECT f.user_id, f.account_id, f.metric, date_trunc('month', ig_close_days.since::timestamp)::date,
           COALESCE(f.added, f.highest, f.newest[2]), f.days, f.rollup
    FROM (SELECT i.user_id, i.account_id, i.metric, m.rollup,
                 sum(i.value) FILTER (WHERE m.rollup = 'sum') AS added,
                 max(i.value) FILTER (WHERE m.rollup = 'max') AS highest,
                 max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE m.rollup = 'last') AS newest,
                 count(*)::integer AS days
          FROM instagram_insights.insights i
          JOIN instagram_insights.metrics m ON m.name = i.metric
          WHERE i.period = 'day' AND i.value IS NOT NULL
            AND i.end_time >= (ig_close_days.since::timestamp AT TIME ZONE 'America/Los_Angeles')
            AND i.end_time < ((ig_close_days.until + 1)::timestamp AT TIME ZONE 'America/Los_Angeles')
            AND i.day >= ig_close_days.since AND i.day < ig_close_days.until
          GROUP BY i.user_id, i.account_id, i.metric, m.rollup) f
    ON CONFLICT ON CONSTRAINT insights_monthly_pkey DO UPDATE
    SET value = CASE EXCLUDED.method WHEN 'sum' THEN c.value + EXCLUDED.value
                                     WHEN 'max' THEN GREATEST(c.value, EXCLUDED.value)
                                     ELSE EXCLUDED.value END,
        days = c.days + EXCLUDED.days,
        method = EXCLUDED.method;
    GET DIAGNOSTICS touched = ROW_COUNT;
    RETURN touched;
END
$body$;
COMMENT ON FUNCTION ig_close_days(date, date) IS
    'Internal: adds days of one month, the last not included, to insights_monthly; returns how many figures changed';

CREATE FUNCTION ig_close_months(most integer DEFAULT 1000000)
    RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    state record;
    present oid[] := ARRAY(SELECT h.inhrelid FROM pg_inherits h
                           WHERE h.inhparent = 'instagram_insights.insights'::regclass ORDER BY h.inhrelid);
    reachable date := instagram_insights.ig_closable_before();
    reached date;
    stop date;
    late bigint;
    figures bigint := 0;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN QUERY SELECT 'skip', 'insights_monthly', 'months are closed in transactions that are READ COMMITTED only', false;
        RETURN;
    END IF;
    SELECT s.closed_before, s.partitions INTO state FROM instagram_insights.rollup_state s FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
        RETURN QUERY SELECT 'skip', 'insights_monthly', 'another session is closing months', false;
        RETURN;
    END IF;
    reached := state.closed_before;
    -- Without its triggers (Citus has none) nothing tells of late writes: then every figure is computed from the rows.
    IF 4 * cardinality(present) > (SELECT count(*) FROM pg_trigger t
                                   WHERE t.tgrelid = ANY (present) AND t.tgenabled = 'A'
                                     AND t.tgname = ANY (ARRAY['late_insert', 'late_update', 'late_delete', 'emptied'])) THEN
        UPDATE instagram_insights.rollup_state SET closed_before = '-infinity';
        DELETE FROM instagram_insights.insights_monthly;
        RETURN QUERY SELECT 'skip', 'insights_monthly',
            'a partition of insights lacks the triggers that tell of late writes: months are computed from the rows', false;
        RETURN;
    END IF;
    IF reached = '-infinity' OR state.partitions <> present
       OR reached > (now() AT TIME ZONE 'America/Los_Angeles')::date - 4 THEN
        DELETE FROM instagram_insights.insights_monthly;
        reached := '-infinity';
    END IF;
    late := instagram_insights.ig_close_late(reached, ig_close_months.most);
    IF reached = '-infinity' THEN
        SELECT LEAST(reachable, date_trunc('month', min(i.day)::timestamp)::date) INTO reached
        FROM instagram_insights.insights i;
    END IF;
    WHILE reached < reachable AND figures < ig_close_months.most LOOP
        stop := LEAST(reachable, (date_trunc('month', reached::timestamp) + '1 month'::interval)::date);
        figures := figures + instagram_insights.ig_close_days(reached, stop);
        reached := stop;
    END LOOP;
    UPDATE instagram_insights.rollup_state SET closed_before = reached, partitions = present;
    RETURN QUERY SELECT 'close', 'insights_monthly',
                        format('%s figures of months made, %s marks of late writes taken away', figures, late)
                        || CASE WHEN reached < reachable OR late = ig_close_months.most THEN '; more remain: call again' ELSE '' END,
                        reached < reachable OR late = ig_close_months.most;
END
$body$;
COMMENT ON FUNCTION ig_close_months(integer) IS
    'Internal: brings insights_monthly up to the days that are over, month by month until so many figures were made';
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

-- superuser-owned: whoever changes a number may not touch the marks, and row level security would hide them from the
-- worker role. It writes the key of the row that fired it and nothing else. An account that is being deleted takes its
-- months with it, so it needs no mark.
CREATE FUNCTION ig_mark_late() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.period = 'day' THEN
        INSERT INTO instagram_insights.insights_late (user_id, account_id, metric, period_start)
        SELECT a.user_id, a.account_id, OLD.metric, date_trunc('month', OLD.day::timestamp)::date
        FROM instagram_insights.accounts a
        WHERE a.user_id = OLD.user_id AND a.account_id = OLD.account_id
        ON CONFLICT DO NOTHING;
    END IF;
    IF TG_OP <> 'DELETE' AND NEW.period = 'day' THEN
        INSERT INTO instagram_insights.insights_late (user_id, account_id, metric, period_start)
        VALUES (NEW.user_id, NEW.account_id, NEW.metric, date_trunc('month', NEW.day::timestamp)::date)
        ON CONFLICT DO NOTHING;
    END IF;
    RETURN NULL;
END
$body$;
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
-- What people read of weeks and months. A week or month without any value has no row.

-- One pass over the rows. max of {end_time, value} is the newest value; it is built for totals only.
CREATE VIEW instagram_weekly WITH (security_invoker = true) AS
SELECT g.user_id, g.account_id, g.metric, g.period_start,
       COALESCE(g.asked, g.added, g.highest, g.newest[2]) AS value,
       CASE WHEN g.asked IS NULL THEN g.days ELSE 7 END AS days,
       CASE WHEN g.asked IS NULL THEN g.method ELSE 'api' END AS method
FROM (SELECT i.user_id, i.account_id, i.metric, pg_catalog.date_trunc('week', i.day::timestamp)::date AS period_start,
             m.rollup AS method,
             pg_catalog.max(i.value) FILTER (WHERE i.period = 'week') AS asked,
             pg_catalog.sum(i.value) FILTER (WHERE i.period = 'day' AND m.rollup = 'sum') AS added,
             pg_catalog.max(i.value) FILTER (WHERE i.period = 'day' AND m.rollup = 'max') AS highest,
             pg_catalog.max(ARRAY[extract(epoch FROM i.end_time), i.value])
                 FILTER (WHERE i.period = 'day' AND m.rollup = 'last') AS newest,
             pg_catalog.count(*) FILTER (WHERE i.period = 'day')::integer AS days
      FROM insights i
      JOIN metrics m ON m.name = i.metric
      WHERE i.value IS NOT NULL AND pg_catalog.strpos(i.account_id, ':') = 0
        AND (i.period = 'day' OR (i.period = 'week' AND m.rollup = 'max' AND extract(isodow FROM i.day) = 7))
      GROUP BY i.user_id, i.account_id, i.metric, pg_catalog.date_trunc('week', i.day::timestamp)::date, m.rollup) g;
COMMENT ON VIEW instagram_weekly IS 'Figures of ISO weeks, own rows only; a week without any value has no row';
COMMENT ON COLUMN instagram_weekly.user_id IS 'Whose numbers they are';
COMMENT ON COLUMN instagram_weekly.account_id IS 'The account';
COMMENT ON COLUMN instagram_weekly.metric IS 'The metric';
COMMENT ON COLUMN instagram_weekly.period_start IS 'The Monday it begins';
COMMENT ON COLUMN instagram_weekly.value IS 'The figure, made as method says';
COMMENT ON COLUMN instagram_weekly.days IS 'How many of its days have a value; 7 for a figure of the API''s own';
COMMENT ON COLUMN instagram_weekly.method IS
    'sum of the days; max: the highest day, for unique counts must not be added up; last: the newest total; api: unique '
    'over the whole week, as the API counted it';

-- A function in PL/pgSQL: it plans for the days in question, which the view could not tell the planner, so that the years
-- before are not even planned, and with a small cost that asks for no JIT compilation. An admin's conditions do not reach
-- into it; row level security does.
CREATE FUNCTION ig_months_since()
    RETURNS TABLE (owner uuid, account_id text, metric text, period_start date, value numeric, days integer, method text)
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED COST 10 ROWS 1000
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    closed date := instagram_insights.ig_closed_before();
BEGIN
    RETURN QUERY
    SELECT f.user_id, f.account_id, f.metric, f.first, COALESCE(f.added, f.highest, f.newest[2]), f.days, f.rollup
    FROM (SELECT i.user_id, i.account_id, i.metric, date_trunc('month', i.day::timestamp)::date AS first, m.rollup,
                 sum(i.value) FILTER (WHERE m.rollup = 'sum') AS added,
                 max(i.value) FILTER (WHERE m.rollup = 'max') AS highest,
                 max(ARRAY[extract(epoch FROM i.end_time), i.value]) FILTER (WHERE m.rollup = 'last') AS newest,
                 count(*)::integer AS days
          FROM instagram_insights.insights i
          JOIN instagram_insights.metrics m ON m.name = i.metric
          WHERE i.period = 'day' AND i.value IS NOT NULL AND i.day >= closed
            AND i.end_time >= (closed::timestamp AT TIME ZONE 'America/Los_Angeles')
          GROUP BY i.user_id, i.account_id, i.metric, date_trunc('month', i.day::timestamp)::date, m.rollup) f;
END
$body$;
COMMENT ON FUNCTION ig_months_since() IS
    'Internal: the part of each month that is in no closed one, computed from the rows';

-- Months that are over, and, put together for each month, what is kept of the month that is not, months in which
-- something was written late, and the days since. count(*) = 0 where an anti-join would be a nested loop over all marks,
-- for the planner cannot guess how many are of that month.
CREATE VIEW instagram_monthly WITH (security_invoker = true) AS
SELECT c.user_id, c.account_id, c.metric, c.period_start, c.value, c.days, c.method
FROM insights_monthly c
WHERE c.period_start < (SELECT pg_catalog.date_trunc('month', ig_closed_before()::timestamp)::date)
  AND pg_catalog.strpos(c.account_id, ':') = 0
  AND NOT EXISTS (SELECT FROM insights_late l
                  WHERE l.user_id = c.user_id AND l.account_id = c.account_id AND l.metric = c.metric
                    AND l.period_start = c.period_start)
UNION ALL
SELECT p.user_id, p.account_id, p.metric, p.period_start,
       CASE p.method
           WHEN 'sum' THEN pg_catalog.sum(p.value)
           WHEN 'max' THEN pg_catalog.max(p.value)
           ELSE COALESCE(pg_catalog.max(p.value) FILTER (WHERE p.since), pg_catalog.max(p.value)) END,
       pg_catalog.sum(p.days)::integer,
       p.method
FROM (
    SELECT c.user_id, c.account_id, c.metric, c.period_start, c.value, c.days, c.method, false AS since
    FROM insights_monthly c
    WHERE c.period_start = (SELECT pg_catalog.date_trunc('month', ig_closed_before()::timestamp)::date)
      AND 0 = (SELECT pg_catalog.count(*) FROM insights_late l
               WHERE l.user_id = c.user_id AND l.account_id = c.account_id AND l.metric = c.metric
                 AND l.period_start = c.period_start)
    UNION ALL
    SELECT l.user_id, l.account_id, l.metric, l.period_start,
           COALESCE(rows.added, rows.highest, rows.newest[2]), rows.days, m.rollup, false
    FROM (SELECT DISTINCT w.user_id, w.account_id, w.metric, w.period_start,
                 w.period_start::timestamp AT TIME ZONE 'America/Los_Angeles' AS first,
                 (w.period_start + '1 month 1 day'::interval) AT TIME ZONE 'America/Los_Angeles' AS behind
          FROM insights_late w
          WHERE w.period_start < (SELECT ig_closed_before())) l
    JOIN metrics m ON m.name = l.metric
    CROSS JOIN LATERAL (
        SELECT pg_catalog.sum(i.value) FILTER (WHERE m.rollup = 'sum') AS added,
               pg_catalog.max(i.value) FILTER (WHERE m.rollup = 'max') AS highest,
               pg_catalog.max(ARRAY[extract(epoch FROM i.end_time), i.value])
                   FILTER (WHERE m.rollup = 'last') AS newest,
               pg_catalog.count(i.value)::integer AS days
        FROM insights i
        WHERE i.user_id = l.user_id AND i.account_id = l.account_id AND i.metric = l.metric AND i.period = 'day'
          AND i.end_time >= l.first AND i.end_time < l.behind AND i.value IS NOT NULL
          AND i.day >= l.period_start AND i.day < (l.period_start + '1 month'::interval)::date
          AND i.day < (SELECT ig_closed_before())) rows
    WHERE rows.days > 0
    UNION ALL
    SELECT r.owner, r.account_id, r.metric, r.period_start, r.value, r.days, r.method, true
    FROM ig_months_since() r
) p
WHERE pg_catalog.strpos(p.account_id, ':') = 0
GROUP BY p.user_id, p.account_id, p.metric, p.period_start, p.method;
COMMENT ON VIEW instagram_monthly IS 'Figures of months, own rows only; a month without any value has no row';
COMMENT ON COLUMN instagram_monthly.user_id IS 'Whose numbers they are';
COMMENT ON COLUMN instagram_monthly.account_id IS 'The account';
COMMENT ON COLUMN instagram_monthly.metric IS 'The metric';
COMMENT ON COLUMN instagram_monthly.period_start IS 'The first of the month';
COMMENT ON COLUMN instagram_monthly.value IS 'The figure, made as method says';
COMMENT ON COLUMN instagram_monthly.days IS 'How many of its days have a value';
COMMENT ON COLUMN instagram_monthly.method IS
    'sum of the days; max: the highest day, for unique counts must not be added up; last: the newest total';
-- Functions of the library: what needs the network, the vault or another process.

CREATE TYPE ig_fetch_result AS (
    account_id text,
    user_id uuid,
    success boolean,
    status text,
    total_inserted integer,
    total_updated integer,
    total_unchanged integer,
    total_errors integer,
    metrics_inserted jsonb,
    errors jsonb,
    api_calls integer,
    elapsed interval,
    job_id bigint
);
COMMENT ON TYPE ig_fetch_result IS 'What ig_fetch_insights() tells about one account';
COMMENT ON COLUMN ig_fetch_result.account_id IS 'The account';
COMMENT ON COLUMN ig_fetch_result.user_id IS 'The user whose account it is';
COMMENT ON COLUMN ig_fetch_result.success IS 'Whether nothing went wrong; a metric without data is nothing wrong';
COMMENT ON COLUMN ig_fetch_result.status IS
    'succeeded, partial, failed, throttled, needs_login, token_unreadable or paused';
COMMENT ON COLUMN ig_fetch_result.total_inserted IS 'New rows';
COMMENT ON COLUMN ig_fetch_result.total_updated IS 'Rows whose value the API corrected';
COMMENT ON COLUMN ig_fetch_result.total_unchanged IS 'Rows that were there already with this value';
COMMENT ON COLUMN ig_fetch_result.total_errors IS 'Number of errors, those of kind no_data not counted';
COMMENT ON COLUMN ig_fetch_result.metrics_inserted IS 'Rows stored by metric (inserted, updated and unchanged)';
COMMENT ON COLUMN ig_fetch_result.errors IS '[{metric, kind, code, subcode, message, hint}]';
COMMENT ON COLUMN ig_fetch_result.api_calls IS 'Calls to the API';
COMMENT ON COLUMN ig_fetch_result.elapsed IS 'How long it took';
COMMENT ON COLUMN ig_fetch_result.job_id IS 'NULL: no job of the queue';

CREATE FUNCTION ig_fetch_insights(user_id uuid DEFAULT NULL, account_id text DEFAULT NULL, metrics text[] DEFAULT NULL,
                                  since date DEFAULT NULL, until date DEFAULT NULL) RETURNS SETOF ig_fetch_result
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_fetch_insights';
COMMENT ON FUNCTION ig_fetch_insights(uuid, text, text[], date, date) IS
    'Fetches now, in this session, and stores what came: one row for each account. since and until are days measured, '
    'both included.';

CREATE FUNCTION ig_connect_token(access_token text, account_id text DEFAULT NULL, user_id uuid DEFAULT NULL,
                                 login text DEFAULT 'facebook', expires_at timestamptz DEFAULT NULL)
    RETURNS SETOF connections
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_connect_token';
COMMENT ON FUNCTION ig_connect_token(text, text, uuid, text, timestamptz) IS
    'Seals and stores a token you already have. With account_id no network is needed; without it, all accounts the '
    'token reaches are connected.';

CREATE FUNCTION ig_wake_worker() RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_wake_worker';
COMMENT ON FUNCTION ig_wake_worker() IS
    'Internal: when this transaction commits, wakes the worker of this database or starts it';

CREATE FUNCTION ig_setting(name text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_setting';
COMMENT ON FUNCTION ig_setting(text) IS
    'Internal: the value of a setting of instagram_insights, for functions whose caller may not see it; times are in '
    'seconds';

CREATE FUNCTION ig_process_state() RETURNS TABLE (library_version text, preloaded boolean, worker_alive boolean,
                                                  enabled boolean, identity text, key_status text, key_detail text,
                                                  key_hint text, key_id text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_process_state';
COMMENT ON FUNCTION ig_process_state() IS 'Internal: what ig_doctor() cannot see from SQL';

-- The way in that no log shows: COPY data is never logged. The trigger seals the token before any table sees it.
CREATE VIEW connect_inbox WITH (security_invoker = true) AS
SELECT NULL::text AS access_token, NULL::text AS account_id, NULL::uuid AS user_id, NULL::text AS login,
       NULL::timestamptz AS expires_at
WHERE false;
ALTER VIEW connect_inbox ALTER COLUMN login SET DEFAULT 'facebook';
COMMENT ON VIEW connect_inbox IS
    'COPY tokens into it: each row is sealed and stored as ig_connect_token() does, and no log shows it. Reads as '
    'empty';
COMMENT ON COLUMN connect_inbox.access_token IS 'The token';
COMMENT ON COLUMN connect_inbox.account_id IS 'The account it is for';
COMMENT ON COLUMN connect_inbox.user_id IS 'The user; NULL for the current one';
COMMENT ON COLUMN connect_inbox.login IS 'Which login made the token: facebook (default) or instagram';
COMMENT ON COLUMN connect_inbox.expires_at IS 'When the token ends, if known';

CREATE FUNCTION ig_connect_inbox() RETURNS trigger
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_connect_inbox';
COMMENT ON FUNCTION ig_connect_inbox() IS 'Internal: seals and stores a row that is put into connect_inbox';

CREATE TRIGGER connect_inbox_seal INSTEAD OF INSERT ON connect_inbox
    FOR EACH ROW EXECUTE FUNCTION ig_connect_inbox();
COMMENT ON TRIGGER connect_inbox_seal ON connect_inbox IS 'Seals and stores the token';

-- Errors of COPY about a line it cannot take apart come before the first row is seen, and the server logs that line.
CREATE TRIGGER connect_inbox_hide BEFORE INSERT ON connect_inbox
    FOR EACH STATEMENT EXECUTE FUNCTION ig_connect_inbox();
COMMENT ON TRIGGER connect_inbox_hide ON connect_inbox IS
    'Has the library in place before the first line is read, so that no log quotes a line';

CREATE FUNCTION ig_configure_app(app_id text, app_secret text, login text DEFAULT 'facebook',
                                 redirect_uris text[] DEFAULT '{}', scopes text[] DEFAULT NULL,
                                 platform text DEFAULT 'instagram', deletion_url text DEFAULT NULL)
    RETURNS void
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_configure_app';
COMMENT ON FUNCTION ig_configure_app(text, text, text, text[], text[], text, text) IS
    'Stores the app of a login, its secret sealed; replaces the one before. redirect_uris: where a login may come back '
    'to, to the letter. scopes: NULL for those that insights need. Bind the secret as a parameter: the server logs '
    'statements.';

CREATE FUNCTION ig_authorize_url(redirect_uri text, user_id uuid DEFAULT NULL, login text DEFAULT NULL) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_authorize_url';
COMMENT ON FUNCTION ig_authorize_url(text, uuid, text) IS
    'The URL to send the browser to; it holds a state for one login of this user within ten minutes. login NULL: the '
    'one that is configured, facebook if both are.';

CREATE FUNCTION ig_connect(code text, state text) RETURNS SETOF connections
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_connect';
COMMENT ON FUNCTION ig_connect(text, text) IS
    'Ends a login with what the browser brought to the redirect_uri: stores the sealed long-lived token for every '
    'professional account it reaches, and returns them. The caller must be the user of ig_authorize_url(), or an '
    'admin.';

CREATE FUNCTION refresh_instagram_token(account_id text DEFAULT NULL, user_id uuid DEFAULT NULL) RETURNS SETOF connections
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'refresh_instagram_token';
COMMENT ON FUNCTION refresh_instagram_token(text, uuid) IS
    'Renews the token of one account, or of all that can be renewed, now; the worker does so by itself from half life '
    'on. An account that is named and cannot be renewed raises 55000 or 28000 with the reason.';

CREATE FUNCTION ig_rotate_key(new_key_file text DEFAULT NULL) RETURNS integer
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_rotate_key';
COMMENT ON FUNCTION ig_rotate_key(text) IS
    'Seals every token and app secret under a new key and returns how many. NULL: a new key in place of the present '
    'file, the old one is kept beside it. A path: the key there, made if missing; then set key_file to it and '
    'reload.';
-- Which database this is: a restored or copied database knows that it is one, and calls nobody until a person says so.

CREATE FUNCTION ig_installation_state() RETURNS TABLE (state text, paused boolean, reason text, since timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    -- The server keeps 32 bits of a row's xmin, written_by has 64: only the lower half can be compared. A dump restores
    -- written_by but not xmin; pg_upgrade keeps both and the OID of the database, but makes a new cluster. Accounts without
    -- the row that connecting them wrote: a restore is under way, or left the row out.
    SELECT found.state, found.paused OR found.state = 'unstamped',
           CASE WHEN found.state = 'unstamped' THEN
                    'Accounts are here that this database has not connected: it is a copy, or is being restored.'
                ELSE found.pause_reason END,
           found.paused_at
    FROM (SELECT CASE
                     WHEN i.singleton IS NULL AND (EXISTS (SELECT FROM instagram_insights.accounts)
                                               OR EXISTS (SELECT FROM instagram_insights.apps)) THEN 'unstamped'
                     WHEN i.singleton IS NULL THEN 'new'
                     WHEN i.system_identifier = here.system_identifier AND i.database_oid = here.database_oid THEN 'same'
                     WHEN i.database_oid = here.database_oid
                          AND i.xmin::text::numeric = mod(i.written_by::text::numeric, 4294967296) THEN 'upgraded'
                     ELSE 'copy'
                 END AS state,
                 COALESCE(i.paused, false) AS paused, i.pause_reason, i.paused_at
          FROM (SELECT c.system_identifier, d.oid AS database_oid
                FROM pg_control_system() c, pg_database d
                WHERE d.datname = current_database()) here
          LEFT JOIN instagram_insights.installation i ON true) found
$body$;
COMMENT ON FUNCTION ig_installation_state() IS
    'Internal: whether the row of installation was written by this database (same), by it before pg_upgrade '
    '(upgraded), elsewhere (copy) or never (new, or unstamped when there are accounts all the same); and whether it says paused';

CREATE FUNCTION ig_write_installation(paused boolean, reason text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    INSERT INTO instagram_insights.installation AS i
        (system_identifier, database_oid, written_by, paused, pause_reason, paused_at)
    SELECT c.system_identifier, d.oid, pg_current_xact_id(), ig_write_installation.paused, ig_write_installation.reason,
           CASE WHEN ig_write_installation.paused THEN now() END
    FROM pg_control_system() c, pg_database d
    WHERE d.datname = current_database()
    ON CONFLICT ON CONSTRAINT installation_pkey DO UPDATE
        SET system_identifier = EXCLUDED.system_identifier, database_oid = EXCLUDED.database_oid,
            paused = EXCLUDED.paused, pause_reason = EXCLUDED.pause_reason, paused_at = EXCLUDED.paused_at;

    -- Behind a savepoint the row's xmin is the subtransaction's id, which pg_current_xact_id() does not tell: take it
    -- from the row itself, which this transaction has just written and now writes again under the same id.
    UPDATE instagram_insights.installation AS i SET written_by = i.xmin::text::xid8;
END
$body$;
COMMENT ON FUNCTION ig_write_installation(boolean, text) IS
    'Internal: stamps the installation as this database and sets or lifts the pause; the caller holds the table lock';

CREATE FUNCTION ig_check_installation(stamp boolean DEFAULT false) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    seen record;
BEGIN
    SELECT s.state, s.paused, s.reason INTO seen FROM instagram_insights.ig_installation_state() s;
    IF seen.state = 'same' THEN
        RETURN seen.paused;
    ELSIF seen.state = 'unstamped' THEN
        -- Nothing is written: the row may be about to be restored.
        RETURN true;
    ELSIF seen.state = 'new' AND NOT ig_check_installation.stamp THEN
        RETURN false;
    END IF;

    -- Rare: first use, after pg_upgrade, or a copy. One session decides, the others find its answer.
    LOCK TABLE instagram_insights.installation IN SHARE ROW EXCLUSIVE MODE;
    SELECT s.state, s.paused, s.reason INTO seen FROM instagram_insights.ig_installation_state() s;
    IF seen.state = 'unstamped' THEN
        RETURN true;
    ELSIF seen.state = 'copy' THEN
        PERFORM instagram_insights.ig_write_installation(true,
            'This database is a restored or template copy: its original may still be at work with the same accounts.');
        RETURN true;
    ELSIF seen.state <> 'same' THEN
        PERFORM instagram_insights.ig_write_installation(seen.paused, seen.reason);
    END IF;
    RETURN seen.paused;
END
$body$;
COMMENT ON FUNCTION ig_check_installation(boolean) IS
    'Internal: whether nobody may be called (true = paused). Pauses a copy, and stamps the installation after pg_upgrade and, '
    'if asked to by who connects something, at first use: the worker must not do that while a dump is being restored';

CREATE FUNCTION ig_require_running() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF instagram_insights.ig_check_installation() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'instagram_insights is paused in this database',
            DETAIL = (SELECT COALESCE(s.reason, 'No reason was given.')
                      FROM instagram_insights.ig_installation_state() s),
            HINT =
                'SELECT * FROM instagram_insights.ig_doctor() says more; SELECT instagram_insights.ig_resume() as a '
                'member of instagram_insights_admin ends the pause.';
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_require_running() IS 'Internal: raises 55000 while paused';

CREATE FUNCTION ig_require_admin() RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF NOT instagram_insights.ig_is_admin() THEN
        RAISE EXCEPTION USING
            ERRCODE = 'insufficient_privilege',
            MESSAGE = 'permission denied: this needs membership in instagram_insights_admin',
            HINT = 'Ask a superuser for GRANT instagram_insights_admin TO your role.';
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_require_admin() IS
    'Internal: raises 42501 unless the caller is a superuser or in instagram_insights_admin';

CREATE FUNCTION ig_pause(reason text DEFAULT NULL) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    LOCK TABLE instagram_insights.installation IN SHARE ROW EXCLUSIVE MODE;
    PERFORM instagram_insights.ig_write_installation(true, COALESCE(NULLIF(ig_pause.reason, ''), 'Paused by hand.'));
    PERFORM instagram_insights.ig_wake_worker();
END
$body$;
COMMENT ON FUNCTION ig_pause(text) IS
    'Nobody is called from now on; work waits in the queue until ig_resume(). The reason is shown by ig_doctor()';

CREATE FUNCTION ig_resume() RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    LOCK TABLE instagram_insights.installation IN SHARE ROW EXCLUSIVE MODE;
    PERFORM instagram_insights.ig_write_installation(false, NULL);
    PERFORM instagram_insights.ig_wake_worker();
END
$body$;
COMMENT ON FUNCTION ig_resume() IS
    'Ends a pause. In a restored copy it says: this database is the one that calls from now on; make sure the '
    'original does not';
-- Putting work into the queue. Each function wakes the worker once, at commit.

CREATE FUNCTION ig_lock_connected(user_id uuid, account_id text) RETURNS SETOF accounts
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF ig_lock_connected.account_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM instagram_insights.accounts a
        WHERE a.user_id = ig_lock_connected.user_id AND a.account_id = ig_lock_connected.account_id) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('account "%s" does not exist', ig_lock_connected.account_id),
            HINT = 'SELECT account_id FROM instagram_insights.connections shows the accounts there are.';
    END IF;

    -- The lock holds off a deletion until this transaction ends, so that no work is left for an account that is gone.
    RETURN QUERY
    SELECT a.*
    FROM instagram_insights.accounts a
    WHERE a.user_id = ig_lock_connected.user_id
      AND (ig_lock_connected.account_id IS NULL OR a.account_id = ig_lock_connected.account_id)
      AND a.status <> 'disconnected'
    ORDER BY a.account_id
    FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = CASE WHEN ig_lock_connected.account_id IS NULL THEN 'no account is connected'
                           ELSE format('account "%s" is not connected', ig_lock_connected.account_id) END,
            HINT = 'Connect it first, with instagram_insights.ig_authorize_url() or ig_connect_token().';
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_lock_connected(uuid, text) IS
    'Internal: the connected accounts a call is about, locked against deletion; raises 42704 or 55000 when there is '
    'none';

CREATE FUNCTION ig_refresh_insights(user_id uuid DEFAULT NULL, account_id text DEFAULT NULL) RETURNS SETOF bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_refresh_insights.user_id);
    account record;
    job bigint;
BEGIN
    PERFORM instagram_insights.ig_require_running();
    FOR account IN
        SELECT a.account_id, a.blocked_until
        FROM instagram_insights.ig_lock_connected(target, ig_refresh_insights.account_id) a
    LOOP
        -- A refresh that lives is returned. If it ends between the two statements, the next round enqueues a new one.
        LOOP
            INSERT INTO instagram_insights.sync_jobs AS j (user_id, account_id, kind, trigger, due_at)
            VALUES (target, account.account_id, 'refresh', 'user', GREATEST(now(), account.blocked_until))
            ON CONFLICT DO NOTHING
            RETURNING j.job_id INTO job;
            EXIT WHEN FOUND;
            SELECT j.job_id INTO job
            FROM instagram_insights.sync_jobs j
            WHERE j.user_id = target AND j.account_id = account.account_id AND j.kind = 'refresh'
              AND j.state = ANY (ARRAY['queued', 'running', 'waiting']);
            EXIT WHEN FOUND;
        END LOOP;
        RETURN NEXT job;
    END LOOP;
    PERFORM instagram_insights.ig_wake_worker();
END
$body$;
COMMENT ON FUNCTION ig_refresh_insights(uuid, text) IS
    'Asks for fresh numbers and returns at once: one job id for each connected account, see ig_sync_status(). A '
    'refresh that already waits or runs is returned, not doubled.';

CREATE FUNCTION ig_known_metrics(metrics text[]) RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    unknown text;
BEGIN
    IF ig_known_metrics.metrics IS NULL THEN
        RETURN NULL;
    END IF;
    SELECT string_agg(COALESCE(quote_literal(asked.name), 'NULL'), ', ' ORDER BY asked.place) INTO unknown
    FROM unnest(ig_known_metrics.metrics) WITH ORDINALITY asked(name, place)
    WHERE NOT EXISTS (SELECT FROM instagram_insights.metrics m
                      WHERE m.name = asked.name AND m.level = 'account' AND m.platform = 'instagram'
                        AND COALESCE(m.removed_on > current_date, true));
    IF unknown IS NOT NULL OR cardinality(ig_known_metrics.metrics) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = COALESCE('unknown metric: ' || unknown, 'metrics is an empty list'),
            HINT = (SELECT 'Known metrics: ' || string_agg(m.name, ', ' ORDER BY m.name)
                           || '. Leave metrics out for those that are on.'
                    FROM instagram_insights.metrics m
                    WHERE m.level = 'account' AND m.platform = 'instagram' AND COALESCE(m.removed_on > current_date, true));
    END IF;
    RETURN ARRAY(SELECT DISTINCT asked.name FROM unnest(ig_known_metrics.metrics) asked(name) ORDER BY asked.name);
END
$body$;
COMMENT ON FUNCTION ig_known_metrics(text[]) IS
    'Internal: the metrics without repeats; raises 22023 naming the known ones when one is unknown or the list is '
    'empty';

CREATE FUNCTION ig_backfill(since date, until date DEFAULT NULL, user_id uuid DEFAULT NULL,
                            account_id text DEFAULT NULL, metrics text[] DEFAULT NULL) RETURNS SETOF bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_backfill.user_id);
    today date := (now() AT TIME ZONE 'America/Los_Angeles')::date;
    wanted text[];
    account record;
    job bigint;
BEGIN
    IF ig_backfill.since IS NULL OR NOT isfinite(ig_backfill.since)
       OR NOT COALESCE(isfinite(ig_backfill.until), true) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'since and until must be days',
            HINT = 'Give the first day as since, such as ''2026-01-01''; leave until out for yesterday.';
    ELSIF ig_backfill.since > today THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('since (%s) is in the future', ig_backfill.since),
            HINT = format('Days are US-Pacific days; there it is %s now.', today);
    ELSIF ig_backfill.since > ig_backfill.until THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('since (%s) is after until (%s)', ig_backfill.since, ig_backfill.until),
            HINT = 'Both days are included; since is the earlier one.';
    END IF;
    wanted := instagram_insights.ig_known_metrics(ig_backfill.metrics);
    PERFORM instagram_insights.ig_require_running();

    FOR account IN
        SELECT a.account_id, a.blocked_until
        FROM instagram_insights.ig_lock_connected(target, ig_backfill.account_id) a
    LOOP
        -- The same range asked twice costs the API's budget once.
        SELECT j.job_id INTO job
        FROM instagram_insights.sync_jobs j
        WHERE j.user_id = target AND j.account_id = account.account_id AND j.kind = 'backfill'
          AND j.state = ANY (ARRAY['queued', 'running', 'waiting'])
          AND j.since = ig_backfill.since AND j.until IS NOT DISTINCT FROM ig_backfill.until
          AND j.metrics IS NOT DISTINCT FROM wanted
        ORDER BY j.job_id LIMIT 1;
        IF NOT FOUND THEN
            INSERT INTO instagram_insights.sync_jobs AS j
                (user_id, account_id, kind, trigger, metrics, since, until, due_at)
            VALUES (target, account.account_id, 'backfill', 'user', wanted, ig_backfill.since, ig_backfill.until,
                    GREATEST(now(), account.blocked_until))
            RETURNING j.job_id INTO job;
        END IF;
        RETURN NEXT job;
    END LOOP;
    PERFORM instagram_insights.ig_wake_worker();
END
$body$;
COMMENT ON FUNCTION ig_backfill(date, date, uuid, text, text[]) IS
    'Asks for the days since to until (both included; yesterday by default) again: one job id for each connected '
    'account. What the API no longer answers is recorded as clipped.';

CREATE FUNCTION ig_sync_all(trigger text DEFAULT 'cron') RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    spread interval;
    enqueued integer;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    PERFORM instagram_insights.ig_require_running();
    spread := make_interval(secs => COALESCE(instagram_insights.ig_setting('spread'), '0')::double precision);

    -- An account that is just being deleted or disconnected is left out rather than waited for. One whose token could
    -- not be opened is tried again: the key may be back.
    INSERT INTO instagram_insights.sync_jobs (user_id, account_id, kind, trigger, due_at)
    SELECT a.user_id, a.account_id, 'daily', left(COALESCE(NULLIF(ig_sync_all.trigger, ''), 'cron'), 100),
           -- Each account has its own place within the spread, the same every day.
           GREATEST(now() + spread * ((hashtextextended(a.user_id || ' ' || a.account_id, 0) & 1048575) / 1048576.0), a.blocked_until)
    FROM instagram_insights.accounts a
    WHERE a.status = ANY (ARRAY['active', 'token_unreadable']) AND (a.expires_at IS NULL OR a.expires_at > now())
    FOR KEY SHARE SKIP LOCKED
    ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS enqueued = ROW_COUNT;

    PERFORM instagram_insights.ig_wake_worker();
    RETURN enqueued;
END
$body$;
COMMENT ON FUNCTION ig_sync_all(text) IS
    'Puts one daily job for each connected account into the queue, never a second one while one lives, and returns '
    'how many it put there; for pg_cron';
-- Looking after jobs: state, cancelling, and the nudge that restarts a worker which has work.

CREATE TYPE ig_sync_status AS (
    job_id bigint,
    user_id uuid,
    account_id text,
    kind text,
    state text,
    progress numeric,
    calls_done integer,
    calls_planned integer,
    rows_stored integer,
    attempt integer,
    next_try_at timestamptz,
    queued_at timestamptz,
    started_at timestamptz,
    finished_at timestamptz,
    error text,
    hint text
);
COMMENT ON TYPE ig_sync_status IS 'What ig_sync_status() tells about a job';
COMMENT ON COLUMN ig_sync_status.job_id IS 'The job';
COMMENT ON COLUMN ig_sync_status.user_id IS 'The user whose account is synced';
COMMENT ON COLUMN ig_sync_status.account_id IS 'The account';
COMMENT ON COLUMN ig_sync_status.kind IS 'refresh, daily or backfill';
COMMENT ON COLUMN ig_sync_status.state IS
    'queued, running, waiting (for its next try), succeeded, partial, failed or cancelled';
COMMENT ON COLUMN ig_sync_status.progress IS 'From 0 to 1; 1 once it succeeded or ended partial';
COMMENT ON COLUMN ig_sync_status.calls_done IS 'API calls made in this try';
COMMENT ON COLUMN ig_sync_status.calls_planned IS 'API calls this try needs, as known';
COMMENT ON COLUMN ig_sync_status.rows_stored IS 'Rows inserted, updated or found unchanged';
COMMENT ON COLUMN ig_sync_status.attempt IS 'Tries so far';
COMMENT ON COLUMN ig_sync_status.next_try_at IS 'When it is due, while queued or waiting';
COMMENT ON COLUMN ig_sync_status.queued_at IS 'When it was put in the queue';
COMMENT ON COLUMN ig_sync_status.started_at IS 'When its first try began';
COMMENT ON COLUMN ig_sync_status.finished_at IS 'When it ended';
COMMENT ON COLUMN ig_sync_status.error IS 'What went wrong; NULL if nothing did';
COMMENT ON COLUMN ig_sync_status.hint IS 'What to do about error';

CREATE FUNCTION ig_sync_status(job_id bigint) RETURNS SETOF ig_sync_status
    LANGUAGE sql STABLE PARALLEL RESTRICTED
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT j.job_id, j.user_id, j.account_id, j.kind, j.state,
           CASE
               WHEN j.state = ANY (ARRAY['succeeded', 'partial']) THEN 1
               WHEN j.calls_planned > 0 THEN LEAST(1, round(j.calls_done::numeric / j.calls_planned, 3))
               ELSE 0
           END,
           j.calls_done, j.calls_planned, j.rows_stored, j.attempt,
           CASE WHEN j.state = ANY (ARRAY['queued', 'waiting']) THEN j.due_at END,
           j.queued_at, j.started_at, j.finished_at, j.error, j.hint
    FROM instagram_insights.sync_jobs j
    WHERE j.job_id = ig_sync_status.job_id
$body$;
COMMENT ON FUNCTION ig_sync_status(bigint) IS
    'How a job is getting on: one row, or none if there is no such job of yours';

CREATE FUNCTION ig_notify_ended(job_id bigint, kind text, state text) RETURNS void
    LANGUAGE sql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT pg_notify('instagram_insights', format('{"event":"job","job_id":%s,"state":"%s"}',
                                                  ig_notify_ended.job_id, ig_notify_ended.state))
    WHERE ig_notify_ended.kind = 'refresh'
$body$;
COMMENT ON FUNCTION ig_notify_ended(bigint, text, text) IS 'Internal: tells listeners that a refresh ended';

CREATE FUNCTION ig_cancel(job_id bigint) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    everybody boolean := instagram_insights.ig_is_admin();
    own uuid;
    job record;
BEGIN
    IF NOT everybody THEN
        own := instagram_insights.ig_target_user(NULL);
    END IF;
    -- Rows of others are not even locked.
    SELECT j.kind, j.state INTO job
    FROM instagram_insights.sync_jobs j
    WHERE j.job_id = ig_cancel.job_id AND (everybody OR j.user_id = own)
    FOR UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('job %s does not exist', COALESCE(ig_cancel.job_id::text, 'NULL')),
            HINT =
                'Job ids come from ig_refresh_insights() and ig_backfill(); finished jobs are removed after a while.';
    ELSIF job.state <> ALL (ARRAY['queued', 'waiting', 'running']) THEN
        RETURN false;
    END IF;

    -- The raised generation makes the worker's result, if one is on its way, void.
    UPDATE instagram_insights.sync_jobs AS j
    SET state = 'cancelled', finished_at = clock_timestamp(), lease_until = NULL, generation = j.generation + 1,
        error_kind = 'cancelled', error = 'cancelled on request', hint = NULL
    WHERE j.job_id = ig_cancel.job_id AND (everybody OR j.user_id = own);
    PERFORM instagram_insights.ig_notify_ended(ig_cancel.job_id, job.kind, 'cancelled');
    IF job.state = 'running' THEN
        PERFORM instagram_insights.ig_wake_worker();
    END IF;
    RETURN true;
END
$body$;
COMMENT ON FUNCTION ig_cancel(bigint) IS
    'Cancels a job that has not ended; false if it had. A job that does not exist and one of another user raise the '
    'same 42704.';

CREATE FUNCTION ig_nudge() RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    IF instagram_insights.ig_setting('enabled') = '0' THEN
        RETURN false;
    ELSIF NOT EXISTS (SELECT FROM instagram_insights.sync_jobs j
                      WHERE j.state = ANY (ARRAY['queued', 'waiting']) AND j.due_at <= now())
          -- A job that runs while no worker does was left behind by a crash; its lease need not be waited for.
          AND NOT EXISTS (SELECT FROM instagram_insights.sync_jobs j
                          WHERE j.state = 'running'
                            AND (j.lease_until < now()
                                 OR NOT (SELECT p.worker_alive FROM instagram_insights.ig_process_state() p))) THEN
        RETURN false;
    ELSIF instagram_insights.ig_check_installation() THEN
        RETURN false;
    END IF;
    PERFORM instagram_insights.ig_wake_worker();
    RETURN true;
END
$body$;
COMMENT ON FUNCTION ig_nudge() IS
    'Wakes or starts the worker if work is due, and says whether it did; false as well while paused or not enabled. '
    'For pg_cron, every few minutes';
-- Ending a connection, and deleting all of a user. A result that is still on its way cannot come back afterwards.

CREATE FUNCTION ig_disconnect(account_id text DEFAULT NULL, user_id uuid DEFAULT NULL) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_disconnect.user_id);
    chosen text[];
    job record;
BEGIN
    -- FOR UPDATE waits for a store in progress, and later ones see the new generation.
    chosen := ARRAY(SELECT a.account_id
                    FROM instagram_insights.accounts a
                    WHERE a.user_id = target
                      AND (ig_disconnect.account_id IS NULL OR a.account_id = ig_disconnect.account_id)
                    ORDER BY a.account_id
                    FOR UPDATE);
    IF ig_disconnect.account_id IS NOT NULL AND cardinality(chosen) = 0 THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = format('account "%s" does not exist', ig_disconnect.account_id),
            HINT = 'SELECT account_id FROM instagram_insights.connections shows the accounts there are.';
    END IF;

    DELETE FROM instagram_insights.credentials c WHERE c.user_id = target AND c.account_id = ANY (chosen);
    chosen := ARRAY(SELECT a.account_id FROM instagram_insights.accounts a
                    WHERE a.user_id = target AND a.account_id = ANY (chosen) AND a.status <> 'disconnected');
    UPDATE instagram_insights.accounts AS a
    SET status = 'disconnected', generation = nextval('instagram_insights.account_generations'),
        issued_at = NULL, expires_at = NULL, scopes = '{}', blocked_until = NULL, last_error = NULL, hint = NULL
    WHERE a.user_id = target AND a.account_id = ANY (chosen);

    FOR job IN
        UPDATE instagram_insights.sync_jobs AS j
        SET state = 'cancelled', finished_at = clock_timestamp(), lease_until = NULL, generation = j.generation + 1,
            error_kind = 'cancelled', error = 'the account was disconnected', hint = 'Connect it again to sync it.'
        WHERE j.user_id = target AND j.account_id = ANY (chosen)
          AND j.state = ANY (ARRAY['queued', 'running', 'waiting'])
        RETURNING j.job_id, j.kind
    LOOP
        PERFORM instagram_insights.ig_notify_ended(job.job_id, job.kind, 'cancelled');
    END LOOP;
    PERFORM instagram_insights.ig_wake_worker();
    RETURN cardinality(chosen);
END
$body$;
COMMENT ON FUNCTION ig_disconnect(text, uuid) IS
    'Deletes the token of one account, or of all, and cancels its jobs; the numbers are kept. Returns how many '
    'accounts were connected before.';

-- superuser-owned: row level security lets the worker role see insights and sync_log of the user it acts for only, and
-- an admin may delete another user's data. It only deletes by user_id, and only ig_delete_user_data() may call it.
CREATE FUNCTION ig_erase_history(user_id uuid) RETURNS TABLE (insights bigint, sync_log bigint)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    DELETE FROM instagram_insights.insights i WHERE i.user_id = ig_erase_history.user_id;
    GET DIAGNOSTICS insights = ROW_COUNT;
    DELETE FROM instagram_insights.sync_log l WHERE l.user_id = ig_erase_history.user_id;
    GET DIAGNOSTICS sync_log = ROW_COUNT;
    RETURN NEXT;
END
$body$;
COMMENT ON FUNCTION ig_erase_history(uuid) IS
    'Internal: deletes a user''s numbers and log, and says how many rows that were';

CREATE FUNCTION ig_delete_user_data(user_id uuid DEFAULT NULL) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    target uuid := instagram_insights.ig_target_user(ig_delete_user_data.user_id);
    history record;
    jobs bigint;
    tokens bigint;
    connected bigint;
BEGIN
    -- Before all else: waits for a login in progress (it holds its state), whose accounts are then found below, and
    -- no login that was only begun can be ended any more.
    DELETE FROM instagram_insights.oauth_states s WHERE s.user_id = target;
    -- Waits for stores in progress (they hold the account FOR KEY SHARE) and keeps new ones out.
    PERFORM a.account_id
    FROM instagram_insights.accounts a
    WHERE a.user_id = target
    ORDER BY a.account_id
    FOR UPDATE;

    DELETE FROM instagram_insights.sync_jobs j WHERE j.user_id = target;
    GET DIAGNOSTICS jobs = ROW_COUNT;
    SELECT e.insights, e.sync_log INTO history FROM instagram_insights.ig_erase_history(target) e;
    DELETE FROM instagram_insights.credentials c WHERE c.user_id = target;
    GET DIAGNOSTICS tokens = ROW_COUNT;
    DELETE FROM instagram_insights.usage u WHERE u.user_id = target;
    DELETE FROM instagram_insights.accounts a WHERE a.user_id = target;
    GET DIAGNOSTICS connected = ROW_COUNT;

    PERFORM instagram_insights.ig_wake_worker();
    RETURN jsonb_build_object('accounts', connected, 'credentials', tokens, 'insights', history.insights,
                              'sync_jobs', jobs, 'sync_log', history.sync_log);
END
$body$;
COMMENT ON FUNCTION ig_delete_user_data(uuid) IS
    'Deletes everything stored about a user: accounts, tokens, numbers, jobs and log. Returns how many rows of each '
    'table.';
-- Scheduling by pg_cron, which may be absent, in this database or in another one: hence EXECUTE.

CREATE FUNCTION ig_cron_lines(schedule text, job_name text) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT string_agg(format('SELECT cron.schedule_in_database(%L, %L, %L, %L, %L);',
                             job.name, job.schedule, job.command, current_database(), current_user),
                      E'\n' ORDER BY job.place)
    FROM (VALUES (1, ig_cron_lines.job_name, ig_cron_lines.schedule, 'SELECT instagram_insights.ig_sync_all()'),
                 (2, ig_cron_lines.job_name || ' nudge', '*/5 * * * *', 'SELECT instagram_insights.ig_nudge()'))
         job(place, name, schedule, command)
$body$;
COMMENT ON FUNCTION ig_cron_lines(text, text) IS
    'Internal: the statements that schedule this database from the one in which pg_cron lives';

CREATE FUNCTION ig_require_cron(lines text) RETURNS void
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    home text;
BEGIN
    IF EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        IF NOT has_schema_privilege('cron', 'USAGE') THEN
            RAISE EXCEPTION USING
                ERRCODE = 'insufficient_privilege',
                MESSAGE = 'permission denied for schema cron',
                HINT = format('As a superuser: GRANT USAGE ON SCHEMA cron TO %I;', current_user);
        END IF;
        RETURN;
    END IF;
    BEGIN
        home := current_setting('cron.database_name', true);
    EXCEPTION WHEN insufficient_privilege THEN
        home := NULL;
    END;
    RAISE EXCEPTION USING
        ERRCODE = 'object_not_in_prerequisite_state',
        MESSAGE = 'pg_cron is not installed in this database',
        DETAIL = CASE WHEN home = current_database() THEN 'It may be installed here: this is cron.database_name.'
                      WHEN home IS NOT NULL THEN format('It may be installed in database "%s" only.', home)
                      ELSE 'It may be installed in the database that cron.database_name names, "postgres" by default.'
                 END,
        HINT = CASE WHEN home = current_database() THEN 'Run CREATE EXTENSION pg_cron, then call this again.'
                    ELSE format(E'Run there as a superuser, after CREATE EXTENSION pg_cron:\n%s',
                                ig_require_cron.lines) END;
END
$body$;
COMMENT ON FUNCTION ig_require_cron(text) IS
    'Internal: raises 55000, with the statements to run elsewhere as hint, unless pg_cron is in this database';

CREATE FUNCTION ig_cron_job_name(job_name text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    IF ig_cron_job_name.job_name = '' THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'job_name is empty',
            HINT = 'Leave job_name out for the default name.';
    END IF;
    RETURN COALESCE(ig_cron_job_name.job_name, format('instagram_insights daily sync (%s)', current_database()));
END
$body$;
COMMENT ON FUNCTION ig_cron_job_name(text) IS 'Internal: the name given, or the default one';

CREATE FUNCTION ig_schedule(schedule text DEFAULT '0 11 * * *', job_name text DEFAULT NULL) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    name text := instagram_insights.ig_cron_job_name(ig_schedule.job_name);
    names text[] := ARRAY[name, name || ' nudge'];
    other bigint;
    daily bigint;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    IF ig_schedule.schedule IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = 'schedule must not be null',
            HINT = 'Give a cron expression such as ''0 11 * * *'', or leave it out for that one.';
    ELSIF NOT (SELECT r.rolcanlogin FROM pg_roles r WHERE r.rolname = current_user) THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = format('role "%s" cannot log in', current_user),
            DETAIL = 'pg_cron runs the jobs as the role that calls this.',
            HINT = 'Call it as a role that has LOGIN and is in instagram_insights_admin.';
    END IF;
    PERFORM instagram_insights.ig_require_cron(instagram_insights.ig_cron_lines(ig_schedule.schedule, name));

    EXECUTE 'SELECT j.jobid FROM cron.job j WHERE j.jobname::text = ANY ($1) AND j.username = current_user
             AND j.database <> current_database() LIMIT 1' INTO other USING names;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'duplicate_object',
            MESSAGE = format('a cron job named "%s" exists for another database', name),
            HINT = 'Choose another job_name.';
    END IF;
    -- pg_cron keeps one job for each name and user. A superuser sees the jobs of others and replaces theirs as well.
    EXECUTE 'SELECT cron.unschedule(j.jobid) FROM cron.job j WHERE j.jobname::text = ANY ($1)
             AND j.database = current_database() AND j.username <> current_user' USING names;
    BEGIN
        EXECUTE 'SELECT cron.schedule($1, $2, $3)' INTO daily
            USING name, ig_schedule.schedule, 'SELECT instagram_insights.ig_sync_all()';
    EXCEPTION WHEN internal_error OR invalid_parameter_value THEN
        IF SQLERRM NOT LIKE 'invalid schedule%' THEN
            RAISE;
        END IF;
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('invalid schedule: %s', ig_schedule.schedule),
            HINT = 'Give five fields: minute, hour, day of the month, month, day of the week, such as ''0 11 * * *''.';
    END;
    EXECUTE 'SELECT cron.schedule($1, $2, $3)'
        USING name || ' nudge', '*/5 * * * *', 'SELECT instagram_insights.ig_nudge()';
    RETURN daily;
END
$body$;
COMMENT ON FUNCTION ig_schedule(text, text) IS
    'Makes or replaces the pg_cron jobs that call ig_sync_all() on this schedule (in cron.timezone) and ig_nudge() '
    'every 5 minutes; they run as the caller. Returns the id of the first.';

CREATE FUNCTION ig_unschedule(job_name text DEFAULT NULL) RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    name text := instagram_insights.ig_cron_job_name(ig_unschedule.job_name);
    names text[] := ARRAY[name, name || ' nudge'];
    removed bigint;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    PERFORM instagram_insights.ig_require_cron(
        format('SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname::text IN (%L, %L) AND database = %L;',
               names[1], names[2], current_database()));
    EXECUTE 'SELECT count(cron.unschedule(j.jobid)) FROM cron.job j
             WHERE j.jobname::text = ANY ($1) AND j.database = current_database()' INTO removed USING names;
    RETURN removed > 0;
END
$body$;
COMMENT ON FUNCTION ig_unschedule(text) IS
    'Removes the pg_cron jobs that ig_schedule() made under this name; false if there were none of the caller''s';
-- What ig_doctor() says of the API's budgets.

-- Runs as the worker role: of the settings it needs one, and ig_setting() would show them all.
CREATE FUNCTION ig_doctor_budgets() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'budgets',
           CASE WHEN b.blocked + b.near > 0 THEN 'warn' ELSE 'ok' END,
           CASE WHEN b.apps IS NOT NULL THEN format('the API asked not to be called at all for the app of: %s', b.apps)
                WHEN b.blocked > 0 THEN format('the API asked not to be called for %s accounts', b.blocked)
                WHEN b.near > 0 THEN format('%s budgets are used to %s percent or more, the most to %s', b.near,
                                            b.threshold, b.most)
                ELSE format('no budget of the API is used to %s percent', b.threshold) END,
           CASE WHEN b.blocked > 0 THEN format('Nothing to do: calls go on by themselves, the last at %s.', b.until)
                WHEN b.near > 0 THEN format(
                    'Backfill waits and daily syncs are slowed down until %s, unless the API says before then that '
                    'less is used. instagram_insights.spread spreads the daily syncs.', b.known_until) END
    FROM (SELECT t.threshold,
                 count(*) FILTER (WHERE u.blocked_until > now()) AS blocked,
                 string_agg(DISTINCT u.login, ', ')
                     FILTER (WHERE u.account_id = '' AND u.blocked_until > now()) AS apps,
                 max(u.blocked_until) FILTER (WHERE u.blocked_until > now()) AS until,
                 count(*) FILTER (WHERE u.percent >= t.threshold AND u.observed_at > now() - '1 hour'::interval
                                    AND (u.blocked_until IS NULL OR u.blocked_until < u.observed_at)) AS near,
                 max(u.percent) FILTER (WHERE u.observed_at > now() - '1 hour'::interval) AS most,
                 max(u.observed_at) + '1 hour'::interval AS known_until
          FROM (SELECT instagram_insights.ig_setting('usage_threshold')::integer AS threshold) t
               LEFT JOIN instagram_insights.usage u ON true
          GROUP BY t.threshold) b
$body$;
COMMENT ON FUNCTION ig_doctor_budgets() IS 'Internal: checks whether the API wants to be called less';
-- What ig_doctor() says of apps, accounts, tokens, permissions and the clock.

CREATE FUNCTION ig_count_foreign_tokens(key_id text) RETURNS bigint
    LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    -- Bytes 2 to 9 of a sealed value name its key (src/vault/vault.cpp).
    SELECT count(*)
    FROM instagram_insights.credentials c
    WHERE encode(substr(c.sealed_token, 2, 8), 'hex') IS DISTINCT FROM ig_count_foreign_tokens.key_id
$body$;
COMMENT ON FUNCTION ig_count_foreign_tokens(text) IS
    'Internal: how many tokens are sealed under another key than this one';

CREATE FUNCTION ig_doctor_accounts() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    key_id text := (SELECT p.key_id FROM instagram_insights.ig_process_state() p);
    total bigint;
    expiring bigint;
    fewest integer;
    waiting bigint;
    sealed_elsewhere bigint;
BEGIN
    SELECT count(*) FILTER (WHERE c.status <> 'disconnected'), count(*) FILTER (WHERE c.status = 'expiring'),
           count(*) FILTER (WHERE c.status = 'needs_login'), count(*) FILTER (WHERE c.status = 'token_unreadable'),
           min(LEAST(c.days_left, floor(extract(epoch FROM a.data_access_expires_at - now()) / 86400)))
               FILTER (WHERE c.status = ANY (ARRAY['active', 'expiring', 'throttled']))
    INTO total, expiring, waiting, sealed_elsewhere, fewest
    FROM instagram_insights.connections c
    JOIN instagram_insights.accounts a ON a.user_id = c.user_id AND a.account_id = c.account_id;
    IF key_id IS NOT NULL THEN
        sealed_elsewhere := GREATEST(sealed_elsewhere, instagram_insights.ig_count_foreign_tokens(key_id));
    END IF;

    IF total = 0 THEN
        RETURN QUERY SELECT 'accounts', 'warn', 'no account is connected yet',
            'Connect one with instagram_insights.ig_authorize_url() or ig_connect_token().';
    ELSE
        RETURN QUERY SELECT 'accounts', 'ok', format('%s accounts are connected', total), NULL::text;
    END IF;
    IF sealed_elsewhere > 0 THEN
        RETURN QUERY SELECT 'tokens', 'fail',
            format('%s tokens are sealed under another key and cannot be opened', sealed_elsewhere),
            'Bring the key file back that was in use then, or have these users connect again.';
    ELSIF waiting > 0 THEN
        RETURN QUERY SELECT 'tokens', 'warn', format('%s accounts need a new login', waiting),
            'SELECT user_id, account_id, hint FROM instagram_insights.connections WHERE status = ''needs_login'' '
            'shows which.';
    ELSIF expiring > 0 THEN
        RETURN QUERY SELECT 'tokens', 'warn', format('%s tokens, or what they give access to, end within 7 days, the first in %s days',
                                       expiring, fewest),
            'SELECT user_id, account_id, hint FROM instagram_insights.connections WHERE status = ''expiring'' '
            'shows which; connect them again before.';
    ELSE
        RETURN QUERY SELECT 'tokens', 'ok',
            CASE WHEN fewest IS NULL THEN 'no token needs attention'
                 ELSE format('no token needs attention, the first ends in %s days', fewest) END, NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_accounts() IS 'Internal: checks accounts and tokens';


CREATE FUNCTION ig_app_state() RETURNS TABLE (login text, app_id text, redirect_uris integer, error text, hint text)
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_app_state';
COMMENT ON FUNCTION ig_app_state() IS
    'Internal: the apps that are configured, how many redirect_uris each has, and why its secret does not open, if so';

CREATE FUNCTION ig_required_scopes(login text) RETURNS text
    LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'ig_required_scopes';
COMMENT ON FUNCTION ig_required_scopes(text) IS
    'Internal: the permissions without which a token of this login gives no insights, with spaces between';

CREATE FUNCTION ig_doctor_app() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    wanted record;
    configured integer := 0;
    problems integer := 0;
BEGIN
    FOR wanted IN
        SELECT l.login, s.app_id, s.redirect_uris, s.error, s.hint,
               (SELECT count(*) FROM instagram_insights.accounts a
                WHERE a.login = l.login AND a.platform = 'instagram' AND a.status <> 'disconnected') AS used_by
        FROM unnest(ARRAY['facebook', 'instagram']) l (login)
        LEFT JOIN instagram_insights.ig_app_state() s ON s.login = l.login
        ORDER BY l.login
    LOOP
        configured := configured + (wanted.app_id IS NOT NULL)::integer;
        problems := problems + 1;
        IF wanted.error IS NOT NULL THEN
            RETURN QUERY SELECT 'app', 'fail',
                format('the secret of the app of the %s login does not open: %s', wanted.login, wanted.error),
                wanted.hint;
        ELSIF wanted.redirect_uris = 0 THEN
            RETURN QUERY SELECT 'app', 'warn',
                format('the app of the %s login has no redirect_uris: nobody can begin a login', wanted.login),
                'Configure it again with ig_configure_app(..., redirect_uris => ARRAY[''https://...'']).';
        ELSIF wanted.app_id IS NULL AND wanted.used_by > 0 THEN
            RETURN QUERY SELECT 'app', 'warn',
                format('no app is configured for the %s login, which %s accounts use', wanted.login, wanted.used_by),
                CASE WHEN wanted.login = 'facebook' THEN
                         'Their tokens are renewed only with the app they belong to: ig_configure_app(), then connect them again.'
                     ELSE 'Their tokens are renewed without; ig_configure_app() lets people log in again themselves.' END;
        ELSE
            problems := problems - 1;
        END IF;
    END LOOP;
    IF problems = 0 THEN
        RETURN QUERY SELECT 'app', 'ok',
            CASE WHEN configured = 0 THEN 'no app is configured, and no account needs one'
                 ELSE 'every login in use has its app, and the secrets open' END, NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_app() IS 'Internal: checks the apps of the logins that accounts use';

CREATE FUNCTION ig_doctor_permissions() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'permissions',
           CASE WHEN count(*) > 0 THEN 'warn' ELSE 'ok' END,
           CASE WHEN count(*) > 0 THEN
                    format('%s accounts lack a permission that insights need, most often %s', count(*),
                           mode() WITHIN GROUP (ORDER BY lacking.scopes))
                ELSE 'no account is known to lack a permission' END,
           CASE WHEN count(*) > 0 THEN
                    'Those people log in again with ig_authorize_url() and grant everything the dialog shows; '
                    'SELECT user_id, account_id, scopes FROM instagram_insights.accounts shows who has which.' END
    FROM (SELECT (SELECT string_agg(needed.scope, ', ')
                  FROM unnest(string_to_array(instagram_insights.ig_required_scopes(a.login), ' ')) needed (scope)
                  WHERE needed.scope <> ALL (a.scopes)) AS scopes
          FROM instagram_insights.accounts a
          WHERE a.platform = 'instagram' AND a.status <> 'disconnected' AND cardinality(a.scopes) > 0) lacking
    WHERE lacking.scopes IS NOT NULL
$body$;
COMMENT ON FUNCTION ig_doctor_permissions() IS
    'Internal: checks that accounts whose permissions are known have those that insights need';

CREATE FUNCTION ig_doctor_clock() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'clock',
           CASE WHEN abs(w.clock_ahead_seconds) > 300 THEN 'warn' ELSE 'ok' END,
           CASE WHEN w.clock_seen_at IS NULL THEN 'not compared yet: the worker has had no answer that says the time'
                WHEN abs(w.clock_ahead_seconds) > 300 THEN
                    format('this server''s clock was %s %s the API''s, seen at %s',
                           make_interval(secs => abs(w.clock_ahead_seconds)),
                           CASE WHEN w.clock_ahead_seconds > 0 THEN 'ahead of' ELSE 'behind' END, w.clock_seen_at)
                ELSE format('within 5 minutes of the API''s, seen at %s', w.clock_seen_at) END,
           CASE WHEN abs(w.clock_ahead_seconds) > 300 THEN
                    'Set the clock (NTP): when tokens are renewed, how long a login may take and which day is asked for '
                    'depend on it.' END
    FROM instagram_insights.worker_state w
$body$;
COMMENT ON FUNCTION ig_doctor_clock() IS 'Internal: checks our clock against that of the API, as the worker saw it last';
-- Retention: deletes what is old enough, a bounded number of rows a call, and says what it did and whether more remains.

-- The one setting that functions with the caller's rights need; ig_setting() would show all of them.
CREATE FUNCTION ig_log_retention() RETURNS interval
    LANGUAGE sql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT make_interval(secs => NULLIF(instagram_insights.ig_setting('log_retention'), '0')::double precision)
$body$;
COMMENT ON FUNCTION ig_log_retention() IS
    'Internal: instagram_insights.log_retention; NULL when log rows are kept for ever';

-- superuser-owned, as all that delete here: row level security shows the worker role the log of the user it acts for only, and
-- old rows of all users must go. How old is old enough stands in settings that only a superuser can change.
CREATE FUNCTION ig_prune_ended(object text, most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    key name := CASE ig_prune_ended.object WHEN 'sync_log' THEN 'id' WHEN 'sync_jobs' THEN 'job_id' END;
    removed bigint;
BEGIN
    IF key IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'invalid_parameter_value',
            MESSAGE = format('nothing ends in "%s"', ig_prune_ended.object),
            HINT = 'Name sync_log or sync_jobs.';
    END IF;
    EXECUTE format('DELETE FROM instagram_insights.%1$I t
                    USING (SELECT o.user_id, o.%2$I AS key FROM instagram_insights.%1$I o
                           WHERE o.finished_at < now() - $1
                           ORDER BY o.finished_at LIMIT $2 FOR UPDATE SKIP LOCKED) old
                    WHERE t.user_id = old.user_id AND t.%2$I = old.key', ig_prune_ended.object, key)
        USING instagram_insights.ig_log_retention(), ig_prune_ended.most;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$body$;
COMMENT ON FUNCTION ig_prune_ended(text, integer) IS
    'Internal: deletes rows of sync_log or sync_jobs that ended longer ago than instagram_insights.log_retention, so many '
    'at most; returns how many';

-- superuser-owned. A foreign key of the application deletes accounts without asking us, and what belongs to an account
-- cascades; the rest of what is known about a user who has none left goes here.
CREATE FUNCTION ig_prune_gone(most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    tab name;
    batch bigint;
    removed bigint := 0;
BEGIN
    FOREACH tab IN ARRAY ARRAY['sync_jobs', 'sync_log', 'usage'] LOOP
        EXECUTE format('DELETE FROM instagram_insights.%1$I t WHERE t.ctid = ANY (ARRAY(
                            SELECT o.ctid FROM instagram_insights.%1$I o
                            WHERE o.user_id <> ''00000000-0000-0000-0000-000000000000''
                              AND NOT EXISTS (SELECT FROM instagram_insights.accounts a WHERE a.user_id = o.user_id)
                            LIMIT $1 FOR UPDATE SKIP LOCKED))', tab) USING ig_prune_gone.most;
        GET DIAGNOSTICS batch = ROW_COUNT;
        removed := removed + batch;
    END LOOP;
    RETURN removed;
END
$body$;
COMMENT ON FUNCTION ig_prune_gone(integer) IS
    'Internal: deletes jobs, log and budgets of users who have no account any more, so many of each at most; returns how '
    'many';

-- superuser-owned: the rows are those of our jobs, whoever pg_cron ran them as. pg_cron may be absent, hence EXECUTE.
CREATE FUNCTION ig_prune_cron_runs(most integer) RETURNS bigint
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    removed bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        RETURN NULL;
    END IF;
    EXECUTE 'DELETE FROM cron.job_run_details r WHERE r.runid = ANY (ARRAY(
                 SELECT o.runid FROM cron.job_run_details o
                 WHERE o.database = current_database() AND o.end_time < now() - $1
                   AND o.command = ANY (ARRAY[''SELECT instagram_insights.ig_sync_all()'',
                                              ''SELECT instagram_insights.ig_nudge()'',
                                              ''SELECT * FROM instagram_insights.ig_maintain()''])
                 LIMIT $2 FOR UPDATE SKIP LOCKED))'
        USING instagram_insights.ig_log_retention(), ig_prune_cron_runs.most;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN removed;
END
$body$;
COMMENT ON FUNCTION ig_prune_cron_runs(integer) IS
    'Internal: deletes old rows of cron.job_run_details of our jobs in this database, so many at most; returns how many, '
    'NULL without pg_cron';

CREATE FUNCTION ig_years() RETURNS TABLE (name name, first timestamptz, behind timestamptz)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT c.relname,
           CASE WHEN c.relname ~ '_before_' THEN '-infinity'::timestamptz
                ELSE make_timestamptz(right(c.relname, 4)::integer, 1, 1, 0, 0, 0, 'UTC') END,
           CASE WHEN c.relname ~ '_from_' THEN 'infinity'::timestamptz
                ELSE make_timestamptz(right(c.relname, 4)::integer + (c.relname !~ '_before_')::integer,
                                      1, 1, 0, 0, 0, 'UTC') END
    FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
    WHERE h.inhparent = 'instagram_insights.insights'::regclass
$body$;
COMMENT ON FUNCTION ig_years() IS 'Internal: the partitions of insights, with the first moment of each and the first behind it';

-- superuser-owned, as above.
CREATE FUNCTION ig_prune_insights(most integer) RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '200ms'
AS $body$
DECLARE
    keep double precision := instagram_insights.ig_setting('insights_retention');
    horizon timestamptz := now() - make_interval(secs => keep);
    part name;
    removed bigint := 0;
BEGIN
    IF keep <= 0 THEN
        RETURN QUERY SELECT 'keep', 'insights', 'insights_retention is 0: numbers are kept for ever', false;
        RETURN;
    END IF;
    SELECT y.name INTO part FROM instagram_insights.ig_years() y WHERE y.first < horizon AND y.behind > horizon;
    EXECUTE format('DELETE FROM instagram_insights.%1$I t WHERE t.ctid = ANY (ARRAY(
                        SELECT o.ctid FROM instagram_insights.%1$I o
                        WHERE o.end_time < $1 LIMIT $2 FOR UPDATE SKIP LOCKED))', part)
        USING horizon, ig_prune_insights.most;
    GET DIAGNOSTICS removed = ROW_COUNT;
    RETURN QUERY SELECT 'delete', 'insights', format('%s rows older than %s', removed, horizon)
                        || CASE WHEN removed = ig_prune_insights.most THEN '; more remain: call again' ELSE '' END,
                        removed = ig_prune_insights.most;
EXCEPTION WHEN lock_not_available THEN
    RETURN QUERY SELECT 'skip', part::text, 'in use; the next call tries again', false;
END
$body$;
COMMENT ON FUNCTION ig_prune_insights(integer) IS
    'Internal: deletes numbers older than instagram_insights.insights_retention from the year in which that falls, so many '
    'at most';

-- superuser-owned: TRUNCATE needs the table's owner. Its lock keeps readers out until the transaction ends.
CREATE FUNCTION ig_empty_years() RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    SET lock_timeout = '200ms'
AS $body$
DECLARE
    keep double precision := instagram_insights.ig_setting('insights_retention');
    part name;
    filled boolean;
BEGIN
    FOR part IN
        SELECT y.name FROM instagram_insights.ig_years() y
        WHERE keep > 0 AND y.behind <= now() - make_interval(secs => keep)
        ORDER BY y.behind
    LOOP
        BEGIN
            EXECUTE format('SELECT EXISTS (SELECT FROM instagram_insights.%I)', part) INTO filled;
            CONTINUE WHEN NOT filled;
            EXECUTE format('TRUNCATE instagram_insights.%I', part);
            RETURN QUERY SELECT 'truncate', part::text, 'every row is older than insights_retention', true;
        EXCEPTION WHEN lock_not_available THEN
            RETURN QUERY SELECT 'skip', part::text, 'in use; the next call tries again', false;
        END;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION ig_empty_years() IS
    'Internal: empties years that are wholly older than instagram_insights.insights_retention and free within 200 ms; to '
    'be called last in a transaction';

CREATE FUNCTION ig_chores(most integer) RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    removed bigint;
BEGIN
    removed := instagram_insights.ig_prune_ended('sync_log', ig_chores.most);
    RETURN QUERY SELECT 'delete', 'sync_log', format('%s rows older than log_retention', removed), removed = ig_chores.most;
    removed := instagram_insights.ig_prune_ended('sync_jobs', ig_chores.most);
    RETURN QUERY SELECT 'delete', 'sync_jobs', format('%s ended jobs older than log_retention', removed),
                        removed = ig_chores.most;
    removed := instagram_insights.ig_prune_gone(ig_chores.most);
    IF removed > 0 THEN
        RETURN QUERY SELECT 'delete', 'users', format('%s rows of users who have no account any more', removed),
                            removed >= ig_chores.most;
    END IF;
    removed := instagram_insights.ig_prune_cron_runs(ig_chores.most);
    RETURN QUERY SELECT 'delete', 'cron.job_run_details',
                        CASE WHEN removed IS NULL THEN 'pg_cron is not in this database: nothing to do'
                             ELSE format('%s rows older than log_retention', removed) END,
                        COALESCE(removed = ig_chores.most, false);
    RETURN QUERY SELECT p.action, p.object, p.detail, p.more
                 FROM instagram_insights.ig_prune_insights(ig_chores.most) p;
    RETURN QUERY SELECT p.action, p.object, p.detail, p.more
                 FROM instagram_insights.ig_close_months(5 * ig_chores.most) p;
    -- A year that is emptied opens the months again: hence another round.
    RETURN QUERY SELECT e.action, e.object, e.detail, e.more FROM instagram_insights.ig_empty_years() e;
END
$body$;
COMMENT ON FUNCTION ig_chores(integer) IS
    'Internal: one round of everything that ig_maintain() does, so many rows of each kind at most';

CREATE FUNCTION ig_maintain() RETURNS TABLE (action text, object text, detail text)
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    RETURN QUERY SELECT c.action, c.object, c.detail FROM instagram_insights.ig_chores(200000) c;
END
$body$;
COMMENT ON FUNCTION ig_maintain() IS
    'Deletes what is older than log_retention and insights_retention, a bounded number of rows a call: one row for '
    'each thing done. The worker does so daily.';

-- The worker's own session probes indexes and nothing else; closing months reads tables whole.
CREATE FUNCTION ig_maintain_daily() RETURNS boolean
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
    SET enable_seqscan = on
    SET enable_hashjoin = on
    SET enable_mergejoin = on
    SET plan_cache_mode = auto
AS $body$
DECLARE
    unfinished boolean;
BEGIN
    IF EXISTS (SELECT FROM instagram_insights.worker_state w WHERE w.maintained_at > now() - interval '23 hours') THEN
        RETURN false;
    END IF;
    SELECT bool_or(c.more) INTO unfinished FROM instagram_insights.ig_chores(10000) c;
    IF NOT unfinished THEN
        UPDATE instagram_insights.worker_state AS w SET maintained_at = now();
    END IF;
    RETURN unfinished;
END
$body$;
COMMENT ON FUNCTION ig_maintain_daily() IS
    'Internal: for the worker, one short round of ig_chores() if the last day has seen none to its end; true: call it again '
    'in a transaction of its own';
-- ig_doctor(): one small function a subject; each row is ok, warn or fail, and what is not ok says what to do.

CREATE FUNCTION ig_doctor_library() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    process record;
    installed text := (SELECT e.extversion FROM pg_extension e WHERE e.extname = 'instagram_insights');
BEGIN
    SELECT * INTO process FROM instagram_insights.ig_process_state();
    IF process.library_version = installed THEN
        RETURN QUERY SELECT 'library', 'ok', 'version ' || installed, NULL::text;
    ELSE
        RETURN QUERY SELECT 'library', 'fail',
            format('the library is version %s, the extension in this database %s', process.library_version, installed),
            'Run ALTER EXTENSION instagram_insights UPDATE; if the library is the older one, install the new package '
            'and restart the server.';
    END IF;
    IF process.preloaded THEN
        RETURN QUERY SELECT 'preload', 'ok', 'the library is in shared_preload_libraries', NULL::text;
    ELSE
        RETURN QUERY SELECT 'preload', 'warn',
            'the library is not in shared_preload_libraries: after a restart of the server work goes on at the next '
            'nudge only',
            'Add instagram_insights to shared_preload_libraries and restart the server, or let ig_schedule() nudge '
            'every 5 minutes.';
    END IF;
    IF process.enabled THEN
        RETURN QUERY SELECT 'enabled', 'ok', 'instagram_insights.enabled is on', NULL::text;
    ELSE
        RETURN QUERY SELECT 'enabled', 'warn', 'instagram_insights.enabled is off: nobody is called',
            'Set instagram_insights.enabled to on and reload the configuration, unless this is a copy that must stay '
            'quiet.';
    END IF;
    IF process.key_status = 'missing' AND instagram_insights.ig_count_foreign_tokens('') = 0 THEN
        RETURN QUERY SELECT 'key', 'ok', 'no key yet: it is made when the first account is connected', NULL::text;
    ELSE
        RETURN QUERY SELECT 'key', CASE WHEN process.key_status = ANY (ARRAY['ok', 'warn']) THEN process.key_status
                                         ELSE 'fail' END,
            process.key_detail, process.key_hint;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_library() IS 'Internal: checks library, preload, enabled and key';

CREATE FUNCTION ig_doctor_paused() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'paused',
           CASE WHEN s.paused OR s.state = ANY (ARRAY['copy', 'unstamped']) THEN 'warn' ELSE 'ok' END,
           CASE WHEN s.state = ANY (ARRAY['copy', 'unstamped']) THEN 'This database is a restored or template copy; nobody is called.'
                WHEN s.paused THEN format('paused since %s: %s', s.since, COALESCE(s.reason, 'no reason was given'))
                ELSE 'not paused' END,
           CASE WHEN s.state = ANY (ARRAY['copy', 'unstamped']) OR s.paused AND s.reason LIKE '% copy: %' THEN
                    'Check that the original is off, or stays paused; then SELECT instagram_insights.ig_resume() here.'
                WHEN s.paused THEN 'SELECT instagram_insights.ig_resume() ends the pause.' END
    FROM instagram_insights.ig_installation_state() s
$body$;
COMMENT ON FUNCTION ig_doctor_paused() IS 'Internal: checks whether the installation is paused, and why';

CREATE FUNCTION ig_doctor_worker() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    alive boolean := (SELECT p.worker_alive FROM instagram_insights.ig_process_state() p);
    halted boolean := (SELECT s.paused OR s.state = ANY (ARRAY['copy', 'unstamped']) FROM instagram_insights.ig_installation_state() s)
                      OR NOT (SELECT p.enabled FROM instagram_insights.ig_process_state() p);
    due bigint;
    oldest timestamptz;
    expired bigint;
    slots integer := current_setting('max_worker_processes');
    used bigint;
BEGIN
    SELECT count(*), min(j.due_at) INTO due, oldest
    FROM instagram_insights.sync_jobs j
    WHERE j.state = ANY (ARRAY['queued', 'waiting']) AND j.due_at <= now();
    SELECT count(*) INTO expired FROM instagram_insights.sync_jobs j
    WHERE j.state = 'running' AND j.lease_until < now();
    -- Sessions whose kind the caller may not see are not counted: then fewer slots seem taken than are.
    SELECT count(*) INTO used
    FROM pg_stat_activity a
    WHERE a.backend_type <> ALL (ARRAY['client backend', 'autovacuum launcher', 'autovacuum worker', 'checkpointer',
        'background writer', 'walwriter', 'walsender', 'walreceiver', 'walsummarizer', 'archiver', 'startup', 'logger',
        'slotsync worker', 'io worker', 'standalone backend']);

    IF alive THEN
        RETURN QUERY SELECT 'worker', 'ok', 'the worker of this database runs', NULL::text;
    ELSIF due + expired = 0 OR halted THEN
        RETURN QUERY SELECT 'worker', 'ok', 'no worker runs and none is needed now', NULL::text;
    ELSIF used >= slots THEN
        RETURN QUERY SELECT 'worker', 'fail',
            format('work is due but all %s worker processes of the server are taken', slots),
            'Raise max_worker_processes and restart the server.';
    ELSE
        RETURN QUERY SELECT 'worker',
            CASE WHEN oldest < now() - '1 minute'::interval OR expired > 0 THEN 'fail' ELSE 'warn' END,
            format('%s jobs are due and no worker runs', due + expired),
            'SELECT instagram_insights.ig_nudge() starts it; if it does not stay, the server log says why.';
    END IF;

    IF expired > 0 AND NOT halted THEN
        RETURN QUERY SELECT 'queue', 'fail',
            format('%s jobs are running under a lease that is over: their worker died', expired),
            'SELECT instagram_insights.ig_nudge() has them taken up again.';
    ELSIF due > 0 AND oldest < now() - '15 minutes'::interval AND NOT halted THEN
        RETURN QUERY SELECT 'queue', 'warn', format('%s jobs wait, the oldest since %s', due, oldest),
            'If the number grows, raise instagram_insights.max_in_flight; the check "worker" says whether one runs.';
    ELSE
        RETURN QUERY SELECT 'queue', 'ok', format('%s jobs are due', due), NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_worker() IS 'Internal: checks worker and queue';

CREATE FUNCTION ig_doctor_jobs() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'failed jobs',
           CASE WHEN count(*) > 0 THEN 'warn' ELSE 'ok' END,
           CASE WHEN count(*) > 0 THEN
                    format('%s jobs failed in the last 24 hours, most often: %s', count(*),
                           mode() WITHIN GROUP (ORDER BY COALESCE(j.error, 'no reason was recorded')))
                ELSE 'no job failed in the last 24 hours' END,
           CASE WHEN count(*) > 0 THEN
                    COALESCE(mode() WITHIN GROUP (ORDER BY j.hint),
                             'SELECT * FROM instagram_insights.sync_logs ORDER BY finished_at DESC shows each try.') END
    FROM instagram_insights.sync_jobs j
    WHERE j.state = 'failed' AND j.finished_at > now() - '24 hours'::interval
$body$;
COMMENT ON FUNCTION ig_doctor_jobs() IS 'Internal: checks for jobs that failed';

CREATE FUNCTION ig_doctor_cron() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    daily bigint;
    nudges bigint;
    failure text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'pg_cron') THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', 'pg_cron is not in this database, so nothing is seen of a schedule',
            'Call ig_schedule(): it schedules, or says the statements to run in the database that has pg_cron. Any '
            'other scheduler may call ig_sync_all() as well.';
        RETURN;
    ELSIF NOT has_schema_privilege('cron', 'USAGE') THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', 'you may not look into schema cron',
            format('As a superuser: GRANT USAGE ON SCHEMA cron TO %I;', current_user);
        RETURN;
    END IF;
    EXECUTE 'SELECT count(*) FILTER (WHERE j.command LIKE ''%ig_sync_all(%''),
                    count(*) FILTER (WHERE j.command LIKE ''%ig_nudge(%'')
             FROM cron.job j WHERE j.active AND j.database = current_database()' INTO daily, nudges;
    EXECUTE 'SELECT last.return_message
             FROM (SELECT r.status, r.return_message FROM cron.job_run_details r
                   WHERE r.database = current_database() AND r.command LIKE ''%instagram_insights.ig_%''
                   ORDER BY r.runid DESC LIMIT 1) last
             WHERE last.status = ''failed''' INTO failure;
    IF daily = 0 THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', 'no daily sync is scheduled that you can see',
            'SELECT instagram_insights.ig_schedule() as a role that has LOGIN.';
    ELSIF failure IS NOT NULL THEN
        RETURN QUERY SELECT 'pg_cron', 'fail', format('the last run failed: %s', failure),
            'See cron.job_run_details; the job''s role needs LOGIN and instagram_insights_admin, and cron.host must '
            'let it in.';
    ELSIF nudges = 0 THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', 'the daily sync is scheduled, the nudge is not',
            'SELECT instagram_insights.ig_schedule() schedules both.';
    ELSIF daily > 1 THEN
        RETURN QUERY SELECT 'pg_cron', 'warn', format('%s daily syncs are scheduled', daily),
            'Remove those too many with ig_unschedule(job_name); a second one costs calls but does no harm.';
    ELSE
        RETURN QUERY SELECT 'pg_cron', 'ok', 'the daily sync and the nudge are scheduled', NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_cron() IS 'Internal: checks the schedule';

CREATE FUNCTION ig_doctor_identity() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE sql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
    SELECT 'identity',
           CASE WHEN p.identity = 'role' AND r.mapped = 0 OR p.identity <> 'role' AND r.mapped > 0 THEN 'warn'
                ELSE 'ok' END,
           format('instagram_insights.identity is %s, role_users has %s rows', p.identity, r.mapped),
           CASE WHEN p.identity = 'role' AND r.mapped = 0 THEN
                    'Nobody is known: INSERT INTO instagram_insights.role_users (role_name, user_id) each role and '
                    'its user.'
                WHEN p.identity <> 'role' AND r.mapped > 0 THEN
                    'role_users counts only with ALTER DATABASE ... SET instagram_insights.identity = ''role''; '
                    'empty it if that is not wanted.' END
    FROM instagram_insights.ig_process_state() p, (SELECT count(*) AS mapped FROM instagram_insights.role_users) r
$body$;
COMMENT ON FUNCTION ig_doctor_identity() IS 'Internal: checks where the user comes from';

CREATE FUNCTION ig_doctor_storage() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    last_year integer;
    keep interval := instagram_insights.ig_log_retention();
    oldest timestamptz := (SELECT l.finished_at FROM instagram_insights.sync_log l ORDER BY l.finished_at LIMIT 1);
BEGIN
    SELECT max(right(c.relname, 4)::integer) INTO last_year
    FROM pg_inherits h JOIN pg_class c ON c.oid = h.inhrelid
    WHERE h.inhparent = 'instagram_insights.insights'::regclass AND c.relname ~ '^insights_[0-9]{4}$';
    IF extract(year FROM now() AT TIME ZONE 'UTC') >= last_year THEN
        RETURN QUERY SELECT 'partitions', 'warn',
            format('the last partition of a single year is insights_%s', last_year),
            'Install a newer version and run ALTER EXTENSION instagram_insights UPDATE: it brings the coming years.';
    ELSE
        RETURN QUERY SELECT 'partitions', 'ok', format('made up to %s', last_year), NULL::text;
    END IF;
    IF oldest < now() - keep - '7 days'::interval THEN
        RETURN QUERY SELECT 'retention', 'warn', format('sync_log goes back to %s, longer than log_retention', oldest),
            'Have SELECT * FROM instagram_insights.ig_maintain() run daily.';
    ELSE
        RETURN QUERY SELECT 'retention', 'ok', 'old log rows are removed in time', NULL::text;
    END IF;
END
$body$;
COMMENT ON FUNCTION ig_doctor_storage() IS 'Internal: checks partitions and retention';

CREATE FUNCTION ig_doctor() RETURNS TABLE (check_name text, status text, detail text, hint text)
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    subject text;
BEGIN
    FOREACH subject IN ARRAY ARRAY['library', 'paused', 'worker', 'jobs', 'cron', 'app', 'accounts', 'permissions',
                                   'clock', 'budgets', 'identity', 'storage']
    LOOP
        -- A check that cannot run is a finding as well; it must not hide the others.
        BEGIN
            RETURN QUERY EXECUTE format(
                'SELECT d.check_name, d.status, d.detail, d.hint FROM instagram_insights.%I() d',
                                        'ig_doctor_' || subject);
        EXCEPTION WHEN OTHERS THEN
            RETURN QUERY SELECT subject, 'fail', format('this check could not run: %s', SQLERRM),
                'See the server log; if the library cannot be loaded, install the package of this version again.';
        END;
    END LOOP;
END
$body$;
COMMENT ON FUNCTION ig_doctor() IS
    'Looks at everything that can be wrong: one row a check, status ok, warn or fail, and a hint what to do. Never '
    'raises.';
-- Row level security: on every table, for its owner as well (forced), so that a forgotten grant shows nobody's rows.

DO $policies$
DECLARE
    tab text;
BEGIN
    -- Tenant tables. The subselect makes the identity be asked once a statement rather than once a row.
    FOREACH tab IN ARRAY ARRAY['accounts', 'credentials', 'oauth_states', 'usage', 'sync_jobs', 'sync_log', 'insights',
                               'insights_monthly', 'insights_late',
                               'insights_before_2025', 'insights_2025', 'insights_2026', 'insights_2027',
                               'insights_2028', 'insights_2029', 'insights_2030', 'insights_2031', 'insights_2032', 'insights_from_2033']
    LOOP
        EXECUTE format('ALTER TABLE instagram_insights.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE format('ALTER TABLE instagram_insights.%I FORCE ROW LEVEL SECURITY', tab);
        EXECUTE format('CREATE POLICY tenant ON instagram_insights.%I
                            USING (user_id = (SELECT instagram_insights.ig_current_user_id()))
                            WITH CHECK (user_id = (SELECT instagram_insights.ig_current_user_id()))', tab);
        EXECUTE format('COMMENT ON POLICY tenant ON instagram_insights.%I IS %L', tab, 'Everyone has own rows only');
        IF tab <> ALL (ARRAY['credentials', 'oauth_states']) THEN
            EXECUTE format('CREATE POLICY admin_reads ON instagram_insights.%I FOR SELECT
                                TO instagram_insights_admin USING (true)', tab);
            EXECUTE format('COMMENT ON POLICY admin_reads ON instagram_insights.%I IS %L', tab,
                'Admins see every user''s rows');
        END IF;
    END LOOP;

    -- The worker finds work and accounts of everybody; numbers and log it writes as the user they belong to.
    FOREACH tab IN ARRAY ARRAY['accounts', 'credentials', 'oauth_states', 'usage', 'sync_jobs'] LOOP
        EXECUTE format('CREATE POLICY worker ON instagram_insights.%I
                            TO instagram_insights_worker USING (true) WITH CHECK (true)', tab);
        EXECUTE format('COMMENT ON POLICY worker ON instagram_insights.%I IS %L', tab, 'The worker serves every user');
    END LOOP;

    -- Tables that belong to nobody.
    FOREACH tab IN ARRAY ARRAY['worker_state', 'installation', 'apps', 'deletion_requests', 'metrics', 'metric_settings', 'rollup_state',
                               'role_users'] LOOP
        EXECUTE format('ALTER TABLE instagram_insights.%I ENABLE ROW LEVEL SECURITY', tab);
        EXECUTE format('ALTER TABLE instagram_insights.%I FORCE ROW LEVEL SECURITY', tab);
    END LOOP;
    FOREACH tab IN ARRAY ARRAY['worker_state', 'installation', 'apps', 'deletion_requests'] LOOP
        EXECUTE format('CREATE POLICY worker ON instagram_insights.%I
                            TO instagram_insights_worker USING (true) WITH CHECK (true)', tab);
        EXECUTE format('COMMENT ON POLICY worker ON instagram_insights.%I IS %L', tab, 'The worker keeps it');
        EXECUTE format('CREATE POLICY admin_reads ON instagram_insights.%I FOR SELECT
                                TO instagram_insights_admin USING (true)', tab);
        EXECUTE format('COMMENT ON POLICY admin_reads ON instagram_insights.%I IS %L', tab, 'Admins see it');
    END LOOP;
END
$policies$;

CREATE POLICY readable ON metrics FOR SELECT USING (true);
COMMENT ON POLICY readable ON metrics IS 'The registry is the same for everybody';
-- A dump holds the rows that are not builtin; CREATE EXTENSION makes the builtin ones, which may be changed only.
CREATE POLICY admin_adds ON metrics FOR INSERT TO instagram_insights_admin WITH CHECK (NOT builtin);
COMMENT ON POLICY admin_adds ON metrics IS 'Admins add metrics of their own';
CREATE POLICY admin_changes ON metrics FOR UPDATE TO instagram_insights_admin USING (true) WITH CHECK (true);
COMMENT ON POLICY admin_changes ON metrics IS 'Admins change what a metric is taken for';
CREATE POLICY admin_removes ON metrics FOR DELETE TO instagram_insights_admin USING (NOT builtin);
COMMENT ON POLICY admin_removes ON metrics IS 'Admins remove metrics of their own';

CREATE POLICY readable ON metric_settings FOR SELECT USING (true);
COMMENT ON POLICY readable ON metric_settings IS 'What is on for all is no secret';
CREATE POLICY worker ON metric_settings TO instagram_insights_worker USING (true) WITH CHECK (true);
COMMENT ON POLICY worker ON metric_settings IS 'ig_set_metrics() writes it';

CREATE POLICY readable ON rollup_state FOR SELECT USING (true);
COMMENT ON POLICY readable ON rollup_state IS 'How far months are closed is no secret';

CREATE POLICY admin_maps ON role_users TO instagram_insights_admin USING (true) WITH CHECK (true);
COMMENT ON POLICY admin_maps ON role_users IS 'Admins say which user a role is';
-- Meta's callbacks: a person removed the app, or asked for deletion. They name the person by the app-scoped id that the
-- accounts keep; a wrong signature changes nothing.

CREATE FUNCTION ig_signed_user(signed_request text) RETURNS text
    LANGUAGE c VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'ig_signed_user';
COMMENT ON FUNCTION ig_signed_user(text) IS
    'Internal: the app-scoped user id of a signed_request, its HMAC checked against each app''s secret in constant '
    'time; raises 22023 when no app signed it, 55000 when none is configured';

CREATE FUNCTION ig_deauthorize(signed_request text) RETURNS integer
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    person text;
    account record;
    ended integer := 0;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    person := instagram_insights.ig_signed_user(ig_deauthorize.signed_request);
    FOR account IN
        SELECT a.user_id, a.account_id FROM instagram_insights.accounts a
        WHERE a.meta_user_id = person ORDER BY a.user_id, a.account_id
    LOOP
        ended := ended + instagram_insights.ig_disconnect(account.account_id, account.user_id);
    END LOOP;
    RETURN ended;
END
$body$;
COMMENT ON FUNCTION ig_deauthorize(text) IS
    'Meta''s deauthorize callback: disconnects every account of the person the signed_request names, and returns how '
    'many. For the app''s endpoint, as instagram_insights_admin.';

-- superuser-owned: as ig_erase_history(), for the history of one account.
CREATE FUNCTION ig_erase_account_history(user_id uuid, account_id text) RETURNS void
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
BEGIN
    DELETE FROM instagram_insights.insights i
    WHERE i.user_id = ig_erase_account_history.user_id AND i.account_id = ig_erase_account_history.account_id;
    DELETE FROM instagram_insights.sync_log l
    WHERE l.user_id = ig_erase_account_history.user_id AND l.account_id = ig_erase_account_history.account_id;
END
$body$;
COMMENT ON FUNCTION ig_erase_account_history(uuid, text) IS 'Internal: deletes the numbers and the log of one account';

CREATE FUNCTION ig_data_deletion(signed_request text) RETURNS jsonb
    LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    person text;
    page text;
    code text := replace(gen_random_uuid()::text, '-', '');
    account record;
    erased integer := 0;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    person := instagram_insights.ig_signed_user(ig_data_deletion.signed_request);
    page := (SELECT p.deletion_url FROM instagram_insights.apps p
             WHERE p.deletion_url IS NOT NULL ORDER BY p.login LIMIT 1);
    IF page IS NULL THEN
        RAISE EXCEPTION USING
            ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = 'no deletion_url is configured, and Meta wants one in the answer',
            HINT = 'Pass deletion_url to ig_configure_app(): the page of yours that shows ig_deletion_status().';
    END IF;
    FOR account IN
        SELECT a.user_id, a.account_id FROM instagram_insights.accounts a
        WHERE a.meta_user_id = person ORDER BY a.user_id, a.account_id FOR UPDATE
    LOOP
        DELETE FROM instagram_insights.sync_jobs j
        WHERE j.user_id = account.user_id AND j.account_id = account.account_id;
        PERFORM instagram_insights.ig_erase_account_history(account.user_id, account.account_id);
        DELETE FROM instagram_insights.credentials c
        WHERE c.user_id = account.user_id AND c.account_id = account.account_id;
        DELETE FROM instagram_insights.usage u
        WHERE u.user_id = account.user_id AND u.account_id = account.account_id;
        DELETE FROM instagram_insights.accounts a
        WHERE a.user_id = account.user_id AND a.account_id = account.account_id;
        erased := erased + 1;
    END LOOP;
    INSERT INTO instagram_insights.deletion_requests (confirmation_code, completed_at, accounts)
    VALUES (code, now(), erased);
    PERFORM instagram_insights.ig_wake_worker();
    RETURN jsonb_build_object('url', page || CASE WHEN page LIKE '%?%' THEN '&' ELSE '?' END || 'code=' || code,
                              'confirmation_code', code);
END
$body$;
COMMENT ON FUNCTION ig_data_deletion(text) IS
    'Meta''s data deletion callback: deletes every account of the person the signed_request names, with numbers, log '
    'and token. Returns what Meta wants: {url, confirmation_code}. For the app''s endpoint, as '
    'instagram_insights_admin.';

CREATE FUNCTION ig_deletion_status(confirmation_code text) RETURNS jsonb
    LANGUAGE plpgsql STABLE PARALLEL UNSAFE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
AS $body$
DECLARE
    found_request record;
BEGIN
    PERFORM instagram_insights.ig_require_admin();
    SELECT d.requested_at, d.completed_at INTO found_request
    FROM instagram_insights.deletion_requests d WHERE d.confirmation_code = ig_deletion_status.confirmation_code;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING
            ERRCODE = 'undefined_object',
            MESSAGE = 'there is no deletion request with this confirmation code',
            HINT = 'The code is the one ig_data_deletion() returned.';
    END IF;
    RETURN jsonb_build_object('confirmation_code', ig_deletion_status.confirmation_code,
                              'status', CASE WHEN found_request.completed_at IS NULL THEN 'pending' ELSE 'completed' END,
                              'requested_at', found_request.requested_at, 'completed_at', found_request.completed_at);
END
$body$;
COMMENT ON FUNCTION ig_deletion_status(text) IS
    'The state of a deletion request, for the page behind deletion_url: {confirmation_code, status, requested_at, '
    'completed_at}; 42704 when there is none';
-- Who may do what: nothing for PUBLIC, explicit grants for the three roles, definer functions owned by the worker role.

-- Default privileges of the installing role may have granted something to somebody: begin with nothing.
DO $nothing$
DECLARE
    member record;
BEGIN
    FOR member IN
        SELECT 'TABLE' AS kind, c.oid::regclass::text AS name, acl.grantee
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'instagram_insights',
             aclexplode(c.relacl) acl
        WHERE c.relkind = ANY (ARRAY['r', 'p', 'v', 'S']::"char"[]) AND acl.grantee <> c.relowner
        UNION
        SELECT 'FUNCTION', p.oid::regprocedure::text, acl.grantee
        FROM pg_proc p
        JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'instagram_insights',
             aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) acl
        WHERE acl.grantee <> p.proowner
        UNION
        SELECT 'TYPE', t.oid::regtype::text, acl.grantee
        FROM pg_type t
        JOIN pg_class c ON c.oid = t.typrelid AND c.relkind = 'c'
        JOIN pg_namespace n ON n.oid = t.typnamespace AND n.nspname = 'instagram_insights',
             aclexplode(COALESCE(t.typacl, acldefault('T', t.typowner))) acl
        WHERE acl.grantee <> t.typowner
    LOOP
        EXECUTE format('REVOKE ALL ON %s %s FROM %s', member.kind, member.name,
                       CASE WHEN member.grantee = 0 THEN 'PUBLIC'
                            ELSE quote_ident(pg_get_userbyid(member.grantee)) END);
    END LOOP;
END
$nothing$;
REVOKE ALL ON SCHEMA instagram_insights FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA instagram_insights FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA instagram_insights FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA instagram_insights FROM PUBLIC;

-- Definer functions belong to the worker role; those a superuser must own are said to be so where they are made.
ALTER FUNCTION ig_check_installation(boolean) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_pause(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_resume() OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_refresh_insights(uuid, text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_backfill(date, date, uuid, text, text[]) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_sync_all(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_cancel(bigint) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_nudge() OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_disconnect(text, uuid) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_delete_user_data(uuid) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_log_retention() OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_set_metrics(text[], uuid, text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_set_project(text, text, uuid) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_set_entity(text, text, uuid) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_count_foreign_tokens(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_doctor_budgets() OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_deauthorize(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_data_deletion(text) OWNER TO instagram_insights_worker;
ALTER FUNCTION ig_deletion_status(text) OWNER TO instagram_insights_worker;

GRANT USAGE ON SCHEMA instagram_insights
    TO instagram_insights_user, instagram_insights_admin, instagram_insights_worker;

-- Users and admins: reading (row level security says which rows), numbers by hand, the functions of the contract.
GRANT SELECT ON accounts, usage, sync_jobs, sync_log, metrics, connections, user_tokens, sync_logs,
    instagram_latest_metrics, connect_inbox, metric_settings, account_metrics, instagram_audience
    TO instagram_insights_user, instagram_insights_admin;
GRANT SELECT ON insights_monthly, insights_late, rollup_state, instagram_weekly, instagram_monthly
    TO instagram_insights_user, instagram_insights_admin;
GRANT SELECT, INSERT, UPDATE, DELETE ON insights, instagram_insights
    TO instagram_insights_user, instagram_insights_admin;
GRANT INSERT ON connect_inbox TO instagram_insights_user, instagram_insights_admin;
GRANT USAGE ON TYPE ig_fetch_result, ig_sync_status TO instagram_insights_user, instagram_insights_admin;
GRANT EXECUTE ON FUNCTION
    ig_current_user_id(), ig_target_user(uuid), ig_is_admin(), ig_only_account(),
    ig_fetch_insights(uuid, text, text[], date, date), ig_connect_token(text, text, uuid, text, timestamptz),
    ig_authorize_url(text, uuid, text), ig_connect(text, text), refresh_instagram_token(text, uuid),
    ig_refresh_insights(uuid, text), ig_backfill(date, date, uuid, text, text[]), ig_sync_status(bigint),
    ig_cancel(bigint), ig_disconnect(text, uuid), ig_delete_user_data(uuid),
    ig_set_project(text, text, uuid), ig_set_entity(text, text, uuid)
    TO instagram_insights_user, instagram_insights_admin;

GRANT EXECUTE ON FUNCTION
    ig_timeseries(text, date, date, text, uuid, text), ig_compare_periods(text, date, date, uuid, text),
    ig_peak_day(text, date, date, uuid, text), ig_overview(uuid, text), ig_coverage(uuid, text),
    ig_export_csv(date, date, uuid, text), ig_export_json(date, date, uuid, text),
    ig_reading_target(uuid, text, text, date, date, boolean), ig_known_grain(text), ig_csv_field(text),
    ig_closed_before(), ig_months_since()
    TO instagram_insights_user, instagram_insights_admin;

-- Admins: operating, and seeing all but credentials.
GRANT SELECT ON worker_state, installation, role_users, insights_before_2025, insights_2025, insights_2026,
    insights_2027, insights_2028, insights_2029, insights_2030, insights_2031, insights_2032, insights_from_2033
    TO instagram_insights_admin;
GRANT SELECT ON deletion_requests TO instagram_insights_admin;
GRANT SELECT (platform, login, app_id, redirect_uris, scopes, deletion_url, configured_at) ON apps
    TO instagram_insights_admin;
GRANT INSERT, UPDATE, DELETE ON role_users TO instagram_insights_admin;
GRANT DELETE,
    INSERT (name, platform, level, metric_type, period, breakdowns, rollup, history_days, min_followers,
            enabled_by_default, first_version, removed_on, description, periods, windows, asked_breakdowns, timeframe,
            offered_from),
    UPDATE (platform, level, metric_type, period, breakdowns, rollup, history_days, min_followers, enabled_by_default,
            first_version, removed_on, description, periods, windows, asked_breakdowns, timeframe, offered_from)
    ON metrics TO instagram_insights_admin;
GRANT EXECUTE ON FUNCTION
    ig_configure_app(text, text, text, text[], text[], text, text), ig_rotate_key(text), ig_deauthorize(text),
    ig_data_deletion(text), ig_deletion_status(text), ig_sync_all(text), ig_nudge(), ig_pause(text), ig_resume(),
    ig_schedule(text, text), ig_unschedule(text), ig_maintain(), ig_doctor(),
    ig_set_metrics(text[], uuid, text)
    TO instagram_insights_admin;
-- What those functions call with the rights of their caller.
GRANT EXECUTE ON FUNCTION
    ig_require_admin(), ig_installation_state(), ig_process_state(), ig_log_retention(), ig_count_foreign_tokens(text),
    ig_cron_lines(text, text), ig_require_cron(text), ig_cron_job_name(text),
    ig_chores(integer), ig_prune_ended(text, integer), ig_prune_gone(integer), ig_prune_cron_runs(integer),
    ig_prune_insights(integer), ig_empty_years(), ig_close_months(integer),
    ig_doctor_library(), ig_doctor_paused(), ig_doctor_worker(), ig_doctor_jobs(), ig_doctor_cron(),
    ig_doctor_accounts(), ig_doctor_identity(), ig_doctor_storage(),
    ig_doctor_budgets(), ig_doctor_app(), ig_doctor_permissions(), ig_doctor_clock(), ig_app_state(),
    ig_required_scopes(text)
    TO instagram_insights_admin;

-- The worker.
GRANT SELECT, INSERT, UPDATE, DELETE ON accounts, credentials, usage, apps, oauth_states, deletion_requests, insights,
    sync_jobs, sync_log, worker_state, installation
    TO instagram_insights_worker;
GRANT SELECT ON metrics, connections, account_metrics TO instagram_insights_worker;
GRANT SELECT, INSERT, UPDATE, DELETE ON metric_settings TO instagram_insights_worker;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA instagram_insights TO instagram_insights_worker;
GRANT EXECUTE ON FUNCTION
    ig_current_user_id(), ig_target_user(uuid), ig_is_admin(), ig_require_admin(), ig_installation_state(),
    ig_write_installation(boolean, text), ig_require_running(), ig_lock_connected(uuid, text), ig_known_metrics(text[]),
    ig_notify_ended(bigint, text, text), ig_erase_history(uuid), ig_erase_account_history(uuid, text),
    ig_signed_user(text),
    ig_disconnect(text, uuid), ig_wake_worker(), ig_setting(text), ig_process_state(),
    ig_metric_choice(text[]), ig_change_account(uuid, text, jsonb), ig_merge_parts(jsonb, jsonb), ig_maintain_daily(),
    ig_chores(integer), ig_prune_ended(text, integer), ig_prune_gone(integer), ig_prune_cron_runs(integer),
    ig_prune_insights(integer), ig_empty_years(), ig_close_months(integer)
    TO instagram_insights_worker;
-- What pg_dump takes along: what cannot be fetched again. Not the jobs, not the worker's state, not shipped metrics.

SELECT pg_catalog.pg_extension_config_dump('apps', '');
SELECT pg_catalog.pg_extension_config_dump('deletion_requests', '');
SELECT pg_catalog.pg_extension_config_dump('accounts', '');
SELECT pg_catalog.pg_extension_config_dump('credentials', '');
SELECT pg_catalog.pg_extension_config_dump('insights_before_2025', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2025', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2026', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2027', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2028', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2029', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2030', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2031', '');
SELECT pg_catalog.pg_extension_config_dump('insights_2032', '');
SELECT pg_catalog.pg_extension_config_dump('insights_from_2033', '');
SELECT pg_catalog.pg_extension_config_dump('sync_log', '');
SELECT pg_catalog.pg_extension_config_dump('role_users', '');
SELECT pg_catalog.pg_extension_config_dump('installation', '');
SELECT pg_catalog.pg_extension_config_dump('metrics', 'WHERE NOT builtin');
SELECT pg_catalog.pg_extension_config_dump('metric_settings', '');
SELECT pg_catalog.pg_extension_config_dump('account_generations', '');
SELECT pg_catalog.pg_extension_config_dump('sync_log_id_seq', '');
-- The jobs stay behind, but sync_log keeps their ids: a restored database goes on counting.
SELECT pg_catalog.pg_extension_config_dump('sync_jobs_job_id_seq', '');
