# HTTP/2: behind nginx, the calls of a sync share few connections and bring exactly the same rows; POST requests never do,
# and a setting turns it off.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use NginxFront;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'nginx is not installed' if !NginxFront::program();

my $accounts = 48;
my $sandbox = GraphSandbox->new(accounts => 2 * $accounts + 2);
my $front = NginxFront->new($sandbox->{ports}{http});
my $node = insights_node('http2', conf => join "\n",
    "instagram_insights.graph_url = '" . $front->url . "'",
    "instagram_insights.instagram_graph_url = '" . $front->url . "'",
    "instagram_insights.ca_file = '" . $front->ca_file . "'");

# Even accounts are those of the Instagram login, whose host takes no batches.
my @ids = map { connect_account($node, 'a', 2 * $_) } 1 .. $accounts;

sub distinct { my ($what, @requests) = @_; return join ' ', sort keys %{ { map { $_->{$what} => 1 } @requests } } }
sub gets { return grep { $_->{method} eq 'GET' } @_ }
sub posts { return grep { $_->{method} eq 'POST' } @_ }

sub rows_are_complete
{
    my ($how) = @_;
    my $expected = join "\n", sort map { split /\n/, $sandbox->expected(account_id => $_) } @ids;
    isnt($expected, '', 'there are rows to expect');
    ok(stored_rows($node) eq $expected, "$how brings exactly the rows that the sandbox holds");
    return;
}

$front->requests;
is(sync_all_done($node), $accounts, 'a sync of many accounts of the Instagram login');
rows_are_complete('HTTP/2');
my @requests = $front->requests;
my @gets = gets(@requests);
cmp_ok(scalar @gets, '>=', $accounts, 'its calls are GET requests');
is(distinct(version => @gets), 'HTTP/2.0', 'all over HTTP/2');
my $connections = split / /, distinct(connection => @gets);
cmp_ok($connections, '<=', 4, 'which share few connections');
diag scalar(@gets) . " GET requests over $connections connections";

# An account of the Facebook login, whose host takes batches: POST requests, to the same host.
push @ids, connect_account($node, 'a', 1);
sync_all_done($node);
rows_are_complete('a mixture of both logins');
@requests = $front->requests;
is(distinct(version => gets(@requests)), 'HTTP/2.0', 'GET requests keep to HTTP/2');
cmp_ok(scalar posts(@requests), '>=', 1, 'the batches are POST requests');
is(distinct(version => posts(@requests)), 'HTTP/1.1', 'these travel by HTTP/1.1');
my %of_gets = map { $_->{connection} => 1 } gets(@requests);
is(scalar(grep { $of_gets{ $_->{connection} } } posts(@requests)), 0, 'on connections of their own');

# Off.
$node->safe_psql('postgres', 'ALTER SYSTEM SET instagram_insights.http2 = off');
$node->reload;
wait_for($node, "SELECT current_setting('instagram_insights.http2') = 'off'");
push @ids, connect_account($node, 'a', 2 * $accounts + 2);
$front->requests;
sync_all_done($node);
rows_are_complete('HTTP/1.1');
@requests = $front->requests;
cmp_ok(scalar gets(@requests), '>=', 1, 'an account that is new by then is fetched');
is(distinct(version => @requests), 'HTTP/1.1', 'with instagram_insights.http2 = off all is HTTP/1.1');

$node->stop;
done_testing();
