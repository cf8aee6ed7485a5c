# The server's clock may jump, hours or days, forward or back, while jobs wait, calls are under way, leases are held or nobody
# works: no job is lost, none waits for the old time to come again, nobody is stormed with calls, and the rows stay right.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use IPC::Run ();
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Preload;
use Test::More;

my $schema = 'instagram_insights';
my $hour = 3600;
my $day = 24 * $hour;
my $accounts = 6;
my $sandbox = GraphSandbox->new(accounts => $accounts, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my ($library, $clock) = Preload::clock();
$ENV{CLOCK_AHEAD} = $clock;
my $node = do {
    local $ENV{LD_PRELOAD} = $library;
    insights_node('clock', sandbox => $sandbox, conf => join "\n", "instagram_insights.graph_url = '" . $sandbox->plain_url . "'",
        "instagram_insights.instagram_graph_url = '" . $sandbox->plain_url . "'", <<'CONF');
instagram_insights.first_sync_days = 3
instagram_insights.request_timeout = 60s
instagram_insights.fetch_timeout = 2s
instagram_insights.idle_timeout = -1
CONF
};

sub query { return $node->safe_psql('postgres', $_[0]) }
sub calls { return $sandbox->stats->{calls} }
sub jobs { return query("SELECT COALESCE(string_agg(DISTINCT state, ' '), '') || ' ' || COALESCE(max(crashes), 0) FROM $schema.sync_jobs WHERE state <> 'succeeded'") }
sub all_done { return wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))") }
sub hang { return $sandbox->faults({ match => { route => 'insights' }, do => { hang => 'before_headers' } }, { match => { route => 'batch' }, do => { hang => 'before_headers' } }) }
sub go_on { $sandbox->clear_faults; return $sandbox->release }

# Sets the clock and, as any event would, lets the worker look at it.
sub set_clock
{
    my ($seconds) = @_;
    Preload::ahead($clock, $seconds);
    $node->reload;
    return;
}

my ($first, $last) = split /,/, query("SELECT d - 3 || ',' || d - 1 FROM (SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date d) today");
my @ids = map { connect_account($node, 'a', $_) } 1 .. $accounts;

# A snapshot is dated by our clock where the API tells no time (as this sandbox), every other number by the API; and by a clock
# that is behind, days before these are due.
sub rows_are_right
{
    my ($when) = @_;
    my @wrong = grep {
        stored_rows($node, "account_id = '$_' AND metric <> 'followers_count' AND day BETWEEN '$first' AND '$last'") ne join "\n", grep { !/followers_count/ } split /\n/, $sandbox->expected(account_id => $_, first => $first, last => $last)
    } @ids;
    is("@wrong", '', "$when: the rows are those of a clean run");
    is(jobs(), ' 0', '... no job is left or lost, and none is called a crash');
    query("DELETE FROM $schema.sync_jobs");
    return;
}

sync_all_done($node);
my $calls_of_a_sync = calls();
rows_are_right('before any jump');

# --- back, while jobs wait for their next try and an account for the end of a limit

sub all_but_one_fail
{
    $sandbox->faults({ match => { account_id => $ids[1] }, do => { throttle => { code => 80002, minutes => 5 } } },
        { match => { route => 'any' }, do => { status => 502, body => '<html>', content_type => 'text/html' } });
    query("SELECT $schema.ig_sync_all()");
    wait_for($node, "SELECT count(*) = $accounts FROM $schema.sync_jobs WHERE state = 'waiting'");
    $sandbox->reset;
    return;
}

# What waits does so as long as it was meant to, by the clock that is.
sub pauses_are_kept
{
    my ($when) = @_;
    wait_for($node, "SELECT max(due_at) < now() + interval '65 seconds' FROM $schema.sync_jobs WHERE account_id <> '$ids[1]'");
    ok(1, "$when: the next try is due within its minute");
    is(query("SELECT max(due_at) BETWEEN now() + interval '3 minutes' AND now() + interval '7 minutes' FROM $schema.sync_jobs WHERE account_id = '$ids[1]'"), 't', '... the job of the account that has to wait, within its minutes');
    is(query("SELECT max(blocked_until) BETWEEN now() + interval '3 minutes' AND now() + interval '7 minutes' FROM $schema.$_ WHERE account_id = '$ids[1]'"), 't', "... so says $_") for 'accounts', 'usage';
    is(calls(), 0, '... and nobody was called meanwhile');
    return;
}

sub end_waiting
{
    query("UPDATE $schema.usage SET blocked_until = NULL, percent = NULL; UPDATE $schema.accounts SET blocked_until = NULL; UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting'; SELECT $schema.ig_nudge()");
    return all_done();
}

all_but_one_fail();
my $log = -s $node->logfile;
set_clock(-30 * $hour);
pauses_are_kept('30 hours back while jobs wait');
like(slurp_file($node->logfile, $log), qr/worker begins anew: the server's clock was set back by 1\d{5} s/, '... the server log tells what happened');
end_waiting();
rows_are_right('30 hours back while jobs wait');

# --- back, while calls are under way and leases are held

$sandbox->reset;
hang();
query("SELECT $schema.ig_sync_all()");
$sandbox->wait_for_hanging(2);
set_clock(-6 * $day);
$log = -s $node->logfile;
wait_for($node, "SELECT count(*) = $accounts AND max(generation) > 1 FROM $schema.sync_jobs WHERE state = 'running' AND lease_until < now() + interval '3 minutes'");
ok(1, '5 days back while calls are under way: the jobs are taken up again at once, under leases that end');
go_on();
all_done();
cmp_ok(calls(), '<=', 3 * $calls_of_a_sync, '... and their calls are not repeated over and over');
rows_are_right('days back while calls are under way');

# --- forward, while calls are under way and leases are held

$sandbox->reset;
hang();
query("SELECT $schema.ig_sync_all()");
$sandbox->wait_for_hanging(2);
my $worker = worker_pid($node);
set_clock(-1 * $hour);
my $job = query("SELECT $schema.ig_refresh_insights('@{[ user_id('a') ]}', '$ids[0]')");
wait_for($node, "SELECT state = 'running' FROM $schema.sync_jobs WHERE job_id = $job");
is(query("SELECT count(*) || ' ' || max(generation) || ' ' || max(attempt) || ' ' || max(crashes) FROM $schema.sync_jobs WHERE state = 'running'"),
    ($accounts + 1) . ' 1 1 0', 'days forward while calls are under way: the worker goes on with the jobs it has');
is(worker_pid($node), $worker, '... and it is the same');
go_on();
all_done();
rows_are_right('days forward while calls are under way');

# --- forward, while jobs wait; by weeks, so that the days to come are beyond every calendar that was made

set_clock(0);
all_but_one_fail();
set_clock(45 * $day);
all_done();
# As after weeks without a sync: one call for each day and account, as far as they are asked by the day.
cmp_ok(calls(), '<=', 4 * $calls_of_a_sync + 45 * $accounts, 'weeks forward while jobs wait: they run, each once');
is(query("SELECT max(attempt) <= 2 FROM $schema.sync_jobs"), 't', '... with one more try');
is(query("SELECT bool_or((e.value ->> 'through')::date > '$last') FROM $schema.accounts, jsonb_each(metric_state) e"), 't', '... days that have not been are taken for asked');
set_clock(0);
wait_for($node, "SELECT NOT bool_or((e.value ->> 'through')::date > '$last') FROM $schema.accounts, jsonb_each(metric_state) e");
ok(1, '... until the clock is right again');
rows_are_right('weeks forward and back again');

# --- while nobody works: the server starts with a clock that is ahead, and again with the right one

$node->stop;
Preload::ahead($clock, 400 * $day);
sub start { local $ENV{LD_PRELOAD} = $library; return $node->start }
start();
all_but_one_fail();
$node->stop;
Preload::ahead($clock, 0);
start();
query("SELECT $schema.ig_sync_all()");
pauses_are_kept('a year ahead until the server is started again');
end_waiting();
rows_are_right('a year ahead until the server is started again');

# --- back, while somebody waits in person

hang();
my ($out, $errors) = ('', '');
my $session = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT status, errors -> 0 ->> 'kind' FROM $schema.ig_fetch_insights('@{[ user_id('a') ]}', '$ids[0]')" ],
    '>', \$out, '2>', \$errors, IPC::Run::timeout(60));
$sandbox->wait_for_hanging(1);
Preload::ahead($clock, -2 * $day);
my $took = milliseconds(sub { $session->finish });
cmp_ok($took, '<', 20_000, 'a fetch ends after its fetch_timeout, though the clock goes back meanwhile');
is("$out$errors", "partial|timeout\n", '... and says that it is not complete') or diag($errors);
go_on();
set_clock(0);

# --- a number that has no day of its own, where the API tells the time

my $true_day = query("SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date");
for my $wrong ([ 'days behind', -2 * $day ], [ 'weeks ahead', 45 * $day ])
{
    my ($name, $seconds) = @$wrong;
    $sandbox->faults(map { { match => { route => $_ }, do => { headers => { Date => strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime) } } } } qw(batch any));
    query("DELETE FROM $schema.insights WHERE metric = 'followers_count'");
    set_clock($seconds);
    sync_all_done($node);
    is(query("SELECT string_agg(DISTINCT day::text, ', ') || ' of ' || count(*) FROM $schema.insights WHERE metric = 'followers_count'"), "$true_day of $accounts",
        "by a clock that is $name a snapshot is stored under the day of its answer");
    $node->psql('postgres', "SELECT count(*) FROM $schema.ig_fetch_insights('@{[ user_id('a') ]}', metrics => '{followers_count}')");
    is(query("SELECT string_agg(DISTINCT day::text, ', ') FROM $schema.insights WHERE metric = 'followers_count'"), $true_day, '... by a fetch in a session too');
    $sandbox->clear_faults;
    set_clock(0);
    rows_are_right("a clock that is $name, where the API tells the time");
}

# --- a clock that is wrong is named

# ALTER SYSTEM puts a whole file in place: the server may still be reading for the last set_clock().
query("ALTER SYSTEM SET instagram_insights.$_ = '" . $sandbox->url . "'") for 'graph_url', 'instagram_graph_url';
set_clock(-3 * $day);
query("SELECT $schema.ig_refresh_insights('@{[ user_id('a') ]}', '$ids[0]')");
wait_for($node, "SELECT state = 'waiting' FROM $schema.sync_jobs ORDER BY job_id DESC LIMIT 1");
like(query("SELECT error_kind || ': ' || error || ' ' || hint FROM $schema.sync_jobs WHERE state = 'waiting'"), qr/^network: .*its certificate is not valid yet.*Check the server's clock/, 'by a clock that is days behind no certificate is valid: the log says so, and to check the clock');
set_clock(0);
end_waiting();
rows_are_right('once the clock is right');

unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|ERROR:  (?!canceling)/, 'no process crashed, and no error was logged');
$node->stop;
done_testing();
