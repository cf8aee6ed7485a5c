# A disk that is full while results are stored costs no row: the jobs wait and say so, nothing is stored by halves, and once there
# is room again the rows are those of a clean run.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Preload;
use Test::More;

my $schema = 'instagram_insights';
my $accounts = 24;
my $sandbox = GraphSandbox->new(accounts => $accounts, now => '2026-11-22T12:00:00Z');
# Of the system calls that make a file grow: so that it needs neither a mount nor a quota, and only tables are hit.
my ($library, $full) = Preload::disk();
$ENV{DISK_FULL} = $full;
my $node = do {
    local $ENV{LD_PRELOAD} = $library;
    insights_node('disk_full', sandbox => $sandbox, conf => "autovacuum = off\ninstagram_insights.idle_timeout = -1");
};

sub query { return $node->safe_psql('postgres', $_[0]) }
sub fill { append_to_file($full, 'full'); return }
sub make_room { truncate $full, 0 or die "$full: $!"; return }

my @ids = map { connect_account($node, (qw(a b c))[ $_ % 3 ], $_) } 1 .. $accounts;
my $job_of = 'SELECT state, error_kind, error, hint FROM ' . "$schema.sync_jobs";

# Full as soon as the answers come: what was claimed, was claimed while there was room.
$sandbox->faults({ match => { route => 'insights' }, do => { hang => 'before_headers' } }, { match => { route => 'batch' }, do => { hang => 'before_headers' } });
query("SELECT $schema.ig_sync_all()");
wait_for($node, "SELECT count(*) = $accounts FROM $schema.sync_jobs WHERE state = 'running'");
$sandbox->wait_for_hanging(2);
fill();
$sandbox->clear_faults;
$sandbox->release;
wait_for($node, "SELECT count(*) > 0 FROM $schema.sync_jobs WHERE state = 'waiting'");
wait_for($node, "SELECT state = 'idle' FROM pg_stat_activity WHERE backend_type = 'instagram_insights worker'");
like(query("SELECT DISTINCT error_kind || ': ' || error || ' | ' || hint FROM $schema.sync_jobs WHERE state = 'waiting'"),
    qr/^transient: the result could not be stored: could not extend file .*No space left on device \| Make room on the server's disk\. It is tried again by itself\.$/m, 'jobs whose result found no room wait, and say why and what to do');
is(query("SELECT count(*) FROM $schema.sync_jobs WHERE state IN ('failed', 'partial')"), '0', 'none is given up');
is(query("SELECT count(*) FROM $schema.sync_jobs j WHERE (j.state = 'succeeded') <> EXISTS (SELECT FROM $schema.insights i WHERE i.account_id = j.account_id)"), '0', 'no account is stored by halves');
is(query("SELECT count(*) FROM $schema.sync_log l WHERE status = 'succeeded' AND NOT EXISTS (SELECT FROM $schema.sync_jobs j WHERE j.account_id = l.account_id AND j.state = 'succeeded')"), '0', 'no log tells of a success that was not stored');
my ($stdout, $stderr);
isnt($node->psql('postgres', "\\set VERBOSITY verbose\nSELECT $schema.ig_fetch_insights('@{[ user_id('a') ]}')", stdout => \$stdout, stderr => \$stderr), 0, 'a fetch in a session fails');
like($stderr, qr/53100: .*No space left on device.*HINT:  .*disk space/s, '... with the server\'s own words and SQLSTATE');
isnt(worker_pid($node), '', 'the worker lives');

make_room();
# Those that not even their waiting could be written of are taken back when their lease is over; not to wait for it here:
my $silent = query("SELECT count(*) FROM $schema.sync_jobs WHERE state = 'running'");
query("UPDATE $schema.sync_jobs SET lease_until = now() WHERE state = 'running'; UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting'; SELECT $schema.ig_nudge()");
$node->reload;
wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
is(query("SELECT string_agg(DISTINCT state, ',') FROM $schema.sync_jobs"), 'succeeded', 'with room again every job ends well, by itself');
is(query("SELECT count(*) FROM $schema.sync_log WHERE status = 'failed' AND error_message = 'the worker did not end this job before its lease was over'"),
    $silent, 'a try of which not even its failure could be written is told of when its lease is over');
my @wrong = grep { stored_rows($node, "account_id = '$_'") ne $sandbox->expected(account_id => $_) } @ids;
is("@wrong", '', 'and the rows are those of a clean run');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process crashed');

$node->stop;
done_testing();
