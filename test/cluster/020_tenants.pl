# Nobody sees or touches anything of another user: not by a view, a function, a plan, an error text or a hand-written upsert.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 4);
my $node = insights_node('tenants', sandbox => $sandbox, conf => 'instagram_insights.first_sync_days = 5');
my $s = 'instagram_insights';
my ($ann, $bob, $nobody) = map { user_id($_) } qw(a b f);

# Real logins: a role that is only set could be reset.
$node->safe_psql('postgres', <<'SQL');
CREATE ROLE app LOGIN; GRANT instagram_insights_user TO app;
CREATE ROLE boss LOGIN; GRANT instagram_insights_admin TO boss;
CREATE ROLE anon LOGIN;
INSERT INTO instagram_insights.role_users VALUES ('app', '00000000-0000-0000-0000-00000000000a');
SQL
connect_account($node, 'a', $_) for 1, 2;
my @of_bob = map { connect_account($node, 'b', $_) } 3, 4;
my $missing = '17841400000000999';
my $day = $node->safe_psql('postgres', "SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date - 1");
$sandbox->set_value(account_id => $of_bob[0], metric => 'reach', day => $day, value => 987654321987);
sync_all_done($node);
# Numbers of Bob's job and log rows that are nobody else's.
$node->safe_psql('postgres', "SELECT setval('$s.sync_jobs_job_id_seq', 7700001), setval('$s.sync_log_id_seq', 7800001)");
my $job = (split /\n/, $node->safe_psql('postgres', "SELECT $s.ig_refresh_insights('$bob')"))[0];
wait_for($node, "SELECT count(*) = 2 FROM $s.sync_log WHERE id > 7800001");
$node->safe_psql('postgres', "ALTER TABLE $s.sync_jobs ALTER job_id RESTART 500; ALTER TABLE $s.sync_log ALTER id RESTART 500; ANALYZE");
my $of_bob = qr/00000000000b|$of_bob[0]|$of_bob[1]|987654321987|sandbox_0000[34]|770000\d|780000\d/;

my $as = '';    # how a session says that it is Ann

# SQL in one session of a role; the errors as SQLSTATE, message, detail and hint.
sub run_as
{
    my ($role, $sql) = @_;
    my ($stdout, $stderr) = ('', '');
    $node->psql('postgres', "\\set VERBOSITY verbose\n$as$sql", stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $role ], on_error_stop => 0);
    $stderr =~ s/^LOCATION:.*\n?//mg;
    return ($stdout, $stderr);
}
sub all_of { my ($stdout, $stderr) = run_as(@_); return "$stdout\n$stderr" }

# Bob's rows, to see that nothing was touched.
sub state_of_bob
{
    return $node->safe_psql('postgres', join ';', map { "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM $s.$_ t WHERE user_id = '$bob'" }
            qw(accounts credentials insights sync_jobs sync_log));
}
sub list { return split /\n/, $node->safe_psql('postgres', $_[0]) }

my @readable = list("SELECT c.relname FROM pg_class c WHERE c.relnamespace = '$s'::regnamespace AND c.relkind IN ('r', 'p', 'v') AND has_table_privilege('app', c.oid, 'SELECT') ORDER BY 1");
my @hidden = list("SELECT c.relname FROM pg_class c WHERE c.relnamespace = '$s'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'S') AND NOT has_table_privilege('app', c.oid, 'SELECT') ORDER BY 1");
my @callable = list("SELECT p.proname || '|' || COALESCE(array_to_string(p.proargnames[1:p.pronargs], ','), '') FROM pg_proc p WHERE p.pronamespace = '$s'::regnamespace AND p.prorettype <> 'trigger'::regtype AND has_function_privilege('app', p.oid, 'EXECUTE') ORDER BY 1");
my @forbidden = list("SELECT p.oid::regprocedure || '|' || COALESCE((SELECT string_agg('NULL::' || t::regtype, ', ') FROM unnest(p.proargtypes) t), '') FROM pg_proc p WHERE p.pronamespace = '$s'::regnamespace AND p.prorettype <> 'trigger'::regtype AND NOT has_function_privilege('app', p.oid, 'EXECUTE') ORDER BY 1");
cmp_ok(scalar @readable, '>=', 8, '(there are relations to try)');
cmp_ok(scalar @callable, '>=', 10, '(and functions)');
my $before = state_of_bob();

# One call of a function, its arguments chosen by name.
sub call_of
{
    my ($name, $arguments, %value) = @_;
    my $given = join ', ', map { "$_ => $value{$_}" } grep { defined $value{$_} } split /,/, $arguments;
    return "BEGIN; SELECT * FROM $s.$name($given); ROLLBACK;";
}

# What Ann may try against Bob; the same for every source of identity.
sub try_everything
{
    my ($mode) = @_;
    is((run_as('app', "SELECT $s.ig_current_user_id()"))[0], $ann, "$mode: Ann is Ann");

    for my $name (@readable)
    {
        my $whole = all_of('app', "SELECT * FROM $s.$name; SELECT count(*) FROM $s.$name WHERE true; COPY (TABLE $s.$name) TO STDOUT");
        unlike($whole, $of_bob, "$mode: $name shows nothing of Bob");
        # A cheap function of one's own sees each row that it is given, before or after the policy.
        my $leaked = all_of('app', "CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0001 AS 'BEGIN RAISE NOTICE ''%'', \$1; RETURN true; END';
            EXPLAIN (ANALYZE, VERBOSE, COSTS off) SELECT * FROM $s.$name t WHERE pg_temp.leak(t::text);
            SELECT count(*) FROM $s.$name t WHERE (t::text)::uuid IS NULL; SELECT max(t::text)::integer FROM $s.$name t");
        unlike($leaked, $of_bob, "$mode: nor to a leaky function, a failing cast or EXPLAIN VERBOSE");
    }
    for my $name (qw(insights instagram_insights accounts connections user_tokens sync_logs sync_jobs instagram_latest_metrics))
    {
        like(all_of('app', "SELECT * FROM $s.$name"), qr/00000000000a/, "$mode: Ann sees her own rows in $name") unless $name eq 'sync_jobs' && $mode ne 'jwt';
        is((run_as('app', "SELECT count(*) FROM $s.$name WHERE user_id = '$bob' OR account_id = '$of_bob[0]'"))[0], '0', "$mode: asked for by id, $name has no row of Bob");
    }
    unlike(all_of('app', 'SELECT * FROM pg_stats; SELECT * FROM pg_stat_activity; SELECT * FROM pg_locks; SELECT * FROM pg_stat_user_tables'),
        $of_bob, "$mode: nor do the server's own views tell");

    for my $function (@callable)
    {
        my ($name, $arguments) = split /\|/, $function, 2;
        $arguments //= '';
        my %common = (since => "date '$day' - 2", access_token => "'EAAanns0wn'", redirect_uri => "'https://app.example.org/back'", metrics => $name eq 'ig_set_metrics' ? "'{reach}'" : undef,
            project_id => "'p'", entity_id => "'e'", metric => "'reach'", needed => 'true',
            until => $arguments =~ /\bmetric\b/ ? "date '$day'" : undef);
        # Without defaults: NULL names nobody.
        my $unnamed = $name =~ /^ig_(?:set_project|reading_target)$/ ? 'NULL' : undef;
        for my $target ([ 'user', $bob, 'NULL', 'NULL', $nobody ], [ 'account', 'NULL', $of_bob[0], 'NULL', $missing ], [ 'job', 'NULL', 'NULL', $job, 6600001 ])
        {
            my ($what, $user, $account, $number, $none) = @$target;
            next unless $arguments =~ /\b(?:$what|$what)_id\b/;
            # Ann may have an account with the same id as Bob's, with a token of her own.
            next if $name eq 'ig_connect_token' && $what eq 'account';
            my $quote = sub { $_[0] eq 'NULL' ? undef : "'$_[0]'" };
            my $id = { user => $bob, account => $of_bob[0], job => $job }->{$what};
            my $told = all_of('app', call_of($name, $arguments, %common, user_id => $quote->($user) // $unnamed, account_id => $quote->($account) // $unnamed, job_id => $quote->($number)));
            my %other = (user_id => $unnamed, account_id => $unnamed, job_id => undef, "${what}_id" => "'$none'");
            my $elsewhere = all_of('app', call_of($name, $arguments, %common, %other));
            s/\Q$id\E|\b\Q$none\E\b/ID/g, s/^.*line \d+.*$//mg for $told, $elsewhere;
            is($told, $elsewhere, "$mode: $name answers the same for Bob's $what as for one that does not exist");
            unlike($told, $of_bob, "$mode: and tells nothing of Bob");
            unlike($told, qr/ERROR:  42(?:601|883|703|P01)/, '(it was called)');
            note $told if $mode eq 'jwt';
        }
    }

    my $row = "metric, end_time, value) VALUES";
    my $key = "'reach', (SELECT max(end_time) FROM $s.insights WHERE metric = 'reach'), 1)";
    my $update = 'ON CONFLICT (user_id, account_id, metric, period, end_time) DO UPDATE SET value = EXCLUDED.value';
    for my $table (qw(insights instagram_insights))
    {
        for my $clash ('', $update, 'ON CONFLICT DO NOTHING')
        {
            my $told = all_of('app', "INSERT INTO $s.$table (user_id, account_id, $row ('$bob', '$of_bob[0]', $key $clash");
            like($told, qr/42501/, "$mode: Ann cannot insert into $table for Bob ($clash)");
            unlike($told, $of_bob, "$mode: and the error tells nothing");
        }
        my ($told, $elsewhere) = map { all_of('app', "INSERT INTO $s.$table (account_id, user_id, $row ('$_', '$ann', $key $update") } $of_bob[0], $missing;
        s/$of_bob[0]|$missing/ID/g for $told, $elsewhere;
        like($told, qr/23503/, "$mode: nor with an account of his as hers");
        is($told, $elsewhere, "$mode: and the foreign key tells no more than for an account that does not exist");
        like(all_of('app', "UPDATE $s.$table SET user_id = '$bob', account_id = '$of_bob[0]'"), qr/42501/, "$mode: nor hand her rows to him");
        is((run_as('app', "WITH u AS (UPDATE $s.$table SET value = 0 WHERE user_id = '$bob' OR account_id = '$of_bob[0]' RETURNING *) SELECT count(*) FROM u"))[0], '0', "$mode: nor update his");
        is((run_as('app', "WITH d AS (DELETE FROM $s.$table WHERE user_id <> '$ann' RETURNING *) SELECT count(*) FROM d"))[0], '0', "$mode: nor delete his");
    }
    is(state_of_bob(), $before, "$mode: nothing of Bob has changed");
    return;
}

sub identity_is
{
    my ($mode) = @_;
    $node->safe_psql('postgres', "ALTER SYSTEM SET instagram_insights.identity = $mode");
    $node->reload;
    return $node->poll_query_until('postgres', "SELECT current_setting('instagram_insights.identity') = '$mode'");
}

$as = "SET request.jwt.claims = '{\"sub\":\"$ann\"}'; ";
try_everything('jwt');
identity_is('setting');
$as = "SET request.jwt.claims = '{\"sub\":\"$bob\"}'; SET instagram_insights.user_id = '$ann'; ";
try_everything('setting');
identity_is('role');
$as = "SET request.jwt.claims = '{\"sub\":\"$bob\"}'; SET instagram_insights.user_id = '$bob'; ";
try_everything('role');
identity_is('jwt');

# --- what is not a user's

$as = "SET request.jwt.claims = '{\"sub\":\"$ann\"}'; ";
like(all_of('app', "SELECT * FROM $s.$_"), qr/42501/, "a user cannot read $_") for @hidden;
for my $name (qw(credentials worker_state installation role_users insights_2026)) { ok((grep { $_ eq $name } @hidden), "$name is among them") }
for my $function (@forbidden)
{
    my ($name, $arguments) = split /\|/, $function, 2;
    $name =~ s/\(.*//s;
    like(all_of('app', "SELECT * FROM $name(@{[ $arguments // '' ]})"), qr/42501/, "a user cannot call $name");
}
for my $name (qw(ig_sync_all ig_pause ig_resume ig_nudge ig_schedule ig_unschedule ig_maintain ig_doctor ig_erase_history ig_log_lost_tries ig_setting))
{
    ok((grep { /\b$name\(/ } @forbidden), "$name is among them");
}
like(all_of('app', "SET ROLE $_"), qr/42501/, "a user cannot become $_") for qw(instagram_insights_admin instagram_insights_worker boss);
like(all_of('boss', 'SET ROLE instagram_insights_worker'), qr/42501/, 'nor can an admin become the worker');

# --- an admin, and someone without any grant

$as = '';
like((run_as('boss', "SELECT * FROM $s.$_"))[0], qr/00000000000a.*00000000000b|00000000000b.*00000000000a/s, "an admin sees everybody's rows in $_")
  for qw(insights accounts sync_jobs sync_logs connections instagram_insights);
like(all_of('boss', "SELECT * FROM $s.credentials"), qr/42501/, 'but no credentials');
like(all_of('boss', "UPDATE $s.insights SET value = 0 WHERE user_id = '$bob'; INSERT INTO $s.insights (user_id, account_id, metric, end_time) VALUES ('$bob', '$of_bob[0]', 'reach', now())"), qr/42501/, 'nor writes for a user');
is(state_of_bob(), $before, 'nothing of Bob has changed');
like((run_as('boss', "SELECT account_id FROM $s.ig_disconnect(user_id => '$nobody') AS d(account_id)"))[0], qr/^0$/, 'an admin may act for another user');
for my $name (@readable, @hidden) { my ($stdout, $stderr) = run_as('anon', "TABLE $s.$name"); ok($stdout eq '' && $stderr =~ /42501/, "somebody without a grant cannot read $name") }
for my $function (@callable)
{
    my ($name, $arguments) = split /\|/, $function, 2;
    my $told = all_of('anon', call_of($name, $arguments // '', user_id => "'$bob'", access_token => "'EAAx'", redirect_uri => "'https://x'", since => "'2026-01-01'", job_id => $job));
    like($told, qr/42501/, "nor call $name");
}

# --- the worker's own role

sub as_worker
{
    my ($who, $sql) = @_;
    my ($stdout, $stderr);
    my $claims = $who ? "{\"sub\":\"$who\"}" : '';
    $node->psql('postgres', "\\set VERBOSITY verbose\nSET request.jwt.claims = '$claims'; SET ROLE instagram_insights_worker; $sql", stdout => \$stdout, stderr => \$stderr);
    return "$stdout\n$stderr";
}
my %insert = (
    insights => "INSERT INTO $s.insights (user_id, account_id, metric, end_time, value) VALUES ('$bob', '$of_bob[0]', 'reach', '2026-01-01', 1)",
    sync_log => "INSERT INTO $s.sync_log (user_id, account_id, kind, trigger, started_at, finished_at, status) VALUES ('$bob', '$of_bob[0]', 'daily', 'x', now(), now(), 'failed')");
for my $table (sort keys %insert)
{
    my $column = $table eq 'insights' ? 'value' : 'rows_inserted';
    for my $who ($ann, '')
    {
        my $whom = $who ? 'for Ann' : 'for nobody';
        like(as_worker($who, $insert{$table}), qr/42501/, "the worker acting $whom cannot insert into $table for Bob");
        is(as_worker($who, "WITH u AS (UPDATE $s.$table SET $column = 0 WHERE user_id = '$bob' RETURNING 1) SELECT count(*) FROM u"), "0\n", "nor update $table");
        is(as_worker($who, "WITH d AS (DELETE FROM $s.$table WHERE user_id = '$bob' RETURNING 1) SELECT count(*) FROM d"), "0\n", "nor delete from $table");
        is(as_worker($who, "SELECT count(*) FROM $s.$table WHERE user_id = '$bob'"), "0\n", "nor read $table");
    }
    like(as_worker($bob, "BEGIN; $insert{$table}; SELECT 'done'; ROLLBACK"), qr/done/, "acting for Bob it may write $table");
}
is(state_of_bob(), $before, 'nothing of Bob has changed');

# --- settings

my @settings = list("SELECT name FROM pg_settings WHERE name LIKE 'instagram\\_insights.%' AND name <> 'instagram_insights.user_id'");
cmp_ok(scalar @settings, '>=', 20, '(there are settings to try)');
for my $name (@settings)
{
    my $told = all_of('app', "SELECT count(*) FROM $s.metrics WHERE false; SHOW $name; SELECT current_setting('$name'); SELECT setting FROM pg_settings WHERE name = '$name'; SET $name = DEFAULT;");
    my @refused = $told =~ /42501|55P02/g;    # 55P02: only the configuration file sets it
    ok(@refused == 3 && $told =~ /\A0\s*(?:psql:|ERROR)/s, "a user can neither see nor set $name") or diag $told;
}
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relnamespace = '$s'::regnamespace AND relkind = 'v' AND NOT COALESCE('security_invoker=true' = ANY (reloptions), false)"),
    '0', 'every view asks with the rights of whoever reads it');

$node->stop;
done_testing();
