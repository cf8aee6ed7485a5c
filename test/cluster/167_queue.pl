# The queue: who waits in person is served though hands are full, and jobs that are due later cost a claim nothing.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 24, now => '2026-11-22T12:00:00Z');
my $node = insights_node('queue', sandbox => $sandbox,
    conf => "instagram_insights.idle_timeout = -1\ninstagram_insights.max_in_flight = 1\ninstagram_insights.batch_size = 1\ninstagram_insights.request_timeout = 120s");
sub query { return $node->safe_psql('postgres', $_[0]) }
my $s = 'instagram_insights';

# One request at a time, and that one hangs: the worker has all it wants.
connect_account($node, 'a', $_) for 1 .. 20;
$sandbox->faults({ match => { route => 'insights' }, do => { hang => 'before_headers' } });
query("SELECT $s.ig_sync_all()");
wait_for($node, "SELECT count(*) = 20 FROM $s.sync_jobs WHERE state = 'running'");
$sandbox->wait_for_hanging(1);
connect_account($node, 'b', $_) for 21, 22;
query("SELECT $s.ig_sync_all()");
my $job = query("SELECT min(j) FROM $s.ig_refresh_insights('" . user_id('b') . "') j");
wait_for($node, "SELECT state = 'running' FROM $s.ig_sync_status($job)");
ok(1, 'a refresh is taken in at once, though hands are full of daily work');
is(query("SELECT count(*) FROM $s.sync_jobs WHERE kind = 'daily' AND user_id = '" . user_id('b') . "' AND state = 'queued'"), 2,
    'more daily work is not');
connect_account($node, 'c', 23);
# As a refresh whose next try has come: nobody enqueues it, so nobody wakes the worker.
query("INSERT INTO $s.sync_jobs (user_id, account_id, kind, state) VALUES ('@{[ user_id('c') ]}', '17841400000000023', 'refresh', 'waiting')");
wait_for($node, "SELECT state = 'running' FROM $s.sync_jobs WHERE account_id = '17841400000000023'");
ok(1, 'a refresh that becomes due while hands are full is taken in, though nobody wakes the worker');
$sandbox->clear_faults;
$sandbox->release;
wait_for($node, "SELECT NOT EXISTS (SELECT FROM $s.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
is(query("SELECT string_agg(DISTINCT state, ' ') FROM $s.sync_jobs"), 'succeeded', 'in the end all are done');

# What a claim reads of the index of due jobs, while 100,000 are due tomorrow.
query("INSERT INTO $s.sync_jobs (user_id, account_id, kind, due_at)
       SELECT gen_random_uuid(), n::text, CASE n % 2 WHEN 0 THEN 'daily' ELSE 'backfill' END, now() + interval '1 day' FROM generate_series(1, 100000) n");
# What autovacuum finds out sooner or later, on a busy machine later.
query("ANALYZE $s.sync_jobs");
my $read = "FROM pg_stat_user_indexes WHERE indexrelname = 'sync_jobs_due'";
my ($scans, $tuples) = split /\|/, query("SELECT idx_scan, idx_tup_read $read");
for (1 .. 3) {
    $job = query("SELECT min(j) FROM $s.ig_refresh_insights('" . user_id('b') . "') j");
    wait_for($node, "SELECT state = 'succeeded' FROM $s.ig_sync_status($job)");
}
wait_for($node, "SELECT idx_scan >= $scans + 9 $read");
cmp_ok(query("SELECT idx_tup_read - $tuples $read"), '<', 1000, 'jobs that are due later are not looked at');

done_testing();
