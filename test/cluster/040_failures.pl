# One bad metric, account or token never costs the rest, each failure says why, and what can be mended is tried again.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use JSON::PP;
use MIME::Base64 qw(encode_base64);
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $accounts = 18;
my $sandbox = GraphSandbox->new(accounts => $accounts + 1, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('failures', sandbox => $sandbox, conf => <<'CONF');
instagram_insights.request_timeout = 1500ms
instagram_insights.max_response_size = 64kB
instagram_insights.first_sync_days = 5
instagram_insights.max_in_flight = 40
instagram_insights.idle_timeout = -1
CONF
my $last = $node->safe_psql('postgres', "SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date - 1");
my $first = $node->safe_psql('postgres', "SELECT date '$last' - 4");

sub id { return sprintf('178414%011d', $_[0]) }
sub token { return sprintf('%sAAsandbox%012d', $_[0] % 2 ? 'E' : 'IG', $_[0]) }
sub letter { return (qw(a b c d))[ $_[0] % 4 ] }
sub query { return $node->safe_psql('postgres', $_[0]) }
sub expected { return $sandbox->expected(account_id => id($_[0]), first => $first, last => $last) }
sub rows { return stored_rows($node, "account_id = '" . id($_[0]) . "'") }

# The newest try of an account: its status, and its errors as "metric kind code" lines.
sub told
{
    my ($n) = @_;
    return query("SELECT l.status || ': ' || COALESCE(string_agg(DISTINCT concat_ws(' ', e.metric, e.kind, e.code), ', '), '')
        FROM (SELECT * FROM instagram_insights.sync_logs WHERE account_id = '@{[ id($n) ]}' ORDER BY id DESC LIMIT 1) l
        LEFT JOIN jsonb_to_recordset(l.errors) AS e (metric text, kind text, code text) ON true GROUP BY l.status");
}

sub hints
{
    my ($n) = @_;
    return query("SELECT bool_and(length(e ->> 'hint') > 10 AND length(e ->> 'message') > 5)
        FROM (SELECT * FROM instagram_insights.sync_logs WHERE account_id = '@{[ id($n) ]}' ORDER BY id DESC LIMIT 1) l, jsonb_array_elements(l.errors) e");
}
sub connection { return query("SELECT status, hint IS NOT NULL, last_error IS NOT NULL FROM instagram_insights.connections WHERE account_id = '@{[ id($_[0]) ]}'") }
sub job { return query("SELECT state, error_kind, due_at > now() + interval '20 seconds' FROM instagram_insights.sync_jobs WHERE account_id = '@{[ id($_[0]) ]}' ORDER BY job_id DESC LIMIT 1") }
sub settled { return wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running'))") }

sub set_timeout { query("ALTER SYSTEM SET instagram_insights.request_timeout = $_[0]"); return $node->reload }

sub insights_fault { my ($n, %do) = @_; return +{ match => { route => 'insights', account_id => id($n) }, do => {%do} } }

my %dead = (2 => 'expired', 3 => 'password_changed', 4 => 'unknown', 5 => 'app_removed');
my %garbage = (
    6 => { status => 200, body => '<html>Sorry</html>', content_type => 'text/html' },
    7 => { status => 200, body => '{"data":[{"name":"reach","period":"day","values":[{"value":1,"end', content_type => 'application/json' },
    8 => { deep_json => 100_000 },
    9 => { huge_bytes => 300_000 },
    10 => { status => 200, body_base64 => encode_base64("{\"data\":[{\"name\":\"re\xff\xfe\",\"x\":\"\xc3\x28\"}]}", ''), content_type => 'application/json' }
);
$sandbox->accounts({ account_id => id(1), username => 'picky', tokens => [ token(1) ], unsupported => ['accounts_engaged'] },
    { account_id => id(15), username => 'quiet', tokens => [ token(15) ], missing => ['profile_views'] });
connect_account($node, letter($_), $_) for 1 .. $accounts;
$sandbox->post('/tokens', { token => token($_), state => $dead{$_} }) for keys %dead;
$sandbox->post('/tokens', { token => token(13), state => 'no_scope' });
$sandbox->faults(
    (map { insights_fault($_, %{ $garbage{$_} }) } sort keys %garbage),
    { match => { route => 'insights', account_id => id(11), metric => 'reach' }, do => { hang => 'before_headers' } },
    insights_fault(12, throttle => { code => 80002, minutes => 5 }),
    +{ %{ insights_fault(14, status => 502, body => '<html>', content_type => 'text/html') }, times => 2 });

is(query('SELECT instagram_insights.ig_sync_all()'), $accounts, 'all accounts are queued');
my $healthy = join ',', map { "'" . id($_) . "'" } 14 .. 18;
wait_for($node, "SELECT count(*) = 5 FROM instagram_insights.sync_jobs WHERE account_id IN ($healthy) AND state = 'succeeded'");
is(query("SELECT state FROM instagram_insights.sync_jobs WHERE account_id = '@{[ id(11) ]}'"), 'running', 'the others are done while one account still hangs');
my $took = milliseconds(sub { settled() });
diag(sprintf 'the one that hangs took %.1f s longer', $took / 1000);

# --- the others

is(rows($_), expected($_), "account $_ has every value, whatever befell the others") for 14, 15, 16, 17, 18;
is(told($_), 'succeeded: ', "account $_: its log says nothing went wrong") for 14, 16, 17, 18;
is(connection($_), 'active|f|f', "account $_ is active") for 14 .. 18;
is(told(15), 'succeeded: profile_views no_data', 'a metric that is silently left out is told as no data, and spoils nothing');

# --- one bad metric

is(rows(1), expected(1), 'the siblings of a refused metric are stored, all of them');
like(told(1), qr/^partial: accounts_engaged not_supported 100$/, 'the refused metric is named, with the code of the API');
is(hints(1), 't', 'and the hint says what can be done');
is(job(1), 'partial|not_supported|f', 'that job is over: asking again would not help');

# --- dead tokens

for my $n (sort keys %dead)
{
    is(rows($n), '', "account $n, token $dead{$n}: no value");
    like(told($n), qr/^needs_login: needs_login 190$/, 'its log says that the login is over');
    is(hints($n), 't', 'and what to do');
    is(connection($n), 'needs_login|t|t', 'so does connections');
    is(job($n), 'failed|needs_login|f', 'nobody is asked again with this token');
    # An account has at most four calls under way. Those that share a batch with an answer too large to be read (account 9)
    # are sent again in smaller company, twice at most until they are alone.
    my @spent = @{ $sandbox->calls('account_id=' . id($n)) };
    my %asked = map { join(' ', @{ $_->{metrics} }, $_->{route}, $_->{since}, $_->{until}) => 1 } @spent;
    cmp_ok(scalar keys %asked, '<=', 4, 'and no more was asked with it than was under way when the first answer came');
    cmp_ok(scalar @spent, '<=', $n % 2 ? 12 : 4, 'and that in few calls');
}
is(query("SELECT count(DISTINCT hint) FROM instagram_insights.connections WHERE status = 'needs_login'"), 5,
    'the four causes, and a permission that was withdrawn, have five hints');

# --- answers that cannot be read

for my $n (sort { $a <=> $b } keys %garbage)
{
    my ($what) = join ' ', sort keys %{ $garbage{$n} };
    like(rows($n), qr/\A@{[ id($n) ]},followers_count,[^\n]+\z/, "account $n, garbage ($what): the snapshot, which came by another request, is stored");
    like(told($n), qr/^partial: .*reach malformed/, 'the log calls it malformed');
    is(hints($n), 't', 'with a hint');
    unlike(told($n), qr/profile_views no_data/, 'and not "no data"');
    like(connection($n), qr/^active\|\w\|t$/, 'the connection stays, its last error is shown');
}

# --- silence, limits, permissions

like(told(11), qr/reach timeout/, 'a server that never answers is told as a timeout');
is(job(11), 'waiting|timeout|t', 'and tried again later');
like(rows(11), qr/followers_count/, 'what did come is stored');
like(told(12), qr/^throttled: throttled 80002$/, 'a limit is told');
is(job(12), 'waiting|throttled|t', 'its job waits');
is(connection(12), 'throttled|t|t', 'connections says throttled');
is(query("SELECT blocked_until BETWEEN now() + interval '3 minutes' AND now() + interval '6 minutes' FROM instagram_insights.accounts WHERE account_id = '@{[ id(12) ]}'"),
    't', 'for the minutes the API named');
is(query("SELECT due_at >= (SELECT blocked_until FROM instagram_insights.accounts a WHERE a.account_id = j.account_id) FROM instagram_insights.sync_jobs j WHERE account_id = '@{[ id(12) ]}'"),
    't', 'and is not due before');
like(told(13), qr/^partial: .*reach permission 10/, 'a missing permission is told as such');
is(hints(13), 't', 'with what to grant');
is(connection(13), 'needs_login|t|t', 'and connections says that only a new login mends it');
like(rows(13), qr/\A\d+,followers_count,[^\n]+\z/, 'what the permission does not cover is stored');
my @tries = grep { $_->{status} == 502 } @{ $sandbox->calls('account_id=' . id(14)) };
is(scalar @tries, 2, 'an answer 502 was asked again, twice');

# --- the next day

sub newest_call { return (sort { $b <=> $a } map { $_->{n} } @{ $sandbox->calls })[0] }

my $after = newest_call();
query("UPDATE instagram_insights.accounts SET metric_state = jsonb_set(metric_state, '{accounts_engaged,unsupported_since}', to_jsonb(now() - interval '1 day')) WHERE account_id = '@{[ id(1) ]}'");
$sandbox->clear_faults;
query("UPDATE instagram_insights.sync_jobs SET due_at = now() WHERE state = 'waiting' AND error_kind = 'malformed'");
query('SELECT instagram_insights.ig_sync_all()');
settled();
sub asked
{
    my ($n, $number) = @_;
    my %metrics = map { $_ => 1 } map { @{ $_->{metrics} } } @{ $sandbox->calls('account_id=' . id($n) . "&after=$number") };
    return join ' ', sort keys %metrics;
}
like(asked(1, $after), qr/profile_views reach/, 'the next day the account is asked again');
unlike(asked(1, $after), qr/accounts_engaged/, 'but not for what it refused');
like(told(1), qr/^succeeded: $/, 'and that is a success');
is(scalar @{ $sandbox->calls('account_id=' . id($_) . "&after=$after") }, 0, "account $_, which needs a login, is left in peace") for keys %dead, 13;
is(rows($_), expected($_), "account $_, once its answers can be read, has caught up with everything") for 6 .. 10;
my $since = newest_call();
query("UPDATE instagram_insights.accounts SET metric_state = jsonb_set(metric_state, '{accounts_engaged,unsupported_since}', to_jsonb(now() - interval '8 days')) WHERE account_id = '@{[ id(1) ]}'");
query('SELECT instagram_insights.ig_sync_all()');
settled();
like(asked(1, $since), qr/accounts_engaged/, 'a week later the refused metric is asked again');

# Dead tokens come back by a new login.
$sandbox->post('/tokens', { token => token($_), state => 'valid' }) for keys %dead, 13;
connect_account($node, letter($_), $_) for keys %dead, 13;
query("UPDATE instagram_insights.usage SET blocked_until = NULL, percent = NULL; UPDATE instagram_insights.accounts SET blocked_until = NULL");
query("UPDATE instagram_insights.sync_jobs SET due_at = now() WHERE state = 'waiting'");
sync_all_done($node);
is(rows($_), expected($_), "account $_ has caught up") for (sort keys %dead), 11, 12, 13;
is(connection(3), 'active|f|f', 'a new login makes an account active again');

# --- the network is down

my $refused = 'https://localhost:1';
sub point_to
{
    my ($url) = @_;
    query("ALTER SYSTEM SET instagram_insights.graph_url = '$url'");
    query("ALTER SYSTEM SET instagram_insights.instagram_graph_url = '$url'");
    $node->reload;
    return $node->poll_query_until('postgres', "SELECT current_setting('instagram_insights.instagram_graph_url') = '$url'");
}
point_to($refused);
my $job = query("SELECT instagram_insights.ig_refresh_insights('" . user_id('a') . "', '@{[ id(16) ]}')");
settled();
is(job(16), 'waiting|network|t', 'with the network down a job waits');
like(told(16), qr/^failed: .*reach network/, 'its log says network');
is(hints(16), 't', 'and where to look');
is(connection(16), 'active|t|t', 'the connection stays active, and says what went wrong');
my $due = "SELECT state, due_at, attempt FROM instagram_insights.sync_jobs WHERE job_id = $job";
my $waits = query($due);
my $pid = worker_pid($node);
query("SELECT pg_terminate_backend($pid)");
wait_for($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
is(query($due), $waits, 'a worker that is ended leaves waiting jobs as they are');
point_to($sandbox->url);
$node->restart;
is(query($due), $waits, 'so does a restart of the server');
query("UPDATE instagram_insights.sync_jobs SET due_at = now() WHERE job_id = $job; SELECT instagram_insights.ig_nudge()");
wait_for($node, "SELECT state = 'succeeded' FROM instagram_insights.ig_sync_status($job)");
ok(1, 'once the network is back, the job ends well');

# --- a limit of the whole app

$sandbox->reset;
query("DELETE FROM instagram_insights.insights WHERE account_id <> '@{[ id(1) ]}'; UPDATE instagram_insights.accounts SET metric_state = '{}' WHERE account_id <> '@{[ id(1) ]}'");
# All that can be under way is held until it is: four calls of each of the nine accounts. The ninth call brings the limit.
my $under_way = 4 * grep { $_ % 2 } 1 .. $accounts;
set_timeout("'30s'");
$sandbox->faults(
    { match => { route => 'insights', flavour => 'facebook' }, do => { throttle => { code => 4, minutes => 5 }, hang => 'before_headers' }, after => 8, times => 1 },
    { match => { flavour => 'facebook' }, do => { hang => 'before_headers' } },
    { match => { flavour => 'facebook', route => 'batch' }, do => { hang => 'before_headers' } });
sub facebook_calls { return grep { $_->{host_flavour} eq 'facebook' && $_->{route} ne 'batch' } @{ $sandbox->calls } }
query('SELECT instagram_insights.ig_sync_all()');
$sandbox->wait_until(sub { facebook_calls() >= $under_way }, "$under_way calls are under way");
$sandbox->clear_faults;
$sandbox->release;
settled();
is(query("SELECT string_agg(DISTINCT j.state || ' ' || j.error_kind, ',') FROM instagram_insights.sync_jobs j JOIN instagram_insights.accounts a USING (user_id, account_id)
          WHERE a.login = 'facebook' AND j.state IN ('waiting', 'failed', 'partial') AND j.queued_at > now() - interval '1 minute' AND j.error_kind = 'throttled'"),
    'waiting throttled', 'when the app has reached its limit, jobs of that login wait');
is(rows($_), expected($_), "account $_ of the other login goes on") for 16, 18;
is(scalar facebook_calls(), $under_way, 'no more calls than were under way reach a blocked app');
set_timeout("'1500ms'");
connect_account($node, 'd', 19);
my $late = query("SELECT instagram_insights.ig_refresh_insights('" . user_id('d') . "', '@{[ id(19) ]}')");
wait_for($node, "SELECT state = 'waiting' FROM instagram_insights.ig_sync_status($late)");
is(job(19), 'waiting|throttled|t', 'an account of that login that comes later waits as well');
is(scalar @{ $sandbox->calls('account_id=' . id(19)) }, 0, 'without a call');
$sandbox->clear_faults;
$node->restart;    # forgets what only the worker knew
query("UPDATE instagram_insights.usage SET blocked_until = NULL, percent = NULL; UPDATE instagram_insights.accounts SET blocked_until = NULL; UPDATE instagram_insights.sync_jobs SET due_at = now() WHERE state = 'waiting'; SELECT instagram_insights.ig_nudge()");
wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
is(rows($_), expected($_), "account $_: nothing was lost by the limit") for 3, 9, 17, 19;

is($sandbox->stats->{tokens_in_urls}, 0, 'no token was in a URL');
$node->stop;
done_testing();
