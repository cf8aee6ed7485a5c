# Years: a dump of an older version restores in one transaction into this one, an update keeps every row, a wholly expired
# year is emptied without anybody waiting for it.
use strict;
use warnings;

use File::Basename qw(basename);
use File::Path qw(make_path);
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $node = insights_node('partitions', extension => 0, preload => 0);
my ($a, $b) = (user_id('a'), user_id('b'));

sub sql { my ($sql, $database) = @_; return $node->safe_psql($database // 'app', $sql) }

# The present version under the number of an older one, with an update that has nothing to do: in a folder of our own beside
# the files that are installed.
my $share = $node->safe_psql('postgres', "SELECT setting FROM pg_config WHERE name = 'SHAREDIR'");
my $destination = $node->safe_psql('postgres', "SELECT current_setting('extension_destdir', true)");
my $path = $node->safe_psql('postgres', "SELECT current_setting('extension_control_path', true)");
my $folder = "$node->{_basedir}/older";
my ($installed) = grep { -e "$_/extension/instagram_insights.control" } split(/:/, $path), "$destination$share";
# Not from pg_available_extensions: Debian's 17 lists nothing there of what lies in extension_destdir.
my ($version) = slurp_file("$installed/extension/instagram_insights.control") =~ /^default_version *= *'(.*)'/m;
make_path("$folder$share/extension");
for my $file (glob("$installed/extension/instagram_insights*"))
{
    my $text = slurp_file($file);
    append_to_file("$folder$share/extension/" . basename($file), $text);
    append_to_file("$folder$share/extension/instagram_insights--0.0.1.sql", $text) if $file =~ /instagram_insights--\Q$version\E\.sql$/;
}
my $libraries = $node->safe_psql('postgres', "SELECT setting FROM pg_config WHERE name = 'PKGLIBDIR'");
make_path("$folder$libraries");
symlink "$destination$libraries/instagram_insights.so", "$folder$libraries/instagram_insights.so" or die "no link to the library: $!";
append_to_file("$folder$share/extension/instagram_insights--0.0.1--$version.sql", "-- Everything is as it was.\n");
$node->append_conf('postgresql.conf', $path ? "extension_control_path = '$folder$share:\$system'" : "extension_destdir = '$folder'");
$node->reload;
wait_for($node, "SELECT current_setting('" . ($path ? 'extension_control_path' : 'extension_destdir') . "') LIKE '$folder%'");

# Numbers in every year, of every kind; what was chosen; a metric of the DBA's own.
sql('CREATE DATABASE app', 'postgres');
sql("CREATE EXTENSION instagram_insights VERSION '0.0.1'");
sql(<<"SQL");
INSERT INTO $schema.accounts (user_id, account_id, project_id, metrics) VALUES ('$a', '1781', 'spring', '{"views": null}'), ('$b', '1782', NULL, NULL);
INSERT INTO $schema.metrics (name, metric_type, rollup, history_days) VALUES ('of_my_own', 'total_value', 'sum', 90);
SELECT $schema.ig_set_metrics('{reach,of_my_own}');
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value, metadata, project_id)
SELECT u.id, u.account, m, p, make_timestamptz(y, 1, 1, 0, 0, 0, 'UTC') + d, y, '{"breakdowns": {"age": {"65+": 1}}}', 'spring'
FROM (VALUES ('$a'::uuid, '1781'), ('$b', '1782')) u(id, account), unnest('{reach,views,impressions,of_my_own}'::text[]) m, unnest('{day,week}'::text[]) p,
     generate_series(2018, 2040) y, unnest(ARRAY['0', '1 microsecond', '200 days', '365 days']::interval[]) d
ON CONFLICT DO NOTHING;
SQL
my @tables = qw(accounts insights metric_settings);
my $contents = "SET timezone = 'UTC'; " . join ' UNION ALL ', map {"SELECT '$_ ' || count(*) || ' ' || md5(string_agg(t::text, '|' ORDER BY t::text)) FROM $schema.$_ t"} @tables;
my $partitions = "SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY inhrelid::regclass::text COLLATE \"C\") FROM pg_inherits WHERE inhparent = '$schema.insights'::regclass";
my $before = sql($contents);
my $years = sql($partitions);
is(sql("SELECT count(DISTINCT tableoid) FROM $schema.insights"), scalar(split / /, $years), 'there are rows in every partition');
my $dump = "$node->{_basedir}/older.dump";
command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('app') ], 'the older version is dumped');

sub takes_every_year
{
    my ($database) = @_;
    is(sql($contents, $database), $before, "$database: every row is there");
    is(sql("SELECT extversion FROM pg_extension WHERE extname = 'instagram_insights'", $database), $version, '... under the present version');
    is(sql($partitions, $database), $years, '... in the same partitions');
    is(sql("SELECT count(*) FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e' AND objid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = '$schema.insights'::regclass)",
            $database), scalar(split / /, $years), '... all of them the extension\'s');
    is(sql("INSERT INTO $schema.insights (user_id, account_id, metric, end_time, value) SELECT '$b', '1782', 'likes', make_timestamptz(y, 7, 1, 7, 0, 0, 'UTC'), y FROM generate_series(2015, 2050) y RETURNING 1",
            $database) =~ tr/1//, 36, '... and every year takes more');
    my ($code, $rows) = as_user($node, 'api', 'a', "SELECT count(DISTINCT account_id) FROM $schema.instagram_insights", $database);
    is($rows, '1', '... and shows a user own rows only');
    return;
}

$node->safe_psql('postgres', 'CREATE ROLE api; GRANT instagram_insights_user TO api');
sql('CREATE DATABASE restored', 'postgres');
command_ok([ 'pg_restore', '-1', '-d', $node->connstr('restored'), $dump ], 'it restores in one transaction where only the present version is asked for');
takes_every_year('restored');
sql("ALTER EXTENSION instagram_insights UPDATE");
takes_every_year('app');
command_ok([ 'pg_dump', '-Fc', '-f', "$dump.2", $node->connstr('app') ], 'the updated one is dumped');
sql('CREATE DATABASE again', 'postgres');
command_ok([ 'pg_restore', '-1', '-d', $node->connstr('again'), "$dump.2" ], 'and restores');
is(sql($contents, 'again'), sql($contents), 'with every row');

# Retention: somebody reads the oldest year for as long as he likes.
sql("ALTER DATABASE app SET instagram_insights.insights_retention = '400d'");
my $maintain = "SELECT action || ' ' || object FROM $schema.ig_maintain() WHERE object LIKE 'insights%' ORDER BY 1";
my $reader = $node->background_psql('app');
$reader->query("BEGIN; SELECT count(*) FROM $schema.insights_before_2025");
my $first;
cmp_ok(milliseconds(sub { $first = sql($maintain) }), '<', 5000, 'nobody waits long for a year that is being read');
like($first, qr/skip insights_before_2025/, '... it is left for the next time');
is(sql("SELECT count(*) FROM $schema.insights WHERE end_time BETWEEN '2025-01-01' AND now() - interval '400 days'"), '0', '... what is not read is deleted meanwhile');
cmp_ok(sql("SELECT count(*) FROM $schema.insights WHERE end_time < '2025-01-01'"), '>', 0, '... and what is read stays');
$reader->query('COMMIT');
$reader->quit;
like(sql($maintain), qr/truncate insights_before_2025/, 'then the whole year is emptied at once');
is(sql("SELECT count(*) FROM $schema.insights WHERE end_time < now() - interval '400 days'"), '0', 'and nothing old is left');
is(sql($partitions), $years, 'without a partition being made or dropped');

$node->stop;
done_testing();
