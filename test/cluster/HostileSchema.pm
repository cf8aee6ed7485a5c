# Makes a schema full of traps: operators, functions, types and tables with the names that our code uses, each telling as whom it ran.
package HostileSchema;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Utils;

our @EXPORT = qw(hostile_schema hostile_temporary_tables);

# Whatever stands before a bracket in the tree's SQL may be a function that is looked up by its name.
sub names_before_brackets
{
    my %seen;
    for my $file (glob('schema/*.sql src/postgres/*.cpp'))
    {
        $seen{$_} = 1 for slurp_file($file) =~ /\b([a-z_][a-z_0-9]*)\s*\(/g;
    }
    return sort keys %seen;
}

# As its owner, in a database: a schema `evil` that anybody may use. A trap warns "CAUGHT what as role", then answers as
# the real one does, so that nothing else gives it away.
sub hostile_schema
{
    my ($node, $owner) = @_;
    my $names = join ',', map {"'$_'"} names_before_brackets();
    my $types = q('uuid','name','text','jsonb','timestamptz','date','interval','int4','int8','numeric','bool','oid','xid8','"char"','float8','bytea');
    my $sql = $node->safe_psql('postgres', <<"SQL");
SELECT format('CREATE FUNCTION evil.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql AS %L; '
              || 'CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = evil.operator_%s);',
              o.oid, format_type(o.oprleft, NULL), format_type(o.oprright, NULL), format_type(o.oprresult, NULL),
              format('BEGIN RAISE WARNING ''CAUGHT operator %s as %%'', current_user; RETURN \$1 OPERATOR(pg_catalog.%s) \$2; END', replace(o.oprname, '%', '%%'), o.oprname),
              o.oprname, format_type(o.oprleft, NULL), format_type(o.oprright, NULL), o.oid)
FROM pg_operator o
WHERE o.oprnamespace = 'pg_catalog'::regnamespace AND o.oprkind = 'b'
  AND o.oprleft = ANY (ARRAY[$types]::regtype[]) AND o.oprright = ANY (ARRAY[$types]::regtype[])
UNION ALL
SELECT format('CREATE FUNCTION evil.%I(%s) RETURNS %s%s LANGUAGE plpgsql AS %L;', p.proname,
              pg_get_function_identity_arguments(p.oid), CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END, format_type(p.prorettype, NULL),
              format('BEGIN RAISE WARNING ''CAUGHT function %s as %%'', current_user; RETURN pg_catalog.%I(%s); END', p.proname, p.proname,
                     (SELECT string_agg('\$' || n, ', ' ORDER BY n) FROM generate_series(1, p.pronargs) n)))
FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset AND p.provariadic = 0 AND p.proname IN ($names)
  AND p.proargmodes IS NULL
  AND NOT EXISTS (SELECT FROM unnest(p.proargtypes::oid[] || p.prorettype) a(type) JOIN pg_type t ON t.oid = a.type WHERE t.typtype = 'p');
SQL
    my $traps = () = $sql =~ /CAUGHT/g;
    my $domains = join '', map { "CREATE DOMAIN evil.$_ AS pg_catalog.$_ CHECK (evil.spy('type $_'));\n" }
      qw(uuid text name date timestamptz timestamp interval jsonb numeric oid regclass regtype regnamespace xid8 int4 int8 bool);
    my $tables = join '', map { "CREATE TABLE evil.$_ (user_id uuid, account_id text, role_name name, platform text, extname name);\n" }
      ours($node), 'pg_extension', 'pg_roles', 'pg_database';
    my $script = <<"SQL" . $domains . $tables . $sql;
CREATE SCHEMA evil;
GRANT USAGE ON SCHEMA evil TO PUBLIC;
CREATE FUNCTION evil.spy(what pg_catalog.text) RETURNS pg_catalog.bool LANGUAGE plpgsql AS
    'BEGIN RAISE WARNING ''CAUGHT % as %'', what, current_user; RETURN true; END';
SQL
    my $file = PostgreSQL::Test::Utils::tempdir() . '/evil.sql';    # psql would not read a pipe to its end after an error
    append_to_file($file, $script);
    my ($stdout, $stderr) = ('', '');
    my $code = $node->psql('postgres', "\\i $file", stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $owner ]);
    die "the hostile schema cannot be made: $stderr" if $code;
    return $traps;
}

# Statements that make temporary tables with the names of ours.
sub hostile_temporary_tables
{
    my ($node) = @_;
    return join ' ', map {"CREATE TEMP TABLE $_ (user_id pg_catalog.uuid, account_id pg_catalog.text, role_name pg_catalog.name);"} ours($node);
}

sub ours
{
    my ($node) = @_;
    return split /\n/, $node->safe_psql('postgres',
        "SELECT relname FROM pg_class WHERE relnamespace = 'instagram_insights'::regnamespace AND relkind IN ('r', 'p', 'v')");
}

1;
