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
