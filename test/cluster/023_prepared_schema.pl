# CREATE EXTENSION runs as a superuser: nothing that somebody prepared in the schema it goes into is run or left there by it.
use strict;
use warnings;

use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = insights_node('prepared', extension => 0);
$node->safe_psql('postgres', 'CREATE ROLE mallory LOGIN; CREATE ROLE admin_of_site SUPERUSER');

# A database in which Mallory may make schemas, what she prepared there, and what CREATE EXTENSION says.
my $databases = 0;
sub installed
{
    my ($prepared, $as) = @_;
    my $database = 'prepared_' . ++$databases;
    $node->safe_psql('postgres', "CREATE DATABASE $database");
    $node->safe_psql('postgres', "GRANT CREATE ON DATABASE $database TO mallory");
    $node->safe_psql($database, $prepared, extra_params => [ '-U', $as // 'mallory' ]);
    my ($stdout, $stderr) = ('', '');
    my $code = $node->psql($database, "\\set VERBOSITY verbose\nCREATE EXTENSION instagram_insights", stdout => \$stdout, stderr => \$stderr);
    return ($database, $code == 0 ? 'installed' : $stderr, $stderr);
}

my $superuser = $node->safe_psql('postgres', 'SELECT current_user');
my @traps = map {
    my ($name, $left, $right) = @$_;
    "CREATE FUNCTION instagram_insights.trap(a $left, b $right) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE WARNING ''CAUGHT as %'', current_user; RETURN true; END';
     CREATE OPERATOR instagram_insights.$name (LEFTARG = $left, RIGHTARG = $right, FUNCTION = instagram_insights.trap);"
} ([ '=', 'name', 'text' ], [ '=', 'text', 'name' ], [ '<>', 'name', 'text' ]);
for my $trap ('', @traps, 'CREATE TABLE instagram_insights.accounts (user_id uuid)', 'CREATE DOMAIN instagram_insights.name AS text',
    'CREATE FUNCTION instagram_insights.format(text, name) RETURNS text LANGUAGE plpgsql AS \'BEGIN RAISE WARNING \'\'CAUGHT as %\'\', current_user; RETURN 1; END\'')
{
    my ($database, $told, $stderr) = installed("CREATE SCHEMA instagram_insights; $trap");
    my ($what) = $trap =~ /(CREATE (?:TABLE|DOMAIN|OPERATOR)\s\S+|CREATE FUNCTION \S+ )/;
    like($told, qr/55000: schema "instagram_insights" belongs to mallory.*HINT/s, 'a schema of somebody else is refused: ' . ($what // 'an empty one'));
    unlike($stderr, qr/CAUGHT as $superuser/, '... before anything in it could run');
}
my ($database, $told, $stderr) = installed("CREATE SCHEMA instagram_insights; GRANT CREATE ON SCHEMA instagram_insights TO mallory", $superuser);
like($told, qr/55000: others may create objects in schema "instagram_insights": mallory/, 'so is one into which others may put something');
($database, $told, $stderr) = installed("CREATE SCHEMA instagram_insights; $traps[0]", $superuser);
like($told, qr/55000: schema "instagram_insights" is not empty/, 'and one that is not empty, whoever has it now');
unlike($stderr, qr/CAUGHT/, '... before anything in it could run');

($database, $told) = installed('CREATE SCHEMA instagram_insights AUTHORIZATION admin_of_site', $superuser);
is($told, 'installed', 'an empty schema of a superuser, as a dump restores it, is taken');
($database, $told) = installed('SELECT 1');
is($told, 'installed', 'and none is made');
is($node->safe_psql($database, "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'instagram_insights'"), $superuser, '... that belongs to who installs');

# Default privileges give away neither the schema nor a type.
($database, $told) = installed('ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO mallory; ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO mallory; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO mallory', $superuser);
is($told, 'installed', 'default privileges on schemas do not stand in the way');
is($node->safe_psql($database, <<'SQL'), '', '... and leave nothing to whom they name');
SELECT n.nspname FROM pg_namespace n, aclexplode(n.nspacl) a WHERE n.nspname = 'instagram_insights' AND a.grantee IN (0, 'mallory'::regrole)
UNION ALL SELECT t.typname FROM pg_type t, aclexplode(t.typacl) a WHERE t.typnamespace = 'instagram_insights'::regnamespace AND t.typelem = 0 AND a.grantee IN (0, 'mallory'::regrole)
UNION ALL SELECT c.relname FROM pg_class c, aclexplode(c.relacl) a WHERE c.relnamespace = 'instagram_insights'::regnamespace AND a.grantee IN (0, 'mallory'::regrole)
SQL

$node->stop;
done_testing();
