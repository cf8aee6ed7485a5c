# A volume that is really full, of tables or of the write-ahead log, costs no row while results are stored: what needs no room
# goes on, and once there is room again the rows are those of a clean run, with a log of what happened.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Small file systems that script/test mounts for this test: tables of 8 MB, log of 24 MB.
my $volumes = $ENV{SMALL_VOLUMES};
if (!defined $volumes)
{
    diag('NOT TESTED: a volume that is really full. It needs root and the right to mount (CAP_SYS_ADMIN).');
    plan skip_all => 'a small file system cannot be mounted here';
}

my $schema = 'instagram_insights';
my $accounts = 24;
my $sandbox = GraphSandbox->new(accounts => $accounts, now => '2026-11-22T12:00:00Z');
my $expected = $sandbox->expected;
my $live = "state IN ('queued', 'running', 'waiting')";

# A file takes all the room there is, to the last byte.
sub fill
{
    my ($volume) = @_;
    open my $file, '>', "$volume/filler" or die "$volume/filler: $!";
    for my $size (1 << 20, 1 << 12, 1)
    {
        while (syswrite $file, 'x' x $size) { }
        $!{ENOSPC} or die "filling $volume: $!";
    }
    close $file or die "$volume/filler: $!";
    return;
}
sub make_room { my ($volume) = @_; unlink "$volume/filler" or die "$volume/filler: $!"; return }

# The answers come when the volume is full, for jobs that were claimed while there was room.
sub sync_into_full
{
    my ($node, $volume, $once_full) = @_;
    $sandbox->faults(map { { match => { route => $_ }, do => { hang => 'before_headers' } } } qw(insights batch));
    $node->safe_psql('postgres', "SELECT $schema.ig_sync_all()");
    wait_for($node, "SELECT count(*) = $accounts FROM $schema.sync_jobs WHERE state = 'running'");
    $sandbox->wait_for_hanging(2);
    fill($volume);
    $once_full->() if $once_full;
    $sandbox->clear_faults;
    return $sandbox->release;
}

# What holds in the end: rows, jobs, and a log of each try.
sub whole
{
    my ($node, $what) = @_;
    # Nobody waits here for the next try.
    $node->safe_psql('postgres', "UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting'; SELECT $schema.ig_nudge()");
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE $live)");
    is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT concat_ws(' ', state, crashes, error), ', ') || ' of ' || count(*) FROM $schema.sync_jobs"),
        "succeeded 0 of $accounts", "$what: with room again every job ends well");
    ok(stored_rows($node) eq $expected, "$what: the rows are those of a clean run, each once");
    is($node->safe_psql('postgres', "SELECT sum(rows_inserted) - (SELECT count(*) FROM $schema.insights) || ' ' || sum(rows_updated + rows_unchanged) FROM $schema.sync_log"),
        '0 0', "$what: the log tells of each row once");
    is($node->safe_psql('postgres', "SELECT count(*) FROM $schema.sync_jobs j WHERE 1 <> (SELECT count(*) FROM $schema.sync_log l WHERE l.job_id = j.job_id AND l.status = 'succeeded')"),
        0, "$what: and of each success once");
    return;
}

# --- the volume of the numbers

my $tables = "$volumes/tables";
my $node = insights_node('full_tables', sandbox => $sandbox, conf => "autovacuum = off\n$schema.idle_timeout = -1");
sub query { return $node->safe_psql('postgres', $_[0]) }
query("CREATE TABLESPACE small LOCATION '$tables'");
my @parts = split /\n/, query("SELECT c.oid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = '$schema.insights'::regclass");
query(join ';', map { "ALTER TABLE $_ SET TABLESPACE small" } @parts);
connect_account($node, (qw(a b c))[ $_ % 3 ], $_) for 1 .. $accounts;

sync_into_full($node, $tables);
wait_for($node, "SELECT count(*) = $accounts FROM $schema.sync_jobs WHERE state = 'waiting'");
like(query("SELECT DISTINCT error_kind || ': ' || error || ' | ' || hint FROM $schema.sync_jobs"),
    qr/\Atransient: the result could not be stored: could not extend file .*No space left on device \| Make room on the server's disk\. It is tried again by itself\.\z/,
    'jobs whose result finds no room wait, and name the disk');
is(query("SELECT count(*) FROM $schema.insights"), 0, '... of which nothing is stored');
isnt(worker_pid($node), '', '... the worker lives');
is(query('CREATE TABLE elsewhere AS SELECT n FROM generate_series(1, 100000) n; SELECT count(*) FROM elsewhere'), 100000, '... who needs another volume writes');
is(connect_account($node, 'a', 1), sprintf('178414%011d', 1), '... an account can be connected');
is(query("SELECT count(*) FROM $schema.ig_doctor() WHERE check_name = 'worker' AND status = 'ok'"), 1, '... and ig_doctor() answers');
my ($stdout, $stderr);
isnt($node->psql('postgres', "\\set VERBOSITY verbose\nSELECT $schema.ig_fetch_insights('@{[ user_id('a') ]}')", stdout => \$stdout, stderr => \$stderr), 0, 'a fetch in a session fails');
like($stderr, qr/53100: .*No space left on device.*HINT:  .*disk space/s, '... with the server\'s own words');
make_room($tables);
whole($node, 'the volume of the numbers');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process crashed');
$node->stop;

# --- the volume of the write-ahead log

my $wal = "$volumes/wal";
$node = insights_node('full_wal', sandbox => $sandbox, init => { extra => [ '--waldir', "$wal/log", '--wal-segsize', '1' ] },
    conf => "restart_after_crash = on\nautovacuum = off\nwal_recycle = off\nmin_wal_size = 2MB\nmax_wal_size = 1GB\ncheckpoint_timeout = 1h\n$schema.idle_timeout = -1");
connect_account($node, (qw(a b c))[ $_ % 3 ], $_) for 1 .. $accounts;
my $log = -s $node->logfile;
# No checkpoint makes room by itself. Of what was made ahead a quarter of a segment is left, and a sync writes more than that.
my $ahead = 'SELECT count(*) FROM pg_ls_waldir() WHERE name > pg_walfile_name(pg_current_wal_insert_lsn())';
my $rest = "SELECT (1048576 - (pg_current_wal_insert_lsn() - '0/0') % 1048576)::integer";
sync_into_full($node, $wal, sub {
    $node->safe_psql('postgres', "SELECT pg_logical_emit_message(true, '', ''); SELECT pg_switch_wal()") while $node->safe_psql('postgres', $ahead) > 0;
    $node->safe_psql('postgres', "SELECT pg_logical_emit_message(true, '', repeat('x', GREATEST(0, ($rest) - 262144)))");
});
ok($node->wait_for_log(qr/PANIC:  [^\n]*No space left on device.*terminating any other active server processes/s, $log), 'a server that cannot write its log stops');
# Whether it comes up again by itself depends on how much room the last segment had left: if not, somebody starts it.
make_room($wal);
$sandbox->wait_until(sub { return 1 if $node->psql('postgres', 'SELECT 1') == 0; return !-e $node->data_dir . '/postmaster.pid' }, 'it is up again, or down for good');
if (!-e $node->data_dir . '/postmaster.pid')
{
    $node->stop('immediate', fail_ok => 1);
    $node->start;
}
whole($node, 'the volume of the log');
is($node->safe_psql('postgres', "SELECT count(*) FROM $schema.sync_jobs j WHERE j.attempt - 1 <> (SELECT count(*) FROM $schema.sync_log l WHERE l.job_id = j.job_id AND l.status = 'failed')"),
    0, '... and of each try that was lost');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM $schema.sync_log WHERE error_message = 'the worker ended before this job did'"), '>', 0, '... of which there are some');
is($node->safe_psql('postgres', "SELECT status FROM $schema.ig_doctor() WHERE check_name = 'tokens'"), 'ok', '... every token opens');
$node->stop;
done_testing();
