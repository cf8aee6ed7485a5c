# 20,000 jobs with random faults at every layer - host, connection, store, locks, worker, server - end with exactly the rows of a
# clean run, and with logs that tell of every job.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use JSON::PP ();
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $accounts = 20_000;
my $users = 40;
my $schema = 'instagram_insights';
my $began = time;
my $sandbox = GraphSandbox->new(accounts => $accounts, seed => 7, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('many_jobs', sandbox => $sandbox, conf => <<'CONF');
instagram_insights.first_sync_days = 1
instagram_insights.reread_days = 1
instagram_insights.request_timeout = 3s
instagram_insights.max_in_flight = 60
restart_after_crash = on
log_statement = none
instagram_insights.idle_timeout = -1
CONF

sub query { return $node->safe_psql('postgres', $_[0]) }
sub waited { diag(sprintf '%5.1f s: %s', time - $began, $_[0]); return }

# --- all accounts, two metrics each; every second one logs in with Facebook and goes in batches

my $day = query("SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date - 1");
my @lines;
for my $n (1 .. $accounts)
{
    my ($login, $prefix) = $n % 2 ? ('facebook', 'E') : ('instagram', 'IG');
    push @lines, sprintf("%sAAsandbox%012d\t178414%011d\t00000000-0000-0000-0000-%012d\t%s", $prefix, $n, $n, $n % $users, $login);
}
query("COPY $schema.connect_inbox (access_token, account_id, user_id, login) FROM STDIN;\n" . join("\n", @lines) . "\n\\.\n");
query("UPDATE $schema.metrics SET enabled_by_default = name = ANY ('{reach,followers_count}')");
waited("$accounts accounts are connected");

# --- faults

sub error { my (%more) = @_; return +{ error => {%more} } }
my %passing = (status => 500, code => 2, is_transient => JSON::PP::true(), message => 'Service temporarily unavailable');
my $html = { status => 502, body => '<html>Bad gateway</html>', content_type => 'text/html' };
my $unknown = { status => 200, content_type => 'application/json', body => '{"error":{"message":"An unknown error occurred","type":"OAuthException","code":1}}' };
sub often { my ($route, $percent, $do, %match) = @_; return +{ match => { route => $route, %match }, chance => $percent, do => $do } }
my @instagram = (flavour => 'instagram');
# These fail until their jobs give up, and some more.
my @stubborn = map { +{ match => { route => 'any', account_id => sprintf('178414%011d', 500 * $_) }, do => error(%passing), times => 45 } } 1 .. 30;
$sandbox->faults(@stubborn,
    often('batch', 0.3, { close => 'in_body' }), often('batch', 0.3, { close => 'reset' }), often('batch', 0.3, { cut_to => 2500 }),
    often('batch', 0.3, { items => 7 }), often('batch', 0.3, $html), often('batch', 0.3, $unknown), often('batch', 0.3, { status => 200 }),
    often('batch', 0.3, { delay_ms => 300 }), often('batch', 0.3, { hang => 'before_headers' }),
    often('any', 0.5, error(%passing)), often('any', 0.3, { null => JSON::PP::true() }), often('any', 0.3, $html),
    often('any', 0.3, { cut_to => 40 }), often('any', 0.2, { status => 200 }), often('any', 0.2, { status => 200, body => '[]' }),
    often('insights', 0.5, { close => 'reset' }, @instagram), often('insights', 0.5, { close => 'in_body' }, @instagram),
    often('insights', 0.5, { delay_ms => 300 }, @instagram), often('insights', 0.02, { hang => 'in_body' }, @instagram));
query(<<"SQL");
CREATE SEQUENCE public.store_failures;
CREATE FUNCTION public.now_and_then() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS \$\$
BEGIN
    IF random() < TG_ARGV[0]::float8 THEN
        PERFORM nextval('public.store_failures');
        RAISE EXCEPTION USING ERRCODE = (ARRAY['40001', '53200', '57014', '23514'])[1 + floor(random() * 4)::int], MESSAGE = 'the store fails now and then';
    END IF;
    RETURN NEW;
END \$\$;
CREATE TRIGGER now_and_then BEFORE INSERT OR UPDATE ON $schema.insights FOR EACH ROW EXECUTE FUNCTION public.now_and_then(0.0005);
CREATE TRIGGER now_and_then BEFORE INSERT ON $schema.sync_log FOR EACH ROW EXECUTE FUNCTION public.now_and_then(0.0005);
CREATE TRIGGER now_and_then BEFORE UPDATE ON $schema.accounts FOR EACH ROW EXECUTE FUNCTION public.now_and_then(0.0005);
SQL

sub end_worker { my ($pid) = worker_pid($node); return $pid && query("SELECT pg_terminate_backend($pid)") }

sub kill_worker
{
    my $pid = worker_pid($node) or return 0;
    my $log = -s $node->logfile;
    kill 'KILL', $pid or return 0;
    $node->wait_for_log(qr/database system is ready to accept connections/, $log);
    return $sandbox->wait_until(sub { $node->psql('postgres', 'SELECT 1') == 0 }, 'the server answers again');
}

# Another session holds some accounts while the worker goes on for a while.
my $locks;
sub hold_accounts
{
    $locks = $node->background_psql('postgres');
    return $locks->query("BEGIN; SELECT count(*) FROM (SELECT FROM $schema.accounts WHERE random() < 0.02 FOR UPDATE) a");
}

my $held = 0;
sub release_accounts
{
    $held = query("SELECT count(*) FROM $schema.sync_jobs WHERE error LIKE 'another session held the account%'");
    return 0 if $held == 0;
    $locks->query('COMMIT');
    $locks->quit;
    return 1;
}

my @events = (
    [ 0.10, 'the worker was ended', \&end_worker ], [ 0.20, 'another session holds accounts', \&hold_accounts ],
    [ 0.35, 'and gives them back', \&release_accounts ], [ 0.40, 'the worker was ended', \&end_worker ],
    [ 0.55, 'the worker was killed', \&kill_worker ], [ 0.80, 'the worker was ended', \&end_worker ]);

# --- until nothing is left

query("SELECT $schema.ig_sync_all()");
my $not_stored = <<"SQL";
SELECT a.user_id, a.account_id FROM $schema.accounts a
 WHERE NOT EXISTS (SELECT FROM $schema.sync_jobs j WHERE j.user_id = a.user_id AND j.account_id = a.account_id AND j.state = 'succeeded')
SQL
my ($rounds, $again) = (0, 0);
while (1)
{
    # A job that waits for its next try has it now.
    my ($live, $done, $waiting) = split /\|/, query(<<"SQL");
WITH made_due AS (UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting' AND due_at > now() RETURNING 1)
SELECT count(*) FILTER (WHERE state = ANY ('{queued,running,waiting}')), count(*) FILTER (WHERE finished_at IS NOT NULL), (SELECT count(*) FROM made_due)
  FROM $schema.sync_jobs
SQL
    if ($live == 0 && !@events)
    {
        my $left = query("SELECT count(*) FROM ($not_stored) l");
        last if $left == 0 || ++$rounds > 20;
        $again += $left;
        query("SELECT count(*) FROM ($not_stored) l, $schema.ig_refresh_insights(l.user_id, l.account_id)");
        waited("$left jobs that failed for good are put in the queue again");
    }
    if (@events && $done >= $events[0][0] * $accounts && $events[0][2]->())
    {
        waited("$done jobs done: $events[0][1]");
        shift @events;
    }
    query("SELECT $schema.ig_nudge()");
    usleep(150_000);
    die "no end after $done jobs" if time - $began > 4 * $PostgreSQL::Test::Utils::timeout_default;
}
waited('all is stored');
is(scalar @events, 0, 'the worker was ended and killed while it had work');
my $stats = $sandbox->stats;
cmp_ok($stats->{by_status}{$_} // 0, '>', 0, "calls were answered $_") for 500, 502;
diag("$stats->{calls} calls, $stats->{batches} batches, $again jobs again");
cmp_ok($stats->{$_}, '>', 0, "there were $_") for qw(batches batch_items);
cmp_ok(query('SELECT last_value FROM public.store_failures'), '>', 1, 'the store failed now and then');
cmp_ok($held, '>', 0, 'another session held accounts whose results had come');
cmp_ok($again, '>', 0, 'some jobs failed for good, and were put in the queue again');
my $log = slurp_file($node->logfile);
like($log, qr/was terminated by signal 9/, 'the worker was killed');

# --- exactly the rows of a clean run

sub expected_rows { return $sandbox->request('GET', "/expected.csv?metric=$_[0]&first=$day&last=$day") }
my $same = query(<<"SQL" . expected_rows('reach') . expected_rows('followers_count') . <<"SQL2");
SET timezone = 'UTC';
CREATE TABLE public.expected (account_id text, metric text, day date, end_time timestamptz, value numeric);
COPY public.expected FROM STDIN (FORMAT csv);
SQL
\\.
CREATE TABLE public.stored AS SELECT account_id, metric, day, end_time, value FROM $schema.insights;
SELECT (SELECT count(*) FROM (TABLE public.expected EXCEPT ALL TABLE public.stored) e),
       (SELECT count(*) FROM (TABLE public.stored EXCEPT ALL TABLE public.expected) e),
       (SELECT count(*) FROM public.expected) > 1.9 * $accounts
SQL2
is($same, '0|0|t', 'every value of a clean run is stored, once, and nothing else');
is(query("SELECT count(*) FROM $schema.insights WHERE right(user_id::text, 12)::bigint <> right(account_id, 11)::bigint % $users"), 0, 'each with its user');

# --- and honest logs

is(query("SELECT count(*) FROM $schema.sync_jobs WHERE state = ANY ('{queued,running,waiting}')"), 0, 'no job is left');
is(query("SELECT count(*) FROM $schema.sync_jobs j WHERE NOT EXISTS (SELECT FROM $schema.sync_log l WHERE l.user_id = j.user_id AND l.job_id = j.job_id)
          AND j.error NOT LIKE 'the result could not be stored%'"), 0, 'every job has a log, but where the store refused that');
is(query("SELECT count(*) FROM $schema.sync_jobs j WHERE state = 'succeeded'
          AND 1 <> (SELECT count(*) FROM $schema.sync_log l WHERE l.user_id = j.user_id AND l.job_id = j.job_id AND l.status = 'succeeded')"), 0,
    'a job that succeeded has one log that says so');
is(query("SELECT count(*) FROM $schema.sync_log WHERE status <> 'succeeded' AND (error_message IS NULL OR errors = '[]')"), 0, 'a try that failed says why');
is(query("SELECT sum(rows_inserted) = (SELECT count(*) FROM $schema.insights) AND sum(rows_updated) = 0 FROM $schema.sync_log"), 't', 'the logs tell of every row that was stored, once');
is(query("SELECT count(*) FROM $schema.sync_log WHERE status = 'succeeded' AND api_calls < 1"), 0, 'and of the calls it took');
cmp_ok(query("SELECT sum(api_calls) FROM $schema.sync_log"), '>=', 2 * $accounts, 'which are two an account at least');
is(query("SELECT count(*) FROM $schema.accounts WHERE status <> 'active'"), 0, 'no account lost its login by any of this');
is($stats->{tokens_in_urls}, 0, 'no token was in a URL');
unlike($log, qr/PANIC/, 'the server met nothing worse than the kill');
waited('all is compared');

$node->stop;
done_testing();
