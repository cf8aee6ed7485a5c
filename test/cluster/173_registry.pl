# The registry may change while accounts are synced: what was asked is stored, what comes after obeys the change.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 2, now => '2026-11-22T12:00:00Z');
my $node = insights_node('registry', sandbox => $sandbox);
my ($a, $b) = (user_id('a'), user_id('b'));
my $own = connect_account($node, 'a', 1);
my $others = connect_account($node, 'b', 2);

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub stored { my ($account) = @_; return sql("SELECT string_agg(DISTINCT metric, ' ' ORDER BY metric) FROM $schema.insights WHERE account_id = '$account' AND period = 'day'") }

# Asks for metrics of account 1, changes something while the API thinks, and returns how the job ended.
sub while_asked
{
    my ($metrics, $change) = @_;
    $sandbox->faults({ match => { account_id => $own }, do => { hang => 'before_headers' } });
    my $job = sql("SELECT $schema.ig_backfill('2026-11-20', '2026-11-20', '$a', '$own', '{$metrics}')");
    $sandbox->wait_for_hanging(1);
    sql($change);
    $sandbox->clear_faults;
    $sandbox->release;
    wait_for($node, "SELECT finished_at IS NOT NULL FROM $schema.sync_jobs WHERE job_id = $job");
    return sql("SELECT state FROM $schema.sync_jobs WHERE job_id = $job");
}

is(while_asked('likes', "SELECT $schema.ig_set_metrics('{comments}', '$a', '$own')"), 'succeeded', 'a metric is turned off while it is asked');
is(stored($own), 'likes', '... its answer is stored all the same');
is(while_asked('saves', "UPDATE $schema.metrics SET removed_on = '2026-01-01' WHERE name = 'saves'"), 'succeeded', 'a metric is removed while it is asked');
is(stored($own), 'likes saves', '... its answer is stored as well');
isnt($node->psql('postgres', "SELECT $schema.ig_backfill('2026-11-20', '2026-11-20', '$a', '$own', '{saves}')"), 0, '... and it cannot be asked any more');
is(while_asked('shares', "INSERT INTO $schema.metrics (name, metric_type, rollup, history_days, enabled_by_default) VALUES ('brand_new', 'total_value', 'sum', 30, true)"),
    'succeeded', 'a metric is added while others are asked');
is(sql("SELECT asked FROM $schema.account_metrics WHERE metric = 'brand_new' AND account_id = '$others'"), 't', '... and is asked from then on');
is(sql("SELECT asked FROM $schema.account_metrics WHERE metric = 'brand_new' AND account_id = '$own'"), 'f', '... but of accounts with a choice of their own');
sql("DELETE FROM $schema.metrics WHERE name = 'brand_new'");

# Metrics are chosen while both accounts are synced, again and again: every sync ends, and nothing else does.
sql("SELECT $schema.ig_set_metrics(NULL, '$a', '$own')");
for my $round (1 .. 5)
{
    sql("SELECT $schema.ig_sync_all()");
    sql("SELECT $schema.ig_set_metrics('{reach" . ($round % 2 ? ',views' : '') . "}'), $schema.ig_set_metrics(NULL, '$a')");
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
}
is(sql("SELECT string_agg(DISTINCT state, ',') FROM $schema.sync_jobs"), 'succeeded', 'choosing during syncs disturbs none');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|tries again in a second/, 'and the worker was in no trouble');

$node->stop;
done_testing();
