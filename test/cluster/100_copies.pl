# A copy holds everything that cannot be fetched again, and calls nobody until a person says so; its original goes on.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my $node = insights_node('original', sandbox => $sandbox, extension => 0, conf => 'instagram_insights.idle_timeout = 0');
my $elsewhere = insights_node('elsewhere', sandbox => $sandbox, extension => 0, conf => 'instagram_insights.idle_timeout = 0');
my @ids;
my $a = user_id('a');

sub calls { return $sandbox->stats->{calls} }

# An original with numbers in each partition, a log, a role's user and a metric of the DBA's own.
$node->safe_psql('postgres', 'CREATE DATABASE app');
$node->safe_psql('app', 'CREATE EXTENSION instagram_insights');
@ids = map { connect_account($node, $_ <= 2 ? 'a' : 'b', $_, database => 'app') } 1 .. 4;
sync_all_done($node, 'app');
$node->safe_psql('app', <<"SQL");
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value)
SELECT '$a', '$ids[0]', 'reach', 'day', make_timestamptz(y, 6, 1, 7, 0, 0, 'UTC'), y FROM generate_series(2020, 2040) y WHERE y <> 2026;
INSERT INTO $schema.role_users VALUES ('alice', '$a');
INSERT INTO $schema.metrics (name, metric_type, rollup, history_days) VALUES ('a_new_metric', 'total_value', 'sum', 90);
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value) VALUES ('$a', '$ids[0]', 'a_new_metric', 'day', '2026-06-01 07:00Z', 1);
SQL
my @tables = qw(accounts credentials insights sync_log role_users);
my $contents = join ' UNION ALL ', map {"SELECT '$_ ' || count(*) || ' ' || md5(string_agg(t::text, '|' ORDER BY t::text)) FROM $schema.$_ t"} @tables;
$contents .= " UNION ALL SELECT 'metrics ' || string_agg(name, ',') FROM $schema.metrics WHERE NOT builtin";
my $original = $node->safe_psql('app', $contents);
is($node->safe_psql('app', "SELECT count(*) FROM (SELECT DISTINCT tableoid FROM $schema.insights) p"), $node->safe_psql('app', "SELECT count(*) FROM pg_inherits WHERE inhparent = '$schema.insights'::regclass"),
    'there is data in every partition');

sub contents { my ($server, $database) = @_; return $server->safe_psql($database, "SET timezone = 'UTC'; $contents") }
$original = contents($node, 'app');
my $dump = "$node->{_basedir}/dump.sql";
command_ok(['pg_dump', '-f', $dump, $node->connstr('app')], 'pg_dump');
my $token = join '|', map { sprintf '%sAAsandbox%012d', $_ % 2 ? 'E' : 'IG', $_ } 1 .. 4;
unlike(slurp_file($dump), qr/$token/, 'no token lies open in the dump');

sub restored
{
    my ($server, $database) = @_;
    $server->safe_psql('postgres', "CREATE DATABASE $database");
    command_ok(['psql', '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $server->connstr($database)], "$database: the dump restores in one transaction");
    return;
}

sub calls_nobody
{
    my ($server, $database) = @_;
    is(contents($server, $database), $original, "$database holds everything that its original held");
    my $before = calls();
    my ($stdout, $stderr);
    isnt($server->psql($database, "\\set VERBOSITY verbose\nSELECT $schema.ig_sync_all()", stderr => \$stderr), 0, "$database: ig_sync_all() refuses");
    like($stderr, qr/55000.*is paused.*copy: its original may still be at work.*ig_resume/s, '... and says why and what to do');
    is($server->safe_psql($database, "SELECT $schema.ig_nudge()"), 'f', "$database: ig_nudge() starts nothing");
    is($server->safe_psql($database, "SELECT string_agg(DISTINCT status, ',') FROM $schema.ig_fetch_insights('$a')"), 'paused', "$database: ig_fetch_insights() says paused");
    like($server->safe_psql($database, "SELECT status, detail, hint FROM $schema.ig_doctor() WHERE check_name = 'paused'"), qr/warn\|.*copy.*\|.*original.*ig_resume/,
        "$database: ig_doctor() says why and what to do");
    is(calls(), $before, "$database: nobody was called");
    return;
}

sub works_after_resume
{
    my ($server, $database) = @_;
    my $logged = $server->safe_psql($database, "SELECT max(job_id) || ',' || max(id) FROM $schema.sync_log");
    $server->safe_psql($database, "SELECT $schema.ig_resume()");
    my $day = $server->safe_psql($database, "SELECT max(day) FROM $schema.insights WHERE metric = 'reach' AND account_id = '$ids[1]'");
    $server->safe_psql($database, "DELETE FROM $schema.insights WHERE account_id = '$ids[1]'; UPDATE $schema.accounts SET metric_state = '{}'");
    is(sync_all_done($server, $database), '4', "$database: after ig_resume() it works");
    is(stored_rows($server, "account_id = '$ids[1]'", $database), $sandbox->expected(account_id => $ids[1]), '... and stores what the API says');
    my ($job, $log) = split /,/, $logged;
    is($server->safe_psql($database, "SELECT count(*) = 4 FROM $schema.sync_jobs WHERE job_id > $job"), 't', '... under job ids that its log does not know yet');
    is($server->safe_psql($database, "SELECT count(*) = 4 FROM $schema.sync_log WHERE id > $log"), 't', '... and log ids that go on');
    is($server->safe_psql($database, "SELECT nextval('$schema.account_generations') > max(generation) FROM $schema.accounts"), 't', '... and no generation of an account comes again');
    $server->safe_psql($database, "INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value) SELECT '$a', '$ids[0]', 'reach', 'day', make_timestamptz(y, 7, 1, 7, 0, 0, 'UTC'), y FROM generate_series(2019, 2041) y");
    is($server->safe_psql($database, "SELECT count(*) FROM $schema.insights WHERE extract(month FROM end_time) = 7 AND value BETWEEN 2019 AND 2041 AND end_time::text LIKE '%-07-01%'"), '23', '... and takes rows of every year');
    return;
}

restored($node, 'restored');
calls_nobody($node, 'restored');
works_after_resume($node, 'restored');

$sandbox->wait_until(sub { worker_pid($node, 'app') eq '' }, 'the worker of app has left');
$node->safe_psql('postgres', 'CREATE DATABASE made_from_template TEMPLATE app');
calls_nobody($node, 'made_from_template');
works_after_resume($node, 'made_from_template');

# Another cluster has another key, or none.
restored($elsewhere, 'restored');
calls_nobody($elsewhere, 'restored');
$elsewhere->safe_psql('restored', "SELECT $schema.ig_resume()");
my $before = calls();
is($elsewhere->safe_psql('restored', "SELECT string_agg(DISTINCT status, ',') FROM $schema.ig_fetch_insights('$a')"), 'token_unreadable', 'without the key a fetch says token_unreadable');
sync_all_done($elsewhere, 'restored');
is($elsewhere->safe_psql('restored', "SELECT string_agg(DISTINCT status || ' ' || (hint ~ 'key'), ',') FROM $schema.connections"), 'token_unreadable true', 'the connections say so, and what to do');
is($elsewhere->safe_psql('restored', "SELECT status FROM $schema.ig_doctor() WHERE check_name = 'key'"), 'fail', 'so does ig_doctor()');
is(calls(), $before, 'and nobody was called');
ok(!-e $elsewhere->data_dir . '/instagram_insights.key', 'no new key was made in its place');
my $key = slurp_file($node->data_dir . '/instagram_insights.key');
append_to_file($elsewhere->data_dir . '/instagram_insights.key', $key);
chmod 0600, $elsewhere->data_dir . '/instagram_insights.key';
$elsewhere->reload;
is($elsewhere->safe_psql('restored', "SELECT string_agg(DISTINCT status, ',') FROM $schema.ig_fetch_insights('$a')"), 'succeeded', 'with the key copied it works');

# The original was not touched by any of this.
is(contents($node, 'app'), $original, 'the original is as it was');
is($node->safe_psql('app', "SELECT status FROM $schema.ig_doctor() WHERE check_name = 'paused'"), 'ok', 'and not paused');
is(sync_all_done($node, 'app'), '4', 'it goes on');
is($node->safe_psql('app', "SELECT string_agg(DISTINCT state, ',') FROM $schema.sync_jobs"), 'succeeded', 'as before');

$_->stop for $node, $elsewhere;
done_testing();
