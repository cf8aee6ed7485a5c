# A cluster moved to a newer server by pg_upgrade keeps every row and goes on by itself; a copy in it stays one that calls nobody.
use strict;
use warnings;

use File::Copy qw(copy);
use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my $a = user_id('a');
my $identifier = 'SELECT system_identifier FROM pg_control_system()';
my @ids;

my @tables = qw(accounts credentials insights sync_log sync_jobs role_users);
my $contents = join ' UNION ALL ',
  map {"SELECT '$_ ' || count(*) || ' ' || md5(string_agg(t::text, '|' ORDER BY t::text)) FROM $schema.$_ t"} @tables;
$contents .= " UNION ALL SELECT 'metrics ' || string_agg(name, ',') FROM $schema.metrics WHERE NOT builtin";
$contents .= " UNION ALL SELECT 'job of cron: ' || concat_ws(',', jobname, schedule, command, database, username) FROM cron.job";
sub contents { my ($node) = @_; return $node->safe_psql('app', "SET timezone = 'UTC'; $contents") }

my $settings = <<"CONF";
cron.database_name = 'app'
cron.use_background_workers = on
$schema.idle_timeout = 0
CONF

sub old_cluster
{
    my ($name, $conf) = @_;
    my $node = insights_node("old_$name", sandbox => $sandbox, libraries => ['pg_cron'], extension => 0,
        cluster => { install_path => $ENV{IG_OLD_INSTALLATION} }, conf => slurp_file($ENV{IG_OLD_CONF}) . $settings . $conf);
    $node->safe_psql('postgres', 'CREATE DATABASE app');
    $node->safe_psql('app', "CREATE EXTENSION pg_cron; CREATE EXTENSION instagram_insights");
    @ids = map { connect_account($node, $_ <= 2 ? 'a' : 'b', $_, database => 'app') } 1 .. 4;
    sync_all_done($node, 'app');
    $sandbox->wait_until(sub { worker_pid($node, 'app') eq '' }, 'the worker of app has left');
    $node->safe_psql('app', <<"SQL");
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value)
SELECT '$a', '$ids[0]', 'reach', 'day', make_timestamptz(y, 6, 1, 7, 0, 0, 'UTC'), y FROM generate_series(2020, 2030) y WHERE y <> 2026;
INSERT INTO $schema.role_users VALUES ('alice', '$a');
INSERT INTO $schema.metrics (name, metric_type, rollup, history_days) VALUES ('a_new_metric', 'total_value', 'sum', 90);
SELECT $schema.ig_schedule('* * * * *');
UPDATE cron.job SET active = false;
ALTER DATABASE app SET $schema.reread_days = 4;
SQL
    # A copy that nobody has looked at yet. Its original is a database of its own: pg_cron never leaves app.
    $node->safe_psql('postgres', 'CREATE DATABASE original');
    $node->safe_psql('original', 'CREATE EXTENSION instagram_insights');
    connect_account($node, 'a', 1, database => 'original');
    $sandbox->wait_until(sub { worker_pid($node, 'original') eq '' }, 'the worker of original has left');
    $node->safe_psql('postgres', 'CREATE DATABASE copied TEMPLATE original');
    # Work that nobody has done when the server goes down.
    $node->append_conf('postgresql.conf', "$schema.enabled = off");
    $node->reload;
    wait_for($node, "SELECT NOT current_setting('$schema.enabled')::boolean");
    is($node->safe_psql('app', "SELECT $schema.ig_sync_all()"), '4', "$name: four jobs wait when the old server goes down");
    return $node;
}

sub upgraded
{
    my ($name, $old, $mode, $conf) = @_;
    my $new = insights_node("new_$name", sandbox => $sandbox, libraries => ['pg_cron'], start => 0,
        conf => slurp_file($ENV{IG_NEW_CONF}) . $settings . $conf . "$schema.enabled = off\n");
    my $was = $old->safe_psql('postgres', $identifier);
    $old->stop;
    chdir $new->basedir or die "chdir: $!";
    command_ok([
            'pg_upgrade', '--no-sync', $mode, '-d', $old->data_dir, '-D', $new->data_dir, '-b', "$ENV{IG_OLD_INSTALLATION}/bin",
            '-B', $new->config_data('--bindir'), '-s', $new->host, '-p', $old->port, '-P', $new->port
        ], "$name: pg_upgrade $mode");
    $new->start;
    isnt($new->safe_psql('postgres', $identifier), $was, '... into a cluster of another identity');
    return $new;
}

sub doctor
{
    my ($node, $check, $database) = @_;
    return $node->safe_psql($database // 'app', "SELECT status FROM $schema.ig_doctor() WHERE check_name = '$check'");
}

sub switch_on
{
    my ($node) = @_;
    $node->append_conf('postgresql.conf', "$schema.enabled = on");
    $node->reload;
    return;
}

sub calls { return $sandbox->stats->{calls} }

sub goes_on
{
    my ($name, $node) = @_;
    my $before = calls();
    switch_on($node);
    $node->restart;
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))", 'app');
    is($node->safe_psql('app', "SELECT string_agg(DISTINCT state, ',') FROM $schema.sync_jobs"), 'succeeded',
        "$name: the work that waited is done by itself after the start");
    cmp_ok(calls(), '>', $before, '... by asking the API, with the tokens that were sealed before');
    is($node->safe_psql('app', "SELECT system_identifier = ($identifier), paused FROM $schema.installation"), 't|f',
        '... and the installation is stamped as this cluster');
    $node->safe_psql('app', 'UPDATE cron.job SET active = true');
    is(doctor($node, $_), 'ok', "$name: ig_doctor() is content with: $_") for qw(library preload tokens paused worker partitions pg_cron);
    is($node->safe_psql('app', "SELECT string_agg(check_name, ', ') FROM $schema.ig_doctor() WHERE status = 'fail'"), '', "$name: ig_doctor() finds no failure");
    $node->safe_psql('app', "DELETE FROM $schema.insights WHERE account_id = '$ids[1]'; UPDATE $schema.accounts SET metric_state = '{}'");
    sync_all_done($node, 'app');
    is(stored_rows($node, "account_id = '$ids[1]'", 'app'), $sandbox->expected(account_id => $ids[1]), "$name: what it fetches and stores is right");
    my ($code, $count) = as_user($node, "${schema}_user", 'b', "SELECT string_agg(DISTINCT user_id::text, ',') FROM $schema.insights", 'app');
    is($count, user_id('b'), "$name: each user sees their own rows");
    is($node->safe_psql('app', "SELECT current_setting('$schema.reread_days')"), '4', "$name: a setting of the database came along");
    return;
}

sub copy_stays_copy
{
    my ($name, $node) = @_;
    my ($stdout, $stderr);
    isnt($node->psql('copied', "SELECT $schema.ig_sync_all()", stderr => \$stderr), 0, "$name: a copy in the old cluster is a copy in the new one");
    like($stderr, qr/is paused/, '... and calls nobody');
    is(doctor($node, 'paused', 'copied'), 'warn', '... as ig_doctor() says');
    return;
}

sub copied_key
{
    my ($from, $to) = map { $_->data_dir . '/instagram_insights.key' } @_;
    copy($from, $to) or die "copy: $!";
    chmod 0600, $to;
    return;
}

# --- the files are copied, the key lies in the data directory and is forgotten at first

my $old = old_cluster('copied', '');
my $before = contents($old);
my $new = upgraded('copied', $old, '--copy', '');
is(contents($new), $before, 'copied: everything is there, to the last bit');
is(doctor($new, 'key'), 'fail', 'copied: ig_doctor() misses the key that was left in the old data directory');
ok(!-e $new->data_dir . '/instagram_insights.key', '... and no new one was made over the sealed tokens');
copied_key($old, $new);
$new->reload;
is(doctor($new, 'key'), 'warn', 'copied: the key brought along, ig_doctor() only warns of the data directory again');
goes_on('copied', $new);
copy_stays_copy('copied', $new);
wait_for($new, "SELECT EXISTS (SELECT FROM cron.job_run_details WHERE command ~ 'ig_sync_all' AND status = 'succeeded')", 'app');
pass('copied: the schedule goes on');
$new->stop;

# --- the files are linked, the key lies elsewhere; the old cluster must not start again

my $key = PostgreSQL::Test::Utils::tempdir() . '/key';
$old = old_cluster('linked', "$schema.key_file = '$key'\n");
$before = contents($old);
$new = upgraded('linked', $old, '--link', "$schema.key_file = '$key'\n");
is(contents($new), $before, 'linked: everything is there, to the last bit');
is(doctor($new, 'key'), 'ok', 'linked: a key outside of the data directory needs nothing');
goes_on('linked', $new);
copy_stays_copy('linked', $new);
$new->stop;

done_testing();
