# Cancel, statement_timeout and terminate take effect at once, wherever a call hangs, in a backend and in the worker.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use IPC::Run ();
use Preload;
use PostgreSQL::Test::Utils;
use Test::More;

my $tries = 5;
my $limit = 100;    # ms, for the median

my $sandbox = GraphSandbox->new(accounts => 1);
my $node = do {
    local $ENV{LD_PRELOAD} = Preload::name_service();
    insights_node('cancel', sandbox => $sandbox, conf => <<'CONF');
instagram_insights.connect_timeout = 300s
instagram_insights.request_timeout = 300s
instagram_insights.fetch_timeout = 300s
instagram_insights.first_sync_days = 2
instagram_insights.idle_timeout = -1
CONF
};
my $id = connect_account($node, 'a', 1);
my $user = user_id('a');
my $control = $node->background_psql('postgres', on_error_stop => 0);

my @places = (
    { name => 'a hanging connect', url => $sandbox->hanging_connect_url },
    { name => 'a hanging TLS handshake', url => $sandbox->url, fault => { match => { route => 'accept' }, do => { accept => 'tls_hang' } } },
    { name => 'a hanging body', url => $sandbox->url, fault => { match => { route => 'any' }, do => { hang => 'in_body' } } },
    { name => 'a hanging DNS look-up', url => 'https://hangs.example' });

sub go_to
{
    my ($url) = @_;
    $node->safe_psql('postgres', "ALTER SYSTEM SET instagram_insights.graph_url = '$url'");
    $node->reload;
    return $node->poll_query_until('postgres', "SELECT current_setting('instagram_insights.graph_url') = '$url'");
}

sub release
{
    $sandbox->clear_faults;
    $sandbox->release;
    return;
}

# Median and maximum, told and judged.
sub judge
{
    my ($what, @times) = @_;
    my @sorted = sort { $a <=> $b } @times;
    my $median = $sorted[ @sorted / 2 ];
    diag(sprintf '%s: median %.1f ms, maximum %.1f ms of %d', $what, $median, $sorted[-1], scalar @sorted);
    ok(@sorted >= $tries && $median < $limit, "$what within $limit ms");
    return;
}

# A session with this SQL, begun and hanging in a call.
sub hanging_session
{
    my ($sql) = @_;
    my $session = { in => '', out => '', err => '' };
    $session->{run} = IPC::Run::start(
        [ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $node->connstr('postgres') . ' application_name=hanging', '-c', $sql ],
        '<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err}, IPC::Run::timeout(60));
    $session->{pid} = $control->query_safe(<<'SQL');
DO $$ BEGIN
    LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'hanging' AND wait_event_type = 'Extension');
    END LOOP;
END $$;
SELECT pid FROM pg_stat_activity WHERE application_name = 'hanging'
SQL
    return $session;
}

sub ended
{
    my ($session) = @_;
    $session->{run}->finish;
    return $session->{err};
}

# Milliseconds from pg_terminate_backend until the process is gone.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION gone_after(pid integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    begun timestamptz := clock_timestamp();
BEGIN
    PERFORM pg_terminate_backend(pid);
    LOOP
        PERFORM pg_stat_clear_snapshot();
        EXIT WHEN NOT EXISTS (SELECT FROM pg_stat_get_activity(pid));
    END LOOP;
    RETURN 1000 * extract(epoch FROM clock_timestamp() - begun);
END
$$
SQL
sub terminated { return $control->query_safe("SELECT gone_after($_[0])") }

my $fetch = "PERFORM * FROM instagram_insights.ig_fetch_insights('$user', '$id')";
my $caught = <<"SQL";
DO \$\$ DECLARE begun timestamptz := clock_timestamp(); BEGIN
    $fetch;
EXCEPTION WHEN query_canceled THEN
    RAISE NOTICE 'ended % at % from %', SQLSTATE, extract(epoch FROM clock_timestamp()), extract(epoch FROM begun);
END \$\$
SQL

for my $place (@places)
{
    my $name = $place->{name};
    go_to($place->{url});
    $sandbox->faults($place->{fault}) if $place->{fault};
    my (@cancel, @timeout, @terminate);
    for (1 .. $tries)
    {
        my $session = hanging_session($caught);
        my $sent = $control->query_safe("SELECT extract(epoch FROM clock_timestamp()) FROM pg_cancel_backend($session->{pid})");
        push @cancel, 1000 * ($1 - $sent) if ended($session) =~ /ended 57014 at ([0-9.]+)/;

        my ($stdout, $stderr);
        $node->psql('postgres', "SET statement_timeout = '200ms'; $caught", stdout => \$stdout, stderr => \$stderr);
        push @timeout, 1000 * ($1 - $2) - 200 if $stderr =~ /ended 57014 at ([0-9.]+) from ([0-9.]+)/;

        $session = hanging_session("SELECT * FROM instagram_insights.ig_fetch_insights('$user', '$id')");
        push @terminate, terminated($session->{pid});
        like(ended($session), qr/57P01/, 'the client is told that it was terminated') if $_ == 1;
    }
    judge("pg_cancel_backend during $name", @cancel);
    judge("statement_timeout during $name", @timeout);
    judge("pg_terminate_backend during $name", @terminate);

    my $session = hanging_session("SELECT * FROM instagram_insights.ig_fetch_insights('$user', '$id')");
    my $took = milliseconds(sub { $control->query_safe($_) for 'CREATE DATABASE elsewhere STRATEGY wal_log', 'DROP DATABASE elsewhere' });
    $control->query_safe("SELECT pg_cancel_backend($session->{pid})");
    like(ended($session), qr/57014: canceling statement due to user request/, "$name: SQLSTATE and message of a cancel are the server's");
    my $without = milliseconds(sub { $control->query_safe($_) for 'CREATE DATABASE elsewhere STRATEGY wal_log', 'DROP DATABASE elsewhere' });
    diag(sprintf 'another database made and dropped: %.0f ms during %s, %.0f ms without', $took, $name, $without);
    cmp_ok($took, '<', $without + 1000, "$name does not delay CREATE and DROP DATABASE of another database");
    release();
}

# --- the worker

for my $place (@places)
{
    my $name = $place->{name};
    go_to($place->{url});
    $sandbox->faults($place->{fault}) if $place->{fault};
    # A worker that has a connection open would need neither connect nor look-up.
    terminated(worker_pid($node) || 0);
    my $job = $node->safe_psql('postgres', "SELECT instagram_insights.ig_refresh_insights('$user', '$id')");
    my @times;
    for (1 .. $tries)
    {
        # As pg_cron does; a worker that was ended by hand stays away until then.
        $node->safe_psql('postgres', 'SELECT instagram_insights.ig_nudge()');
        wait_for($node, "SELECT state = 'running' FROM instagram_insights.ig_sync_status($job)");
        $sandbox->wait_for_hanging(1) if $name =~ /body/;
        wait_for($node, "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'instagram_insights worker' AND wait_event_type = 'Extension' AND xact_start IS NULL)");
        if ($_ == 1)
        {
            my $took = milliseconds(sub { $control->query_safe($_) for 'CREATE DATABASE elsewhere STRATEGY wal_log', 'DROP DATABASE elsewhere' });
            cmp_ok($took, '<', 2000, "$name in the worker does not delay DROP DATABASE of another database");
        }
        push @times, terminated(worker_pid($node));
        is($node->safe_psql('postgres', "SELECT state, attempt FROM instagram_insights.sync_jobs WHERE job_id = $job"), 'queued|0',
            "$name: the job is back in the queue, untried") if $_ == $tries;
    }
    judge("pg_terminate_backend of the worker during $name", @times);
    release();
    go_to($sandbox->url);
    $node->safe_psql('postgres', 'SELECT instagram_insights.ig_nudge()');
    wait_for($node, "SELECT state = 'succeeded' FROM instagram_insights.ig_sync_status($job)");
    ok(1, "$name: the job ends well once the worker is back");
}
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process crashed');

$control->quit;
$node->stop;
done_testing();
