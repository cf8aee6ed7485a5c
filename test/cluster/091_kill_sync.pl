# Whatever moment of a sync the worker or the postmaster is killed in, from before the claim to before the commit of what was
# fetched: all jobs end by themselves, with the rows of a clean run, each once, and a log that claims nothing that was lost.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use KillPoints;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $accounts = 6;
my $folder = PostgreSQL::Test::Utils::tempdir();
my $sandbox = GraphSandbox->new(accounts => $accounts, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $key_command = KillPoints::key_command($folder);
my $node = insights_node('kill_sync', sandbox => $sandbox, conf => <<"CONF");
restart_after_crash = on
instagram_insights.idle_timeout = -1
instagram_insights.connect_timeout = 60s
instagram_insights.request_timeout = 60s
instagram_insights.key_command = '$key_command'
CONF
my $kill = KillPoints->new(node => $node, sandbox => $sandbox, folder => $folder);
connect_account($node, sprintf('%x', 10 + $_ % 3), $_) for 1 .. $accounts;
my $expected = $sandbox->expected;
cmp_ok(scalar(split /\n/, $expected), '>', 100 * $accounts, 'there is something to fetch');

sub query { return $node->safe_psql('postgres', $_[0]) }

# Log rows of tries that were lost: of the job's own account, begun when that try began, ended when the next one began, to
# the ms, and worded as other failures are. What is not told of so is not counted.
my $lost_tries = <<'SQL';
SELECT l.error_message || ' of ' || count(DISTINCT l.job_id) || ' in ' || count(*)
FROM instagram_insights.sync_log l
JOIN instagram_insights.sync_jobs j ON j.user_id = l.user_id AND j.account_id = l.account_id AND j.job_id = l.job_id AND j.kind = l.kind AND j.trigger = l.trigger
JOIN instagram_insights.sync_log next ON next.job_id = l.job_id AND next.id > l.id
WHERE l.status = 'failed' AND j.started_at - l.started_at BETWEEN '0 s' AND '1 s' AND l.finished_at > l.started_at
  AND l.finished_at < next.started_at + interval '1 ms' AND j.try_started_at = next.started_at
  AND l.rows_inserted + l.rows_updated + l.rows_unchanged + l.api_calls = 0
  AND l.errors @> '[{"metric": null, "kind": "transient", "code": null, "message": "the worker ended before this job did", "hint": "Nothing: it is tried again by itself, and what was stored before stays."}]'
GROUP BY l.error_message
SQL

# What holds after every kill. `tries`: how many each job took, the lost one included.
sub whole
{
    my ($what, $tries) = @_;
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
    is(query("SELECT string_agg(DISTINCT concat_ws(' ', state, attempt, crashes, error), ', ') || ' of ' || count(*)
              FROM instagram_insights.sync_jobs"),
        "succeeded $tries 0 of $accounts", "$what: every job ends well by itself, with its tries counted");
    ok(stored_rows($node) eq $expected, "$what: the rows are those of a clean run, each once");
    is(query("SELECT string_agg(DISTINCT status || CASE WHEN api_calls > 0 THEN '' ELSE ' without calls' END, ', ')
                     || ' of ' || count(DISTINCT job_id) || ' in ' || count(*)
              FROM instagram_insights.sync_log WHERE status <> 'failed'"), "succeeded of $accounts in $accounts", "$what: one log of success for each job");
    is(query($lost_tries), $tries == 1 ? '' : "the worker ended before this job did of $accounts in $accounts",
        "$what: and one of the try that was lost, by who looked after it, with its own times");
    is(query("SELECT sum(rows_inserted) - (SELECT count(*) FROM instagram_insights.insights) || ' ' || sum(rows_updated + rows_unchanged)
              FROM instagram_insights.sync_log"), '0 0', "$what: which tells of every row, once, and of none that was lost");
    is(query("SELECT count(*) FROM instagram_insights.connections WHERE status = 'active' AND last_error IS NULL"), $accounts,
        "$what: every account is as before");
    query('DELETE FROM instagram_insights.insights; DELETE FROM instagram_insights.sync_jobs; DELETE FROM instagram_insights.sync_log;'
        . " UPDATE instagram_insights.accounts SET metric_state = '{}'");
    return;
}

# Each point, and the tries that the jobs take when something is killed there.
my @points = (
    [ 'before the claim', 1 ], [ 'in the claim', 1 ], [ 'after the claim', 2 ], [ 'in connect', 2 ],
    [ 'in the body of insights', 2 ], [ 'before the store', 2 ], [ 'in the store', 2 ], [ 'before the commit', 2 ]);
for my $case (@points)
{
    my ($name, $tries) = @$case;
    for my $victim ('the worker', 'the postmaster')
    {
        my ($there, $seen, $took) = $kill->kill_worker_at($name, $victim, 'SELECT instagram_insights.ig_sync_all()');
        ok($there && $seen eq '0', "the worker was $name, and nobody saw anything of it");
        cmp_ok($took, '<', 5000, "$name: it leaves at once when the postmaster is killed") if $victim eq 'the postmaster';
        whole("$victim killed $name", $tries);
    }
}
unlike(slurp_file($node->logfile), qr/PANIC|TRAP/, 'nothing else crashed');
$node->stop;
done_testing();
