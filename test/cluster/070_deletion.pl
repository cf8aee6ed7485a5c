# What a person ends stays ended: no row comes back after a deletion, a disconnection, a cancel or a pause, whatever was in flight.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $none_live = "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))";
my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my $node = insights_node('deletion', sandbox => $sandbox);
my ($a, $b) = (user_id('a'), user_id('b'));
my ($own, $others);

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub rows { my ($table, $user) = @_; return sql("SELECT count(*) FROM $schema.$table WHERE user_id = '$user'") }
sub go_on { $sandbox->clear_faults; return $sandbox->release }
sub calls { return $sandbox->stats->{calls} }

# Nothing stored, account 1 of user a and 2 of user b connected; calls for account 1 hang.
sub begin_anew
{
    go_on();
    wait_for($node, $none_live);
    sql("SELECT $schema.ig_delete_user_data('$_')") for $a, $b;
    $own = connect_account($node, 'a', 1);
    $others = connect_account($node, 'b', 2);
    $sandbox->faults({ match => { account_id => $own }, do => { hang => 'before_headers' } });
    return;
}

sub in_worker
{
    begin_anew();
    my $job = sql("SELECT $schema.ig_refresh_insights('$a')");
    $sandbox->wait_for_hanging(1);
    return $job;
}

# A fetch in a session of its own; returns the session. Its answer comes with finish().
sub in_fetch
{
    begin_anew();
    my $session = $node->background_psql('postgres', on_error_stop => 0);
    $session->query_until(qr/begun/, "\\echo begun\nSELECT string_agg(status || ' ' || errors, ',') FROM $schema.ig_fetch_insights('$a');\n");
    $sandbox->wait_for_hanging(1);
    return $session;
}

sub finish
{
    my ($session) = @_;
    my $answer = $session->query('SELECT 1');
    $session->quit;
    return $answer;
}

sub quiet { return $sandbox->wait_until(sub { $sandbox->get('/hanging')->{count} == 0 }, 'no call hangs') }

# Others are served as if nothing were.
sub others_go_on
{
    my ($when) = @_;
    my $job = sql("SELECT $schema.ig_refresh_insights('$b')");
    wait_for($node, "SELECT state = 'succeeded' FROM $schema.sync_jobs WHERE job_id = $job");
    is(stored_rows($node, "account_id = '$others'"), $sandbox->expected(account_id => $others), "$when: others are served meanwhile");
    return;
}

# The tables that hold a row of this user; a table that is added tomorrow is looked at as well.
sub tables_with
{
    my ($user) = @_;
    my @tables = split /\n/, sql("SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'user_id'"
            . " WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition");
    return join ' ', sort grep { rows($_, $user) } @tables;
}

# Deletion.
in_worker();
my $deleted = sql("SELECT $schema.ig_delete_user_data('$a')");
like($deleted, qr/"sync_jobs": 1/, 'a deletion with a call in flight says what it deleted');
quiet();
pass('and the worker drops that call');
others_go_on('deletion');
go_on();
is(join(',', map { rows($_, $a) } qw(insights sync_log accounts credentials sync_jobs)), '0,0,0,0,0', 'nothing of the user comes back');

# Everything that can be stored of a user: years of numbers, months that are closed, late values, a login that was begun.
begin_anew();
$sandbox->clear_faults;
sql(<<"SQL");
SELECT count(*) FROM $schema.ig_fetch_insights('$a');
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value)
SELECT '$a', '$own', 'reach', 'day', make_timestamptz(y, 6, 1, 7, 0, 0, 'UTC'), y FROM generate_series(2020, 2025) y;
SELECT * FROM $schema.ig_maintain();
UPDATE $schema.insights SET value = value + 1 WHERE user_id = '$a' AND end_time < '2024-01-01';
SELECT $schema.ig_refresh_insights('$a');
SELECT $schema.ig_configure_app('1234', '0123456789abcdef0123456789abcdef', 'facebook', ARRAY['https://app.example.org/back']);
SELECT $schema.ig_authorize_url('https://app.example.org/back', '$a', 'facebook');
UPDATE $schema.usage SET calls = 1 WHERE user_id = '$a';
SQL
like(tables_with($a), qr/^accounts credentials insights insights_late insights_monthly oauth_states sync_jobs sync_log/, 'a user of long standing has rows in many tables');
sql("SELECT $schema.ig_delete_user_data('$a')");
is(tables_with($a), '', '... and after the deletion in none');
sql("DELETE FROM $schema.apps");
begin_anew();

# The same with a fetch.
my $session = in_fetch();
sql("SELECT $schema.ig_delete_user_data('$a')");
go_on();
like(finish($session), qr/failed.*"kind": "cancelled"/, 'a fetch in flight: it says that its result was dropped');
is(join(',', map { rows($_, $a) } qw(insights sync_log accounts credentials sync_jobs)), '0,0,0,0,0', 'and nothing comes back by it');

# Disconnection keeps what is there, adds nothing.
begin_anew();
$sandbox->clear_faults;
sql("SELECT count(*) FROM $schema.ig_fetch_insights('$a')");
sql("DELETE FROM $schema.insights WHERE account_id = '$own' AND metric = 'reach'");
my $history = rows('insights', $a);
$sandbox->faults({ match => { account_id => $own }, do => { hang => 'before_headers' } });
my $job = sql("SELECT $schema.ig_refresh_insights('$a')");
$sandbox->wait_for_hanging(1);
is(sql("SELECT $schema.ig_disconnect(NULL, '$a')"), '1', 'disconnected with a call in flight');
quiet();
others_go_on('disconnection');
go_on();
is(sql("SELECT state FROM $schema.ig_sync_status($job)"), 'cancelled', 'its job is cancelled');
is(rows('insights', $a), $history, 'the history is kept, no row is added');
is(rows('credentials', $a), 0, 'the token is gone');

$session = in_fetch();
sql("SELECT $schema.ig_disconnect('$own', '$a')");
go_on();
like(finish($session), qr/failed.*"kind": "cancelled"/, 'disconnected during a fetch: its result is dropped');
is(rows('insights', $a), 0, 'no row is stored by it');

# Reconnection with another token: the old one's answer is void, the work is done with the new one.
$sandbox->accounts({ account_id => '17841400000000077', username => 'acme', tokens => ['EAAsandboxold000000001', 'EAAsandboxnew000000001'] });
sub reconnect { my ($token) = @_; return sql("SELECT count(*) FROM $schema.ig_connect_token('$token', '17841400000000077', '$a')") }
begin_anew();
reconnect('EAAsandboxold000000001');
$sandbox->faults({ match => { token => 'EAAsandboxold000000001' }, do => { hang => 'before_headers' } });
$job = sql("SELECT $schema.ig_refresh_insights('$a', '17841400000000077')");
$sandbox->wait_for_hanging(1);
reconnect('EAAsandboxnew000000001');
go_on();
my $again = sql("SELECT $schema.ig_refresh_insights('$a', '17841400000000077')");
wait_for($node, "SELECT state = 'succeeded' FROM $schema.sync_jobs WHERE job_id = $again");
is(stored_rows($node, "account_id = '17841400000000077'"), $sandbox->expected(account_id => '17841400000000077'),
    'connected anew during a call: the work is done with the new token');
my $new_calls = () = $sandbox->request('GET', '/calls?token=EAAsandboxnew000000001') =~ /"route"/g;
cmp_ok($new_calls, '>', 0, 'the new token was used');
is(sql("SELECT status FROM $schema.connections WHERE account_id = '17841400000000077'"), 'active', 'the connection is active');

$session = in_fetch();
connect_account($node, 'a', 1);
go_on();
like(finish($session), qr/failed.*"kind": "cancelled"/, 'connected anew during a fetch: the old answer is dropped');
is(rows('insights', $a), 0, 'no row is stored by it');

# Cancel.
$job = in_worker();
is(sql("SELECT $schema.ig_cancel($job)"), 't', 'a running job can be cancelled');
quiet();
others_go_on('cancel');
go_on();
is(sql("SELECT state FROM $schema.ig_sync_status($job)"), 'cancelled', 'it is cancelled and stays so');
is(rows('insights', $a), 0, 'no row of it is stored');
is(sql("SELECT $schema.ig_cancel($job)"), 'f', 'cancelling it again says false');

# Pause: also with as many jobs in hand as the worker takes.
for my $most (200, 1)
{
    sql("ALTER SYSTEM SET instagram_insights.max_in_flight = $most; SELECT pg_reload_conf()");
    $job = in_worker();
    sql("SELECT $schema.ig_refresh_insights('$b')") if $most == 1;
    sql("SELECT $schema.ig_pause('a test')");
    quiet();
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state = 'running')");
    my $before = calls();
    is(sql("SELECT string_agg(DISTINCT state || ' ' || attempt, ',') FROM $schema.sync_jobs WHERE finished_at IS NULL"), 'queued 0',
        "max_in_flight $most: a pause stops the calls in flight, the jobs are queued again, untried");
    is(sql("SELECT $schema.ig_nudge()"), 'f', 'a nudge starts nothing while paused');
    like(sql("SELECT string_agg(status, ',') FROM $schema.ig_fetch_insights('$b')"), qr/^paused$/, 'a fetch says paused');
    isnt($node->psql('postgres', "SELECT $schema.ig_refresh_insights('$b')"), 0, 'a refresh is refused');
    is(calls(), $before, 'nobody is called');
    $sandbox->clear_faults;
    sql("SELECT $schema.ig_resume()");
    wait_for($node, $none_live);
    is(stored_rows($node, "account_id = '$own'"), $sandbox->expected(account_id => $own), 'after ig_resume() the work is done');
}

unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|tries again in a second/, 'no worker was in trouble');
$node->stop;
done_testing();
