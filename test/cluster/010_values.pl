# What the API says is what is stored: each value, exactly once, for both response shapes and both logins.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 4);
my $node = insights_node('values', sandbox => $sandbox);
my @ids = map { connect_account($node, $_ <= 2 ? 'a' : 'b', $_) } 1 .. 4;

is(sync_all_done($node), 4, 'every connected account is queued');
for my $id (@ids)
{
    is(stored_rows($node, "account_id = '$id'"), $sandbox->expected(account_id => $id), "account $id: each value is stored as the API said it, missing ones are not");
}
like(stored_rows($node), qr/,0$/m, 'a zero is stored as zero');

my $versions = "SELECT md5(string_agg(format('%s %s %s %s %s', i, tableoid, ctid, xmin, xmax), ',' ORDER BY i.*)) FROM instagram_insights.insights i";
my $before = $node->safe_psql('postgres', $versions);
sync_all_done($node);
is($node->safe_psql('postgres', $versions), $before, 'a second sync of the same numbers writes no row version');
is($node->safe_psql('postgres', "SELECT sum(rows_unchanged) > 0 AND sum(rows_inserted) = 0 AND sum(rows_updated) = 0 FROM (SELECT * FROM instagram_insights.sync_logs ORDER BY id DESC LIMIT 4) l"),
    't', 'its log says that nothing changed');

my $day = $node->safe_psql('postgres', "SELECT max(day) FROM instagram_insights.insights WHERE metric = 'reach' AND account_id = '$ids[0]'");
$sandbox->set_value(account_id => $ids[0], metric => 'reach', day => $day, value => 9007199254740993);
sync_all_done($node);
is($node->safe_psql('postgres', "SELECT value FROM instagram_insights.insights WHERE metric = 'reach' AND account_id = '$ids[0]' AND day = '$day'"),
    '9007199254740993', 'a corrected value is updated, exact above 2^53');
is($node->safe_psql('postgres', "SELECT sum(rows_updated) FROM (SELECT * FROM instagram_insights.sync_logs ORDER BY id DESC LIMIT 4) l"), '1', 'and only that one');

is($sandbox->stats->{tokens_in_urls}, 0, 'no token was in a URL');
is($node->safe_psql('postgres', 'SELECT count(*) FROM instagram_insights.credentials'), 4, 'four tokens are kept, sealed');

$node->stop;
done_testing();
