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
