# A logical replica: the published tables arrive and stay in step, row security holds there, tokens travel only if asked for, and
# the replica calls nobody.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my @common = (sandbox => $sandbox, init => { allows_streaming => 'logical' });
my $node = insights_node('publisher', @common);
my $replica = insights_node('replica', @common);
my ($a, $b) = (user_id('a'), user_id('b'));
my @ids = map { connect_account($node, $_ <= 2 ? 'a' : 'b', $_) } 1 .. 4;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub there { my ($sql, $database) = @_; return $replica->safe_psql($database // 'postgres', $sql) }
sub in_step { my ($name, $database) = @_; $node->wait_for_catchup($name); return }

sync_all_done($node);
sql(<<"SQL");
INSERT INTO $schema.metrics (name, metric_type, rollup, history_days) VALUES ('of_my_own', 'total_value', 'sum', 90);
INSERT INTO $schema.insights (user_id, account_id, metric, period, end_time, value)
SELECT '$a', '$ids[0]', m, 'day', make_timestamptz(y, 6, 1, 7, 0, 0, 'UTC'), y FROM generate_series(2020, 2025) y, unnest('{reach,of_my_own}'::text[]) m;
SQL

# As docs/operations.md says.
sql(<<"SQL");
CREATE PUBLICATION insights_numbers FOR TABLE $schema.accounts, $schema.insights, $schema.sync_log, $schema.role_users;
CREATE PUBLICATION insights_own_metrics FOR TABLE $schema.metrics WHERE (NOT builtin) WITH (publish = 'insert');
SQL
there("SELECT $schema.ig_pause('logical replica')");
my $calls = $sandbox->stats->{calls};
sub subscribe
{
    my ($name, $database) = @_;
    there("CREATE SUBSCRIPTION $name CONNECTION \$\$" . $node->connstr('postgres') . "\$\$ PUBLICATION insights_numbers, insights_own_metrics", $database);
    $replica->wait_for_subscription_sync($node, $name, $database);
    return;
}
subscribe('numbers', 'postgres');

is(stored_rows($replica), stored_rows($node), 'every number arrives, of every year');
for my $table (qw(accounts sync_log))
{
    my $all = "SET timezone = 'UTC'; SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM $schema.$table t";
    is(there($all), sql($all), "so does $table");
}
is(there("SELECT count(*) FROM $schema.metrics WHERE NOT builtin"), '1', 'and a metric of the house');
is(there("SELECT count(*) FROM $schema.credentials"), '0', 'no token does');

# Who reads there.
for my $letter ('a', 'b')
{
    my $question = "SELECT count(*), count(DISTINCT user_id), count(DISTINCT account_id) FROM $schema.instagram_insights";
    is((as_user($replica, 'instagram_insights_user', $letter, $question))[1], (as_user($node, 'instagram_insights_user', $letter, $question))[1], "user $letter reads the same rows there");
    like((as_user($replica, 'instagram_insights_user', $letter, $question))[1], qr/^[1-9]\d*\|1\|2$/, '... own ones only');
    my $newest = "SELECT count(*) FROM $schema.instagram_latest_metrics";
    is((as_user($replica, 'instagram_insights_user', $letter, $newest))[1], (as_user($node, 'instagram_insights_user', $letter, $newest))[1], '... and the newest values');
}
is((as_user($replica, 'instagram_insights_user', undef, "SELECT count(*) FROM $schema.instagram_insights"))[1], '0', 'without an identity nobody reads anything there');

# Numbers and months go on in step.
my $months = "SET timezone = 'UTC'; SELECT md5(string_agg(m::text, '|' ORDER BY m::text)) FROM $schema.instagram_monthly m";
sql("SELECT * FROM $schema.ig_maintain()");
there("SELECT * FROM $schema.ig_maintain()");
sql("UPDATE $schema.insights SET value = value + 1 WHERE account_id = '$ids[0]' AND end_time < '2026-01-01'");
sql("DELETE FROM $schema.insights WHERE account_id = '$ids[1]' AND day = '2026-11-01'");
sql("TRUNCATE $schema.insights_before_2025");
in_step('numbers');
is(stored_rows($replica), stored_rows($node), 'what is corrected, deleted or emptied is so there, too');
is(there($months), sql($months), 'and the months that were closed there are made anew from it');
sql("SELECT $schema.ig_disconnect('$ids[2]', '$b')");
sql("SELECT $schema.ig_delete_user_data('$a')");
in_step('numbers');
is(stored_rows($replica), stored_rows($node), 'who is deleted here is deleted there');
is(there("SELECT count(*) FROM $schema.accounts WHERE user_id = '$a'"), '0', '... with the account');
is(there("SELECT status FROM $schema.accounts WHERE account_id = '$ids[2]'"), 'disconnected', 'and who left has left there');

# Calling nobody: paused by hand, or because it has accounts that it never connected.
$replica->safe_psql('postgres', 'CREATE DATABASE forgotten');
there("CREATE EXTENSION $schema", 'forgotten');
subscribe('forgotten', 'forgotten');
$replica->restart;
for my $database ('postgres', 'forgotten')
{
    my $stderr;
    my $after = $sandbox->stats->{calls};
    isnt($replica->psql($database, "\\set VERBOSITY verbose\nSELECT $schema.ig_sync_all()", stderr => \$stderr), 0, "$database: ig_sync_all() refuses there");
    like($stderr, qr/ERROR:  55000: .*paused.*HINT:  /s, '... and says why');
    is(there("SELECT $schema.ig_nudge()", $database), 'f', '... ig_nudge() starts nothing');
    is(there("SELECT string_agg(DISTINCT status, ',') FROM $schema.ig_fetch_insights('$b')", $database), 'paused', '... ig_fetch_insights() says paused');
    is(there("SELECT status FROM $schema.ig_doctor() WHERE check_name = 'paused'", $database), 'warn', '... and ig_doctor() tells');
    is($sandbox->stats->{calls}, $after, '... nobody was called');
}
is($sandbox->stats->{calls}, $calls, 'from the first row on nobody was called by the replica');

# Tokens, if somebody publishes them: as they are stored.
sql("ALTER PUBLICATION insights_numbers ADD TABLE $schema.credentials");
there('ALTER SUBSCRIPTION numbers REFRESH PUBLICATION');
$replica->wait_for_subscription_sync($node, 'numbers');
my $sealed = "SELECT string_agg(account_id || encode(sealed_token, 'hex'), ',' ORDER BY account_id) FROM $schema.credentials";
like(there($sealed), qr/^17841400000000004/, 'with credentials published tokens arrive');
is(there($sealed), sql($sealed), '... sealed, as they are stored');
is(there("SELECT status FROM $schema.ig_doctor() WHERE check_name = 'key'"), 'fail', '... and without the key they cannot be opened there');

there("DROP SUBSCRIPTION $_", $_ eq 'numbers' ? 'postgres' : $_) for 'numbers', 'forgotten';
$_->stop for $replica, $node;
done_testing();
