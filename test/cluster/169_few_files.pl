# A server that may open few files, or a setting that wants many connections, costs speed at most: the worker and a session
# fetch all the same.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use Test::More;

my $accounts = 40;
my $sandbox = GraphSandbox->new(accounts => $accounts, now => '2026-11-22T12:00:00Z');
my $node = insights_node('few_files', sandbox => $sandbox, conf => "max_files_per_process = 64\ninstagram_insights.max_in_flight = 1000");
my @ids = map { connect_account($node, $_ == 1 ? 'a' : 'b', $_) } 1 .. $accounts;

my ($code, $out, $err) = (0);
$code = $node->psql('postgres', "SELECT status FROM instagram_insights.ig_fetch_insights('" . user_id('a') . "')", stdout => \$out, stderr => \$err);
is("$code $out", '0 succeeded', 'a session fetches') or diag $err;
is(sync_all_done($node), $accounts, 'the worker takes every account');
is(scalar(grep { stored_rows($node, "account_id = '$_'") ne $sandbox->expected(account_id => $_) } @ids), 0, 'and stores every value');

$node->stop;
done_testing();
