# Who one is cannot be feigned: in each identity mode only its own source counts, nobody changes the mode, and no plan, cursor
# or role that is kept from before shows the rows of another.
use strict;
use warnings;

use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $s = 'instagram_insights';
my ($ann, $bob) = map { user_id($_) } qw(a b);

# Ann and Bob have an account and a number each; `app` is Ann by the role map, `bob` is Bob.
sub prepared_node
{
    my ($name, %options) = @_;
    my $node = insights_node($name, %options);
    $node->safe_psql('postgres', <<"SQL");
CREATE ROLE app LOGIN; GRANT instagram_insights_user TO app;
CREATE ROLE bob LOGIN; GRANT instagram_insights_user TO bob;
INSERT INTO $s.role_users VALUES ('app', '$ann'), ('bob', '$bob');
SELECT count(*) FROM $s.ig_connect_token('EAAofann', '17841400000000001', '$ann') x, $s.ig_connect_token('EAAofbob', '17841400000000002', '$bob') y;
INSERT INTO $s.insights (user_id, account_id, metric, end_time, value) VALUES ('$ann', '17841400000000001', 'reach', '2026-01-02', 1), ('$bob', '17841400000000002', 'reach', '2026-01-02', 2);
SQL
    return $node;
}

my $node = prepared_node('spoofing');

# What a session of a role is told, errors with their SQLSTATE.
sub told_to
{
    my ($role, $sql, $options, $on) = @_;
    my ($stdout, $stderr) = ('', '');
    local $ENV{PGOPTIONS} = $options // '';
    ($on // $node)->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $role ], on_error_stop => 0);
    $stderr =~ s/^LOCATION:.*\n?//mg;
    return "$stdout\n$stderr";
}
sub identity_is
{
    my ($mode) = @_;
    $node->safe_psql('postgres', "ALTER SYSTEM SET instagram_insights.identity = $mode");
    $node->reload;
    return $node->poll_query_until('postgres', "SELECT current_setting('instagram_insights.identity') = '$mode'");
}
my $who = "SELECT 'acts for ' || COALESCE($s.ig_current_user_id()::text, 'nobody'); SELECT 'sees ' || COALESCE(string_agg(value::text, ','), 'nothing') FROM $s.insights;";
my $is_ann = qr/acts for $ann\s+sees 1\s/;
my $is_nobody = qr/acts for nobody\s+sees nothing\s/;

# --- only the source of the mode counts

my $forged_claims = qq(SET request.jwt.claims = '{"sub":"$bob"}'; SET request.jwt.claim.sub = '$bob'; SET request.headers = '{"sub":"$bob"}';);
my $forged_setting = "SET instagram_insights.user_id = '$bob';";
my $claims = qq(SET request.jwt.claims = '{"sub":"$ann"}';);
identity_is('jwt');
like(told_to('app', "$claims $forged_setting $who"), $is_ann, 'jwt: the setting and the role map are not asked');
like(told_to('app', "$forged_setting $who"), $is_nobody, 'jwt: without claims there is nobody, whatever else is set');
for my $empty ('', '{}', '{"sub":null}', '{"sub":""}', qq({"SUB":"$bob"}), qq({"x":{"sub":"$bob"}}))
{
    like(told_to('app', "SET request.jwt.claims = '$empty'; $who"), $is_nobody, "jwt: claims $empty name nobody");
}
for my $odd ('[]', '"x"', 'null', '{"sub":["' . $bob . '"]}', '{"sub":1}', '{"sub":"' . $bob . ' "}x', 'sub', '{"sub":"' . $bob . '' . '0"}')
{
    unlike(told_to('app', "SET request.jwt.claims = '$odd'; $who"), qr/sees [12]|acts for 0/, "jwt: claims $odd are no user either");
}
like(told_to('app', qq(SET request.jwt.claims = '{"sub":"$bob","sub":"$ann"}'; $who)), $is_ann, 'jwt: of two subjects the last counts, as for jsonb and PostgREST');
like(told_to('app', qq(BEGIN; SET LOCAL request.jwt.claims = '{"sub":"$ann"}'; $who COMMIT; $who)), qr/$is_ann.*$is_nobody/s, 'jwt: claims that were local to a transaction end with it');
like(told_to('app', qq($claims BEGIN; SAVEPOINT p; SELECT set_config('request.jwt.claims', '{"sub":"$bob"}', true); ROLLBACK TO p; $who COMMIT;)), $is_ann, 'jwt: and with a savepoint that is rolled back');
identity_is('setting');
my $setting = "SET instagram_insights.user_id = '$ann';";
like(told_to('app', "$forged_claims $setting $who"), $is_ann, 'setting: claims and the role map are not asked');
like(told_to('app', "$forged_claims $who"), $is_nobody, 'setting: without the setting there is nobody');
like(told_to('app', "BEGIN; SET LOCAL instagram_insights.user_id = '$ann'; $who COMMIT; $who"), qr/$is_ann.*$is_nobody/s, 'setting: what was local to a transaction ends with it');
identity_is('role');
for my $forgery ($forged_claims, $forged_setting, "SELECT set_config('request.jwt.claims', '{\"sub\":\"$bob\"}', false), set_config('instagram_insights.user_id', '$bob', true);", "BEGIN; $forged_setting $forged_claims",
    'SET application_name = bob; SET search_path = bob;')
{
    like(told_to('app', "$forgery $who"), $is_ann, "role: only the role counts, not $forgery");
}

# --- nobody changes the mode, or any other setting of ours, by any way a client has

for my $name (qw(identity graph_url key_file key_command ca_file enabled))
{
    my $value = { identity => 'setting', enabled => 'off', graph_url => 'http://127.0.0.1:1', key_command => 'id', key_file => '/tmp/x', ca_file => '/tmp/x' }->{$name};
    my @ways = ("SET instagram_insights.$name = '$value'", "SET LOCAL instagram_insights.$name = '$value'", "SELECT set_config('instagram_insights.$name', '$value', false)", "ALTER ROLE app SET instagram_insights.$name = '$value'",
        "ALTER SYSTEM SET instagram_insights.$name = '$value'", "ALTER DATABASE postgres SET instagram_insights.$name = '$value'",
        "CREATE FUNCTION pg_temp.f() RETURNS integer LANGUAGE sql SET instagram_insights.$name = '$value' AS 'SELECT 1'");
    my @answers = split /^ANSWER\n/m, told_to('app', join '', map {"\\warn ANSWER\n$_;\n"} @ways);
    like($answers[ 1 + $_ ], qr/42501/, "refused: $ways[$_]") for 0 .. $#ways;
    unlike(told_to('app', "$forged_setting $forged_claims $who", "-c instagram_insights.$name=$value"), qr/acts for $bob|sees 2/, "nor does a connection begin with $name");
}
like(told_to('app', "SET instagram_insights.identity_mode = 'setting'"), qr/42602/, 'a name of ours that is none is refused');

# --- roles

like(told_to('app', "SET ROLE $_"), qr/42501/, "one does not become $_") for qw(bob postgres instagram_insights_admin instagram_insights_worker pg_read_all_data);
like(told_to('app', "SET SESSION AUTHORIZATION $_"), qr/42501/, "nor by session authorization $_") for qw(bob postgres);
like(told_to('app', "SET ROLE instagram_insights_user; $who"), $is_nobody, 'the group role of all users is no user');
like(told_to('app', "SET ROLE instagram_insights_user; RESET ROLE; $who"), $is_ann, 'and RESET ROLE leads back to oneself');
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE twofold LOGIN NOINHERIT; GRANT app, bob TO twofold;
CREATE ROLE heir LOGIN; GRANT app, bob TO heir;
CREATE ROLE idle LOGIN NOINHERIT; GRANT instagram_insights_admin TO idle;
CREATE ROLE front LOGIN; GRANT instagram_insights_user TO front;
CREATE SCHEMA site; GRANT USAGE ON SCHEMA site TO PUBLIC;
CREATE FUNCTION site.counted() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT string_agg(value::text, '','') FROM instagram_insights.insights';
ALTER FUNCTION site.counted() OWNER TO bob;
CREATE FUNCTION site.told() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT string_agg(value::text, '','') FROM instagram_insights.insights); END';
SQL
like(told_to('heir', $who), $is_nobody, 'a member of two users\' roles is neither by inheritance');
like(told_to('twofold', "SET ROLE bob; $who SET ROLE app; $who RESET ROLE; SELECT 'and then ' || COALESCE($s.ig_current_user_id()::text, 'nobody')"),
    qr/acts for $bob\s+sees 2.*acts for $ann\s+sees 1.*42501/s, 'who may be two, is the one that is set, and without one nobody');
like(told_to('idle', "SELECT count(*) FROM $s.insights"), qr/42501/, 'an administrator who does not inherit has nothing');
like(told_to('idle', "SET ROLE instagram_insights_admin; SELECT 'sees ' || count(*) FROM $s.insights; SELECT 'admin ' || $s.ig_is_admin(); RESET ROLE; SELECT $s.ig_is_admin()"),
    qr/sees 2\s+admin true.*42501/s, '... until the role is set, and only so long');
like(told_to('app', "SELECT 'told ' || COALESCE(site.counted(), 'nothing')"), qr/told 1/, 'a definer function of Bob shows Ann her rows, not his');
like(told_to('bob', "SELECT 'told ' || COALESCE(site.counted(), 'nothing')"), qr/told 2/, 'and Bob his');

# --- what is kept from before

my $each = "SET ROLE app; %1\$s SET ROLE bob; %1\$s SET ROLE instagram_insights_user; %1\$s SET ROLE app; %1\$s";
my $order = qr/told 1\s+told 2\s+told nothing\s+told 1\s/;
for my $mode (qw(auto force_generic_plan force_custom_plan))
{
    my $prepare = "SET plan_cache_mode = $mode; SET ROLE app; PREPARE p AS SELECT 'told ' || COALESCE(string_agg(value::text, ','), 'nothing') FROM $s.insights;";
    like(told_to('twofold', $prepare . sprintf($each, 'EXECUTE p;')), $order, "a prepared statement asks anew who is asking ($mode)");
    like(told_to('twofold', "SET plan_cache_mode = $mode;" . sprintf($each, "SELECT 'told ' || COALESCE(site.told(), 'nothing');")), $order, "so does a plan that a function keeps ($mode)");
}
$node->safe_psql('postgres', "CREATE ROLE all_three LOGIN NOINHERIT; GRANT app, bob, instagram_insights_admin TO all_three");
like(told_to('all_three', "SET ROLE instagram_insights_admin; PREPARE p AS SELECT 'told ' || COALESCE(string_agg(value::text, ',' ORDER BY value), 'nothing') FROM $s.insights; EXECUTE p; EXECUTE p; SET ROLE app; EXECUTE p; SET ROLE bob; EXECUTE p;"),
    qr/told 1,2\s+told 1,2\s+told 1\s+told 2/, 'what an administrator prepared shows a user own rows only');
like(told_to('twofold', "SET ROLE app; BEGIN; DECLARE c CURSOR WITH HOLD FOR SELECT 'told ' || value FROM $s.insights; COMMIT; SET ROLE bob; FETCH ALL FROM c; SELECT 'told ' || value FROM $s.insights;"),
    qr/told 1\s+told 2\s/, 'a cursor that is kept holds what its user saw, and lets the next see no more than that');
like(told_to('twofold', "SET ROLE app; BEGIN; DECLARE c CURSOR FOR SELECT 'told ' || value FROM $s.insights; FETCH c; SET ROLE instagram_insights_user; FETCH ALL FROM c; SELECT 'told ' || count(*) FROM $s.insights; COMMIT"),
    qr/told 1\s+told 0/, 'a cursor that was begun shows nobody anything new');

# --- without preload: what was set before the library came

my $bare = prepared_node('placeholders', preload => 0, conf => 'instagram_insights.identity = role');
my $early = told_to('app', "SET instagram_insights.identity = 'setting'; SET instagram_insights.user_id = '$bob'; SET request.jwt.claims = '{\"sub\":\"$bob\"}'; SET instagram_insights.key_command = 'touch stolen'; $who", '', $bare);
like($early, $is_ann, 'a setting that was made before the library was loaded does not hold') or diag $early;
like($early, qr/42501/, '... and the server says so');
for my $options ('-c instagram_insights.identity=setting', '-cInstagram_Insights.identity=x', '--instagram-insights.identity=jwt', '-c insta\\gram_insights.identity=jwt', '-c instagram_insights.enabled=on',
    "-c instagram_insights.user_id=$bob -c instagram_insights.key_file=/tmp/x", '-c instagram_insights.user_id_=x')
{
    my $told = told_to('app', "$forged_claims $forged_setting $who $who", $options, $bare);
    unlike($told, qr/acts for|sees/, "a connection begun with $options gets nothing");
    like($told, qr/42501: this connection was begun with a setting that/, '... and is told why') or diag $told;
}
like(told_to('app', "$forged_claims $who", "-c instagram_insights.user_id=$bob -c work_mem=8MB", $bare), $is_ann, 'user_id may stand there, and does not count under identity role');
like(told_to('postgres', "SELECT $s.ig_is_admin(); SHOW instagram_insights.identity", '-c instagram_insights.identity=setting', $bare), qr/t\nsetting/, 'for a superuser the value holds');
told_to('app', "ALTER ROLE app SET instagram_insights.identity = 'setting'; ALTER ROLE app SET instagram_insights.user_id = '$bob'", '', $bare);
like(told_to('app', $who, '', $bare), $is_ann, 'nor one that a role kept for itself');
$bare->stop;

$node->stop;
done_testing();
