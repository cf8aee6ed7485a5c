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
