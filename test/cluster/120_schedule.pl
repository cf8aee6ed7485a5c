# The schedule on a real pg_cron: two jobs, replaced and removed as a pair, and a tick that brings rows.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'pg_cron is not installed' if !-e `pg_config --sharedir` =~ s/\s+$//r . '/extension/pg_cron.control';

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 2, now => '2026-11-22T12:00:00Z');
my $node = insights_node('schedule', sandbox => $sandbox, libraries => ['pg_cron'], extension => 0,
    conf => "cron.database_name = 'postgres'\ncron.use_background_workers = on\ninstagram_insights.idle_timeout = 0");

sub sql { my ($sql, $database) = @_; return $node->safe_psql($database // 'postgres', $sql) }
sub doctor { my ($database) = @_; return sql("SELECT status, detail, hint FROM $schema.ig_doctor() WHERE check_name = 'pg_cron'", $database) }
my $jobs = 'SELECT jobname, schedule, command, database, username, active FROM cron.job ORDER BY jobid';

# A database without pg_cron, that another of the cluster has: the hint's lines, run there, do.
sql('CREATE EXTENSION pg_cron');
sql('CREATE DATABASE app');
sql('CREATE EXTENSION instagram_insights', 'app');
connect_account($node, 'a', 1, database => 'app');
my $stderr;
isnt($node->psql('app', "\\set VERBOSITY verbose\nSELECT $schema.ig_schedule('* * * * *')", stderr => \$stderr), 0, 'in a database without pg_cron ig_schedule() refuses');
like($stderr, qr/ERROR:  55000: pg_cron is not installed in this database.*DETAIL:  It may be installed in database "postgres" only/s, 'and says where it may be');
my @lines = $stderr =~ /^(SELECT cron\.schedule_in_database\(.*\);)$/mg;
is(scalar @lines, 2, 'the hint holds two statements');
sql($_) for @lines;
my $superuser = sql('SELECT current_user');
is(sql($jobs), "instagram_insights daily sync (app)|* * * * *|SELECT instagram_insights.ig_sync_all()|app|$superuser|t\n"
        . "instagram_insights daily sync (app) nudge|*/5 * * * *|SELECT instagram_insights.ig_nudge()|app|$superuser|t",
    'run where pg_cron is, they make the two jobs');

# In pg_cron's own database, as a role that is no superuser.
sql('CREATE EXTENSION instagram_insights');
connect_account($node, 'b', 2);
like(doctor(), qr/^warn\|no daily sync is scheduled/, 'before, ig_doctor() misses the schedule');
sql("CREATE ROLE scheduler LOGIN; GRANT instagram_insights_admin TO scheduler");
sub as_scheduler
{
    my ($sql) = @_;
    my ($stdout, $stderr);
    my $code = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr, connstr => $node->connstr('postgres') . ' user=scheduler');
    return $code == 0 ? $stdout : $stderr;
}
like(as_scheduler("SELECT $schema.ig_schedule()"), qr/42501: .*HINT:  .*GRANT USAGE ON SCHEMA cron TO scheduler;/s, 'a role that may not use pg_cron is told what to grant');
sql('GRANT USAGE ON SCHEMA cron TO scheduler');
like(as_scheduler("SELECT $schema.ig_schedule('often')"), qr/22023: invalid schedule: often.*HINT/s, 'an invalid schedule is refused');
my $mine = "$jobs" =~ s/ORDER/WHERE database = 'postgres' ORDER/r;
is(sql($mine), '', 'and leaves nothing');
my $first = as_scheduler("SELECT $schema.ig_schedule()");
like($first, qr/^\d+$/, 'ig_schedule() returns the id of the job');
is(sql($mine), "instagram_insights daily sync (postgres)|0 11 * * *|SELECT instagram_insights.ig_sync_all()|postgres|scheduler|t\n"
        . "instagram_insights daily sync (postgres) nudge|*/5 * * * *|SELECT instagram_insights.ig_nudge()|postgres|scheduler|t",
    'two jobs that run as the caller');
is(as_scheduler("SELECT $schema.ig_schedule('* * * * *')"), $first, 'called again it replaces');
is(sql("SELECT string_agg(schedule, ' and ' ORDER BY jobid) FROM cron.job WHERE database = 'postgres'"), '* * * * * and */5 * * * *', 'both jobs are there once');
like(doctor(), qr/^ok\|the daily sync and the nudge are scheduled/, 'ig_doctor() shows the schedule');

# A tick, in both databases.
for my $database ('postgres', 'app')
{
    wait_for($node, "SELECT count(*) > 0 FROM $schema.sync_logs WHERE trigger = 'cron' AND status = 'succeeded'", $database);
    my $id = sprintf('178414%011d', $database eq 'app' ? 1 : 2);
    is(stored_rows($node, "account_id = '$id'", $database), $sandbox->expected(account_id => $id), "$database: a tick of pg_cron brings the rows");
}
wait_for($node, "SELECT count(DISTINCT database) = 2 FROM cron.job_run_details WHERE status = 'succeeded' AND command LIKE '%ig_sync_all%'");
is(sql("SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'"), '0', 'no run failed');
like(doctor(), qr/^ok/, 'ig_doctor() still agrees');

is(as_scheduler("SELECT $schema.ig_unschedule()"), 't', 'ig_unschedule() says that there was a schedule');
is(sql($mine), '', 'both jobs are gone');
is(as_scheduler("SELECT $schema.ig_unschedule()"), 'f', 'and then that there is none');
is(sql("SELECT count(*) FROM cron.job"), '2', 'those of the other database stay');
isnt($node->psql('app', "SELECT $schema.ig_unschedule()", stderr => \$stderr), 0, 'from a database without pg_cron it is refused');
sql($_) for $stderr =~ /^(SELECT cron\.unschedule\(.*;)$/mg;
is(sql("SELECT count(*) FROM cron.job"), '0', 'with the statement that does it');

$node->stop;
done_testing();
