# A standby that is promoted goes on where its primary stood, if it has the key; without the key it calls nobody, makes no other
# key, says what is missing, and goes on once it is there.
use strict;
use warnings;

use File::Copy qw(copy);
use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $accounts = 6;
my $live = "state IN ('queued', 'running', 'waiting')";
my $sandbox = GraphSandbox->new(accounts => $accounts, now => '2026-11-22T12:00:00Z');
my $folder = PostgreSQL::Test::Utils::tempdir();
my $primary = insights_node('primary', sandbox => $sandbox, init => { allows_streaming => 1 },
    conf => "instagram_insights.key_file = '$folder/key'\ninstagram_insights.idle_timeout = 0");
my @ids = map { connect_account($primary, $_ % 2 ? 'a' : 'b', $_) } 1 .. $accounts;
sync_all_done($primary);
$primary->backup('base');

sub calls { return $sandbox->stats->{calls} }
sub wrong_rows { my ($node) = @_; return join ' ', grep { stored_rows($node, "account_id = '$_'") ne $sandbox->expected(account_id => $_) } @ids }
# The log without what only the clock makes different.
sub log_of { my ($node) = @_; return $node->safe_psql('postgres', "SELECT account_id, status, error_code, job_id FROM $schema.sync_logs ORDER BY id") }

sub standby
{
    my ($name, $key) = @_;
    my $standby = PostgreSQL::Test::Cluster->new($name);
    $standby->init_from_backup($primary, 'base', has_streaming => 1);
    $standby->append_conf('postgresql.conf', "instagram_insights.key_file = '$key'");
    $standby->start;
    $primary->wait_for_catchup($standby);
    return $standby;
}
my $with_key = standby('with_key', "$folder/key");
my $without_key = standby('without_key', "$folder/another_key");

# Work that the primary has taken on and not begun: it waits for its next try.
$primary->safe_psql('postgres', "DELETE FROM $schema.insights; UPDATE $schema.accounts SET metric_state = '{}'");
$sandbox->faults({ match => { route => 'any' }, do => { status => 502, body => '<html>', content_type => 'text/html' } });
$primary->safe_psql('postgres', "SELECT $schema.ig_sync_all()");
wait_for($primary, "SELECT count(*) = $accounts FROM $schema.sync_jobs WHERE state = 'waiting'");
$primary->safe_psql('postgres', "UPDATE $schema.sync_jobs SET due_at = now() + interval '1 hour' WHERE state = 'waiting'");
$primary->wait_for_catchup($_) for $with_key, $without_key;
my $log = log_of($primary);
for my $standby ($with_key, $without_key)
{
    my $name = $standby->name;
    is(worker_pid($standby), '', "$name: a standby runs no worker");
    is(log_of($standby), $log, '... and shows the log of its primary');
    is($standby->safe_psql('postgres', "SELECT count(*) FROM $schema.sync_jobs WHERE state = 'waiting'"), $accounts, '... and its work');
}
$primary->stop;
$sandbox->clear_faults;

# --- with the key

$with_key->promote;
$with_key->safe_psql('postgres', "UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting'; SELECT $schema.ig_nudge()");
wait_for($with_key, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE $live)");
is($with_key->safe_psql('postgres', "SELECT string_agg(DISTINCT state || ' ' || crashes, ',') FROM $schema.sync_jobs"), 'succeeded 0', 'promoted with the key it ends what waited, and calls nothing a crash');
is(wrong_rows($with_key), '', '... and the rows are those of a clean run');
is($with_key->safe_psql('postgres', "SELECT count(*) FROM $schema.sync_logs WHERE status = 'succeeded'"), 2 * $accounts, '... with one success more for each in the log');
is($with_key->safe_psql('postgres', "SELECT status FROM $schema.ig_doctor() WHERE check_name = 'paused'"), 'ok', '... and does not take itself for a copy');
$with_key->stop;

# --- without the key

my $before = calls();
$without_key->promote;
$without_key->safe_psql('postgres', "UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting'; SELECT $schema.ig_nudge()");
wait_for($without_key, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE $live)");
is(calls(), $before, 'promoted without the key it calls nobody');
ok(!-e "$folder/another_key", '... and makes no other key');
is($without_key->safe_psql('postgres', "SELECT string_agg(DISTINCT j.state || ' ' || j.error_kind || ' ' || (j.hint ~ 'key'), ',') FROM $schema.sync_jobs j WHERE state <> 'succeeded'"), 'failed token_unreadable true', '... its jobs end, and say what is missing');
is($without_key->safe_psql('postgres', "SELECT string_agg(DISTINCT status || ' ' || (hint ~ 'key'), ',') FROM $schema.connections"), 'token_unreadable true', '... so do the connections');
is($without_key->safe_psql('postgres', "SELECT string_agg(DISTINCT newest.status, ',') FROM (SELECT DISTINCT ON (account_id) status FROM $schema.sync_logs ORDER BY account_id, id DESC) newest"), 'token_unreadable', '... and the log');
like($without_key->safe_psql('postgres', "SELECT status || ' ' || detail || ' ' || hint FROM $schema.ig_doctor() WHERE check_name = 'key'"), qr/^fail .*key/, '... and ig_doctor()');

copy("$folder/key", "$folder/another_key") or die $!;
chmod 0600, "$folder/another_key";
is(sync_all_done($without_key), $accounts, 'once the key is there, the next sync takes all of them');
is(wrong_rows($without_key), '', '... and the rows are those of a clean run');
is($without_key->safe_psql('postgres', "SELECT string_agg(DISTINCT status, ',') FROM $schema.connections"), 'active', '... and the connections are active again');
unlike(slurp_file($_->logfile), qr/PANIC|TRAP|terminated by signal/, $_->name . ': no process crashed') for $with_key, $without_key;
$without_key->stop;
done_testing();
