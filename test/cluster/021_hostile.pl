# A user who may run SQL, make objects in public and in a schema of their own: none of it runs as anybody else, and none of
# it reaches another user. Under identity role, which promises this.
use strict;
use warnings;

use GraphSandbox;
use HostileSchema;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 2);
my $node = insights_node('hostile', sandbox => $sandbox, conf => "instagram_insights.first_sync_days = 3\ninstagram_insights.identity = role");
my $s = 'instagram_insights';
my ($user, $other, $nobody) = map { user_id($_) } qw(a b f);
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE mallory LOGIN; GRANT instagram_insights_user TO mallory; GRANT ALL ON SCHEMA public TO mallory; GRANT CREATE ON DATABASE postgres TO mallory;
CREATE ROLE bob LOGIN; GRANT instagram_insights_user TO bob;
CREATE ROLE boss LOGIN; GRANT instagram_insights_admin TO boss;
INSERT INTO $s.role_users VALUES ('mallory', '$user'), ('bob', '$other');
SQL
my $own = connect_account($node, 'a', 1);
my $account = connect_account($node, 'b', 2);
sync_all_done($node);
my $of_bob = qr/00000000000b|$account|sandbox_00002/;

# SQL in one session of a role, all of its output with the errors as SQLSTATE, message, detail and hint.
sub told_to
{
    my ($role, $sql) = @_;
    my ($stdout, $stderr) = ('', '');
    $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $role ], on_error_stop => 0);
    $stderr =~ s/^(?:LOCATION|CONTEXT|LINE \d+):.*\n?| +\^\n//mg;
    return "$stdout\n$stderr";
}
sub rows_of { return $node->safe_psql('postgres', join ';', map { "SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM $s.$_ t WHERE user_id = '$_[0]'" } qw(accounts credentials insights sync_jobs)) }
sub list { return split /\n/, $node->safe_psql('postgres', $_[0]) }
my $before = rows_of($other);

# --- names that our code uses, taken by somebody else

my @readable = list("SELECT relname FROM pg_class WHERE relnamespace = '$s'::regnamespace AND relkind IN ('r', 'p', 'v') AND has_table_privilege('mallory', oid, 'SELECT') ORDER BY 1");
my %argument = (user_id => "'$user'", account_id => "'$own'", metric => "'reach'", metrics => "'{reach}'", since => 'current_date - 3', until => 'current_date', needed => 'true', job_id => '1',
    access_token => "'EAAsandbox000000000001'", redirect_uri => "'https://app.example.org/back'", code => "'code'", state => "'state'", project_id => "'p'", entity_id => "'e'", grain => "'day'");
my @calls = map { my ($name, $arguments) = split /\|/, $_, 2; "SELECT * FROM $s.$name(" . join(', ', map { $argument{$_} ? "$_ => $argument{$_}" : () } split /,/, $arguments // '') . ");" }
  list("SELECT proname || '|' || COALESCE(array_to_string(proargnames[1:pronargs], ','), '') FROM pg_proc WHERE pronamespace = '$s'::regnamespace AND has_function_privilege('mallory', oid, 'EXECUTE') AND proname !~ '^ig_(delete_user_data|disconnect|csv_field|known_grain)' ORDER BY proname");
cmp_ok(scalar @calls, '>=', 20, '(there are functions to call)');
my $write = "INSERT INTO $s.instagram_insights (metric, value, end_time) VALUES ('reach', 1, '2024-05-05 07:00+00') ON CONFLICT (user_id, account_id, metric, period, end_time) DO UPDATE SET value = EXCLUDED.value;
    UPDATE $s.insights SET value = 2 WHERE end_time = '2024-05-05 07:00+00'; DELETE FROM $s.instagram_insights WHERE end_time = '2024-05-05 07:00+00';
    INSERT INTO $s.connect_inbox (access_token, account_id) VALUES ('EAAsandbox000000000001', '$own');";
cmp_ok(hostile_schema($node, 'mallory'), '>=', 150, '(there are traps)');
my $everything = join "\n", map({"SELECT count(*) FROM $s.$_;"} @readable), $write, @calls;
like(told_to('mallory', "SET search_path = evil, pg_catalog; SELECT 'a'::pg_catalog.name = 'a'::pg_catalog.name, pg_catalog.now() < now();"), qr/CAUGHT operator = as mallory.*CAUGHT function now as mallory/s, '(the traps work)');
for my $identity (qw(role jwt setting))
{
    $node->safe_psql('postgres', "ALTER SYSTEM SET instagram_insights.identity = $identity");
    $node->reload;
    $node->poll_query_until('postgres', "SELECT current_setting('instagram_insights.identity') = '$identity'");
    my $claims = "SET request.jwt.claims = '{\"sub\":\"$user\"}'; SET instagram_insights.user_id = '$user';";
    my $temporary = hostile_temporary_tables($node);
    for my $path ('evil, pg_catalog, public', 'pg_temp, evil, pg_catalog')
    {
        my $told = told_to('mallory', "$claims $temporary SET search_path = $path;\n$everything");
        my ($whom) = $told =~ /(CAUGHT .*? as (?!mallory).*)/;
        is($whom, undef, "identity $identity, search_path $path: no function, operator, type or table of a user runs as another role");
        unlike($told, $of_bob, '... nor shows another user');
        is(join("\n", $told =~ /(ERROR:  (?:42(?:883|703|P01)|XX).*)/g), '', '... and all that was called was found');
    }
}
$node->safe_psql('postgres', 'ALTER SYSTEM RESET instagram_insights.identity');
$node->reload;
$node->poll_query_until('postgres', "SELECT current_setting('instagram_insights.identity') = 'role'");

# --- settings of one's own session, which our statements share

my $of_mallory = "SELECT md5(string_agg(u::text, '|' ORDER BY u::text)) FROM (SELECT account_id, status, expires_at, login, metric_state FROM $s.accounts WHERE user_id = '$user') u;
    SELECT md5(string_agg(i::text, '|' ORDER BY i::text)) FROM (SELECT metric, period, end_time, day, value FROM $s.insights WHERE user_id = '$user') i";
my $work = "SELECT count(*) FROM $s.ig_connect_token('EAAsandbox000000000001', '$own', expires_at => '2031-02-03T04:05:06Z'); SELECT 'told', status, total_errors FROM $s.ig_fetch_insights();
    SELECT 'told', md5(string_agg(line::text, '|')) FROM $s.ig_export_csv('2026-01-01', current_date) AS line WHERE line::text !~ 'reach'; $write";
my $usual = told_to('mallory', "$work") =~ s/\A.*?(?=told)//sr;
my $stored = $node->safe_psql('postgres', $of_mallory);
like($usual, qr/told\|succeeded\|0\s+told\|\w{32}/, '(there is an answer to compare)');
for my $settings ('standard_conforming_strings = off; SET escape_string_warning = off', 'transform_null_equals = on', "DateStyle = 'SQL, DMY'; SET TimeZone = 'Asia/Kolkata'", "DateStyle = 'German'; SET IntervalStyle = sql_standard",
    "TimeZone = 'Pacific/Kiritimati'; SET bytea_output = escape", 'extra_float_digits = -15; SET quote_all_identifiers = on', 'array_nulls = off; SET plan_cache_mode = force_custom_plan', 'default_transaction_isolation = serializable',
    "plpgsql.extra_errors = 'all'; SET plpgsql.extra_warnings = 'all'; SET plpgsql.check_asserts = off", 'work_mem = 64; SET enable_indexscan = off; SET enable_bitmapscan = off')
{
    is(told_to('mallory', "SET $settings; $work") =~ s/\A.*?(?=told)//sr, $usual, "our functions answer the same under SET $settings");
    is($node->safe_psql('postgres', $of_mallory), $stored, '... and store the same');
}
like(told_to('mallory', "SET row_security = off; SELECT count(*) FROM $s.insights; SELECT count(*) FROM $s.ig_fetch_insights(); SELECT $s.ig_disconnect()"), qr/(?:42501.*){3}/s, 'row_security = off is refused everywhere, and shows nothing');

# --- numbers that nobody could add up

for my $value ('1e309', '-1e309', '9e131071', 'NaN', 'Infinity', '-Infinity')
{
    like(told_to('mallory', "INSERT INTO $s.insights (user_id, account_id, metric, end_time, value) VALUES ('$user', '$own', 'follower_count', '2024-03-03 08:00+00', '$value')"), qr/23514/, "a number of $value is refused");
}
told_to('mallory', "INSERT INTO $s.insights (user_id, account_id, metric, end_time, value) SELECT '$user', '$own', 'follower_count', timestamptz '2024-03-01 08:00+00' + n * interval '1 day', '9e308' FROM generate_series(1, 20) n;
    INSERT INTO $s.insights (user_id, account_id, metric, end_time, value) VALUES ('$user', '$own', 'follower_count', '-infinity', 1), ('$user', '$own', 'follower_count', 'infinity', 1), ('$user', '$own', 'follower_count', '4713-03-01 BC', 1), ('$user', '$own', 'follower_count', '294276-12-30', 1)");
like(told_to('boss', "SELECT action FROM $s.ig_maintain() WHERE object = 'insights_monthly'"), qr/\A\s*close\s*\z/, 'and the largest and the oddest that are taken do not keep the months of everybody from being closed');
$node->safe_psql('postgres', "DELETE FROM $s.insights WHERE end_time < '2025-01-01' OR end_time > '2100-01-01'");

# --- code of a user that the server runs in the session of another

$node->safe_psql('postgres', "INSERT INTO $s.role_users VALUES ('postgres', '$other')");
my $tries = join "\n", map { "BEGIN RAISE WARNING 'GOT % %', '$_->[0]', (SELECT pg_catalog.string_agg(r::text, ' ') FROM $_->[1] r); EXCEPTION WHEN OTHERS THEN RAISE WARNING 'REFUSED % %', '$_->[0]', SQLSTATE; END;" }
  [ 'identity', "$s.ig_current_user_id()" ], [ 'admin', "$s.ig_is_admin()" ], [ 'reading', "(SELECT count(*) FROM $s.insights)" ], [ 'accounts', "(SELECT account_id FROM $s.accounts)" ],
  [ 'disconnect', "$s.ig_disconnect('$account', '$other')" ], [ 'refresh', "$s.ig_refresh_insights('$other')" ], [ 'export', "$s.ig_export_csv(current_date - 3, current_date, '$other')" ],
  [ 'connect', "$s.ig_connect_token('EAAstolen', '$account', '$other')" ], [ 'fetch', "$s.ig_fetch_insights('$other')" ], [ 'cancel', "$s.ig_cancel(1)" ],
  [ 'delete', "$s.ig_delete_user_data('$other')" ];
told_to('mallory', <<"SQL");
CREATE TABLE public.bait (x integer);
CREATE FUNCTION public.trap(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS \$body\$
BEGIN
    IF session_user <> 'mallory' THEN
        $tries
    END IF;
    RETURN \$1;
END \$body\$;
CREATE INDEX bait_trap ON public.bait (public.trap(x));
INSERT INTO public.bait SELECT generate_series(1, 3);
CREATE MATERIALIZED VIEW public.bait_view AS SELECT public.trap(1) AS x, (SELECT count(*) FROM $s.insights) AS others;
SQL
for my $command ('ANALYZE public.bait', 'REINDEX TABLE public.bait', 'REFRESH MATERIALIZED VIEW public.bait_view', 'CLUSTER public.bait USING bait_trap', 'VACUUM FULL public.bait')
{
    my $told = told_to('postgres', $command);
    like($told, qr/(?:GOT|REFUSED) delete/, "(a superuser's $command runs code of its owner)");
    unlike($told, qr/GOT admin \(?t/, 'which is no administrator there');
    unlike($told, qr/GOT identity \(?$other/, 'nor the user of the session');
    unlike($told, $of_bob, 'nor shown anything of the session\'s user') or diag $told;
    like($told, qr/REFUSED $_ 42501/, "nor may it $_ for another user") for qw(disconnect refresh export connect fetch delete);
}
is(rows_of($other), $before, 'nothing of Bob has changed');
$node->safe_psql('postgres', "DELETE FROM $s.role_users WHERE role_name = 'postgres'");

# --- objects of a user put in front of, below or behind ours

told_to('mallory', 'CREATE TABLE public.part (LIKE instagram_insights.insights); CREATE TABLE public.mine (user_id uuid, account_id text)');
my @refused = (
    'ALTER TABLE insights ATTACH PARTITION public.part FOR VALUES FROM (\'1999-01-01\') TO (\'2000-01-01\')', 'ALTER TABLE insights DETACH PARTITION insights_2026',
    'CREATE TABLE public.p2 PARTITION OF insights FOR VALUES FROM (\'1999-01-01\') TO (\'2000-01-01\')', 'ALTER TABLE public.part INHERIT accounts', 'CREATE TABLE public.child () INHERITS (accounts)',
    'SELECT * FROM insights_2026', 'INSERT INTO insights_2026 (user_id) SELECT user_id FROM insights', 'COPY insights_2026 TO STDOUT', 'TRUNCATE insights', 'TRUNCATE insights_2026',
    'CREATE TRIGGER t BEFORE INSERT ON insights FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'CREATE TRIGGER t INSTEAD OF INSERT ON instagram_insights FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    map({"CREATE TRIGGER t AFTER INSERT ON public.part FOR EACH ROW EXECUTE FUNCTION $_()"} qw(ig_mark_late ig_reopen_months ig_connect_inbox)),
    'CREATE RULE r AS ON INSERT TO insights DO INSTEAD NOTHING', 'CREATE POLICY p ON insights USING (true)', 'ALTER TABLE insights DISABLE ROW LEVEL SECURITY', 'ALTER TABLE insights NO FORCE ROW LEVEL SECURITY',
    'ALTER POLICY tenant ON insights USING (true)', 'DROP POLICY tenant ON accounts', 'ALTER TABLE insights DISABLE TRIGGER ALL', 'ALTER VIEW connections SET (security_invoker = false)', 'CREATE OR REPLACE VIEW connections AS SELECT 1',
    'ALTER TABLE public.mine ADD FOREIGN KEY (user_id, account_id) REFERENCES accounts', 'CREATE TABLE public.m2 (m text REFERENCES metrics)', 'CREATE INDEX ON insights (value)', 'CREATE STATISTICS public.st ON metric, value FROM insights',
    map({"CREATE TABLE public.column_of (c $_)"} qw(accounts insights instagram_insights connections accounts[] metrics)), 'CREATE FUNCTION public.leak(accounts) RETURNS text LANGUAGE sql AS \'SELECT 1\'',
    map({"SELECT $_"} 'currval(\'sync_jobs_job_id_seq\')', 'nextval(\'sync_jobs_job_id_seq\')', 'setval(\'account_generations\', 1)'), 'SELECT last_value FROM sync_log_id_seq',
    'CREATE TABLE instagram_insights.t (x integer)', 'CREATE FUNCTION instagram_insights.now() RETURNS integer LANGUAGE sql AS \'SELECT 1\'', 'ALTER SCHEMA instagram_insights RENAME TO theirs', 'DROP EXTENSION instagram_insights',
    'ALTER EXTENSION instagram_insights DROP TABLE accounts', 'ALTER FUNCTION ig_target_user(uuid) IMMUTABLE', 'COMMENT ON TABLE accounts IS \'mine\'', 'GRANT ALL ON insights TO mallory', 'VACUUM FULL accounts',
    'CREATE PUBLICATION everything FOR TABLE insights', 'REINDEX TABLE accounts', 'COPY insights TO PROGRAM \'cat\'');
my @answers = split /^ANSWER\n/m, told_to('mallory', "SET search_path = instagram_insights, public;\n" . join '', map {"\\warn ANSWER\n$_;\n"} @refused);
is(scalar @answers, @refused + 1, '(each has an answer)');
for my $sql (@refused)
{
    my $told = splice @answers, 1, 1;
    like($told, qr/42501|WARNING:  (?:01000: (?:skipping|permission denied)|01007: no privileges)/, "refused: $sql") or diag $told;
    unlike($told, $of_bob, '... and nothing told');
}
like(told_to('mallory', "SELECT pg_sequence_last_value('$s.sync_log_id_seq') IS NULL"), qr/42501|\At\s*\z/, 'how many syncs there were is refused, or since 18 not known');
is(told_to('mallory', 'CREATE TEMP TABLE probe (user_id uuid, account_id text, FOREIGN KEY (user_id, account_id) REFERENCES instagram_insights.accounts)') =~ /42501|42P16/ ? 1 : 0, 1, 'a temporary table cannot refer to ours either');

# --- questions whose answer is an error

for my $name (@readable)
{
    my ($bob, $none) = map {
        my $told = told_to('mallory', <<"SQL");
SELECT count(*) FROM $s.$name t WHERE 1 / (CASE WHEN t::text ~ '$_' THEN 0 ELSE 1 END) = 1;
SELECT count(*) FROM $s.$name t WHERE CASE WHEN t::text ~ '$_' THEN CAST(t::text AS integer) = 1 ELSE false END;
SELECT count(*) FROM $s.$name t, LATERAL (SELECT 1 / (CASE WHEN t::text ~ '$_' THEN 0 ELSE 1 END) OFFSET 0) x;
SELECT count(*) FILTER (WHERE 1 / (CASE WHEN t::text ~ '$_' THEN 0 ELSE 1 END) = 1) FROM $s.$name t;
SELECT count(*) FROM (SELECT 1 FROM $s.$name t ORDER BY 1 / (CASE WHEN t::text ~ '$_' THEN 0 ELSE 1 END)) o;
SQL
        $told =~ s/\Q$_\E/ID/g;
        $told
    } $other, $nobody;
    is($bob, $none, "$name: a division by zero, a cast, a filter or an order asks in vain whether another user has rows");
}
unlike(told_to('mallory', "UPDATE $s.insights SET value = value WHERE 1 / (CASE WHEN user_id = '$other' THEN 0 ELSE 1 END) = 1; DELETE FROM $s.insights WHERE 1 / (CASE WHEN user_id = '$other' THEN 0 ELSE 1 END) = 2"),
    qr/22012/, 'nor do an update and a deletion say so');
unlike(told_to('mallory', "SELECT * FROM pg_stats WHERE schemaname = '$s'; SELECT * FROM pg_stats_ext; SELECT * FROM pg_statistic"), $of_bob, 'statistics of our tables are not shown');
for my $sql ("COPY $s.connect_inbox (access_token, account_id, user_id) FROM STDIN;\nEAAx\t$account\t$other\n\\.", "COPY $s.insights (user_id, account_id, metric, end_time) FROM STDIN;\n$other\t$account\treach\t2024-01-01\n\\.")
{
    like(told_to('mallory', $sql), qr/42501|0A000/, 'COPY writes nothing for another user: ' . ($sql =~ /\A(.*)/)[0]);
}
is(rows_of($other), $before, 'nothing of Bob has changed');

$node->stop;
done_testing();
