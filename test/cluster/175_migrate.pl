# docs/migrate.md to the letter: old tables with and without accounts come along whole, old readers and writers go on.
use strict;
use warnings;

use FindBin;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $node = insights_node('migrate', extension => 0, preload => 0, conf => 'instagram_insights.enabled = off');
my %user = (a => '7d0f6f6e-0d5c-4c53-9f6b-5f0f2b8f3a11', map { $_ => user_id($_) } qw(b c d));

# The statements, by the heading they stand under.
my (%statements, $heading);
for my $part (split /^(?=## |```sql\n)/m, slurp_file("$FindBin::Bin/../../docs/migrate.md"))
{
    $heading = $1 if $part =~ /^## (?:\d+\. )?([^\n]+)/;
    push @{ $statements{$heading} }, $1 if $part =~ /^```sql\n(.*?)^```/ms;
}
is(join(', ', map { "$_ " . @{ $statements{$_} } } sort keys %statements),
    'Accounts 2, Look 1, Metrics 1, Numbers 2, Old readers 3, Old writers 1, The old table 1', 'the page has the statements that are tried here');

sub run
{
    my ($database, $sql, $role, $letter) = @_;
    my $claims = $letter ? '{"sub":"' . $user{$letter} . '"}' : '';
    return $node->safe_psql($database, ($role ? "SET ROLE $role; " : '') . "SET request.jwt.claims = '$claims'; $sql");
}

# What the scripts left: four users, of whom c has a token that ended and d two accounts; a metric of the scripts' own.
sub old_tables
{
    my ($database, $columns, $with) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql($database, <<"SQL");
CREATE EXTENSION instagram_insights;
CREATE TABLE public.user_tokens (token_id serial PRIMARY KEY, u_id uuid, platform text, access_token text, refresh_token text, expires_at timestamptz,
    account_id text, account_username text);
INSERT INTO public.user_tokens (u_id, platform, access_token, expires_at, account_id) VALUES
    ('$user{a}', 'instagram', 'a0', now() + interval '50 days', '17841400000000001'), ('$user{a}', 'youtube', 'ya29.other', NULL, NULL),
    ('$user{b}', 'instagram', 'b0', NULL, '17841400000000002'), ('$user{c}', 'instagram', 'c0', '2025-01-01', '17841400000000003'),
    ('$user{d}', 'instagram', 'd0', NULL, '17841400000000004'), ('$user{d}', 'instagram', 'd1', NULL, '17841400000000005');
UPDATE public.user_tokens SET access_token = 'EAA' || md5(access_token) WHERE platform = 'instagram';
CREATE TABLE public.instagram_insights ($columns);
INSERT INTO public.instagram_insights $with
FROM (VALUES ('$user{a}'::uuid, '17841400000000001'), ('$user{b}', '17841400000000002'), ('$user{c}', '17841400000000003')) u(id, account),
     unnest('{reach,profile_views,accounts_engaged,follower_count,engagement_rate}'::text[]) m, generate_series(1, 700) n;
SQL
    run($database, $_) for @{ $statements{Accounts} }, @{ $statements{Metrics} };
    return;
}

$node->safe_psql('postgres', 'CREATE ROLE api');
my $when = "timestamptz '2026-11-21 08:00+00' - n * interval '1 day'";
old_tables('plain', 'id uuid DEFAULT gen_random_uuid() PRIMARY KEY, metric text, value numeric, end_time timestamptz, retrieved_at timestamptz, user_id uuid, UNIQUE (metric, end_time, user_id)',
    "(metric, value, end_time, retrieved_at, user_id) SELECT m, n + 0.25, $when, CASE WHEN n > 5 THEN $when END, u.id");
is(run('plain', "SELECT string_agg(account_id || ' ' || status, ', ' ORDER BY account_id) FROM $schema.connections"),
    '17841400000000001 active, 17841400000000002 active, 17841400000000003 disconnected, 17841400000000004 active, 17841400000000005 active', 'every account is there, with its token if that is good');
is(run('plain', "SELECT string_agg(name || ' ' || removed_on, ',') FROM $schema.metrics WHERE NOT builtin"), 'engagement_rate 2000-01-01', 'so is the metric of the scripts\' own, which nobody asks for');
run('plain', "INSERT INTO public.instagram_insights (metric, value, end_time, user_id) VALUES ('reach', 1, '2026-01-01 08:00Z', '$user{d}')");
run('plain', $statements{Numbers}[0]) for 1 .. 2;
is(run('plain', "SELECT count(*) FROM $schema.instagram_insights"), 3 * 5 * 700, 'each number comes along once, however often it is done');
is(run('plain', "SELECT count(*) FROM $schema.instagram_insights i JOIN public.instagram_insights o USING (user_id, metric, end_time, value) WHERE i.period = 'day' AND i.retrieved_at = COALESCE(o.retrieved_at, i.retrieved_at)"),
    3 * 5 * 700, '... as it was');
is(run('plain', $statements{Look}[0]), "$user{d}|reach|2026-01-01 08:00:00+00", 'what could not be told apart is shown');

# Old readers and writers
run('plain', $statements{'Old readers'}[0]);
my $own = "SET search_path = instagram_insights, public; $statements{'Old readers'}[1]";
my @rows = split /\n/, run('plain', $own, 'api', 'a');
is(scalar(@rows), 20 + 5 + 1, 'old queries run, and show a user own rows');
like($rows[0], qr/\|1\.25\|2026-11-20 08:00:00\+00$/, '... the newest first');
is($rows[25], (split /\n/, run('plain', "SELECT account_id || '|' || expires_at FROM public.user_tokens WHERE u_id = '$user{a}' AND platform = 'instagram'"))[0], '... and the token\'s end');
run('plain', "SET search_path = instagram_insights, public; $statements{'Old writers'}[0]", 'api', 'a') for 1 .. 2;
is(run('plain', "SELECT string_agg(value || ' ' || account_id, ',') FROM $schema.instagram_insights WHERE end_time = '2026-11-21 08:00+00'"), '1200 17841400000000001', 'an upsert by hand stores one row, under the user\'s account');
isnt($node->psql('plain', "SET ROLE api; SET request.jwt.claims = '{\"sub\":\"$user{b}\"}'; SET search_path = instagram_insights, public; $statements{'Old writers'}[0]"), 0, '... and nobody else\'s');
run('plain', 'CREATE SCHEMA public_api');
run('plain', $statements{'Old readers'}[2]);
is(run('plain', 'SELECT count(*), count(DISTINCT user_id) FROM public_api.instagram_insights', 'api', 'b'), '3500|1', 'views in a schema of one\'s own show own rows as well');
is(run('plain', 'SELECT count(*) FROM public_api.instagram_latest_metrics', 'api', 'b'), '5', '... and the latest');
run('plain', $statements{'The old table'}[0]);
isnt($node->psql('plain', 'SET ROLE api; SELECT 1 FROM public.user_tokens'), 0, 'the old tokens are out of reach');

# With accounts, projects and metadata
old_tables('wide', 'id bigserial PRIMARY KEY, u_id uuid, account_id text, p_id integer, metric text, value numeric, end_time timestamptz, retrieved_at timestamptz DEFAULT now(), metadata jsonb, UNIQUE (u_id, account_id, metric, end_time)',
    "(u_id, account_id, p_id, metric, value, end_time, metadata) SELECT u.id, u.account, 7, m, n, $when, jsonb_build_object('note', n)");
run('wide', "INSERT INTO public.instagram_insights (u_id, account_id, metric, value, end_time) VALUES ('$user{d}', '17841400000000004', 'reach', 1, '2026-01-01 08:00Z'), ('$user{d}', '17841400000000005', 'reach', 2, '2026-01-01 08:00Z')");
run('wide', $statements{Numbers}[1]) for 1 .. 2;
is(run('wide', "SELECT count(*) FROM $schema.instagram_insights"), 3 * 5 * 700 + 2, 'of a table with accounts each number comes along once');
is(run('wide', "SELECT count(*) FROM $schema.instagram_insights i JOIN public.instagram_insights o ON (o.u_id, o.account_id, o.metric, o.end_time, o.value) = (i.user_id, i.account_id, i.metric, i.end_time, i.value) WHERE i.metadata = o.metadata AND i.project_id = '7'"),
    3 * 5 * 700, '... with its project and metadata');
is(run('wide', "SELECT string_agg(account_id || ' ' || value, ',' ORDER BY value) FROM $schema.instagram_insights WHERE user_id = '$user{d}'"), '17841400000000004 1,17841400000000005 2', '... under its own account');
my $tokens = run('wide', "SELECT string_agg(access_token, '|') FROM public.user_tokens WHERE platform = 'instagram'");
like($tokens, qr/^(EAA[0-9a-f]{32}\|?){5}$/, 'there were tokens to keep secret');
unlike(slurp_file($node->logfile), qr/$tokens/, 'and no log shows one');

$node->stop;
done_testing();
