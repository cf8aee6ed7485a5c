# Twenty times kill -9 of whoever it hits, at any moment of a sync of three hundred accounts: in the end the rows are exactly those of
# a clean run. The seed is printed; KILL_SEED=... chooses the same victims and moments again.
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
my $kills = 20;
my @most_calls = (60, 600);    # between two kills: before anything is stored, and after much is
my $seed = $ENV{KILL_SEED} // int rand 1_000_000;
srand $seed;
diag("KILL_SEED=$seed");

my $sandbox = GraphSandbox->new(accounts => $accounts, seed => $seed, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('kill_at_random', sandbox => $sandbox, conf => <<'CONF');
restart_after_crash = on
instagram_insights.idle_timeout = -1
instagram_insights.max_in_flight = 20
CONF
my $kill = KillPoints->new(node => $node, sandbox => $sandbox);
sub query { return $node->safe_psql('postgres', $_[0]) }

my @lines = map {
    join "\t", sprintf('%sAAsandbox%012d', $_ % 2 ? 'E' : 'IG', $_), sprintf('178414%011d', $_), user_id($_ % $users), $_ % 2 ? 'facebook' : 'instagram'
} 1 .. $accounts;
query("COPY instagram_insights.connect_inbox (access_token, account_id, user_id, login) FROM STDIN;\n" . join("\n", @lines) . "\n\\.\n");
$sandbox->config(fixed_latency_ms => 3);
my $live = "FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting')";
my $set_aside = "FROM instagram_insights.sync_jobs WHERE state = 'failed'";

# --- the kills

# The process of this kind, if there is one.
my %process = (
    'the worker' => "backend_type = 'instagram_insights worker'",
    'a session' => "application_name = 'at_work' AND wait_event_type = 'Extension'");    # in a call
sub pid_now { my ($victim) = @_; return query("SELECT min(pid) FROM pg_stat_activity WHERE $process{$victim}") }

my (%hit, @sessions);
for (1 .. $kills)
{
    # Always enough to do until the next one.
    query('SELECT instagram_insights.ig_sync_all()') if query("SELECT count(*) $live") < $accounts / 4;
    my $victim = ('the worker', 'the worker', 'a session', 'the postmaster')[ rand 4 ];
    my $user = user_id(int rand $users);
    my $calls = $sandbox->stats->{calls} + int rand $most_calls[ rand 2 ];
    push @sessions, $kill->begin_session('at_work', "SELECT count(*) FROM instagram_insights.ig_fetch_insights('$user')");
    $sandbox->wait_until(sub { return $sandbox->stats->{calls} >= $calls || query("SELECT count(*) $live") == 0 }, "call $calls is made");
    # A session that has ended meanwhile is spared.
    my $pid = $process{$victim} && (pid_now($victim) || pid_now($victim = 'the worker'));
    $victim eq 'the postmaster' ? $kill->kill_postmaster : $kill->kill_process($pid);
    $hit{$victim}++;
}
$kill->ended($_) for @sessions;
diag(join ', ', map { "$_: $hit{$_}" } sort keys %hit);

# --- everything ends by itself; the next daily sync fetches what was set aside after three crashes

wait_for($node, "SELECT count(*) = 0 $live");
my $aside = query("SELECT count(*) $set_aside");
diag("$aside jobs were set aside");
is(query("SELECT count(*) $set_aside AND error !~ 'crashed three times'"), 0, 'no job failed but those that were in hand at three crashes');
cmp_ok($aside, '<=', $kills, 'and at most one with each kill');
sync_all_done($node);
is(query("SELECT count(*) $set_aside"), $aside, 'the next sync fetches those too');

ok(stored_rows($node) eq $sandbox->expected, 'the rows are exactly those of a clean run');
is(query('SELECT count(*) FROM instagram_insights.insights WHERE right(user_id::text, 12)::bigint <> right(account_id, 11)::bigint % ' . $users), 0, 'each with its user');
is(query('SELECT sum(rows_inserted) = (SELECT count(*) FROM instagram_insights.insights) AND sum(rows_updated) = 0 FROM instagram_insights.sync_log'),
    't', 'the logs tell of each row once, and of none that was lost');
is(query("SELECT count(*) FROM instagram_insights.sync_log WHERE status <> 'succeeded' OR api_calls < 1"), 0, 'each log is of a try that ended, and ended well');
is(query("SELECT count(*) FROM instagram_insights.sync_jobs j WHERE (j.state = 'succeeded')::int
          <> (SELECT count(*) FROM instagram_insights.sync_log l WHERE l.user_id = j.user_id AND l.job_id = j.job_id)"), 0,
    'a job that succeeded has one, and one that was set aside has none');
is(query("SELECT count(*) FROM instagram_insights.connections WHERE status = 'active'"), $accounts, 'no account lost its login');
is(query("SELECT status FROM instagram_insights.ig_doctor() WHERE check_name = 'tokens'"), 'ok', 'every token opens');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP/, 'nothing else crashed');
$node->stop;
done_testing();
