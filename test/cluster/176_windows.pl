# Weeks of unique counts are what the API counted: it is asked for the windows that end them, and nothing else changes by
# that: a day is one row, the newest value a number, and a window that cannot be had no trouble.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use JSON::PP;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 3);
my $node = insights_node('windows', sandbox => $sandbox);
my $whose = user_id('a');
my $account = connect_account($node, 'a', 1);

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub as_owner { my ($sql) = @_; return (as_user($node, 'instagram_insights_user', 'a', $sql))[1] }

# The last Sunday that is over in the Pacific, so many weeks back.
sub sunday { my ($back) = @_; return sql("SELECT date_trunc('week', now() AT TIME ZONE 'America/Los_Angeles')::date - 1 - 7 * $back") }

# What the API itself says of a window of reach that ends with a day.
sub says
{
    my ($period, $day) = @_;
    my $days = sql("SELECT format('since=%s&until=%s', extract(epoch FROM '$day'::timestamp AT TIME ZONE 'America/Los_Angeles')::bigint,
        extract(epoch FROM ('$day'::date + 1)::timestamp AT TIME ZONE 'America/Los_Angeles')::bigint)");
    my $response = $sandbox->{http}->get($sandbox->plain_url . "/v25.0/$account/insights?metric=reach&period=$period&$days",
        { headers => { Authorization => 'Bearer EAAsandbox000000000001' } });
    die $response->{content} unless $response->{success};
    return decode_json($response->{content})->{data}[0]{values}[-1]{value};
}

sub fetch
{
    my ($since, $until) = @_;
    return sql("SELECT status, errors::text FROM $schema.ig_fetch_insights('$whose', '$account', '{reach}', '$since', '$until')");
}
sub windows_asked { return grep { ($_->{period} // '') =~ /week|days_28/ } @{ $sandbox->calls("route=insights&account_id=$account") } }
sub reach_of { my ($day) = @_; return sql("SELECT value IS NOT NULL, metadata #>> '{windows,week}', metadata #>> '{windows,days_28}' FROM $schema.insights WHERE account_id = '$account' AND metric = 'reach' AND day = '$day'") }

# Nobody chose anything.
sync_all_done($node);
is(sql("SELECT string_agg(state, ',') FROM $schema.sync_jobs"), 'succeeded', 'a first sync');
is(scalar windows_asked(), 2, 'asks for each kind of window once');
my @sundays = split /\n/, sql("SELECT d::date FROM generate_series(date_trunc('day', now() AT TIME ZONE 'America/Los_Angeles') - interval '29 days', now() AT TIME ZONE 'America/Los_Angeles' - interval '1 day', '1 day') d WHERE extract(isodow FROM d) = 7 ORDER BY 1");
my $weeks = as_owner("SELECT period_start + 6 || ' ' || value || ' ' || days FROM $schema.instagram_weekly WHERE metric = 'reach' AND method = 'api' ORDER BY 1");
is($weeks, join("\n", map { "$_ " . says('week', $_) . ' 7' } @sundays), '... and brings the weeks that ended, as the API counted them');
is(as_owner("SELECT current || ' ' || previous || ' ' || method FROM $schema.ig_compare_periods('reach', '" . sunday(1) . "'::date + 1, '" . sunday(0) . "')"),
    says('week', sunday(0)) . ' ' . says('week', sunday(1)) . ' api', 'week and week are compared by them');
is(as_owner("SELECT string_agg(value::text, ' ' ORDER BY bucket) FROM $schema.ig_timeseries('reach', '" . sunday(2) . "'::date + 1, '" . sunday(0) . "', 'week')"),
    join(' ', map { says('week', sunday($_)) } 1, 0), '... and drawn');
fetch(sunday(4), sunday(4));
is(as_owner("SELECT current || ' ' || previous || ' ' || method FROM $schema.ig_compare_periods('reach', '" . sunday(4) . "'::date + 1, '" . sunday(0) . "')"),
    says('days_28', sunday(0)) . ' ' . says('days_28', sunday(4)) . ' api', 'and so are four weeks');

# Old readers
is(sql("SELECT count(*) - count(DISTINCT (metric, end_time)) || ' ' || string_agg(DISTINCT period, ' ') FROM $schema.instagram_insights"), '0 day', 'a day is one row, as ever');
is(sql("SELECT string_agg(DISTINCT extract(isodow FROM day)::text, ' ') FROM $schema.insights WHERE metadata ? 'windows'"), '7', 'windows end with a week');

# The number of the day is not ready, its week is.
my $sunday = sunday(0);
sql("DELETE FROM $schema.insights WHERE metric = 'reach' AND day = '$sunday'");
$sandbox->faults({ match => { metric => 'reach', period => 'day' }, do => { empty => JSON::PP::true } });
is(fetch($sunday, $sunday) =~ /^succeeded/, 1, 'a day without a number');
is(reach_of($sunday), '', '... has no row that would be the newest, without a number');
$sandbox->clear_faults;
fetch($sunday, $sunday);
is(reach_of($sunday), join('|', 't', says('week', $sunday), says('days_28', $sunday)), 'with its number come its windows');

# One window comes, the other one is there.
sql("UPDATE $schema.insights SET metadata = jsonb_set(metadata, '{windows,week}', '1') WHERE metric = 'reach' AND day = '$sunday'");
$sandbox->faults({ match => { metric => 'reach', period => 'days_28' }, do => { empty => JSON::PP::true } });
fetch($sunday, $sunday);
$sandbox->clear_faults;
is(reach_of($sunday), join('|', 't', says('week', $sunday), says('days_28', $sunday)), 'a window that is read again leaves the other');

# The API does not know the period, or is in trouble with it alone.
my %trouble = (
    'unknown' => { status => 400, code => 100, message => '(#100) period must be one of the following values: day, lifetime' },
    'refused' => { status => 400, code => 100, message => '(#100) The following metrics (reach) are not supported on this Instagram account' },
    'broken' => { status => 500, code => 2, message => 'An unexpected error has occurred.', is_transient => JSON::PP::true },
);
for my $what (sort keys %trouble)
{
    sql("UPDATE $schema.accounts SET metric_state = '{}'; DELETE FROM $schema.insights; DELETE FROM $schema.sync_jobs");
    $sandbox->faults(map { { match => { metric => 'reach', period => $_ }, do => { error => $trouble{$what} } } } qw(week days_28));
    sync_all_done($node);
    is(sql("SELECT state || ' ' || attempt FROM $schema.sync_jobs"), 'succeeded 1', "windows are $what: the sync succeeds at once");
    is(sql("SELECT count(*) FROM $schema.sync_logs l, jsonb_array_elements(l.errors) e WHERE e ->> 'metric' LIKE 'reach/%'"), 0, '... says nothing of what nobody asked for');
    is(sql("SELECT count(*) FROM $schema.insights WHERE metric = 'reach'"), 29, '... and has every day');
    is(as_owner("SELECT string_agg(DISTINCT method, ' ') FROM $schema.instagram_weekly WHERE metric = 'reach'"), 'max', '... a week is its highest day then');
    is(sql("SELECT COALESCE(metric_state -> 'reach/week', '{}') ? 'unsupported_since' FROM $schema.accounts"), $what eq 'broken' ? 'f' : 't',
        $what eq 'broken' ? '... until the next sync asks again' : '... until a week has passed');
    $sandbox->clear_faults;
    my $calls = scalar windows_asked();
    sync_all_done($node);
    is(windows_asked() - $calls, $what eq 'broken' ? 2 : 0, $what eq 'broken' ? '... which brings them' : '... of which nothing is asked meanwhile');
}

# Named, windows of every day are asked, and missed.
sql("SELECT $schema.ig_set_metrics('{reach}'); UPDATE $schema.accounts SET metric_state = '{}'; DELETE FROM $schema.sync_jobs");
sync_all_done($node);
is(sql("SELECT count(*) || ' ' || bool_and(metadata -> 'windows' ?& '{week,days_28}') FROM $schema.insights WHERE metric = 'reach'"), '29 true', 'named, it has windows of every day');
$sandbox->faults({ match => { metric => 'reach', period => 'week' }, do => { error => $trouble{refused} } });
sync_all_done($node);
is(sql("SELECT state FROM $schema.sync_jobs ORDER BY job_id DESC LIMIT 1"), 'partial', '... and one that is refused is told');

$node->stop;
done_testing();
