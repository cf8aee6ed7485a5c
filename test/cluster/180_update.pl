# Installed as 1.0 and updated is the same as installed today, to the last right and comment; and no row is touched by it.
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
my @common = (sandbox => $sandbox, preload => 0, extension => 0);
my $node = insights_node('updated', @common, conf => $files->conf . 'instagram_insights.idle_timeout = 0');
my $fresh = insights_node('fresh', @common, conf => $files->conf);
my ($a, $b) = (user_id('a'), user_id('b'));
my ($version) = slurp_file("$schema.control") =~ /^default_version = '(.*)'$/m;    # Debian's 17 does not list it from that folder

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub updated_to { return sql("SELECT extversion FROM pg_extension WHERE extname = '$schema'") }

# A 1.0 that was used: by its own library, so that nothing of today has a hand in it.
$files->create_1_0($node, 'postgres');
is(updated_to(), '1.0', 'version 1.0 can still be installed as it was');
connect_account($node, $_ <= 2 ? 'a' : 'b', $_) for 1 .. 4;
sync_all_done($node);
$sandbox->wait_until(sub { worker_pid($node) eq '' }, 'the worker has left');
$files->as_1_0_was($node, 'postgres');
sql(<<"SQL");
CREATE ROLE of_the_house;
GRANT instagram_insights_user TO of_the_house;
GRANT SELECT ON $schema.insights_monthly TO of_the_house;
INSERT INTO $schema.metrics (name, metric_type, rollup, history_days) VALUES ('of_my_own', 'total_value', 'sum', 90);
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value)
SELECT '$a', account_id, 'of_my_own', 'day', make_timestamptz(y, 6, 1, 7, 0, 0, 'UTC'), y
FROM $schema.accounts, generate_series(2020, 2040) y WHERE user_id = '$a';
INSERT INTO $schema.role_users VALUES ('of_the_house', '$a');
SELECT $schema.ig_set_metrics('{reach}');
SELECT $schema.ig_configure_app('1234', '0123456789abcdef0123456789abcdef', 'facebook', ARRAY['https://app.example.org/back']);
SELECT * FROM $schema.ig_maintain();
SELECT $schema.ig_pause('while we update');
INSERT INTO $schema.sync_jobs (user_id, account_id, kind, state)
SELECT user_id, account_id, 'backfill', 'queued' FROM $schema.accounts WHERE user_id = '$b';
SQL

# Every table but the one that says who works, by every column it has now: a column that an update adds is none of theirs.
my $tables = sql(<<"SQL");
SELECT string_agg(format('SELECT %L, count(*), md5(COALESCE(string_agg(t::text, ''|'' ORDER BY t::text), '''')) FROM (SELECT %s FROM $schema.%I) t',
    c.relname, (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
    c.relname), ' UNION ALL ' ORDER BY c.relname)
FROM pg_class c WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind = 'r' AND c.relname NOT IN ('metrics', 'worker_state')
SQL
my $own_metric = "SELECT 'metrics', count(*), string_agg(name, ',') FROM $schema.metrics WHERE NOT builtin";
my $contents = "SET timezone = 'UTC'; $tables UNION ALL $own_metric ORDER BY 1";
my $before = sql($contents);
like($before, qr/^insights_2026\|[1-9]/m, 'it holds numbers');
like($before, qr/^$_\|[1-9]/m, "... and $_") for qw(accounts credentials apps sync_jobs sync_log insights_monthly installation role_users usage);

# An update where the old library is still in the process stops before it changes anything.
my $stderr;
isnt($node->psql('postgres', "\\set VERBOSITY verbose\nALTER EXTENSION $schema UPDATE", stderr => \$stderr), 0, 'an update by a session with the old library is refused');
like($stderr, qr/ERROR:  55000: the library .* is version 1\.0, this update needs 1\.1\nHINT:  Restart the server/, '... and says to restart');
is(updated_to(), '1.0', '... and it is still 1.0');

$files->put_library('present');
isnt(scalar differences(catalog($node, 'postgres'), my $today = do { $fresh->safe_psql('postgres', "CREATE EXTENSION $schema"); catalog($fresh, 'postgres') }), 0,
    'before the update the comparison sees two versions');
sql("ALTER EXTENSION $schema UPDATE");
is(updated_to(), $version, 'ALTER EXTENSION ... UPDATE makes it the present version');
is(sql($contents), $before, 'no row of any table has changed');
is(sql("SELECT has_table_privilege('of_the_house', '$schema.insights_monthly', 'SELECT')"), 't', 'a right that a DBA gave is kept');
sql("REVOKE SELECT ON $schema.insights_monthly FROM of_the_house");
is(join("\n", differences($today, catalog($node, 'postgres'))), '', 'updated is the same as fresh: every object, property, right, comment');
is(join("\n", differences($today, catalog($fresh, 'postgres'))), '', 'looked at twice, fresh is the same as fresh');
for my $class (qw(relation column constraint index policy trigger function type sequence schema role member dump rule),
    'rights of', 'rights of first rights of', 'need of', 'shipped metric')
{
    ok(scalar(grep {/^\Q$class\E /} keys %$today), "the comparison knows objects of class $class");
}

# What is planted must be reported.
my @planted = (
    [ 'a table', "CREATE TABLE $schema.planted (x integer)", 'relation planted: is too many' ],
    [ 'a view without a member', "ALTER EXTENSION $schema DROP VIEW $schema.connections", 'member view instagram_insights.connections: is missing' ],
    [ 'a type of a column', "ALTER TABLE $schema.worker_state ALTER COLUMN library_version TYPE varchar(9) COLLATE \"C\"", "column worker_state.library_version, type: 'text' became 'character varying(9)'" ],
    [ 'a default', "ALTER TABLE $schema.insights ALTER COLUMN period SET DEFAULT 'week'", "column insights.period, default: ''day'::text' became ''week'::text'" ],
    [ 'a lost NOT NULL', "ALTER TABLE $schema.accounts ALTER COLUMN platform DROP NOT NULL", "column accounts.platform, not null: 'true' became 'false'" ],
    [ 'a generated column made plain', "ALTER TABLE $schema.insights ALTER COLUMN day DROP EXPRESSION", "column insights.day, generated: 's' became ''" ],
    [ 'a collation', '', "column worker_state.library_version, collation: '\"default\"' became '\"C\"'" ],
    [ 'the order of columns', "ALTER TABLE $schema.installation RENAME system_identifier TO x; ALTER TABLE $schema.installation RENAME database_oid TO system_identifier; ALTER TABLE $schema.installation RENAME x TO database_oid", 'column installation.database_oid, place:' ],
    [ 'a constraint', "ALTER TABLE $schema.sync_log DROP CONSTRAINT sync_log_pkey CASCADE", 'constraint sync_log_pkey of sync_log: is missing' ],
    [ 'an index', "DROP INDEX $schema.insights_by_time", 'index insights_by_time: is missing' ],
    [ 'an option of storage', "ALTER TABLE $schema.sync_jobs SET (fillfactor = 51)", 'relation sync_jobs, options:' ],
    [ 'a policy', "ALTER POLICY tenant ON $schema.accounts USING (true)", 'policy tenant of accounts, using:' ],
    [ 'row security', "ALTER TABLE $schema.accounts NO FORCE ROW LEVEL SECURITY", "relation accounts, forced: 'true' became 'false'" ],
    [ 'a trigger', "DROP TRIGGER connect_inbox_hide ON $schema.connect_inbox", 'trigger connect_inbox_hide of connect_inbox: is missing' ],
    [ 'a body', "CREATE OR REPLACE FUNCTION $schema.ig_doctor_paused() RETURNS TABLE (check_name text, status text, detail text, hint text) LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp AS 'SELECT NULL, NULL, NULL, NULL'", 'function instagram_insights.ig_doctor_paused(), body:' ],
    [ 'an owner', "ALTER FUNCTION $schema.ig_nudge() OWNER TO CURRENT_USER", "function instagram_insights.ig_nudge(), owner: 'instagram_insights_worker' became" ],
    [ 'a volatility', "ALTER FUNCTION $schema.ig_nudge() STABLE", "function instagram_insights.ig_nudge(), volatility: 'v' became 's'" ],
    [ 'a search_path', "ALTER FUNCTION $schema.ig_nudge() RESET search_path", 'function instagram_insights.ig_nudge(), settings:' ],
    [ 'a definer', "ALTER FUNCTION $schema.ig_nudge() SECURITY INVOKER", "function instagram_insights.ig_nudge(), definer: 'true' became 'false'" ],
    [ 'a right to a function', "GRANT EXECUTE ON FUNCTION $schema.ig_rotate_key(text) TO PUBLIC", "rights of function instagram_insights.ig_rotate_key(text), public: 'nothing' became 'EXECUTE" ],
    [ 'a right to a table', "GRANT TRUNCATE ON $schema.insights TO instagram_insights_user", 'rights of relation insights, instagram_insights_user:' ],
    [ 'a right to a column', "GRANT SELECT (sealed_secret) ON $schema.apps TO instagram_insights_admin", 'rights of column apps.sealed_secret: is too many' ],
    [ 'a right to the schema', "GRANT CREATE ON SCHEMA $schema TO instagram_insights_user", 'rights of schema instagram_insights, instagram_insights_user:' ],
    [ 'a type', "ALTER TYPE $schema.ig_fetch_result ADD ATTRIBUTE planted integer", 'column ig_fetch_result.planted: is too many' ],
    [ 'a comment', "COMMENT ON COLUMN $schema.insights.value IS 'planted'", 'column insights.value, comment:' ],
    [ 'a lost comment', "COMMENT ON FUNCTION $schema.ig_nudge() IS NULL", 'function instagram_insights.ig_nudge(), comment:' ],
    [ 'what is dumped', "UPDATE pg_extension SET extcondition[array_position(extconfig, '$schema.metrics'::regclass::oid)] = '' WHERE extname = '$schema'", "dump of metrics, condition: 'WHERE NOT builtin' became ''" ],
    [ 'what is not dumped', "UPDATE pg_extension SET extconfig = extconfig[2:], extcondition = extcondition[2:] WHERE extname = '$schema'", 'dump of apps: is missing' ],
    [ 'a sequence', "ALTER SEQUENCE $schema.account_generations INCREMENT 2", "sequence account_generations, seqincrement: '1' became '2'" ],
    [ 'an attribute of a role', 'ALTER ROLE instagram_insights_worker LOGIN', "role instagram_insights_worker, rolcanlogin: 'false' became 'true'" ],
    [ 'a membership', 'GRANT pg_read_all_data TO instagram_insights_user', 'role instagram_insights_user, member of:' ],
    [ 'a shipped metric', "UPDATE $schema.metrics SET history_days = 3 WHERE name = 'reach'", 'shipped metric reach, history_days:' ],
    [ 'a view', "CREATE OR REPLACE VIEW $schema.user_tokens AS SELECT * FROM (" . $fresh->safe_psql('postgres', "SELECT rtrim(pg_get_viewdef('$schema.user_tokens'), ';')") . ') v LIMIT 1', 'relation user_tokens, view:' ],
    [ 'an option of a view', "ALTER VIEW $schema.connections SET (security_invoker = false)", 'relation connections, options:' ],
    [ 'first rights', "DELETE FROM pg_init_privs WHERE objoid = '$schema.insights'::regclass", 'first rights of table instagram_insights.insights' ],
);
my @found = differences($today, catalog($fresh, 'postgres', join '; ', map { $_->[1] } @planted));
for my $planted (@planted)
{
    my ($name, undef, $wanted) = @$planted;
    ok(scalar(grep { index($_, $wanted) >= 0 } @found), "the comparison reports $name") or diag $wanted;
}
is(join("\n", differences($today, catalog($fresh, 'postgres'))), '', 'and nothing once all that is taken back');

# What it was made for.
sql("SELECT $schema.ig_resume()");
sync_all_done($node);
is(sql("SELECT string_agg(DISTINCT state, ',') FROM $schema.sync_jobs"), 'succeeded', 'jobs from before the update are done after it');
is(stored_rows($node, "metric = 'reach' AND period = 'day'"), join("\n", grep {/,reach,/} split /\n/, $sandbox->expected), 'with the rows of a clean run');
like(sql("SELECT status, detail FROM $schema.ig_doctor() WHERE check_name = 'library'"), qr/^ok\|version \Q$version\E$/, 'ig_doctor() is content');

$_->stop for $node, $fresh;
done_testing();
