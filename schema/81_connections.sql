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
