# A domain whose CHECK calls a function of its owner is checked by who casts to it, never by anything of ours for somebody else;
# and nothing of ours makes, reads or writes a large object.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $s = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 2);
my $node = insights_node('hostile_domains', sandbox => $sandbox, conf => "$s.first_sync_days = 3\n$s.identity = role");
my ($mallory, $bob) = map { user_id($_) } qw(a b);
my %domain = map { $_ => 'public.check_' . s/\[\]/_array/r } qw(text uuid date timestamptz numeric jsonb bigint integer boolean text[]);
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE mallory LOGIN; GRANT instagram_insights_user TO mallory; GRANT ALL ON SCHEMA public TO mallory;
CREATE ROLE bob LOGIN; GRANT instagram_insights_user TO bob;
CREATE ROLE boss LOGIN; GRANT instagram_insights_admin TO boss;
INSERT INTO $s.role_users VALUES ('mallory', '$mallory'), ('bob', '$bob');
SQL
my $own = connect_account($node, 'a', 1);
my $account = connect_account($node, 'b', 2);
sync_all_done($node);
my $of_bob = qr/00000000000b|$account|sandbox_00002/;

sub told_to
{
    my ($role, $sql) = @_;
    my ($stdout, $stderr) = ('', '');
    $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr, extra_params => [ '-U', $role ], on_error_stop => 0);
    $stderr =~ s/^(?:LOCATION|CONTEXT|LINE \d+):.*\n?| +\^\n//mg;
    return "$stdout\n$stderr";
}

# As whom the checks of all these statements ran.
sub checked_as { my ($told) = @_; my %seen = map { $_ => 1 } $told =~ /CHECKED as (.*?) for/g; return join ', ', sort keys %seen }

# --- the domains, and a table of them that lies about for others

my $domains = join '', map { "CREATE DOMAIN $domain{$_} AS $_ CHECK (public.spy(VALUE::text));\n" } sort keys %domain;
my $made = told_to('mallory', <<"SQL");
CREATE FUNCTION public.spy(value text) RETURNS boolean LANGUAGE plpgsql AS \$\$
BEGIN
    RAISE WARNING 'CHECKED as % in a session of % for %', current_user, session_user, value;
    RETURN true;
END \$\$;
$domains
CREATE TABLE public.bait (user_id public.check_uuid, account_id public.check_text, metric public.check_text, value public.check_numeric, end_time public.check_timestamptz,
    access_token public.check_text, metrics public.check_text_array);
GRANT ALL ON public.bait TO PUBLIC;
INSERT INTO public.bait VALUES ('$mallory', '$own', 'reach', 7, '2024-05-05 07:00+00', 'EAAsandbox000000000001', '{reach}');
SQL
unlike($made, qr/ERROR/, '(the domains are made)') or diag $made;
is(checked_as($made), 'mallory in a session of mallory', '(and checked when their owner fills a table)');

# --- our functions, each argument cast to such a domain

my %argument = (user_id => "'$mallory'", account_id => "'$own'", metric => "'reach'", metrics => "'{reach}'", since => 'current_date - 3', until => 'current_date', job_id => '1', access_token => "'EAAsandbox000000000001'",
    redirect_uri => "'https://app.example.org/back'", code => "'code'", state => "'state'", project_id => "'p'", entity_id => "'e'", grain => "'day'", reason => "'why'", app_id => "'1234'", secret => "'0123456789abcdef'",
    redirect_uris => "'{https://app.example.org/back}'", most => '10', object => "'sync_log'", kind => "'daily'");

# A call of each function that the role may call, with domains for its arguments.
sub calls_of
{
    my ($role) = @_;
    my @calls;
    for (split /\n/, $node->safe_psql('postgres', <<"SQL"))
SELECT proname || '|' || COALESCE((SELECT string_agg(proargnames[n] || ' ' || format_type(proargtypes[n - 1], NULL) || CASE WHEN n > pronargs - pronargdefaults THEN '' ELSE ' needed' END, ',' ORDER BY n) FROM generate_series(1, pronargs) n), '')
FROM pg_proc WHERE pronamespace = '$s'::regnamespace AND has_function_privilege('$role', oid, 'EXECUTE') AND proname !~ '^ig_(delete_user_data|disconnect|rotate_key)' ORDER BY proname
SQL
    {
        my ($name, $arguments) = split /\|/, $_, 2;
        my @given;
        for my $argument (split /,/, $arguments)
        {
            my ($argument_name, $type) = split / /, $argument, 2;
            my $needed = $type =~ s/ needed$//;
            $type = 'timestamptz' if $type =~ /^timestamp with/;
            my $value = $argument{$argument_name} // ($needed ? 'NULL' : undef);
            push @given, "$argument_name => ($value)::" . ($domain{$type} // $type) if defined $value;
        }
        push @calls, "SELECT * FROM $s.$name(" . join(', ', @given) . ');';
    }
    return @calls;
}

for my $role (qw(mallory boss))
{
    my @calls = calls_of($role);
    cmp_ok(scalar(grep {/::/} @calls), '>=', 15, "($role has functions to call)");
    my $told = told_to($role, join "\n", @calls);
    is(checked_as($told), "$role in a session of $role", "$role calls our functions with domains: they are checked as who casts, never as the worker or a superuser");
    is(join("\n", $told =~ /(ERROR:  (?:42(?:883|703|725|P01)|XX).*)/g), '', '... and all that was called was found');
    unlike($told, $of_bob, '... nor was anything of another user handed to a check') if $role eq 'mallory';
}

# --- our tables and views, read and written with them

my $reads = join "\n", map { "SELECT count(*) FROM (SELECT user_id::$domain{uuid}, account_id::$domain{text} FROM $s.$_ OFFSET 0) x; SELECT count(*) FROM $s.$_ WHERE user_id::$domain{uuid} = '$bob' OR account_id::$domain{text} = '$account';" }
  qw(accounts insights sync_jobs sync_log instagram_insights connections sync_logs instagram_latest_metrics instagram_monthly instagram_weekly account_metrics user_tokens);
my $told = told_to('mallory', $reads);
like($told, qr/CHECKED as mallory in a session of mallory for $own/, 'columns of ours that are cast to a domain are shown to its check');
unlike($told =~ s/ for $bob$//mgr, $of_bob, '... but own rows only');
my $writes = "INSERT INTO $s.instagram_insights (user_id, account_id, metric, value, end_time) SELECT user_id, account_id, metric, value, end_time FROM public.bait
        ON CONFLICT (user_id, account_id, metric, period, end_time) DO UPDATE SET value = EXCLUDED.value;
    UPDATE $s.insights i SET value = b.value FROM public.bait b WHERE i.end_time = b.end_time AND i.user_id = b.user_id;
    INSERT INTO $s.connect_inbox (access_token, account_id, user_id) SELECT access_token, account_id, user_id FROM public.bait;
    SELECT count(*) FROM public.bait b, $s.ig_fetch_insights(b.user_id, b.account_id, b.metrics) f;
    DELETE FROM $s.insights i USING public.bait b WHERE i.end_time = b.end_time;";
my $maintenance = "ANALYZE public.bait; ANALYZE $s.insights; SELECT count(*) FROM public.bait b JOIN $s.insights i USING (user_id, account_id); SELECT $s.ig_set_metrics(metrics, user_id, account_id) FROM public.bait;
    SELECT count(*) FROM $s.ig_maintain(); SELECT count(*) FROM $s.ig_doctor(); SELECT $s.ig_sync_all();";
for my $case ([ 'mallory', $writes ], [ 'boss', "SELECT $s.ig_set_metrics(metrics, user_id, account_id) FROM public.bait; SELECT count(*) FROM $s.ig_maintain();" ], [ 'postgres', "$writes $maintenance" ])
{
    my ($role, $sql) = @$case;
    my $answer = told_to($role, $sql);
    is(checked_as($answer), '', "$role takes values of such domains to our views, tables and functions: no check runs");
    unlike($answer, qr/ERROR/, '... and all of it is done') or diag $answer;
}
wait_for($node, "SELECT NOT EXISTS (SELECT FROM $s.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
unlike(slurp_file($node->logfile), qr/WARNING:  CHECKED as (?!mallory|boss)/, 'in the whole server no check ran as anybody but who cast, the worker included');

# --- large objects

my ($object) = $node->safe_psql('postgres', 'SET ROLE bob; SELECT lo_from_bytea(0, \'of bob\')');
my $objects = 'SELECT md5(string_agg(m::text, \',\' ORDER BY m.oid)) FROM (SELECT oid, lomowner, lo_get(oid) FROM pg_largeobject_metadata) m';
my $before = $node->safe_psql('postgres', $objects);
for my $sql ("SELECT lo_put($object, 0, line::bytea) FROM $s.ig_export_csv() line", "SELECT lo_put($object, 0, line::bytea) FROM $s.ig_export_json() line", "SELECT * FROM $s.ig_export_csv(account_id => encode(lo_get($object), 'escape'))",
    "SELECT * FROM $s.ig_export_json(account_id => lo_unlink($object)::text)", "COPY (SELECT * FROM $s.ig_export_csv()) TO '/dev/null'", "SELECT lo_export($object, '/dev/null') FROM $s.ig_export_csv()",
    "SELECT lo_import('/etc/passwd') FROM $s.ig_export_json()")
{
    like(told_to('mallory', $sql), qr/ERROR:  42501/, "refused: $sql");
}
told_to($_, join "\n", calls_of($_)) for qw(mallory boss);
is($node->safe_psql('postgres', $objects), $before, 'no function of ours has made, changed or removed a large object');
is($node->safe_psql('postgres', "SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = '$s'::regnamespace AND prosrc ~ '\\m(lo_\\w+|loread|lowrite|pg_largeobject\\w*)\\s*\\('"), '', 'nor does one name their functions');

$node->stop;
done_testing();
