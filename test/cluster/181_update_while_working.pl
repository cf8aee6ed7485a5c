# An update of the extension while the worker runs, stores, and people enqueue: no job and no row is lost, and the worker of the
# new version begins by itself.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use IPC::Run qw(start finish);
use PostgreSQL::Test::Utils;
use Test::More;
use VersionFolder;

my $schema = 'instagram_insights';
my $files = VersionFolder->new
    or plan skip_all => 'this server looks for extensions in its own folder only: nothing can be installed for a test alone';
my $sandbox = GraphSandbox->new(accounts => 6, now => '2026-11-22T12:00:00Z');
my $node = insights_node('working', sandbox => $sandbox, preload => 0, extension => 0, conf => $files->conf . 'instagram_insights.idle_timeout = -1');
my @ids;

sub hang { return $sandbox->faults({ match => { route => 'insights' }, do => { hang => 'before_headers' } }) }
sub go_on { $sandbox->clear_faults; return $sandbox->release }
sub library_of_leader { my ($database) = @_; return $node->safe_psql($database, "SELECT library_version FROM $schema.worker_state WHERE leader_pid IS NOT NULL") }

# A database with 1.0 and its library; then the package of the new version is installed. Processes keep what they have.
sub installed_as_1_0
{
    my ($database) = @_;
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $files->create_1_0($node, $database);
    @ids = map { connect_account($node, $_ % 2 ? 'a' : 'b', $_, database => $database) } 1 .. 6;
    return;
}

sub work_hangs
{
    my ($database) = @_;
    my $before = $sandbox->get('/hanging')->{count};
    hang();
    $node->safe_psql($database, "SELECT $schema.ig_sync_all()");
    $sandbox->wait_for_hanging($before + 4);
    is(library_of_leader($database), '1.0', "$database: the worker of 1.0 is at work, its calls are under way");
    my $worker = worker_pid($node, $database);
    $files->put_library('present');
    return $worker;
}

sub all_is_stored
{
    my ($database) = @_;
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))", $database);
    is($node->safe_psql($database, "SELECT string_agg(DISTINCT concat_ws(': ', state, error), ', ') FROM $schema.sync_jobs"), 'succeeded', "$database: every job ended well");
    my @wrong = grep { stored_rows($node, "account_id = '$_'", $database) ne $sandbox->expected(account_id => $_) } @ids;
    is("@wrong", '', '... no value is missing, none is there twice');
    is($node->safe_psql($database, "SELECT count(DISTINCT account_id) FROM $schema.sync_log WHERE status = 'succeeded'"), '6', '... and the log tells of every account');
    isnt(library_of_leader($database), '1.0', '... by a worker of the new version');
    return;
}

# Calls are under way.
installed_as_1_0('in_flight');
my $worker = work_hangs('in_flight');
$node->safe_psql('in_flight', "ALTER EXTENSION $schema UPDATE");
$sandbox->wait_until(sub { library_of_leader('in_flight') !~ /^(1\.0)?$/ }, 'a worker of the new version leads');
isnt(worker_pid($node, 'in_flight'), $worker, 'the commit of the update alone replaces the worker: nobody enqueued or nudged');
is($node->safe_psql('in_flight', "SELECT max(crashes) <= 1 FROM $schema.sync_jobs"), 't', 'what was under way counts as one crash at most');
go_on();
all_is_stored('in_flight');

# A store that waits for the update: as long as it is open, nothing can be written.
installed_as_1_0('storing');
$worker = work_hangs('storing');
my $update = $node->background_psql('storing');
$update->query_safe("BEGIN; ALTER EXTENSION $schema UPDATE; LOCK TABLE $schema.insights, $schema.accounts, $schema.sync_jobs IN ACCESS EXCLUSIVE MODE");
go_on();
wait_for($node, "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $worker AND NOT granted)");
pass('the worker wants to store while the update is open');
$update->query_safe('COMMIT');
$update->quit;
all_is_stored('storing');

# A store that has begun: it has ended its job and goes on to the numbers, while the update waits behind it.
installed_as_1_0('begun');
$files->put_library('present');
my $store = $node->background_psql('begun');
$store->query_safe("BEGIN; UPDATE $schema.sync_jobs SET state = state");
my $errors = '';
my $updating = start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-c', "ALTER EXTENSION $schema UPDATE", $node->connstr('begun') ], '2>', \$errors);
wait_for($node, "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database WHERE d.datname = 'begun' AND NOT l.granted)");
$store->query_safe("UPDATE $schema.insights SET value = value; UPDATE $schema.accounts SET status = status; COMMIT");
$store->quit;
is((finish($updating) ? '' : 'failed: ') . $errors, '', 'an update waits for a store that has begun, and not the store for the update');
$node->safe_psql('postgres', 'DROP DATABASE begun WITH (FORCE)');

# An update that is taken back changes nothing for anybody.
installed_as_1_0('taken_back');
$worker = work_hangs('taken_back');
$update = $node->background_psql('taken_back');
$update->query_safe("BEGIN; ALTER EXTENSION $schema UPDATE; ROLLBACK");
$update->quit;
go_on();
wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))", 'taken_back');
is(worker_pid($node, 'taken_back'), $worker, 'after a rollback the same worker goes on');
is($node->safe_psql('taken_back', "SELECT count(*) FROM $schema.sync_jobs WHERE state <> 'succeeded'"), '0', '... and ends its jobs');
$node->safe_psql('postgres', 'DROP DATABASE taken_back WITH (FORCE)');

# People enqueue all the while, in sessions from before and from after.
installed_as_1_0('enqueued');
my $script = "$node->{_basedir}/enqueue.sql";
append_to_file($script, join "\n", map { "SELECT $schema.ig_refresh_insights('" . user_id($_ % 2 ? 'a' : 'b') . "') AS job;" } 1 .. 60);
my @people = map {
    my %person = (out => '', err => '');
    $person{run} = start([ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', $script, $node->connstr('enqueued') ], '>', \$person{out}, '2>', \$person{err});
    \%person
} 1 .. 4;
wait_for($node, "SELECT count(*) > 0 FROM $schema.sync_jobs", 'enqueued');
$files->put_library('present');
$node->safe_psql('enqueued', "ALTER EXTENSION $schema UPDATE");
is(join(' ', map { (finish($_->{run}) ? '' : 'failed: ') . $_->{err} } @people) =~ s/\s//gr, '', 'nobody who enqueues during an update is refused');
my @jobs = sort map { split /\n/, $_->{out} } @people;
is(scalar @jobs, 4 * 60 * 3, 'each got a job for each account');
all_is_stored('enqueued');
is($node->safe_psql('enqueued', 'SELECT count(*) FROM unnest(ARRAY[' . join(',', @jobs) . "]) j WHERE NOT EXISTS (SELECT FROM $schema.sync_jobs s WHERE s.job_id = j AND s.state = 'succeeded')"),
    '0', 'and each of those jobs is done');

$node->stop;
done_testing();
