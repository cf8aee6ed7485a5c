# A job that needs more calls than an hour allows takes some hours, goes on where it stopped, and ends with every number.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $cap = 25;    # calls an hour
my $backfills = 20;    # of these are for backfills: threshold of the budgets
my $days = 120;
my $sandbox = GraphSandbox->new(accounts => 4, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('large_jobs', sandbox => $sandbox, conf => <<"CONF");
restart_after_crash = on
instagram_insights.calls_per_hour = $cap
instagram_insights.first_sync_days = 60
instagram_insights.idle_timeout = -1
instagram_insights.request_timeout = 60s
CONF

sub query { return $node->safe_psql('postgres', $_[0]) }
sub today { return query("SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date") }
sub calls_of { my ($id) = @_; return @{ $sandbox->calls("route=insights&account_id=$id") } }

# The end of the job, or of its try.
sub ended
{
    my ($job) = @_;
    wait_for($node, "SELECT state <> ALL ('{queued,running}') FROM $schema.sync_jobs WHERE job_id = $job");
    return query("SELECT state || COALESCE(' for ' || error_kind, '') FROM $schema.sync_jobs WHERE job_id = $job");
}

# An hour passes: nothing was called in the new one, and who waits is due.
sub next_hour
{
    query("UPDATE $schema.usage SET calls = 0; UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting';
           SELECT $schema.ig_nudge()");
    return;
}

# Lets hours pass until the job has ended, and does something in between. Returns how it ended and the calls of each hour.
sub hours_until_end
{
    my ($job, $id, $between) = @_;
    my @calls_in;
    my $known = 0;
    while (@calls_in < 50)
    {
        my $end = ended($job);
        my $calls = calls_of($id);
        push @calls_in, $calls - $known;
        $known = $calls;
        return ($end, @calls_in) if $end ne 'waiting for throttled';
        $between->(scalar @calls_in) if $between;
        next_hour();
    }
    return ('never', @calls_in);
}

# How often each metric was asked for each day: of those that are one question a day.
sub times_asked
{
    my ($id) = @_;
    my %times;
    for my $call (calls_of($id))
    {
        next if $call->{metric_type} ne 'total_value';
        $times{"$_ $call->{since}"}++ for @{ $call->{metrics} };
    }
    return %times;
}

# That everything is there, and nothing is kept of the way. follower_count is asked for 29 days: the API has no more of it.
sub whole
{
    my ($what, $id, $first, $last) = @_;
    my $oldest = query("SELECT date '$last' - 28");
    my %stored = map { $_ => 1 } split /\n/, stored_rows($node, "account_id = '$id'");
    my %expected = map { $_ => 1 } split /\n/, $sandbox->expected(account_id => $id, first => $first, last => $last);
    delete @expected{ grep { /,follower_count,([0-9-]+),/ && $1 lt $oldest } keys %expected };
    is(join("\n", grep { !$stored{$_} } sort keys %expected), '', "$what: every number is there");
    is(join("\n", grep { !$expected{$_} } sort keys %stored), '', "$what: and no other");
    is(query("SELECT count(*) FROM $schema.sync_jobs WHERE account_id = '$id' AND answered IS NOT NULL"), 0,
        "$what: nothing is kept of the way");
    return;
}

my $today = today();
my ($last, $first) = split /,/, query("SELECT date '$today' - 1 || ',' || date '$today' - $days");
my $one = connect_account($node, 'a', 1);
my $two = connect_account($node, 'b', 2);
my $three = connect_account($node, 'a', 3);

# --- a backfill

my $job = query("SELECT $schema.ig_backfill('$first', '$last', '@{[ user_id('a') ]}', '$one')");
my ($end, @calls) = hours_until_end($job, $one);
is($end, 'succeeded', 'a backfill of more calls than an hour allows ends');
cmp_ok(scalar(@calls), '>=', $days / $backfills, "after some hours (@calls calls)");
is(scalar(grep { $_ > $backfills } @calls), 0, 'in none of them it called more often than allowed');
my %times = times_asked($one);
is(scalar(keys %times), 2 * $days, 'each day was asked for');
is(scalar(grep { $_ > 1 } values %times), 0, 'and none twice');
whole('a backfill', $one, $first, $last);

# --- a first sync; the server is restarted on the way

query("SELECT $schema.ig_refresh_insights('@{[ user_id('b') ]}', '$two')");
$job = query("SELECT job_id FROM $schema.sync_jobs WHERE account_id = '$two'");
my $kept = '';
($end, @calls) = hours_until_end($job, $two, sub {
    my ($hours) = @_;
    return if $hours != 1;
    $kept = query("SELECT jsonb_object_keys(answered) FROM $schema.sync_jobs WHERE job_id = $job ORDER BY 1");
    is(query("SELECT answered->'profile_views'->>'through' FROM $schema.sync_jobs WHERE job_id = $job"), $last,
        'the days that were answered are kept with the job');
    is(query("SELECT metric_state->'profile_views'->>'through' FROM $schema.accounts WHERE account_id = '$two'"), '',
        'and none counts as synced while older ones are missing');
    $node->restart;
});
like($kept, qr/^accounts_engaged\n.*profile_views\nreach\nreach\/days_28\nreach\/week$/s, 'of each metric');
is($end, 'succeeded', 'a first sync of more calls than an hour allows ends');
cmp_ok(scalar(@calls), '>=', 3, "after some hours (@calls calls)");
is(scalar(grep { $_ > $cap } @calls), 0, 'in none of them it called more often than allowed');
%times = times_asked($two);
is(join(' ', map { scalar @$_ } [keys %times], [grep { $_ > 1 } values %times]), '120 0',
    'each day was asked for, and none twice, although the server was restarted');
whole('a first sync', $two, query("SELECT date '$last' - 59"), $last);
is(query("SELECT metric_state->'profile_views'->>'through' FROM $schema.accounts WHERE account_id = '$two'"), $last,
    'then it is synced through');

# --- a crash in the middle: only what was not stored is asked again

$job = query("SELECT $schema.ig_backfill('$first', '$last', '@{[ user_id('a') ]}', '$three')");
my $lost = 0;
($end, @calls) = hours_until_end($job, $three, sub {
    my ($hours) = @_;
    return if $hours != 2;
    my $before = calls_of($three);
    $sandbox->faults({ match => { account_id => $three }, do => { hang => 'before_headers' }, times => 1 });
    next_hour();
    $sandbox->wait_for_hanging(1);
    kill 'KILL', worker_pid($node) or die "kill: $!";
    $sandbox->clear_faults;
    $sandbox->release;
    $sandbox->wait_until(sub { $node->psql('postgres', 'SELECT') == 0 }, 'the server is back');
    ended($job);
    $lost = calls_of($three) - $before - $backfills;
});
is($end, 'succeeded', 'a backfill that was killed in the middle ends');
cmp_ok(scalar(@calls), '<=', $days / $backfills + 4, "after as many hours and one (@calls calls)");
%times = times_asked($three);
is(scalar(keys %times), 2 * $days, 'each day was asked for');
my $twice = grep { $_ > 1 } values %times;
cmp_ok($twice, '<=', 2 * $backfills, "and twice only what was lost ($twice questions, $lost calls more than an hour's)");
whole('a backfill that was killed', $three, $first, $last);

SKIP: {
    skip 'a day has ended meanwhile', 1 if $today ne today();
    pass('no day has ended meanwhile');
}
$node->stop;
done_testing();
