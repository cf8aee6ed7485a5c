# Crashes cost time, never a job or a row: after kill -9, immediate shutdown or promotion all work ends, each value stored once.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $live = "state IN ('queued', 'running', 'waiting')";
my $none_live = "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE $live)";
my $accounts = 12;
my $sandbox = GraphSandbox->new(accounts => $accounts, now => '2026-11-22T12:00:00Z');
my $node = insights_node('crash', sandbox => $sandbox, init => { allows_streaming => 1 },
    conf => "restart_after_crash = on\ninstagram_insights.max_in_flight = 20");
my @ids = map { connect_account($node, sprintf('%x', 10 + ($_ - 1) % 4), $_) } 1 .. $accounts;

sub hang { return $sandbox->faults({ match => { route => 'insights' }, do => { hang => 'before_headers' } }) }
sub go_on { $sandbox->clear_faults; return $sandbox->release }

# All calls of the worker hang; `do` ends some process the hard way; the calls may then go on.
sub crash_in_flight
{
    my ($crash) = @_;
    hang();
    $node->safe_psql('postgres', "SELECT $schema.ig_sync_all()");
    $sandbox->wait_for_hanging(8);
    $crash->();
    go_on();
    return;
}

sub server_answers { return $sandbox->wait_until(sub { $node->psql('postgres', 'SELECT 1') == 0 }, 'the server answers again') }

sub all_is_stored
{
    my ($when, $database) = @_;
    wait_for($node, $none_live, $database);
    is($node->safe_psql($database // 'postgres', "SELECT string_agg(DISTINCT concat_ws(': ', state, error), ', ') FROM $schema.sync_jobs"), 'succeeded', "$when: every job ended well");
    my @wrong = grep { stored_rows($node, "account_id = '$_'", $database) ne $sandbox->expected(account_id => $_) } @ids;
    is("@wrong", '', "$when: no value is missing, none is there twice");
    $node->safe_psql($database // 'postgres', "DELETE FROM $schema.insights; DELETE FROM $schema.sync_jobs; UPDATE $schema.accounts SET metric_state = '{}'");
    return;
}

sub kill_hard
{
    my ($pid) = @_;
    my $log = -s $node->logfile;
    kill 'KILL', $pid or die "kill $pid: $!";
    $node->wait_for_log(qr/database system is ready to accept connections/, $log);
    return server_answers();
}

# A backend dies while the worker is in flight: the postmaster ends and restarts everything.
crash_in_flight(sub {
    my $session = $node->background_psql('postgres', on_error_stop => 0);
    my $pid = $session->query('SELECT pg_backend_pid()');
    kill_hard($pid);
    eval { $session->quit };
});
all_is_stored('kill -9 of a backend');

crash_in_flight(sub { kill_hard(worker_pid($node)) });
all_is_stored('kill -9 of the worker');

# Twice in a row with the same jobs in hand: all are suspects then, none is set aside, each runs alone.
hang();
$node->safe_psql('postgres', "SELECT $schema.ig_sync_all()");
for my $crash (0, 1)
{
    wait_for($node, "SELECT count(*) = $accounts FROM $schema.sync_jobs WHERE state = 'running' AND crashes = $crash");
    kill_hard(worker_pid($node));
}
wait_for($node, "SELECT count(*) = $accounts FROM $schema.sync_jobs WHERE crashes = 2");
wait_for($node, "SELECT count(*) = 1 FROM $schema.sync_jobs WHERE state = 'running'");
my $newcomer = $node->safe_psql('postgres', "SELECT $schema.ig_refresh_insights('" . user_id('a') . "', '$ids[0]')");
wait_for($node, "SELECT w.state = 'idle' AND w.state_change > j.queued_at FROM pg_stat_activity w, $schema.sync_jobs j"
        . " WHERE w.backend_type = 'instagram_insights worker' AND j.job_id = $newcomer");
is($node->safe_psql('postgres', "SELECT count(*) || ' ' || min(crashes) FROM $schema.sync_jobs WHERE state = 'running'"), '1 2',
    'beside a job that was there at two crashes no other is taken');
is($node->safe_psql('postgres', "SELECT count(DISTINCT started_at) || ' in ' || count(*) FROM $schema.sync_logs WHERE job_id = (SELECT min(job_id) FROM $schema.sync_jobs) AND status = 'failed'"),
    '2 in 2', 'each of its tries that were lost has a row in the log, with the time when that try began');
go_on();
all_is_stored('two crashes with all jobs in hand');

# The third crash with one job in hand, alone: it is set aside with its reason, and the others are done.
hang();
$node->safe_psql('postgres', "ALTER SYSTEM SET instagram_insights.enabled = off; SELECT pg_reload_conf()");
wait_for($node, "SELECT current_setting('instagram_insights.enabled') = 'off'");
$node->safe_psql('postgres', "SELECT $schema.ig_sync_all()");
$node->safe_psql('postgres', "UPDATE $schema.sync_jobs SET crashes = 2 WHERE account_id = '$ids[0]'");
my $bad = $node->safe_psql('postgres', "SELECT job_id FROM $schema.sync_jobs WHERE crashes = 2");
$node->safe_psql('postgres', "UPDATE $schema.sync_jobs SET due_at = now() + '1 h' WHERE crashes = 0");
$node->safe_psql('postgres', "ALTER SYSTEM RESET instagram_insights.enabled; SELECT pg_reload_conf()");
$sandbox->wait_for_hanging(1);
wait_for($node, "SELECT count(*) = 1 FROM $schema.sync_jobs WHERE state = 'running'");
kill_hard(worker_pid($node));
wait_for($node, "SELECT state = 'failed' FROM $schema.sync_jobs WHERE job_id = $bad");
like($node->safe_psql('postgres', "SELECT error || ' ' || hint FROM $schema.ig_sync_status($bad)"),
    qr/crashed three times with this job.*server log/s, 'a job that was in hand alone at its third crash is set aside and says why');
is($node->safe_psql('postgres', "SELECT error_message || ' | ' || (errors -> 0 ->> 'hint') FROM $schema.sync_logs WHERE job_id = $bad"),
    $node->safe_psql('postgres', "SELECT error || ' | ' || hint FROM $schema.ig_sync_status($bad)"), '... in the log of that try as well');
like($node->safe_psql('postgres', "SELECT string_agg(check_name || ' ' || detail, E'\\n') FROM $schema.ig_doctor() WHERE status <> 'ok'"),
    qr/fail/i, 'ig_doctor() shows it');
go_on();
$node->safe_psql('postgres', "UPDATE $schema.sync_jobs SET due_at = now() WHERE $live; SELECT $schema.ig_refresh_insights('" . user_id('a') . "', '$ids[0]')");
$node->safe_psql('postgres', "SELECT $schema.ig_nudge()");
wait_for($node, $none_live);
is($node->safe_psql('postgres', "SELECT count(*) FROM $schema.sync_jobs WHERE state <> 'succeeded'"), '1', 'the others are done, and a new refresh of that account too');
$node->safe_psql('postgres', "DELETE FROM $schema.sync_jobs WHERE job_id = $bad");
all_is_stored('a job set aside');

# By order: the jobs are given back untried, and the launcher starts the next worker.
crash_in_flight(sub {
    my $pid = worker_pid($node);
    $node->safe_psql('postgres', "SELECT pg_terminate_backend($pid)");
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)");
    is($node->safe_psql('postgres', "SELECT count(*) FROM $schema.sync_jobs WHERE state <> 'queued' OR crashes > 0 OR attempt > 0"), '0',
        'pg_terminate_backend: the jobs are queued again, no try and no crash counted');
});
all_is_stored('pg_terminate_backend of the worker');

# Immediate shutdown, with work in two databases.
$node->safe_psql('postgres', 'CREATE DATABASE second');
$node->safe_psql('second', 'CREATE EXTENSION instagram_insights');
connect_account($node, sprintf('%x', 10 + ($_ - 1) % 4), $_, database => 'second') for 1 .. $accounts;
hang();
$node->safe_psql($_, "SELECT $schema.ig_sync_all()") for 'postgres', 'second';
$sandbox->wait_for_hanging(20);
$node->stop('immediate');
go_on();
$node->start;
all_is_stored('immediate shutdown');
all_is_stored('immediate shutdown, second database', 'second');

# Without preloading nobody resumes but the nudge.
hang();
$node->safe_psql('postgres', "SELECT $schema.ig_sync_all()");
$sandbox->wait_for_hanging(8);
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->stop('immediate');
go_on();
$node->start;
is(worker_pid($node), '', 'without preloading no worker starts by itself');
is($node->safe_psql('postgres', "SELECT $schema.ig_nudge()"), 't', 'but the nudge starts one for jobs that a crash left behind');
all_is_stored('immediate shutdown without preloading');

# A standby runs no worker; promoted, it goes on with what the primary left.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'instagram_insights'");
$node->restart;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
chmod 0600, $standby->data_dir . '/instagram_insights.key';  # the copy was made with any mode
$standby->start;
hang();
$node->safe_psql('postgres', "SELECT $schema.ig_sync_all()");
$sandbox->wait_for_hanging(8);
$node->wait_for_catchup($standby);
wait_for($standby, "SELECT count(*) = $accounts FROM $schema.sync_jobs WHERE state = 'running'");
is(worker_pid($standby), '', 'a standby runs no worker');
my $a = user_id('a');
for my $call ("ig_sync_all()", "ig_refresh_insights('$a')", "ig_fetch_insights('$a')", "ig_connect_token('EAAx', '17841400000000099', '$a')",
    "ig_disconnect(NULL, '$a')", "ig_delete_user_data('$a')", "ig_pause()", "ig_resume()", "ig_nudge()", "ig_cancel(1)", "ig_maintain()")
{
    my ($stdout, $stderr);
    my $code = $standby->psql('postgres', "\\set VERBOSITY verbose\nSELECT $schema.$call", stdout => \$stdout, stderr => \$stderr);
    ok($code == 0 || $stderr =~ /ERROR:  (25006|42704|55000)/, "on a standby $call fails cleanly") or diag($stderr);
}
is($standby->psql('postgres', "SELECT * FROM $schema.ig_doctor()"), 0, 'ig_doctor() answers on a standby');
$node->stop('immediate');
go_on();
$standby->promote;
wait_for($standby, $none_live);
is($standby->safe_psql('postgres', "SELECT string_agg(DISTINCT concat_ws(': ', state, error), ', ') FROM $schema.sync_jobs"), 'succeeded', 'after promotion it ends the jobs by itself');
my @wrong = grep { stored_rows($standby, "account_id = '$_'") ne $sandbox->expected(account_id => $_) } @ids;
is("@wrong", '', 'and stores each value once');

unlike(slurp_file($standby->logfile), qr/PANIC|terminated by signal/, 'nothing crashed on the standby');
$standby->stop;
done_testing();
