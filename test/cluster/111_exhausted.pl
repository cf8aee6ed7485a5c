# A server that has no connection left still syncs; one that has no worker process left keeps the work, says so, and begins by
# itself as soon as one is free. Neither costs a row.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 6, now => '2026-11-22T12:00:00Z');
# Two processes are the launchers of logical replication and of ours.
my $node = insights_node('exhausted', sandbox => $sandbox, conf => "max_worker_processes = 4\nmax_connections = 8\ninstagram_insights.idle_timeout = -1");

sub query { my ($sql, $database) = @_; return $node->safe_psql($database // 'postgres', $sql) }
sub doctor { return query("SELECT status || ': ' || detail || ' | ' || COALESCE(hint, '') FROM $schema.ig_doctor() WHERE check_name = 'worker'") }
sub rows_are_right
{
    my ($when, @ids) = @_;
    my @wrong = grep { stored_rows($node, "account_id = '$_'") ne $sandbox->expected(account_id => $_) } @ids;
    is("@wrong", '', "$when: the rows are those of a clean run");
    return;
}

my @ids = map { connect_account($node, 'a', $_) } 1 .. 6;

# --- every connection is taken, also those that are reserved

my $inside = $node->background_psql('postgres');
my @others = map { $node->background_psql('postgres') } 1 .. 7;
my ($stdout, $stderr);
isnt($node->psql('postgres', 'SELECT 1', stdout => \$stdout, stderr => \$stderr), 0, 'nobody gets a connection');
like($stderr, qr/too many clients|remaining connection slots/, '... for that reason');
sub wait_inside
{
    my ($condition) = @_;
    return $sandbox->wait_until(sub { $inside->query_safe("SELECT $condition") eq 't' }, $condition);
}
is($inside->query_safe("SELECT $schema.ig_sync_all()"), '6', 'whoever is inside can ask for a sync');
wait_inside("NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
is($inside->query_safe("SELECT string_agg(DISTINCT state, ',') FROM $schema.sync_jobs"), 'succeeded', 'and the worker does it, for which no client needs to give way');
is($inside->query_safe("SELECT string_agg(DISTINCT status, ',') FROM $schema.ig_fetch_insights('@{[ user_id('a') ]}')"), 'succeeded', 'so does a fetch in that session');
$_->quit for @others, $inside;
$sandbox->wait_until(sub { $node->psql('postgres', 'SELECT 1') == 0 }, 'there are connections again');
rows_are_right('without a free connection', @ids);

# --- every worker process is taken

query("DELETE FROM $schema.insights; DELETE FROM $schema.sync_jobs; UPDATE $schema.accounts SET metric_state = '{}'");
my $own = worker_pid($node);
# The workers of two other databases stay, and one of them takes the place of ours.
for my $database ('first', 'second')
{
    query("CREATE DATABASE $database");
    query('CREATE EXTENSION instagram_insights', $database);
    connect_account($node, 'b', 1, database => $database);
    if ($database eq 'second')
    {
        query("SELECT pg_terminate_backend($own)");
        wait_for($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $own)");
    }
    sync_all_done($node, $database);
}
is(worker_pid($node), '', 'ours has none');
is(query("SELECT $schema.ig_sync_all()"), '6', 'work is taken on');
is(query("SELECT string_agg(DISTINCT state, ',') FROM $schema.sync_jobs"), 'queued', '... and waits in the queue, untried');
like(doctor(), qr/^fail: work is due but all 4 worker processes.* \| Raise max_worker_processes/, '... and ig_doctor() says why and what to do');
is(query("SELECT string_agg(DISTINCT status, ',') FROM $schema.ig_fetch_insights('@{[ user_id('a') ]}', '$ids[0]')"), 'succeeded', 'who waits in person is served all the same');
query('DROP DATABASE first WITH (FORCE)');
wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
is(query("SELECT string_agg(DISTINCT state || ' ' || attempt || ' ' || crashes, ',') FROM $schema.sync_jobs"), 'succeeded 1 0', 'with a free process the work is done, and nobody had to ask again');
rows_are_right('without a free worker process', @ids);
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process crashed');

$node->stop;
done_testing();
