# One worker that syncs hundreds of accounts round after round, with failures, throttles, reconnections and new days among
# them, does not grow; nor does a session that fetches and refreshes again and again. SOAK_MINUTES=N makes it a long test.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use JSON::PP ();
use List::Util qw(max);
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $schema = 'instagram_insights';
my $minutes = $ENV{SOAK_MINUTES} // 0;
my $accounts = 300;
my $users = 20;
my ($warm_up, $watched) = (60 * $minutes / 3, 60 * $minutes);
my $fewest_rounds = 5;
my $calls_of_session = $minutes ? 2000 : 100;
my $bound = 1.02;

# What the server's processes have in use they tell themselves.
my $in_use = PostgreSQL::Test::Utils::tempdir_short();
system_or_bail('cc', '-O1', '-shared', '-fPIC', '-o', "$in_use/memory_in_use.so", 'test/memory/memory_in_use.c');
my $sandbox = GraphSandbox->new(accounts => $accounts, seed => 11);
($ENV{MEMORY_IN_USE}, $ENV{LD_PRELOAD}) = ($in_use, "$in_use/memory_in_use.so");
my $node = insights_node('memory', sandbox => $sandbox, conf => <<'CONF');
instagram_insights.idle_timeout = -1
instagram_insights.request_timeout = 3s
instagram_insights.max_in_flight = 40
log_min_messages = error
log_statement = none
CONF
delete $ENV{LD_PRELOAD};

sub query { return $node->safe_psql('postgres', $_[0]) }
sub number_of { my ($n) = @_; return sprintf('178414%011d', $n) }

sub connect_again
{
    my @lines = map {
        my ($login, $prefix) = $_ % 2 ? ('facebook', 'E') : ('instagram', 'IG');
        sprintf("%sAAsandbox%012d\t%s\t00000000-0000-0000-0000-%012d\t%s", $prefix, $_, number_of($_), $_ % $users, $login);
    } @_;
    query("COPY $schema.connect_inbox (access_token, account_id, user_id, login) FROM STDIN;\n" . join("\n", @lines) . "\n\\.\n");
    return;
}

# Memory that only this process has, in kB; what it shares with others (buffers, libraries) is not its own.
sub anonymous_memory
{
    my ($pid) = @_;
    slurp_file("/proc/$pid/status") =~ /^RssAnon:\s+(\d+) kB/m or die "no memory of process $pid";
    return $1;
}

# Of that, what is in use: free room hides a leak for thousands of syncs.
sub memory_in_use
{
    my ($pid) = @_;
    for (1 .. 200)
    {
        return $1 if slurp_file("$in_use/$pid") =~ /^(\d+)$/m;
    }
    die "process $pid does not tell what memory it has in use";
}

# --- a world in which something always goes wrong

my %passing = (status => 500, code => 2, is_transient => JSON::PP::true(), message => 'Service temporarily unavailable');
my %refused = (status => 400, code => 190, subcode => 463, type => 'OAuthException', message => 'Error validating access token: Session has expired');
my %not_offered = (status => 400, code => 100, message => '(#100) metric[0] must be one of the following values: reach');
sub often { my ($route, $percent, $do, %match) = @_; return +{ match => { route => $route, %match }, chance => $percent, do => $do } }
my @faults = (
    often('batch', 1, { close => 'reset' }), often('batch', 1, { cut_to => 2500 }), often('batch', 1, { items => 7 }),
    often('batch', 1, { status => 502, body => '<html>Bad gateway</html>', content_type => 'text/html' }),
    often('any', 0.3, { error => \%refused }), often('any', 1, { error => \%passing }), often('any', 0.3, { error => \%not_offered }),
    often('any', 0.5, { null => JSON::PP::true() }), often('any', 0.5, { cut_to => 40 }), often('any', 0.1, { huge_bytes => 1_000_000 }),
    often('insights', 0.5, { throttle => { code => 80002, minutes => 5 } }), often('insights', 0.02, { throttle => { code => 4, minutes => 5 } }),
    often('insights', 0.5, { close => 'in_body' }, flavour => 'instagram'), often('insights', 0.5, { close => 'reset' }, flavour => 'instagram'));

my $live = "state = ANY ('{queued,running,waiting}')";
my ($round, $syncs) = (0, 0);

# One day of all accounts. A new day has come for most, some are new, some were disconnected and connected again.
sub sync_a_round
{
    $round++;
    query(<<"SQL");
DELETE FROM $schema.insights WHERE day > (now() AT TIME ZONE 'America/Los_Angeles')::date - 3;
UPDATE $schema.accounts SET metric_state = '{}' WHERE right(account_id, 11)::bigint % 30 = $round % 30;
SELECT $schema.ig_disconnect(account_id, user_id => user_id) FROM $schema.accounts WHERE right(account_id, 11)::bigint % 50 = $round % 50;
SQL
    connect_again(split /\n/, query("SELECT right(account_id, 11)::bigint FROM $schema.accounts WHERE status IN ('needs_login', 'disconnected')"));
    query("SELECT $schema.ig_sync_all()");
    my $began = time;
    while (1)
    {
        # What waits, or may not call, is as if that time had passed.
        my ($left) = split /\n/, query(<<"SQL");
UPDATE $schema.usage SET blocked_until = NULL, percent = 0 WHERE blocked_until IS NOT NULL;
UPDATE $schema.accounts SET blocked_until = NULL WHERE blocked_until IS NOT NULL;
UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting' AND due_at > now();
SELECT count(*) FROM $schema.sync_jobs WHERE $live;
SQL
        last if $left == 0;
        query("SELECT $schema.ig_nudge()");
        usleep(50_000);
        die "no end after $left jobs" if time - $began > $PostgreSQL::Test::Utils::timeout_default;
    }
    query("SELECT $schema.ig_maintain()") if $round % 5 == 0;
    return;
}

connect_again(1 .. $accounts);
$sandbox->faults(@faults);
sync_a_round();
my $worker = worker_pid($node);
my (%highest, %most_used, @curve, $used);
for my $phase ([ 'warm-up', $warm_up ], [ 'watched', $watched ])
{
    my ($name, $seconds) = @$phase;
    my $began = time;
    my $before = query("SELECT last_value FROM $schema.sync_jobs_job_id_seq");
    for (my $rounds = 0; $rounds < $fewest_rounds || time - $began < $seconds; $rounds++)
    {
        sync_a_round();
        push @curve, anonymous_memory($worker);
        $highest{$name} = max($highest{$name} // 0, $curve[-1]);
        $used = memory_in_use($worker);
        $most_used{$name} = max($most_used{$name} // 0, $used);
    }
    $syncs = query("SELECT last_value FROM $schema.sync_jobs_job_id_seq") - $before;
    diag("$name: $syncs syncs, the worker holds $curve[-1] kB of its own, $highest{$name} kB at most, and uses $used kB, $most_used{$name} kB at most");
}
diag("kB after each round: @curve") if $minutes;
cmp_ok($syncs, '>', 1000, 'more than a thousand syncs went by');
is(worker_pid($node), $worker, 'one worker made them all');
cmp_ok($curve[-1], '<', $highest{'warm-up'} * $bound, 'the worker holds as much memory at the end as after the warm-up, within 2 %');
cmp_ok($used, '<', $most_used{'warm-up'} * $bound, 'and has as much of it in use, within 2 %');
my %count = map { split /\|/ } split /\n/, query("SELECT status, count(*) FROM $schema.sync_log GROUP BY status");
diag(join ', ', map {"$count{$_} $_"} sort keys %count);
cmp_ok($count{$_} // 0, '>', 10, "and many ended $_") for qw(succeeded partial needs_login throttled);
cmp_ok(query("SELECT max(generation) FROM $schema.accounts"), '>', 1, 'accounts were connected again');

# --- a session that calls for one account

$sandbox->clear_faults;
my $caller = user_id('f');
query("SELECT $schema.ig_connect_token('EAAsandbox000000000001', '" . number_of(1) . "', '$caller')");
my $session = $node->background_psql('postgres');
my $backend = $session->query_safe('SELECT pg_backend_pid()');

# Each call is a transaction of its own.
sub call_again_and_again
{
    my ($times) = @_;
    $session->query_safe(<<"SQL");
SELECT call FROM generate_series(1, $times), unnest(ARRAY[
    \$\$SELECT status FROM $schema.ig_fetch_insights('$caller', metrics => '{reach,views}') WHERE NOT success\$\$,
    \$\$SELECT count(*) FROM $schema.ig_refresh_insights('$caller') HAVING count(*) = 0\$\$]) call \\gexec
SQL
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE $live)");
    return memory_in_use($backend);
}

# Plans and caches that are made anew now and then come as steps; what leaks would grow with each lot of calls.
my ($at_first, $at_last, $lots) = (call_again_and_again($calls_of_session), 0, 0);
my $fetched = $sandbox->stats->{calls};
while ($lots++ < 5)
{
    $at_last = call_again_and_again($calls_of_session);
    diag("the session uses $at_first kB, $at_last kB after $calls_of_session more calls of each function");
    last if $at_last < $at_first * $bound;
    $at_first = $at_last;
}
cmp_ok($sandbox->stats->{calls} - $fetched, '>=', $lots * $calls_of_session, 'the session called the API each time');
cmp_ok($lots, '<=', 5, 'a session that fetches and refreshes comes to use as much memory after many calls as before them, within 2 %');
$session->quit;

$node->stop;
done_testing();
