# A dump of 1.0, made and restored in each way that pg_dump and pg_restore offer, becomes the present version with every row, as
# if freshly installed, and calls nobody.
use strict;
use warnings;

use CatalogCompare;
use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;
use VersionFolder;

my $schema = 'instagram_insights';
my $files = VersionFolder->new
    or plan skip_all => 'this server looks for extensions in its own folder only: nothing can be installed for a test alone';
my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my $node = insights_node('dumped', sandbox => $sandbox, preload => 0, extension => 0, conf => $files->conf . 'instagram_insights.idle_timeout = 0');
my $a = user_id('a');
my $folder = $node->{_basedir};

sub sql { my ($sql, $database) = @_; return $node->safe_psql($database // 'old', $sql) }

sql('CREATE DATABASE old', 'postgres');
$files->create_1_0($node, 'old');
my @ids = map { connect_account($node, $_ <= 2 ? 'a' : 'b', $_, database => 'old') } 1 .. 4;
sync_all_done($node, 'old');
$files->as_1_0_was($node, 'old');
sql(<<"SQL");
INSERT INTO $schema.metrics (name, metric_type, rollup, history_days) VALUES ('of_my_own', 'total_value', 'sum', 90);
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value)
SELECT '$a', '$ids[0]', 'of_my_own', 'day', make_timestamptz(y, 6, 1, 7, 0, 0, 'UTC'), y FROM generate_series(2020, 2040) y;
INSERT INTO $schema.role_users VALUES ('alice', '$a');
SELECT $schema.ig_set_metrics('{reach}');
SELECT $schema.ig_configure_app('1234', '0123456789abcdef0123456789abcdef', 'facebook', ARRAY['https://app.example.org/back']);
CREATE TABLE public.of_the_app (user_id uuid PRIMARY KEY, note text);
INSERT INTO public.of_the_app VALUES ('$a', 'beside ours');
SQL
$files->put_library('present');
sql('CREATE DATABASE fresh', 'postgres');
sql("CREATE EXTENSION $schema", 'fresh');
my $today = catalog($node, 'fresh');
my $version = sql("SELECT extversion FROM pg_extension WHERE extname = '$schema'", 'fresh');

# Everything that a dump takes along: as the extension of 1.0 says itself, by the columns that it had.
my $contents = "SET timezone = 'UTC'; " . sql(<<"SQL");
SELECT string_agg(format('SELECT %L, count(*), md5(COALESCE(string_agg(t::text, ''|'' ORDER BY t::text), '''')) FROM (SELECT %s FROM $schema.%I %s) t', c.relname,
    (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    c.relname, d.condition), ' UNION ALL ' ORDER BY c.relname) || ' UNION ALL SELECT ''of the app'', count(*), min(note) FROM public.of_the_app'
FROM pg_extension e, unnest(e.extconfig, e.extcondition) d (relation, condition) JOIN pg_class c ON c.oid = d.relation
WHERE e.extname = '$schema' AND c.relkind = 'r'
SQL
my $original = sql($contents);
like($original, qr/^$_\|[1-9]/m, "there is something in $_") for qw(accounts apps credentials insights_2026 insights_before_2025 installation metrics role_users sync_log);

# Before anything is let go: what was restored is whole, of the present version, and paused.
sub is_whole
{
    my ($database) = @_;
    is(sql($contents, $database), $original, "$database: every row is there");
    is(sql("SELECT extversion FROM pg_extension WHERE extname = '$schema'", $database), $version, '... under the present version');
    is(join("\n", differences($today, catalog($node, $database))), '', '... which is as if freshly installed');
    is(sql("SELECT status FROM $schema.ig_doctor() WHERE check_name = 'paused'", $database), 'warn', '... and paused');
    my $stderr;
    isnt($node->psql($database, "SELECT $schema.ig_sync_all()", stderr => \$stderr), 0, '... calling nobody');
    return;
}

sub dumped { my (@options) = @_; return command_ok([ 'pg_dump', @options, $node->connstr('old') ], "pg_dump @options[0 .. 1]") }

sub restored
{
    my ($database, @command) = @_;
    sql("CREATE DATABASE $database", 'postgres');
    return command_ok([ $command[0], '-d', $node->connstr($database), @command[1 .. $#command] ], "$database: restored without a complaint");
}

sub psql_file { return ('psql', '-Xq', '-v', 'ON_ERROR_STOP=1', @_) }

my $calls = $sandbox->stats->{calls};
dumped('-f', "$folder/plain.sql");
restored('plain', psql_file('-f', "$folder/plain.sql"));
is_whole('plain');
restored('plain_at_once', psql_file('-1', '-f', "$folder/plain.sql"));
is_whole('plain_at_once');

dumped('-Fd', '-j2', '-f', "$folder/folder");
restored('from_folder', 'pg_restore', '--exit-on-error', "$folder/folder");
is_whole('from_folder');
# CREATE EXTENSION makes foreign keys before there are rows, and several restoring sessions keep no order among the tables.
{
    local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
    restored('in_parallel', 'pg_restore', '-j2', '--exit-on-error', "$folder/folder");
}
is_whole('in_parallel');
my $orphans = "SELECT count(*) FROM $schema.insights i WHERE NOT EXISTS (SELECT FROM $schema.accounts a WHERE a.user_id = i.user_id AND a.account_id = i.account_id)";
is(sql($orphans, 'in_parallel'), '0', '... with every number under its account');

dumped('-Fc', '-f', "$folder/custom");
restored('custom_at_once', 'pg_restore', '--single-transaction', "$folder/custom");
is_whole('custom_at_once');

dumped('--schema-only', '-f', "$folder/schema.sql");
dumped('--data-only', '-f', "$folder/data.sql");
restored('in_two_steps', psql_file('-f', "$folder/schema.sql"));
is(sql("SELECT count(*) FROM $schema.accounts", 'in_two_steps'), '0', 'a dump of the schema alone holds nobody');
command_ok([ psql_file('-d', $node->connstr('in_two_steps'), '-f', "$folder/data.sql") ], 'and the data alone restores into it');
is_whole('in_two_steps');

# By whom.
sql('CREATE ROLE may_see_all LOGIN BYPASSRLS IN ROLE pg_read_all_data; CREATE ROLE may_not LOGIN IN ROLE pg_read_all_data', 'postgres');
dumped('-U', 'may_see_all', '-f', "$folder/by_role.sql");
restored('by_role', psql_file('-1', '-f', "$folder/by_role.sql"));
is_whole('by_role');
command_fails_like([ 'pg_dump', '-U', 'may_not', '-f', "$folder/never.sql", $node->connstr('old') ], qr/would be affected by row-level security policy/, 'whom row security binds gets no dump at all, rather than half of one');
is($sandbox->stats->{calls}, $calls, 'nobody was called by any of them');

# One of them is let go.
sql("SELECT $schema.ig_resume()", 'in_parallel');
sql("DELETE FROM $schema.insights; UPDATE $schema.accounts SET metric_state = '{}'; SELECT $schema.ig_set_metrics(NULL)", 'in_parallel');
sync_all_done($node, 'in_parallel');
is(stored_rows($node, 'true', 'in_parallel'), $sandbox->expected, 'resumed, it works with the tokens that came along');

$node->stop;
done_testing();
