# Breakdowns, demographics, hours and rolling windows: what the API says of the parts of a number is what is stored and
# shown, what is asked is what account_metrics says, and the registry decides from the next sync on.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 4);
my $node = insights_node('breakdowns', sandbox => $sandbox);
my ($a, $b) = (user_id('a'), user_id('b'));
my $own = connect_account($node, 'a', 1);
my $others = connect_account($node, 'b', 2);

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub choose { my ($metrics, $whose) = @_; return sql("SELECT $schema.ig_set_metrics($metrics" . ($whose ? ", '$whose'" : '') . ')') }

# Syncs and returns what was asked for an account, each as metric:period:breakdown.
my $seen = 0;
sub asked
{
    my ($account) = @_;
    sync_all_done($node);
    my @calls = @{ $sandbox->calls("route=insights&account_id=$account&after=$seen") };
    my %asked;
    for my $call (@calls) { $asked{"$_:$call->{period}:" . ($call->{breakdown} // '')} = 1 for @{ $call->{metrics} } }
    return join ' ', sort keys %asked;
}
sub forget_calls { $_->{n} > $seen and $seen = $_->{n} for @{ $sandbox->calls("after=$seen") }; return }

# The same by account_metrics. A first sync holds ends of weeks, and later choices here name reach, so windows are always due.
sub due
{
    my ($account) = @_;
    my $found = sql(<<"SQL");
WITH m AS (SELECT * FROM $schema.account_metrics WHERE account_id = '$account' AND asked AND metric_type <> 'snapshot')
SELECT metric || ':' || period || ':' || COALESCE(b, '') FROM m LEFT JOIN unnest(breakdowns) b ON metric_type = 'total_value'
UNION SELECT metric || ':' || period || ':' || b FROM m, unnest(breakdowns) b WHERE metric_type = 'time_series'
UNION SELECT metric || ':' || w || ':' FROM m, unnest(windows) w
SQL
    return join ' ', sort split /\n/, $found;
}

# What the API itself says of a metric's parts, as metric dimension bucket value.
sub says
{
    my ($metric, $breakdown, $window) = @_;
    my $query = "metric=$metric&metric_type=total_value&breakdown=$breakdown&$window";
    my $response = $sandbox->{http}->get("http://127.0.0.1:$sandbox->{ports}{http}/v25.0/$own/insights?$query",
        { headers => { Authorization => 'Bearer EAAsandbox000000000001' } });
    die $response->{content} unless $response->{success};
    my @lines;
    for my $item (@{ decode_json($response->{content})->{data} })
    {
        for my $table (@{ $item->{total_value}{breakdowns} // [] })
        {
            my @keys = @{ $table->{dimension_keys} };
            my @places = grep { $keys[$_] ne 'timeframe' } 0 .. $#keys;
            for my $result (@{ $table->{results} })
            {
                push @lines, join ' ', $metric, join(',', @keys[@places]), join(',', @{ $result->{dimension_values} }[@places]), $result->{value};
            }
        }
    }
    return join "\n", sort @lines;
}

sub shown
{
    my ($where) = @_;
    my $rows = sql("SELECT metric || ' ' || dimension || ' ' || bucket || ' ' || value FROM $schema.instagram_audience WHERE account_id = '$own' AND $where");
    utf8::decode($rows);
    return join "\n", sort split /\n/, $rows;
}

# What is asked is what account_metrics says, whoever chose.
my @choices = (
    [ 'NULL' ],
    [ "ARRAY['reach', 'views', 'likes', 'replies']" ],
    [ "ARRAY['reach:follow_type', 'views:', 'follows_and_unfollows', 'profile_links_taps']", $a ],
    [ "ARRAY['views:media_product_type,follow_type', 'views:follow_type', 'follower_count', 'online_followers']", $a ],
    [ "ARRAY['follower_demographics:age,gender', 'engaged_audience_demographics', 'followers_count']", $a ],
    [ 'NULL', $a ],
);
for my $choice (@choices)
{
    choose(@$choice);
    forget_calls();
    my $what = "$choice->[0] for " . ($choice->[1] ? 'one' : 'all');
    my $asked = asked($own);
    isnt($asked, '', "$what: something is asked");
    is($asked, due($own), "$what: just what account_metrics says");
}
is(sql("SELECT string_agg(DISTINCT metric, ' ') FROM $schema.insights WHERE account_id = '$own' AND metadata ? 'windows'"), 'reach', 'only reach has windows');

# Everything at once: stored as the API says it.
sql("DELETE FROM $schema.insights; UPDATE $schema.accounts SET metric_state = '{}'");
my @demographics = qw(follower_demographics engaged_audience_demographics);
choose("ARRAY['reach:follow_type', 'views:media_product_type', 'views:follow_type', 'likes', 'follows_and_unfollows', 'profile_links_taps',
    'follower_demographics', 'follower_demographics:age,gender', 'follower_demographics:city', 'engaged_audience_demographics:country', 'online_followers', 'followers_count']");
sync_all_done($node);
is(sql("SELECT string_agg(DISTINCT state, ',') FROM $schema.sync_jobs"), 'succeeded', 'a sync of all kinds of metrics succeeds');
for my $back (1, 2, 20)
{
    my $day = sql("SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date - $back");
    my $window = 'period=day&' . sql("SELECT format('since=%s&until=%s', extract(epoch FROM '$day'::timestamp AT TIME ZONE 'America/Los_Angeles')::bigint,
        extract(epoch FROM ('$day'::date + 1)::timestamp AT TIME ZONE 'America/Los_Angeles')::bigint)");
    my @said = map { says(@$_, $window) } [ 'reach', 'follow_type' ], [ 'views', 'media_product_type' ], [ 'views', 'follow_type' ],
        [ 'likes', 'media_product_type' ], [ 'follows_and_unfollows', 'follow_type' ], [ 'profile_links_taps', 'contact_button_type' ];
    my $said = join "\n", sort map { split /\n/ } @said;
    isnt($said, '', "$day: there are parts");
    is(shown("day = '$day' AND metric <> 'online_followers'"), $said, "$day: the parts of the day are stored as the API said them");
}
for my $metric (qw(reach views likes profile_links_taps))
{
    is(stored_rows($node, "account_id = '$own' AND metric = '$metric' AND period = 'day'"), $sandbox->expected(account_id => $own, metric => $metric),
        "$metric: and its numbers beside them");
}
is(shown("metric = 'follower_demographics' AND dimension = 'age,gender'"), says('follower_demographics', 'age,gender', 'period=lifetime'), 'demographics of two dimensions');
is(shown("metric = 'follower_demographics' AND dimension = 'city'"), says('follower_demographics', 'city', 'period=lifetime'), 'cities, whatever their names hold');
is(shown("metric = 'engaged_audience_demographics'"), says('engaged_audience_demographics', 'country', 'period=lifetime&timeframe=this_month'), 'of a timeframe');
isnt(shown("metric = '$_'"), '', "there is something of $_") for @demographics, 'online_followers';
is(sql("SELECT count(DISTINCT end_time) || ' ' || bool_and(day = (now() AT TIME ZONE 'America/Los_Angeles')::date AND value IS NULL AND period = 'lifetime')
    FROM $schema.insights WHERE metric = ANY ('{follower_demographics,engaged_audience_demographics}') AND account_id = '$own'"), '1 true',
    'one row a day under the coming midnight, without a number of its own');

sub hours
{
    my $response = $sandbox->{http}->get("http://127.0.0.1:$sandbox->{ports}{http}/v25.0/$own/insights?metric=online_followers&period=lifetime&" . shift,
        { headers => { Authorization => 'Bearer EAAsandbox000000000001' } });
    my @lines;
    for my $value (@{ decode_json($response->{content})->{data}[0]{values} })
    {
        push @lines, map {"$value->{end_time} $_ $value->{value}{$_}"} keys %{ $value->{value} };
    }
    return join "\n", sort @lines;
}
my $hours = sql("SET timezone = 'UTC'; SELECT to_char(end_time, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+0000 ' || bucket || ' ' || value FROM $schema.instagram_audience WHERE account_id = '$own' AND dimension = 'hour'");
my $bounds = sql("SELECT format('since=%s&until=%s', extract(epoch FROM min(end_time))::bigint - 1, extract(epoch FROM max(end_time))::bigint) FROM $schema.insights WHERE account_id = '$own' AND metric = 'online_followers'");
is(join("\n", sort split /\n/, $hours), hours($bounds), 'followers online by hour');

is(sql("SELECT string_agg(DISTINCT period, ' ') || ' ' || (count(*) > 20) || ' ' || bool_and(metadata -> 'windows' ?& '{week,days_28}' AND metadata -> 'breakdowns' ? 'follow_type')
    FROM $schema.insights WHERE account_id = '$own' AND metric = 'reach'"), 'day true true', 'beside each day of reach are its windows and its parts');
my ($code, $rows) = as_user($node, 'instagram_insights_user', 'b', "SELECT count(*) FROM $schema.instagram_audience WHERE account_id = '$own'");
is($rows, '0', 'another user sees none of it');

# Nothing new, nothing written.
my $versions = "SELECT md5(string_agg(format('%s %s %s %s %s', i, tableoid, ctid, xmin, xmax), ',' ORDER BY i.*)) FROM $schema.insights i";
my $before = sql($versions);
sync_all_done($node);
is(sql($versions), $before, 'a second sync of the same numbers and parts writes no row version');
is(sql("SELECT sum(rows_unchanged) > 20 AND sum(rows_inserted) + sum(rows_updated) = 0 FROM (SELECT * FROM $schema.sync_logs ORDER BY id DESC LIMIT 2) l"), 't', '... and its log says so');

# A changed part is a change; the application's own metadata and other parts stay.
my $yesterday = sql("SELECT max(day) FROM $schema.insights WHERE account_id = '$own' AND metric = 'views' AND metadata IS NOT NULL");
sql("UPDATE $schema.insights SET metadata = metadata || '{\"note\":\"mine\"}' WHERE account_id = '$own' AND metric = 'views' AND day = '$yesterday'");
my $by_product = shown("metric = 'views' AND day = '$yesterday' AND dimension = 'media_product_type'");
sql("UPDATE $schema.insights SET metadata = jsonb_set(metadata, '{breakdowns,media_product_type}', '{\"REEL\":1}') WHERE account_id = '$own' AND metric = 'views' AND day = '$yesterday'");
sync_all_done($node);
is(shown("metric = 'views' AND day = '$yesterday' AND dimension = 'media_product_type'"), $by_product, 'a part that differs is stored anew');
is(sql("SELECT metadata ->> 'note' FROM $schema.insights WHERE account_id = '$own' AND metric = 'views' AND day = '$yesterday'"), 'mine', '... what the application put beside it stays');
is(sql("SELECT sum(rows_updated) FROM (SELECT * FROM $schema.sync_logs ORDER BY id DESC LIMIT 2) l"), '1', '... and counts as one changed row');

# A number stays when an answer brings parts alone.
my $follows = "account_id = '$own' AND metric = 'follows_and_unfollows' AND metadata IS NOT NULL AND value IS NULL AND day = (SELECT max(day) FROM $schema.instagram_audience WHERE account_id = '$own' AND metric = 'follows_and_unfollows')";
my $end_time = sql("UPDATE $schema.insights SET value = 7, metadata = NULL WHERE $follows RETURNING end_time");
$end_time =~ s/\n.*//s;
sync_all_done($node);
is(sql("SELECT value || ' ' || (metadata IS NOT NULL) FROM $schema.insights WHERE account_id = '$own' AND metric = 'follows_and_unfollows' AND end_time = '$end_time'"), '7 true',
    'an answer of parts alone leaves the number that was there');

# A refused window leaves the days.
$sandbox->accounts({ account_id => '17841400000000077', tokens => ['EAAwindows'], followers => 5000 });
sql("SELECT count(*) FROM $schema.ig_connect_token('EAAwindows', '17841400000000077', '$b')");
$sandbox->faults({ match => { account_id => '17841400000000077', metric => 'reach', metric_type => 'total_value' },
        do => { error => { status => 400, code => 100, message => '(#100) The following metrics (reach) are not supported on this Instagram account' } } });
sync_all_done($node);
$sandbox->clear_faults;
is(sql("SELECT (metric_state -> 'reach/parts' ? 'unsupported_since') || ' ' || (metric_state -> 'reach' ? 'unsupported_since') || ' ' || (metric_state -> 'reach/week' ? 'through')
    FROM $schema.accounts WHERE account_id = '17841400000000077'"), 'true false true', 'refused parts are remembered as such');
cmp_ok(sql("SELECT count(*) FROM $schema.insights WHERE account_id = '17841400000000077' AND metric = 'reach' AND period = 'day' AND value IS NOT NULL"), '>', 20, '... and cost no number');

# The registry decides from the next sync on.
choose("ARRAY['reach', 'comments', 'shares']");
forget_calls();
is(asked($own), due($own), 'turned off, a metric is not asked any more');
unlike(due($own), qr/views|demographics|online/, '... none of them');
sql("DELETE FROM $schema.metrics WHERE name = 'content_views'; INSERT INTO $schema.metrics (name, metric_type, rollup, history_days, enabled_by_default) VALUES ('content_views', 'total_value', 'sum', 30, true)");
choose('NULL');
forget_calls();
like(asked($own), qr/\bcontent_views:day:/, 'a metric that a DBA adds is asked');
is(stored_rows($node, "account_id = '$own' AND metric = 'content_views'"), $sandbox->expected(account_id => $own, metric => 'content_views'), '... and stored');
sql("UPDATE $schema.metrics SET removed_on = (now() AT TIME ZONE 'UTC')::date WHERE name = 'content_views'; UPDATE $schema.metrics SET offered_from = current_date + 2, enabled_by_default = true WHERE name = 'quotes'");
forget_calls();
unlike(asked($own), qr/content_views|quotes/, 'one that has ended is asked no more, one to come not yet');
cmp_ok(sql("SELECT count(*) FROM $schema.instagram_insights WHERE metric = 'content_views'"), '>', 10, '... its history stays');
my ($stdout, $stderr);
isnt($node->psql('postgres', "\\set VERBOSITY verbose\nSELECT * FROM $schema.ig_fetch_insights('$a', '$own', '{content_views}')", stderr => \$stderr), 0, '... nor can a person ask for it');
like($stderr, qr/22023.*"content_views" is not known.*Known are: /s, '... who is told what can be asked');
unlike($stderr, qr/Known are:[^\n]*(content_views|impressions)/, '... without what has ended');
unlike(slurp_file($node->logfile), qr/PANIC|terminated by signal|tries again in a second/, 'and the worker was in no trouble');

$node->stop;
done_testing();
