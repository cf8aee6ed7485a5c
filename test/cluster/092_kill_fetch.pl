# Whatever moment of ig_fetch_insights() its session or the postmaster is killed in: nothing of it is stored, nothing is claimed, and
# who calls it again gets the rows of a clean run.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use KillPoints;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $accounts = 4;
my $user = user_id('a');
my $sandbox = GraphSandbox->new(accounts => $accounts, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('kill_fetch', sandbox => $sandbox, conf => <<'CONF');
restart_after_crash = on
instagram_insights.connect_timeout = 60s
instagram_insights.request_timeout = 60s
instagram_insights.fetch_timeout = 60s
CONF
my $kill = KillPoints->new(node => $node, sandbox => $sandbox);
connect_account($node, 'a', $_) for 1 .. $accounts;
my $expected = $sandbox->expected;

sub query { return $node->safe_psql('postgres', $_[0]) }
my $fetch = "SELECT account_id, status, total_inserted, total_updated + total_unchanged FROM instagram_insights.ig_fetch_insights('$user')";
my $rows = 'SELECT account_id, \'succeeded\', count(*), 0 FROM instagram_insights.insights GROUP BY 1 ORDER BY 1';
my $trace = 'SELECT (SELECT count(*) FROM instagram_insights.insights), (SELECT count(*) FROM instagram_insights.sync_log),'
    . ' (SELECT count(*) FROM instagram_insights.connections WHERE last_success_at IS NOT NULL)';
my $forget = "DELETE FROM instagram_insights.insights; DELETE FROM instagram_insights.sync_log;"
    . " UPDATE instagram_insights.accounts SET metric_state = '{}', last_success_at = NULL";

for my $name ('in connect', 'in the body of insights', 'before the store', 'in the store', 'before the commit')
{
    for my $victim ('the session', 'the postmaster')
    {
        my $what = "$victim killed $name";
        my ($told, $error) = $kill->kill_session_at($name, $victim, $fetch);
        is($told, '', "$what: the client is told of no row");
        like($error, qr/connection|server/, "$what: but that the server has gone");
        is(query($trace), '0|0|0', "$what: no row, no log and no success of it is there");
        my $second = query($fetch);
        is($second, query($rows), "$what: called again, it stores everything");
        ok(stored_rows($node) eq $expected, "$what: which is what a clean run stores, each once");
        is(query("SELECT string_agg(DISTINCT status, ', ') || ' ' || count(*) || ' ' || sum(rows_inserted) FROM instagram_insights.sync_log"),
            "succeeded $accounts " . scalar(split /\n/, $expected), "$what: with a log for each account, of this call alone");
        query($forget);
    }
}

# Killed after its commit: then it is there, whole, and the next call finds nothing new.
my ($told) = $kill->kill_session_at('before the commit of a session', 'the session', "$fetch; COMMIT; " . KillPoints::gate_sql());
ok(stored_rows($node) eq $expected, 'the session killed after its commit: everything is stored');
is($told, query($rows) . "\n", 'as its client was told');
is(query("SELECT sum(total_inserted + total_updated) FROM instagram_insights.ig_fetch_insights('$user')"), 0, 'and the next call finds nothing new');

unlike(slurp_file($node->logfile), qr/PANIC|TRAP/, 'nothing else crashed');
$node->stop;
done_testing();
