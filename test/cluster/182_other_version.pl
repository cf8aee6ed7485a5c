# Where library and SQL are of different versions everything works or says what to do, nobody is called, nothing is lost, and the
# worker says it once.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;
use VersionFolder;

my $schema = 'instagram_insights';
my $files = VersionFolder->new
    or plan skip_all => 'this server looks for extensions in its own folder only: nothing can be installed for a test alone';
my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my $node = insights_node('versions', sandbox => $sandbox, extension => 0, preload => 0,
    conf => $files->conf . "log_min_messages = debug1\n" . $sandbox->login_conf);
my $a = user_id('a');
my $none_live = "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))";

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub said { my ($from) = @_; return substr(slurp_file($node->logfile), $from) }
sub times_said { my ($text, $pattern) = @_; return scalar(() = $text =~ /$pattern/g) }

# Every function and view for people, with arguments that succeed where the versions agree; the extension's own comments say
# which functions those are.
my %calls = (
    ig_authorize_url => "('https://app.example.org/back', '$a')", ig_backfill => "('2026-11-01', NULL, '$a')", ig_cancel => '(-1)',
    ig_compare_periods => "('reach', '2026-11-01', '2026-11-05', '$a', '17841400000000001')",
    ig_configure_app => "('1234', '0123456789abcdef0123456789abcdef', 'facebook', ARRAY['https://app.example.org/back'])",
    ig_connect => "('a code', 'a state')", ig_connect_token => "('EAAsandbox000000000001', '17841400000000001', '$a')", ig_coverage => "('$a')",
    ig_data_deletion => "('a.b')", ig_deauthorize => "('a.b')", ig_deletion_status => "('none')",
    ig_delete_user_data => "('" . user_id('f') . "')", ig_disconnect => "(NULL, '" . user_id('f') . "')",
    ig_export_csv => "('2026-11-01', '2026-11-05', '$a')", ig_export_json => "('2026-11-01', '2026-11-05', '$a')",
    ig_fetch_insights => "('$a')", ig_overview => "('$a')", ig_pause => "('for a while')",
    ig_peak_day => "('reach', '2026-11-01', '2026-11-05', '$a', '17841400000000001')", ig_refresh_insights => "('$a')",
    ig_schedule => '()', ig_set_entity => "('17841400000000001', 'shop', '$a')", ig_set_metrics => "('{reach}', '$a', '17841400000000001')",
    ig_set_project => "('17841400000000001', 'spring', '$a')", ig_sync_status => '(-1)',
    ig_timeseries => "('reach', '2026-11-01', '2026-11-05', 'day', '$a', '17841400000000001')", ig_unschedule => '()',
    refresh_instagram_token => "('17841400000000001', '$a')",
);

# All of them, each in a transaction that is rolled back. What fails, fails as it does where the versions agree, or by saying
# what to do about the version. Returns the names of those.
sub refused_by_version
{
    my ($library, $extension, $hint) = @_;
    my (@refused, @wrong);
    my @functions = split /\n/, sql(<<"SQL");
SELECT DISTINCT p.proname FROM pg_proc p WHERE p.pronamespace = '$schema'::regnamespace AND p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype
AND obj_description(p.oid, 'pg_proc') NOT LIKE 'Internal:%' AND has_function_privilege('instagram_insights_admin', p.oid, 'EXECUTE') ORDER BY 1
SQL
    my @views = split /\n/, sql("SELECT relname FROM pg_class WHERE relnamespace = '$schema'::regnamespace AND relkind = 'v' ORDER BY 1");
    for my $call ((map { $_ . ($calls{$_} // '()') } @functions), @views)
    {
        my ($stdout, $stderr);
        next if $node->psql('postgres', "\\set VERBOSITY verbose\nBEGIN; SELECT * FROM $schema.$call; ROLLBACK", stdout => \$stdout, stderr => \$stderr) == 0;
        if ($stderr =~ /ERROR:  55000: the library of instagram_insights is version \Q$library\E, the extension in this database \Q$extension\E\nHINT:  $hint/) { push @refused, $call =~ s/\(.*//sr }
        elsif ($stderr !~ /ERROR:  (?!XX)[0-9A-Z]{5}: .*^HINT:  /ms) { push @wrong, "$call: $stderr" }
    }
    is(join("\n", @wrong), '', 'every function and view works, or fails with SQLSTATE and hint');
    cmp_ok(scalar @functions, '>', 30, '... of which there are many');
    return join ' ', @refused;
}
my $touching = 'ig_authorize_url ig_configure_app ig_connect ig_connect_token ig_fetch_insights ig_rotate_key refresh_instagram_token';

# Enqueued work waits, and one line of the log tells why, however often it is nudged.
sub work_waits
{
    my ($from, $library, $extension, $hint) = @_;
    my $leaves = qr/LOG:  instagram_insights worker leaves: the library of instagram_insights is version \Q$library\E, the extension in this database \Q$extension\E\n.*HINT:  $hint/;
    $node->wait_for_log($leaves, $from);
    my $calls = $sandbox->stats->{calls};
    is(refused_by_version($library, $extension, $hint), $touching, 'those that write what the API says refuse, and say what to do');
    my $job = sql("SELECT $schema.ig_refresh_insights('$a', '17841400000000001')");
    sql("SELECT $schema.ig_nudge()");
    sql('SELECT pg_reload_conf()');
    my $started = qr/DEBUG:  starting background worker process "instagram_insights worker"/;
    my $left = qr/worker leaves: the library/;
    $sandbox->wait_until(sub { my $text = said($from); times_said($text, $left) >= 4 && times_said($text, $left) == times_said($text, $started) }, 'those that were started have left');
    is(times_said(said($from), $leaves), 1, 'the log says once why no worker stays');
    is(sql("SELECT state FROM $schema.sync_jobs WHERE job_id = $job"), 'queued', 'a job that was enqueued waits');
    like(sql("SELECT status, hint FROM $schema.ig_doctor() WHERE check_name = 'library'"), qr/^fail\|$hint/, 'ig_doctor() says what to do');
    my ($code, $rows) = as_user($node, 'instagram_insights_user', 'a', "SELECT count(*) > 0, count(DISTINCT user_id) FROM $schema.instagram_insights");
    is($rows, 't|1', 'a user reads own rows as ever');
    is($sandbox->stats->{calls}, $calls, 'and nobody was called');
    return $job;
}

$files->create_1_0($node, 'postgres');
connect_account($node, $_ <= 2 ? 'a' : 'b', $_) for 1 .. 4;
sync_all_done($node);

# The library is the newer one: the package was installed and the server restarted, the update is still to come.
$files->put_library('present');
my $from = -s $node->logfile;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'instagram_insights'");
$node->restart;
my $version = sql("SELECT library_version FROM $schema.ig_process_state()");
my $job = work_waits($from, $version, '1.0', 'Run ALTER EXTENSION instagram_insights UPDATE');
sql("ALTER EXTENSION $schema UPDATE");
wait_for($node, "SELECT state = 'succeeded' FROM $schema.sync_jobs WHERE job_id = $job");
pass('the update alone has the waiting job done');
wait_for($node, $none_live);

# The library is the older one: what is preloaded comes from before the update, or from an older package.
$files->put_library('older');
$from = -s $node->logfile;
$node->restart;
$job = work_waits($from, '1.0', $version, "Install the package of version \Q$version\E, restart the server");
$files->put_library('present');
$node->restart;
wait_for($node, "SELECT state = 'succeeded' FROM $schema.sync_jobs WHERE job_id = $job");
pass('the restart alone has the waiting job done');
wait_for($node, $none_live);
unlike(refused_by_version($version, $version, '.'), qr/./, 'with both of one version nothing is refused for its version');

$node->stop;
done_testing();
