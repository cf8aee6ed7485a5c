# Whatever is missing or wrong is said with SQLSTATE, message and hint, changes nothing, and works once it is put right.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $none_live = "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))";
my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my $node = insights_node('not_ready', sandbox => $sandbox, preload => 0, conf => 'instagram_insights.idle_timeout = 0');
my ($a, $b) = (user_id('a'), user_id('b'));

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }

my @tables = split /\n/, sql("SELECT c.relname FROM pg_class c WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind = 'r'");
my $everything = join ' UNION ALL ', map {"SELECT '$_', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM $schema.$_ t"} sort @tables;

# The call fails so, and no table has changed. `setup` goes before, in the same session. Returns the words.
sub refuses
{
    my ($name, $call, $pattern, $setup) = @_;
    my $before = sql($everything);
    my $stderr;
    my $code = $node->psql('postgres', ($setup // '') . "\n\\set VERBOSITY verbose\nSELECT * FROM $schema.$call", stderr => \$stderr);
    isnt($code, 0, "$name: refused");
    $stderr =~ s/^psql:.*?: //mg;
    $stderr =~ s/^LOCATION:.*\n?//mg;
    like($stderr, qr/^ERROR:  $pattern/s, '... with SQLSTATE and words');
    like($stderr, qr/^HINT:  \S/m, '... and a hint');
    is(sql($everything), $before, '... and nothing has changed');
    return $stderr;
}

# On demand, without shared_preload_libraries.
is(sql('SHOW shared_preload_libraries'), '', 'the library is not preloaded');
my $id = connect_account($node, 'a', 1);
my $other = connect_account($node, 'b', 2);
my $job = sql("SELECT $schema.ig_refresh_insights('$a')");
wait_for($node, "SELECT state = 'succeeded' FROM $schema.sync_jobs WHERE job_id = $job");
is(stored_rows($node, "account_id = '$id'"), $sandbox->expected(account_id => $id), 'a refresh starts a worker at commit and is done');
is(sql("LOAD 'instagram_insights'; SHOW instagram_insights.fetch_timeout"), '30s', 'the settings exist once the library is loaded');
sql("ALTER DATABASE postgres SET instagram_insights.fetch_timeout = '7s'");
is(sql("SELECT count(*) FROM $schema.ig_doctor(); SHOW instagram_insights.fetch_timeout"), join("\n", sql("SELECT count(*) FROM $schema.ig_doctor()"), '7s'), 'ALTER DATABASE ... SET works');
sql("ALTER DATABASE postgres RESET instagram_insights.fetch_timeout");
like(sql("SELECT status, hint FROM $schema.ig_doctor() WHERE check_name = 'preload'"), qr/^warn\|.*shared_preload_libraries/, 'ig_doctor() says what preloading would add');

# Wrong arguments and wrong people.
my $as_a = "SET ROLE instagram_insights_user; SET request.jwt.claims = '{\"sub\":\"$a\"}';";
my $nobody = "SET ROLE instagram_insights_user;";
refuses('unknown metric', "ig_fetch_insights('$a', metrics => '{reach,no_such}')", '22023: .*no_such.*\nHINT:  .*reach');
refuses('unknown metric to fill', "ig_backfill('2026-11-01', NULL, '$a', metrics => '{no_such}')", '22023: .*no_such.*\nHINT:  .*reach');
refuses('no metric at all', "ig_fetch_insights('$a', metrics => '{}')", '22023: .*empty');
refuses('since after until', "ig_fetch_insights('$a', since => '2026-11-10', until => '2026-11-09')", '22023: since is later than until');
refuses('since after until to fill', "ig_backfill('2026-11-10', '2026-11-09', '$a')", '22023: since .* is after until');
refuses('since in the future', "ig_fetch_insights('$a', since => '2126-11-10')", '22023: since is later than the last complete day');
refuses('since in the future to fill', "ig_backfill('2126-11-10', NULL, '$a')", '22023: since .* is in the future');
for my $call ('ig_fetch_insights', 'ig_refresh_insights')
{
    refuses("$call of a user who has no account", "$call('" . user_id('f') . "')", '55000: no account is connected');
    my $unknown = refuses("$call of an unknown account", "$call(NULL, '17841400000009999')", '42704: account "17841400000009999" does not exist', $as_a);
    my $foreign = refuses("$call of another user's account", "$call(NULL, '$other')", "42704: account \"$other\" does not exist", $as_a);
    $unknown =~ s/17841400000009999/$other/g;
    is($foreign, $unknown, "$call: both say the same");
    refuses("$call for another user", "$call('$b')", '42501: ', $as_a);
    refuses("$call without identity", "$call()", '22004: ', $nobody);
    refuses("$call with a claim that is no uuid", "$call()", '22023: ', "SET ROLE instagram_insights_user; SET request.jwt.claims = '{\"sub\":\"x\"}';");
}
my $unknown_job = refuses('cancel of an unknown job', 'ig_cancel(999999)', '42704: job 999999 does not exist', $as_a);
my $others_job = sql("INSERT INTO $schema.sync_jobs (user_id, account_id, kind, state) VALUES ('$b', '$other', 'backfill', 'succeeded') RETURNING job_id");
my $foreign_job = refuses("cancel of another's job", "ig_cancel($others_job)", "42704: job $others_job does not exist", $as_a);
is($foreign_job =~ s/job $others_job /job 999999 /r, $unknown_job, 'both say the same');
refuses('malformed token', "ig_connect_token('EAA with spaces', '17841400000000077')", '22023: the access token is malformed', $as_a);
refuses('empty token', "ig_connect_token('', '17841400000000077')", '22023: the access token is malformed', $as_a);
refuses('no token', "ig_connect_token(NULL, '17841400000000077')", '22023: the access token is malformed', $as_a);
refuses('malformed account id', "ig_connect_token('EAAgood', '1; DROP')", '22023: the account id is malformed', $as_a);
refuses('unknown login', "ig_connect_token('EAAgood', '17841400000000077', login => 'myspace')", '22023: login', $as_a);
refuses('token that has ended', "ig_connect_token('EAAgood', '17841400000000077', expires_at => '2020-01-01')", '22023: the access token has expired', $as_a);
refuses('connect without identity', "ig_connect_token('EAAgood', '17841400000000077')", '22004: ', $nobody);

# No pg_cron: the lines to run where it is.
my $cron = refuses('no pg_cron', 'ig_schedule()', '55000: pg_cron is not installed');
like($cron, qr/SELECT cron\.schedule_in_database\('instagram_insights daily sync \(postgres\)', '0 11 \* \* \*', 'SELECT instagram_insights\.ig_sync_all\(\)', 'postgres', '\w+'\);\nSELECT cron\.schedule_in_database\('instagram_insights daily sync \(postgres\) nudge', '\*\/5 \* \* \* \*', 'SELECT instagram_insights\.ig_nudge\(\)'/,
    'the hint holds the exact statements');
refuses('no pg_cron to unschedule', 'ig_unschedule()', '55000: pg_cron is not installed');

# The key: unreadable, or in a place where none can be made.
my $key = $node->data_dir . '/instagram_insights.key';
chmod 0644, $key;
refuses('a key that others may read', "ig_connect_token('EAAgood', '17841400000000077')", '55000: key file .* has mode 0644', $as_a);
chmod 0600, $key;
rename $key, "$key.away" or die $!;
refuses('no key though tokens are sealed', "ig_connect_token('EAAgood', '17841400000000077')", '55000: the key file .* does not exist', $as_a);
ok(!-e $key, 'and no new key is made');
rename "$key.away", $key or die $!;
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', "CREATE EXTENSION instagram_insights; ALTER DATABASE fresh SET instagram_insights.key_file = '/nonexistent/dir/key'");
my $stderr;
isnt($node->psql('fresh', "\\set VERBOSITY verbose\nSELECT $schema.ig_connect_token('EAAgood', '17841400000000077', '$a')", stderr => \$stderr), 0, 'a key that cannot be made');
like($stderr, qr/ERROR:  55000: .*HINT:  /s, '... is said');
is($node->safe_psql('fresh', "SELECT (SELECT count(*) FROM $schema.accounts) + (SELECT count(*) FROM $schema.credentials)"), '0', '... and nothing is stored');

# Without a free slot for the worker.
$node->append_conf('postgresql.conf', 'max_worker_processes = 0');
$node->restart;
$job = sql("SELECT $schema.ig_refresh_insights('$a')");
is(sql("SELECT state FROM $schema.ig_sync_status($job)"), 'queued', 'without a free worker slot the job stays queued');
like(sql("SELECT status, detail, hint FROM $schema.ig_doctor() WHERE check_name = 'worker'"), qr/^fail\|work is due but all 0 worker processes.*\|Raise max_worker_processes/, 'ig_doctor() says why');
is(sql("SELECT string_agg(status, ',') FROM $schema.ig_fetch_insights('$a')"), 'succeeded', 'a fetch works all the same');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
is(sql("SELECT $schema.ig_nudge()"), 't', 'with a slot the nudge starts it');
wait_for($node, "SELECT state = 'succeeded' FROM $schema.sync_jobs WHERE job_id = $job");

# The roles outlive the extension.
$sandbox->wait_until(sub { worker_pid($node) eq '' }, 'the worker has left');
sql('CREATE ROLE api; GRANT instagram_insights_user TO api');
sql('DROP EXTENSION instagram_insights; CREATE EXTENSION instagram_insights');
is(sql("SELECT pg_has_role('api', 'instagram_insights_user', 'member')"), 't', 'DROP and CREATE EXTENSION keep roles and who is in them');
connect_account($node, 'a', 1);
is(sync_all_done($node), '1', 'and it works again');

$node->stop;
done_testing();
