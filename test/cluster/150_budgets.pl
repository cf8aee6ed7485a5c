# The API's budgets are kept in a table and obeyed: by the worker, by ig_fetch_insights(), and after a restart; others go on.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use JSON::PP;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 12, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('budgets', sandbox => $sandbox, conf => <<'CONF');
instagram_insights.first_sync_days = 5
instagram_insights.idle_timeout = -1
CONF

sub id { return sprintf('178414%011d', $_[0]) }
sub query { return $node->safe_psql('postgres', $_[0]) }
sub calls { return $sandbox->stats->{calls} }
sub blocked { return $sandbox->stats->{calls_while_blocked} }
sub refresh { return query("SELECT instagram_insights.ig_refresh_insights(user_id, account_id) FROM instagram_insights.accounts WHERE account_id = '@{[ id($_[0]) ]}'") }
sub job { return query("SELECT state, COALESCE(error_kind, '') FROM instagram_insights.sync_jobs WHERE job_id = $_[0]") }
sub settled { return wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE job_id = $_[0] AND state IN ('queued', 'running'))") }
sub usage { return query("SELECT COALESCE(percent::text, '') || ' ' || COALESCE(round(extract(epoch FROM blocked_until - now()) / 60)::text, '') FROM instagram_insights.usage WHERE $_[0]") }
sub fetch { return query("SELECT status, api_calls FROM instagram_insights.ig_fetch_insights('@{[ user_id($_[0]) ]}', '@{[ id($_[1]) ]}')") }
sub doctor { return query("SELECT status || ': ' || detail || ' ' || COALESCE(hint, '') FROM instagram_insights.ig_doctor() WHERE check_name = 'budgets'") }
sub fault { my ($n, $times, %do) = @_; return +{ match => { route => 'insights', account_id => id($n) }, do => {%do}, times => $times } }

my %letter = map { $_ => $_ % 2 ? 'a' : 'b' } 1 .. 12;
connect_account($node, $letter{$_}, $_) for 1 .. 12;
like(doctor(), qr/^ok: /, 'nothing is known yet');

# --- what the headers say

$sandbox->faults(fault(1, 100, headers => {
    'X-App-Usage' => '{"call_count":28,"total_time":25,"total_cputime":25}',
    'X-Business-Use-Case-Usage' => '{"' . id(1) . '":[{"type":"instagram","call_count":3,"total_cputime":31,"total_time":2,"estimated_time_to_regain_access":0}]}' }));
my $job = refresh(1);
settled($job);
is(job($job), 'succeeded|', 'an account is synced');
is(usage("account_id = '@{[ id(1) ]}'"), '31 ', 'the budget of the account is in the table');
is(usage("account_id = '' AND login = 'facebook'"), '28 ', 'and that of the app');
my (undef, $seen) = as_user($node, 'instagram_insights_user', 'a', 'SELECT count(*) FROM instagram_insights.usage');
is($seen, 1, 'a user sees own budgets');
(undef, $seen) = as_user($node, 'instagram_insights_user', 'b', 'SELECT count(*) FROM instagram_insights.usage');
is($seen, 0, 'and nobody else\'s');
$sandbox->clear_faults;

# --- one account has to wait

$sandbox->faults(fault(2, 1, throttle => { code => 80002, minutes => 5 }));
$sandbox->config(refuse_while_blocked => JSON::PP::true());
my $before = blocked();
$job = refresh(2);
my $other = refresh(4);
settled($_) for $job, $other;
is(job($job), 'waiting|throttled', 'a refused account waits');
is(job($other), 'succeeded|', 'others go on');
is(usage("account_id = '@{[ id(2) ]}'"), '100 5', 'the table says until when');
is(query("SELECT status FROM instagram_insights.connections WHERE account_id = '@{[ id(2) ]}'"), 'throttled', 'so does connections');
like(doctor(), qr/^warn: .*1 accounts.*by themselves, the last at /s, 'ig_doctor() says it');
cmp_ok(blocked() - $before, '<=', 3, 'only what was on its way came after the refusal');

# From here on nothing flies: whoever calls that account calls knowingly.
sub nobody_calls
{
    my ($letter, $number, $what) = @_;
    query("UPDATE instagram_insights.accounts SET blocked_until = NULL WHERE account_id = '@{[ id($number) ]}'");
    my $calls = calls();
    is(fetch($letter, $number), 'throttled|0', "$what: ig_fetch_insights() does not call");
    query("UPDATE instagram_insights.accounts SET blocked_until = NULL WHERE account_id = '@{[ id($number) ]}'");
    my $waiting = refresh($number);
    query("UPDATE instagram_insights.sync_jobs SET due_at = now(), error_kind = NULL WHERE job_id = $waiting");
    query('SELECT instagram_insights.ig_nudge()');
    wait_for($node, "SELECT state = 'waiting' AND error_kind = 'throttled' AND due_at > now() + interval '2 minutes' FROM instagram_insights.sync_jobs WHERE job_id = $waiting");
    is(calls(), $calls, "$what: nor does the worker");
    return;
}
nobody_calls('b', 2, 'while one account is blocked');
$node->restart;
nobody_calls('b', 2, 'after a restart');

# --- the whole app of one login has to wait

$sandbox->config(refuse_while_blocked => JSON::PP::false());
$sandbox->faults({ match => { route => 'insights', flavour => 'facebook' }, do => { throttle => { code => 4, minutes => 5 } }, times => 1 });
is(fetch('a', 3) =~ s/\|.*//r, 'throttled', 'a backend meets the limit of the app');
like(usage("account_id = '' AND login = 'facebook'"), qr/^100 \d+$/, 'the table says so');
nobody_calls('a', 5, 'while the app is blocked');
$node->restart;
nobody_calls('a', 7, 'after a restart');
like(doctor(), qr/^warn: .*app of: facebook/, 'ig_doctor() says which app');
$job = refresh(6);
settled($job);
is(job($job), 'succeeded|', 'the other login goes on');
$sandbox->clear_faults;

# --- it goes on by itself after the announced time

$sandbox->faults(fault(8, 1, error => { status => 403, code => 4, message => '(#4) Application request limit reached', type => 'OAuthException' },
    headers => { 'Retry-After' => '3' }));
$job = refresh(8);
wait_for($node, "SELECT state = 'succeeded' FROM instagram_insights.sync_jobs WHERE job_id = $job");
cmp_ok(query("SELECT extract(epoch FROM finished_at - started_at) FROM instagram_insights.sync_jobs WHERE job_id = $job"), '>=', 3, 'after the announced time, not before');
$sandbox->clear_faults;

# --- near the limit: backfill stops, who waits in person is served

$sandbox->config(app_usage_percent => 85);
$job = refresh(10);
settled($job);
is(job($job), 'succeeded|', 'a refresh is served at 85 percent');
like(doctor(), qr/^warn: .*app of: facebook/, 'ig_doctor() goes on to speak of what is blocked first');
is(usage("account_id = '' AND login = 'instagram'") =~ s/ .*//r, '85', 'which the table knows');
my $calls = calls();
my $backfill = query("SELECT instagram_insights.ig_backfill(current_date - 60, current_date - 40, '@{[ user_id('b') ]}', '@{[ id(10) ]}')");
settled($backfill);
is(job($backfill), 'waiting|throttled', 'a backfill waits');
is(calls(), $calls, 'without a call');
is(query("SELECT due_at > now() + interval '50 minutes' FROM instagram_insights.sync_jobs WHERE job_id = $backfill"), 't', 'until the API\'s word is old');
is(query("SELECT status FROM instagram_insights.connections WHERE account_id = '@{[ id(10) ]}'"), 'active', 'the account is not blocked by it');
$job = refresh(10);
settled($job);
is(job($job), 'succeeded|', 'its refresh is served');
$sandbox->config(app_usage_percent => 10);
is(fetch('b', 12) =~ s/\|.*//r, 'succeeded', 'a backend is told that less is used');
is(usage("account_id = '' AND login = 'instagram'") =~ s/ .*//r, '10', 'and the table knows');

# --- words and counts of a clock that was ahead

settled(refresh(10));    # the worker knows it, too
$sandbox->config(app_usage_percent => 20);
query("UPDATE instagram_insights.usage SET percent = 99, observed_at = now() + interval '5 hours'
        WHERE account_id = '' AND login = 'instagram'");
query("UPDATE instagram_insights.sync_jobs SET due_at = now() WHERE job_id = $backfill; SELECT instagram_insights.ig_nudge()");
wait_for($node, "SELECT state = 'succeeded' FROM instagram_insights.sync_jobs WHERE job_id = $backfill");
is(job($backfill), 'succeeded|', 'what was said at a time yet to come holds nobody back');
is(query("SELECT percent, observed_at <= now() FROM instagram_insights.usage WHERE account_id = '' AND login = 'instagram'"),
    '20|t', 'and the next answer counts instead');

# --- a cap of our own

query("ALTER SYSTEM SET instagram_insights.calls_per_hour = 3");
query('SELECT pg_reload_conf()');
wait_for($node, q{SELECT setting = '3' FROM pg_settings WHERE name = 'instagram_insights.calls_per_hour'});
query("UPDATE instagram_insights.usage SET calls = 0, hour = date_trunc('hour', now()) WHERE account_id = '@{[ id(4) ]}'");
my $clock = query("SELECT date_trunc('hour', now())");
my @capped = (fetch('b', 4), fetch('b', 4));
$job = refresh(4);
settled($job);
SKIP: {
    skip 'the hour changed meanwhile', 4 if $clock ne query("SELECT date_trunc('hour', now())");
    is($capped[0], 'throttled|3', 'no more than calls_per_hour');
    is($capped[1], 'throttled|0', 'then none');
    is(job($job), 'waiting|throttled', 'nor from the worker');
    is(query("SELECT calls FROM instagram_insights.usage WHERE account_id = '@{[ id(4) ]}'"), 3, 'they are counted');
}

query("UPDATE instagram_insights.usage SET calls = 1000000, hour = date_trunc('hour', now()) + interval '5 hours'
        WHERE account_id = '@{[ id(6) ]}'");
fetch('b', 6);
is(query("SELECT calls BETWEEN 1 AND 3 AND hour <= now() FROM instagram_insights.usage WHERE account_id = '@{[ id(6) ]}'"),
    't', 'calls counted in an hour yet to come are counted anew');

# --- who holds a row is not waited for, and nothing comes back after a deletion

query('ALTER SYSTEM RESET instagram_insights.calls_per_hour');
query('SELECT pg_reload_conf()');
my $holder = $node->background_psql('postgres', on_error_stop => 1);
$holder->query_safe("BEGIN; SELECT FROM instagram_insights.usage FOR UPDATE");
$job = refresh(12);
settled($job);
is(job($job), 'succeeded|', 'a locked row holds up nobody');
$holder->query_safe('ROLLBACK');
$holder->quit;
query("SELECT instagram_insights.ig_delete_user_data('@{[ user_id('a') ]}')");
is(query("SELECT count(*) FROM instagram_insights.usage WHERE user_id = '@{[ user_id('a') ]}'"), 0, 'a deletion takes the budgets along');

done_testing();
