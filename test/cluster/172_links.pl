# The application's own tables: one foreign key, as docs/operations.md has it, makes a deleted user's data go; rows carry
# the project and entity that their account was set to when they were stored.
use strict;
use warnings;

use FindBin;
use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my $node = insights_node('links', sandbox => $sandbox);
my ($a, $b) = (user_id('a'), user_id('b'));
my $page = slurp_file("$FindBin::Bin/../../docs/operations.md");
my ($foreign_key) = $page =~ /^(ALTER TABLE instagram_insights\.accounts .*?;)$/ms;
my ($index) = $page =~ /^(CREATE INDEX insights_project .*?;)$/ms;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub rows { my ($table, $user) = @_; return sql("SELECT count(*) FROM $schema.$table WHERE user_id = '$user'") }

sql(<<"SQL");
CREATE SCHEMA app;
CREATE TABLE app.users (id uuid PRIMARY KEY, email text);
INSERT INTO app.users VALUES ('$a'), ('$b');
CREATE ROLE app_role;
GRANT USAGE ON SCHEMA app TO app_role;
GRANT SELECT, DELETE ON app.users TO app_role;
SQL
my @ids = map { connect_account($node, $_ <= 2 ? 'a' : 'b', $_) } 1 .. 4;
sql($foreign_key);
my ($stdout, $stderr);
isnt($node->psql('postgres', "\\set VERBOSITY verbose\nSELECT count(*) FROM $schema.ig_connect_token('EAAofsomebodyelse000', '17841400000000099', '" . user_id('e') . "')", stderr => \$stderr), 0,
    'an account of somebody who is no user of the application is refused');
like($stderr, qr/23503.*is not present in table "users"/s, '... and told why');
unlike($stderr, qr/EAAofsomebodyelse/, '... without the token');

# Projects: from the account's setting at the time, never afterwards.
sql("SELECT $schema.ig_set_project('$ids[0]', 'spring', '$a'), $schema.ig_set_entity('$ids[0]', 'acme', '$a')");
sync_all_done($node);
is(sql("SELECT string_agg(DISTINCT account_id || ' ' || coalesce(project_id, '-') || ' ' || coalesce(entity_id, '-'), ', ') FROM $schema.insights WHERE user_id = '$a'"),
    "$ids[0] spring acme, $ids[1] - -", 'stored rows carry the project and entity of their account');
my $before = rows('insights', $a);
sql("SELECT $schema.ig_set_project('$ids[0]', 'summer', '$a'); DELETE FROM $schema.insights WHERE account_id = '$ids[0]' AND metric = 'reach' AND period = 'day' AND day = '2026-11-20'");
sync_all_done($node);
is(sql("SELECT string_agg(DISTINCT project_id || ' ' || (metric = 'reach' AND period = 'day' AND day = '2026-11-20'), ', ') FROM $schema.insights WHERE account_id = '$ids[0]'"), 'spring false, summer true',
    'those of another project from then on, the older ones keep theirs');
is(rows('insights', $a), $before, 'and no number is there twice');
sql($index);
like(sql("SET enable_seqscan = off; SET request.jwt.claims = '{\"sub\":\"$a\"}'; SET ROLE $schema\_user; EXPLAIN SELECT * FROM $schema.instagram_insights WHERE project_id = 'spring'"), qr/project_id_user_id_end_time_idx/,
    'the index of the page serves a user\'s question for a project');

# One user goes, by the application's own right on its own table.
my %kept = map { $_ => rows($_, $b) } qw(accounts credentials insights sync_jobs sync_log);
cmp_ok($kept{$_}, '>', 0, "there is something in $_") for sort keys %kept;
sql("SET ROLE app_role; DELETE FROM app.users WHERE id = '$a'");
is(join(',', map { rows($_, $a) } qw(accounts credentials insights)), '0,0,0', 'deleting a user deletes accounts, tokens and numbers at once');
cmp_ok(rows('sync_log', $a), '>', 0, 'jobs and log are left');
sql("SELECT * FROM $schema.ig_maintain()");
is(join(',', map { rows($_, $a) } qw(sync_jobs sync_log usage)), '0,0,0', '... until the next daily deletion');
is(rows($_, $b), $kept{$_}, "of others $_ stays as it was") for sort keys %kept;

# With a call in flight: its result is dropped, and the worker goes on.
my $own = $ids[2];
$sandbox->faults({ match => { account_id => $own }, do => { hang => 'before_headers' } });
sql("SELECT $schema.ig_refresh_insights('$b', '$own')");
$sandbox->wait_for_hanging(1);
sql("SET ROLE app_role; DELETE FROM app.users WHERE id = '$b'");
$sandbox->clear_faults;
$sandbox->release;
wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state = 'running')");
is(rows('insights', $b) . rows('accounts', $b), '00', 'what was in flight does not come back');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|violates foreign key constraint "insights/, 'and the worker was in no trouble');

# A dump leaves the key and the index: both are made again.
my $dump = "$node->{_basedir}/links.sql";
command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'a dump');
unlike(slurp_file($dump), qr/accounts_app_user|insights_project/, 'holds neither the foreign key nor the index');
sql('CREATE DATABASE restored');
command_ok([ 'psql', '-X', '-q', '-1', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('restored') ], 'restores');
$node->safe_psql('restored', "$foreign_key $index");
pass('and they are added again');

$node->stop;
done_testing();
