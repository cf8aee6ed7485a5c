# Twenty times kill -9 of whoever it hits, at any moment of syncs of three hundred accounts: each sync ends with exactly the rows of a
# clean run. The seed is printed; KILL_SEED=... chooses the same victims and moments again.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use KillPoints;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $accounts = 300;
my $users = 20;
my $syncs = 16;
my $two_kills_in_each = 4;    # syncs one has two: jobs that are in hand at both have to run alone, which takes its time
my $most_calls = 5 * $accounts;    # until a kill: what a sync takes
my $seed = $ENV{KILL_SEED} // int rand 1_000_000;
srand $seed;
diag("KILL_SEED=$seed");

my $sandbox = GraphSandbox->new(accounts => $accounts, seed => $seed, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('kill_at_random', sandbox => $sandbox, conf => <<'CONF');
restart_after_crash = on
instagram_insights.idle_timeout = -1
instagram_insights.max_in_flight = 20
instagram_insights.first_sync_days = 3
CONF
my $kill = KillPoints->new(node => $node, sandbox => $sandbox);
sub query { return $node->safe_psql('postgres', $_[0]) }

my @lines = map {
    join "\t", sprintf('%sAAsandbox%012d', $_ % 2 ? 'E' : 'IG', $_), sprintf('178414%011d', $_), user_id($_ % $users), $_ % 2 ? 'facebook' : 'instagram'
} 1 .. $accounts;
query("COPY instagram_insights.connect_inbox (access_token, account_id, user_id, login) FROM STDIN;\n" . join("\n", @lines) . "\n\\.\n");
$sandbox->config(fixed_latency_ms => 3);
my $live = "FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting')";
my ($first, $last) = split /\|/, query("SELECT d - 3, d - 1 FROM CAST(now() AT TIME ZONE 'America/Los_Angeles' AS date) d");
my $expected = $sandbox->expected(first => $first, last => $last);

# --- the kills

my %hit;
sub kill_somebody
{
    my $victim = ('the worker', 'the worker', 'a session', 'the postmaster')[ rand 4 ];
    my $user = user_id(int rand $users);
    my $calls = $sandbox->stats->{calls} + int rand $most_calls;
    $sandbox->wait_until(sub { return $sandbox->stats->{calls} >= $calls || query("SELECT count(*) $live") == 0 }, "call $calls is made");
    $kill->kill_process(worker_pid($node)) if $victim eq 'the worker';
    $kill->kill_postmaster if $victim eq 'the postmaster';
    $kill->kill_session_at('in the body of insights', $victim, "SELECT count(*) FROM instagram_insights.ig_fetch_insights('$user')")
        if $victim eq 'a session';
    return $hit{$victim}++;
}

for my $sync (1 .. $syncs)
{
    query("DELETE FROM instagram_insights.insights; DELETE FROM instagram_insights.sync_log; DELETE FROM instagram_insights.sync_jobs;
           UPDATE instagram_insights.accounts SET metric_state = '{}'; SELECT instagram_insights.ig_sync_all()");
    my $kills = $sync % $two_kills_in_each == 0 ? 2 : 1;
    kill_somebody() for 1 .. $kills;
    wait_for($node, "SELECT count(*) = 0 $live");
    is(query("SELECT string_agg(DISTINCT state || ' ' || attempt, ', ') 
              FROM instagram_insights.sync_jobs WHERE state <> 'succeeded' OR attempt > $kills + 1"), '',
        "sync $sync: every job ends well by itself");
    ok(stored_rows($node) eq $expected, "sync $sync: the rows are exactly those of a clean run");
}
diag(join ', ', map { "$_: $hit{$_}" } sort keys %hit);
is(query('SELECT count(*) FROM instagram_insights.insights WHERE right(user_id::text, 12)::bigint <> right(account_id, 11)::bigint % ' . $users), 0,
    'each with its user');
is(query('SELECT sum(rows_inserted) = (SELECT count(*) FROM instagram_insights.insights) AND sum(rows_updated) = 0 FROM instagram_insights.sync_log'),
    't', 'the logs tell of each row once, and of none that was lost');
is(query("SELECT count(*) FROM instagram_insights.sync_log WHERE status <> 'succeeded' AND error_message <> 'the worker ended before this job did'
          OR status = 'succeeded' AND api_calls < 1"), 0, 'each log is of a try that ended well, or was lost with its worker');
is(query("SELECT count(*) FROM instagram_insights.sync_jobs j WHERE (1, j.attempt - 1) <> (SELECT count(*) FILTER (WHERE status = 'succeeded'),
          count(*) FILTER (WHERE status = 'failed') FROM instagram_insights.sync_log l WHERE l.user_id = j.user_id AND l.job_id = j.job_id)"),
    0, 'and each job has one of its success and one for each try that was lost');
is(query("SELECT count(*) FROM instagram_insights.connections WHERE status = 'active'"), $accounts, 'no account lost its login');
is(query("SELECT status FROM instagram_insights.ig_doctor() WHERE check_name = 'tokens'"), 'ok', 'every token opens');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP/, 'nothing else crashed');
$node->stop;
done_testing();
