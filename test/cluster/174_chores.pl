# Once a day the worker deletes what is too old, in rounds of their own: also while calling is paused, never in a copy that
# nobody has decided about, and whatever goes wrong with it, results are stored.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 2);
my $node = insights_node('chores', sandbox => $sandbox, conf => "instagram_insights.idle_timeout = 0\ninstagram_insights.insights_retention = '400d'");
my ($a, $b) = (user_id('a'), user_id('b'));
my $own = connect_account($node, 'a', 1);
my $others = connect_account($node, 'b', 2);

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub old_rows { return sql("SELECT count(*) FROM $schema.insights WHERE end_time < now() - interval '410 days'") . ' ' . sql("SELECT count(*) FROM $schema.sync_log WHERE finished_at < now() - interval '3 years'") }

# More than a round deletes, in the year in which the time limit falls and in one that has wholly passed.
sub make_old_rows
{
    sql(<<"SQL");
UPDATE $schema.worker_state SET maintained_at = NULL;
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value)
SELECT '$a'::uuid, '$own', 'reach', 'day', t, 1 FROM generate_series(now() - interval '420 days', now() - interval '411 days', '30 seconds') t
UNION ALL SELECT '$a'::uuid, '$own', 'reach', 'day', t, 1 FROM generate_series('2020-01-02'::timestamptz, '2020-03-01', '1 day') t;
INSERT INTO $schema.sync_log (user_id, account_id, kind, trigger, started_at, finished_at, status)
SELECT '$a'::uuid, '$own', 'daily', 'schedule', now() - interval '4 years', now() - interval '4 years', 'succeeded' FROM generate_series(1, 100);
SQL
    like(old_rows(), qr/^2\d{4} 100$/, 'there are old rows, more than a round deletes');
    return;
}

# A worker has come and gone since.
sub restart
{
    $node->stop;
    $node->start;
    return wait_for($node, "SELECT leader_pid IS NULL AND started_at > pg_postmaster_start_time() FROM $schema.worker_state");
}

make_old_rows();
sync_all_done($node);
wait_for($node, "SELECT maintained_at IS NOT NULL FROM $schema.worker_state");
is(old_rows(), '0 0', 'the worker deletes them to the last, without being asked');
is(stored_rows($node, "account_id = '$own'"), $sandbox->expected(account_id => $own), 'and stores what it fetched');
my $when = sql("SELECT maintained_at FROM $schema.worker_state");
wait_for($node, "SELECT leader_pid IS NULL FROM $schema.worker_state");
sync_all_done($node);
wait_for($node, "SELECT leader_pid IS NULL FROM $schema.worker_state");
is(sql("SELECT maintained_at FROM $schema.worker_state"), $when, 'a worker that starts the same day has nothing to do');

# Paused, a copy, being restored.
make_old_rows();
sql("UPDATE $schema.installation SET paused = true, pause_reason = 'This database is a restored or template copy: its original may still be at work with the same accounts.'");
restart();
like(old_rows(), qr/^2\d{4} 100$/, 'in a copy nothing is deleted before a person has decided');
sql("SELECT $schema.ig_resume(); CREATE TABLE public.kept AS SELECT * FROM $schema.installation; DELETE FROM $schema.installation");
restart();
like(old_rows(), qr/^2\d{4} 100$/, '... nor where accounts were restored that were not connected here');
sql("INSERT INTO $schema.installation SELECT * FROM public.kept; UPDATE $schema.installation i SET written_by = i.xmin::text::xid8; SELECT $schema.ig_pause('by hand')");
restart();
is(old_rows(), '0 0', 'deleting goes on while calling is paused');
sql("SELECT $schema.ig_resume()");

# In trouble it waits; what was fetched does not.
wait_for($node, "SELECT leader_pid IS NULL FROM $schema.worker_state");
sql(<<"SQL");
BEGIN;
UPDATE $schema.worker_state SET maintained_at = NULL;
DELETE FROM $schema.insights WHERE account_id = '$others';
UPDATE $schema.accounts SET metric_state = '{}' WHERE account_id = '$others';
CREATE OR REPLACE FUNCTION $schema.ig_chores(most integer) RETURNS TABLE (action text, object text, detail text, more boolean)
    LANGUAGE plpgsql AS \$\$BEGIN RAISE lock_not_available USING MESSAGE = 'somebody holds it'; END\$\$;
COMMIT;
SQL
my $size = -s $node->logfile;
sync_all_done($node);
wait_for($node, "SELECT leader_pid IS NULL FROM $schema.worker_state");
is(stored_rows($node, "account_id = '$others'"), $sandbox->expected(account_id => $others), 'when deleting fails, results are stored all the same');
is(sql("SELECT maintained_at IS NULL FROM $schema.worker_state"), 't', '... and the day is not over');
my $log = slurp_file($node->logfile, $size);
is(scalar(() = $log =~ /could not delete what is too old: somebody holds it/g), 1, '... which the server log says once');
unlike($log, qr/PANIC|terminated by signal|tries again in a second/, '... and nothing else goes wrong');

$node->stop;
done_testing();
