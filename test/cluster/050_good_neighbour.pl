# A good neighbour: requests in flight hold nothing open and hold nobody up, and the worker goes when it is not wanted.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $none_live = "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))";
my $sandbox = GraphSandbox->new(accounts => 6, now => '2026-11-22T12:00:00Z');
my $node = insights_node('neighbour', sandbox => $sandbox,
    conf => "instagram_insights.idle_timeout = 0\ninstagram_insights.max_in_flight = 6\nlog_error_verbosity = verbose\nlog_statement = none");
my @ids;

sub hang { return $sandbox->faults({ match => { route => 'insights' }, do => { hang => 'before_headers' } }) }
sub go_on { $sandbox->clear_faults; return $sandbox->release }
sub hanging { return $sandbox->get('/hanging')->{count} }
sub setting { my ($assignment) = @_; return $node->safe_psql('postgres', "ALTER SYSTEM SET instagram_insights.$assignment"), reload() }
sub reload { return $node->safe_psql('postgres', 'SELECT pg_reload_conf()') }
sub worker_gone { my ($database) = @_; return $sandbox->wait_until(sub { worker_pid($node, $database) eq '' }, "the worker of $database is gone") }

sub make_extension
{
    my ($database) = @_;
    $node->safe_psql($database, "CREATE EXTENSION IF NOT EXISTS instagram_insights");
    @ids = map { connect_account($node, $_ % 2 ? 'a' : 'b', $_, database => $database) } 1 .. 6;
    return;
}

sub make_database { my ($database) = @_; $node->safe_psql('postgres', "CREATE DATABASE $database"); return make_extension($database) }

sub put_in_flight
{
    my ($database) = @_;
    hang();
    my $before = hanging();
    $node->safe_psql($database, "SELECT $schema.ig_sync_all()");
    return $sandbox->wait_for_hanging($before + 6);
}

sub all_is_stored
{
    my ($database, $name) = @_;
    wait_for($node, $none_live, $database);
    is(scalar(grep { stored_rows($node, "account_id = '$_'", $database) ne $sandbox->expected(account_id => $_) } @ids), 0, $name);
    return;
}

# What is timed with and without requests in flight, in one run: at most a second longer with them.
my %without;
sub timed
{
    my ($what, $in_flight, $code) = @_;
    my $took = milliseconds($code);
    return $without{$what} = $took if !$in_flight;
    diag(sprintf '%s: %.0f ms without, %.0f ms with requests in flight', $what, $without{$what}, $took);
    cmp_ok($took, '<', $without{$what} + 1000, "$what takes at most a second longer while requests are in flight");
    return;
}

sub commands
{
    my ($in_flight, $dropped, $emptied) = @_;
    timed('CREATE DATABASE of another', $in_flight, sub { $node->safe_psql('postgres', 'CREATE DATABASE another') });
    timed('DROP DATABASE of another', $in_flight, sub { $node->safe_psql('postgres', 'DROP DATABASE another') });
    timed('reload', $in_flight, sub {
        my $mark = 100 + int rand 400;
        $node->safe_psql('postgres', "ALTER SYSTEM SET authentication_timeout = $mark");
        reload();
        wait_for($node, "SELECT setting = '$mark' FROM pg_settings WHERE name = 'authentication_timeout'");
    });
    timed('DROP EXTENSION', $in_flight, sub { $node->safe_psql($emptied, 'DROP EXTENSION instagram_insights') });
    timed('DROP DATABASE WITH (FORCE)', $in_flight, sub { $node->safe_psql('postgres', "DROP DATABASE $dropped WITH (FORCE)") });
    return;
}

make_extension('postgres');
make_database($_) for 'quiet', 'quiet_too', 'busy', 'busy_too';
worker_gone($_) for 'postgres', 'quiet', 'quiet_too', 'busy', 'busy_too';
is(hanging(), 0, 'nothing is in flight yet');
commands(0, 'quiet', 'quiet_too');
timed('fast shutdown', 0, sub { $node->stop('fast') });
$node->start;

put_in_flight($_) for 'postgres', 'busy', 'busy_too';
my $worker = worker_pid($node);
is($node->safe_psql('postgres', "SELECT concat_ws(' ', xact_start, backend_xid, backend_xmin) FROM pg_stat_activity WHERE pid = $worker"),
    '', 'with requests in flight the worker has no transaction, no transaction id, no snapshot');
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT locktype, ',') FROM pg_locks WHERE pid = $worker"), 'advisory', 'and no lock but the one of its leadership');
my $log = -s $node->logfile;
commands(1, 'busy', 'busy_too');
worker_gone('busy_too');
is(hanging(), 6, 'the requests of the dropped extension and of the dropped database are ended');
unlike(slurp_file($node->logfile, $log), qr/ERROR/, 'the worker leaves a dropped extension without an ERROR');
timed('fast shutdown', 1, sub { $node->stop('fast') });
go_on();
$node->start;
all_is_stored('postgres', 'after the restart the work goes on by itself');

# Dropped and made anew, at once, while the old one's requests hang: the new one is served, the old one's ids are not mixed up.
make_extension('busy_too');
put_in_flight('busy_too');
$worker = worker_pid($node, 'busy_too');
$node->safe_psql('busy_too', 'BEGIN; DROP EXTENSION instagram_insights; CREATE EXTENSION instagram_insights; COMMIT');
make_extension('busy_too');
$sandbox->clear_faults;
$node->safe_psql('busy_too', "SELECT $schema.ig_sync_all()");
all_is_stored('busy_too', 'an extension made anew syncs while requests of the dropped one still hung');
isnt(worker_pid($node, 'busy_too'), $worker, 'the worker of the old one has gone');
$sandbox->release;

# Another version in the catalog than in the library: the worker leaves, what it had is done once they agree again.
put_in_flight('busy_too');
my $extension = "FROM pg_extension WHERE extname = 'instagram_insights'";
my $version = $node->safe_psql('busy_too', "SELECT extversion $extension");
$node->safe_psql('busy_too', "UPDATE pg_extension SET extversion = '0.0' WHERE extname = 'instagram_insights'");
go_on();
worker_gone('busy_too');
$node->safe_psql('busy_too', "SELECT $schema.ig_refresh_insights('" . user_id('a') . "')");
worker_gone('busy_too');
is($node->safe_psql('busy_too', "SELECT count(*) FROM $schema.sync_jobs WHERE kind = 'refresh' AND state <> 'queued'"), '0', 'a worker does nothing where the versions differ');
$node->safe_psql('busy_too', "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'instagram_insights'");
is($node->safe_psql('busy_too', "SELECT $schema.ig_nudge()"), 't', 'once they agree the nudge finds the work');
all_is_stored('busy_too', 'and it is done');
$node->safe_psql('postgres', 'DROP DATABASE busy_too WITH (FORCE)');

# Idle.
setting("idle_timeout = '300ms'");
sync_all_done($node);
worker_gone('postgres');
sync_all_done($node);
pass('the worker leaves when idle, and comes back with the next work');
setting('idle_timeout = -1');
sync_all_done($node);
$worker = worker_pid($node);
wait_for($node, "SELECT clock_timestamp() - state_change > '2 s' FROM pg_stat_activity WHERE pid = $worker");
$node->safe_psql('postgres', "SELECT $schema.ig_refresh_insights('" . user_id('a') . "')");
wait_for($node, $none_live);
is(worker_pid($node), $worker, 'with idle_timeout = -1 it stays');
$node->safe_psql('postgres', "DROP EXTENSION instagram_insights");
worker_gone('postgres');
pass('but not when the extension is dropped');
setting('idle_timeout = 0');
make_extension('postgres');

# The switch: off stops what is in flight anywhere, on resumes by itself.
put_in_flight('postgres');
my $fetch = $node->background_psql('postgres', on_error_stop => 0);
$fetch->query_until(qr/begun/, "\\echo begun\nSELECT string_agg(DISTINCT status, ',') FROM $schema.ig_fetch_insights('" . user_id('a') . "');\n");
$sandbox->wait_for_hanging(7);
setting('enabled = off');
$sandbox->wait_until(sub { hanging() == 0 }, 'nothing is in flight any more');
my $calls = $sandbox->stats->{calls};
like($fetch->query('SELECT 1'), qr/paused/, 'enabled = off: a fetch in flight ends as paused');
$fetch->quit;
worker_gone('postgres');
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT state || ' ' || attempt || ' ' || crashes, ',') FROM $schema.sync_jobs"), 'queued 0 0', 'the jobs are queued again, untried');
is($node->safe_psql('postgres', "SELECT $schema.ig_nudge()"), 'f', 'the nudge starts nothing');
is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT status, ',') FROM $schema.ig_fetch_insights('" . user_id('a') . "')"), 'paused', 'a new fetch says paused');
is($sandbox->stats->{calls}, $calls, 'and nobody is called');
$sandbox->clear_faults;
setting('enabled = on');
all_is_stored('postgres', 'enabled = on and a reload resume the work without anybody\'s help');

# A worker on its way into a database that is just being dropped may find it gone, once.
my %fatal;
$fatal{$_}++ for slurp_file($node->logfile) =~ /FATAL: (.*)/g;
is(join(', ', grep { $fatal{$_} > 1 && !/due to administrator command/ } sort keys %fatal), '', 'no FATAL was logged again and again for the databases that are gone');
unlike(slurp_file($node->logfile), qr/tries again in a second|PANIC|terminated by signal/, 'and no worker was in trouble');
$node->stop;
done_testing();
