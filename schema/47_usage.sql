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
