# Batches: many calls in few requests, each account its own numbers; a bad item costs no other, a bad batch nothing but calls.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use JSON::PP ();
use List::Util qw(max sum0);
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $accounts = 40;
my $sandbox = GraphSandbox->new(accounts => $accounts, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('batch', sandbox => $sandbox, conf => <<'CONF');
instagram_insights.first_sync_days = 5
instagram_insights.idle_timeout = -1
CONF
my $last = $node->safe_psql('postgres', "SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date - 1");
my $first = $node->safe_psql('postgres', "SELECT date '$last' - 4");
my @facebook = grep { $_ % 2 } 1 .. $accounts;
my @all = 1 .. $accounts;

sub id { return sprintf('178414%011d', $_[0]) }
sub token { return sprintf('%sAAsandbox%012d', $_[0] % 2 ? 'E' : 'IG', $_[0]) }
sub query { return $node->safe_psql('postgres', $_[0]) }
sub setting { return query("ALTER SYSTEM SET instagram_insights.$_[0]") }

my %expected = map { $_ => $sandbox->expected(account_id => id($_), first => $first, last => $last) } @all;

# Those of these accounts whose rows are not exactly the ones of a clean run.
sub wrong
{
    my %stored;
    for my $row (split /\n/, stored_rows($node))
    {
        my ($account) = split /,/, $row;
        push @{ $stored{$account} }, $row;
    }
    return join ' ', grep { join("\n", @{ $stored{ id($_) } // [] }) ne $expected{$_} } @_;
}

# The newest try of an account: its status, and its errors as "metric kind code".
sub told
{
    my ($n) = @_;
    return query("SELECT l.status || ': ' || COALESCE(string_agg(DISTINCT concat_ws(' ', e.metric, e.kind, e.code), ', '), '')
        FROM (SELECT * FROM instagram_insights.sync_logs WHERE account_id = '@{[ id($n) ]}' ORDER BY id DESC LIMIT 1) l
        LEFT JOIN jsonb_to_recordset(l.errors) AS e (metric text, kind text, code text) ON true GROUP BY l.status");
}

# As if nothing had ever been fetched, by a worker that knows nothing either.
sub begin_anew
{
    $sandbox->reset;
    query("DELETE FROM instagram_insights.insights; DELETE FROM instagram_insights.sync_jobs; DELETE FROM instagram_insights.sync_log;
           DELETE FROM instagram_insights.usage;
           UPDATE instagram_insights.accounts SET metric_state = '{}', blocked_until = NULL, status = 'active', last_error = NULL, hint = NULL");
    return $node->restart;
}

sub sync_settled
{
    query('SELECT instagram_insights.ig_sync_all()');
    return wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running'))");
}

# Accounts whose logs tell another number of calls than the sandbox has seen.
sub miscounted
{
    my %seen = %{ $sandbox->stats->{by_account} };
    my %told = map { split /\|/ } split /\n/, query('SELECT account_id, sum(api_calls) FROM instagram_insights.sync_logs GROUP BY 1');
    return join ' ', map { id($_) . ": told $told{ id($_) }, seen $seen{ id($_) }" } grep { $told{ id($_) } != $seen{ id($_) } } @_;
}

# Calls that the logs tell beyond those the sandbox has seen: those of batches whose items it did not look at.
sub unseen_calls
{
    return query('SELECT sum(api_calls) FROM instagram_insights.sync_logs') - sum0(values %{ $sandbox->stats->{by_account} });
}

sub largest_batch
{
    my %items;
    $items{ $_->{batch} }++ for grep { $_->{batch} } @{ $sandbox->calls };
    return max(0, values %items);
}

connect_account($node, (qw(a b c d))[ $_ % 4 ], $_) for @all;

# --- a clean run

my %numbers = map { my $n = $_; (join ' ', map { (split /,/)[4] } split /\n/, $expected{$n}) => 1 } @all;
is(scalar keys %numbers, $accounts, 'no two accounts have the same numbers');
begin_anew();
sync_settled();
my $stats = $sandbox->stats;
is(wrong(@all), '', 'each account has exactly its own numbers');
is(query("SELECT string_agg(DISTINCT state, ',') FROM instagram_insights.sync_jobs"), 'succeeded', 'every job ended well');
cmp_ok($stats->{batches}, '>', 0, 'accounts of the Facebook login are fetched in batches');
cmp_ok($stats->{batch_items}, '>=', 10 * $stats->{batches}, 'with far fewer requests than calls');
is(largest_batch(), 50, 'a batch is filled to what the API takes, and no further');
is(scalar(grep { $_->{batch} && $_->{host_flavour} ne 'facebook' } @{ $sandbox->calls }), 0, 'no account of the Instagram login is in one');
is(scalar(grep { $_->{route} eq 'batch' && $_->{host_flavour} ne 'facebook' } @{ $sandbox->calls }), 0, 'nor is that host ever sent one');
is(miscounted(@all), '', 'the logs tell exactly the calls that were made, in batches or alone');
is(scalar(grep { $_->{host_flavour} eq 'facebook' && !$_->{batch} && $_->{route} ne 'batch' } @{ $sandbox->calls }), 0, 'and none of the Facebook login goes alone');
diag("$stats->{batch_items} calls in $stats->{batches} batches");

setting('batch_size = 1');
begin_anew();
sync_settled();
is($sandbox->stats->{batches}, 0, 'batch_size = 1 makes no batch');
is(wrong(@all), '', 'and the same rows');
setting('batch_size = 7');
begin_anew();
sync_settled();
is(largest_batch(), 7, 'batch_size = 7 makes batches of seven');
is(wrong(@all), '', 'and the same rows');
setting('batch_size = 50');

# --- items that fail, of every kind, beside items that do not

sub item { my ($n, $do, %more) = @_; return +{ match => { route => 'insights', account_id => id($n) }, do => $do, %more } }

begin_anew();
$sandbox->token_state(token => token(1), state => 'revoked');
$sandbox->token_state(token => token(5), state => 'expired');
$sandbox->token_state(token => token(7), state => 'no_scope');
$sandbox->faults(
    +{ match => { route => 'insights', account_id => id(9), metric => 'accounts_engaged' },
        do => { error => { status => 400, code => 100, message => '(#100) accounts_engaged is not a supported metric for this account' } } },
    item(11, { throttle => { code => 80002, minutes => 5 } }),
    item(13, { error => { status => 500, code => 2, is_transient => JSON::PP::true(), message => 'Service temporarily unavailable' } }, times => 1),
    item(15, { status => 200, body => '{"data":[{"name":"reach","per', content_type => 'application/json' }),
    item(17, { null => JSON::PP::true() }, times => 2),
    item(19, { status => 200 }),
    item(21, { status => 502, body => '<html>', content_type => 'text/html' }, times => 1));
# Account 1, for which a person waits, goes first in its batch.
query("BEGIN; SELECT count(*) FROM instagram_insights.ig_refresh_insights('@{[ user_id('b') ]}', '@{[ id(1) ]}'); SELECT instagram_insights.ig_sync_all(); COMMIT");
wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running'))");
my %spoke;
$spoke{ $_->{token} }++ for grep { $_->{route} eq 'batch' && $_->{status} >= 400 } @{ $sandbox->calls };
cmp_ok($spoke{ token(1) } // 0, '>', 0, 'a dead token spoke for a batch, which was refused');
is(join(' ', grep { $_ ne token(1) && $_ ne token(5) } keys %spoke), '', 'and no batch was refused for another');
my %bad = (
    1 => qr/^needs_login: needs_login 190$/, 5 => qr/^needs_login: needs_login 190$/, 7 => qr/^partial: .*reach permission 10/,
    9 => qr/^partial: accounts_engaged not_supported 100$/, 11 => qr/^throttled: throttled 80002$/,
    15 => qr/^partial: .*reach malformed/, 19 => qr/^partial: .*reach malformed/);
like(told($_), $bad{$_}, "account $_, an item that failed, says why") for sort { $a <=> $b } keys %bad;
my @good = grep { !$bad{$_} } @all;
is(wrong(@good), '', 'every other account has every value, those whose items came back the second time, too');
is(query("SELECT count(*) FROM instagram_insights.sync_jobs WHERE state = 'succeeded'"), scalar @good, 'and each of their jobs succeeded');
is(told($_), 'succeeded: ', "account $_: a passing failure of an item leaves no trace") for 13, 17, 21;
is(query("SELECT string_agg(DISTINCT metric, ',') FROM instagram_insights.insights WHERE account_id = '@{[ id($_) ]}'"), 'followers_count', "account $_: what came by an item that was well is stored") for 7, 15, 19;
is(query("SELECT count(*) FROM instagram_insights.insights WHERE account_id IN ('@{[ id(1) ]}', '@{[ id(5) ]}')"), 0, 'with a dead token there is nothing');
is(query("SELECT count(*) FROM instagram_insights.insights WHERE account_id = '@{[ id(9) ]}' AND metric = 'accounts_engaged'"), 0, 'nor of a metric that is not supported');
is(query("SELECT string_agg(account_id, ' ' ORDER BY account_id) FROM instagram_insights.connections WHERE status = 'needs_login'"), join(' ', map { id($_) } 1, 5, 7),
    'a new login is asked of those who need one, and of nobody whose item shared a batch with theirs');
is(query("SELECT count(*) FROM instagram_insights.connections WHERE status = 'throttled'"), 1, 'a limit of one account stops that account');

$sandbox->clear_faults;
$sandbox->token_state(token => token($_), state => 'valid') for 1, 5, 7;
connect_account($node, (qw(a b c d))[ $_ % 4 ], $_) for 1, 5, 7;

# --- batches that fail as a whole

# name, fault, and whether the sandbox has looked at the items of the batch that failed.
my @whole = (
    [ 'an error object with status 200', { status => 200, content_type => 'application/json', body => '{"error":{"message":"An unknown error occurred","type":"OAuthException","code":1}}' }, 1 ],
    [ 'an error 400', { error => { status => 400, code => 100, message => 'Invalid parameter' } }, 0 ],
    [ 'an error 500 that passes', { error => { status => 500, code => 2, is_transient => JSON::PP::true() } }, 0 ],
    [ '502 with HTML', { status => 502, body => '<html><h1>Bad gateway</h1></html>', content_type => 'text/html' }, 1 ],
    [ 'no body', { status => 200 }, 1 ],
    [ 'an answer that is cut', { cut_to => 3000 }, 1 ],
    [ 'too few items', { items => 3 }, 1 ],
    [ 'too many items', { items => 120 }, 1 ],
    [ 'a connection dropped in the body', { close => 'in_body' }, 1 ],
    [ 'a connection dropped before the answer', { close => 'reset' }, 1 ],
    [ 'silence', { hang => 'before_headers' }, 1 ]
);

sub all_is_well
{
    my ($what) = @_;
    is(wrong(@all), '', "$what: no value is missing or another's");
    is(query("SELECT string_agg(DISTINCT concat_ws(' ', state, error_kind, error), ',') FROM instagram_insights.sync_jobs"), 'succeeded', "$what: every job ended well, at its first try");
    is(query("SELECT sum(rows_inserted) = (SELECT count(*) FROM instagram_insights.insights) AND sum(rows_updated + rows_unchanged) = 0 AND count(*) = $accounts
              FROM instagram_insights.sync_logs WHERE status = 'succeeded'"), 't', "$what: each value was stored once");
    return;
}

for my $case (@whole)
{
    my ($what, $do, $looked) = @$case;
    setting("request_timeout = '" . ($do->{hang} ? '1s' : '30s') . "'");
    begin_anew();
    $sandbox->faults({ match => { route => 'batch' }, do => $do, times => 1 });
    sync_settled();
    all_is_well($what);
    # The eighty calls that may go at first go in two batches, of which the one that comes first fails.
    like(unseen_calls(), $looked ? qr/^0$/ : qr/^(50|30)$/, "$what: the logs tell every call that was made, those of the batch that failed as well");
    is(miscounted(@all), '', "$what: of every account") if $looked;
    $sandbox->clear_faults;
    $sandbox->release;
}

setting("request_timeout = '30s'");
begin_anew();
$sandbox->faults({ match => { route => 'batch' }, do => { status => 502, body => '<html>', content_type => 'text/html' } });
sync_settled();
all_is_well('a host that never answers a batch');
my @together = grep { $_->{route} eq 'batch' } @{ $sandbox->calls };
my @alone = grep { $_->{host_flavour} eq 'facebook' && $_->{route} ne 'batch' && !$_->{batch} } @{ $sandbox->calls };
is(scalar @alone, $stats->{batch_items}, 'all its calls were made alone in the end, each once');
cmp_ok(scalar @together, '<', scalar @alone, 'after few batches in vain');

begin_anew();
$sandbox->faults({ match => { route => 'batch' }, do => { close => 'in_body' }, chance => 30 });
sync_settled();
all_is_well('connections that drop again and again');
is(miscounted(@all), '', 'and the logs tell the calls that were sent again');

is($sandbox->stats->{tokens_in_urls}, 0, 'no token was in a URL');
$node->stop;
done_testing();
