# Many accounts a user, many users an account, and an account that one user reaches by both logins: who owns what, which token
# is used, that nothing is fetched twice, and that ending one connection ends no other.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 8);
my $node = insights_node('many', sandbox => $sandbox, conf => $sandbox->login_conf);
my $back = 'https://app.example.org/back';
my %app = (facebook => '1234567890', instagram => '9876543210');
my @ids = map { sprintf('178414%011d', $_) } 0 .. 8;
$sandbox->apps(map { +{ app_id => $app{$_}, secret => "secretof$_", login => $_, redirect_uris => [$back] } } sort keys %app);
$node->safe_psql('postgres', 'CREATE ROLE app LOGIN; GRANT instagram_insights_user TO app');
$node->safe_psql('postgres', "SELECT instagram_insights.ig_configure_app('$app{$_}', 'secretof$_', '$_', ARRAY['$back'], deletion_url => '$back')") for sort keys %app;

my %person = (ada => '10220000000000011', bob => '10220000000000012', eve => '10220000000000013', both => '10220000000000014');
$sandbox->persons({ user_id => $person{ada}, login => 'facebook', accounts => [ @ids[ 1, 3, 5 ] ] },
    { user_id => $person{bob}, login => 'facebook', accounts => [ @ids[ 3, 7 ] ] },
    { user_id => $person{eve}, login => 'instagram', accounts => [ $ids[2] ] });

sub connect_as
{
    my ($letter, $login, $person) = @_;
    my (undef, $url) = as_user($node, 'app', $letter, "SELECT instagram_insights.ig_authorize_url('$back', login => '$login')");
    my $way = $sandbox->login($url, person => $person);
    my ($code, $out, $err) = as_user($node, 'app', $letter, "SELECT account_id FROM instagram_insights.ig_connect('$way->{code}', '$way->{state}') ORDER BY 1");
    is($code, 0, "user $letter connects by the $login login") or diag $err;
    return join ',', split /\n/, $out;
}
sub connections { my ($letter) = @_; return (as_user($node, 'app', $letter, 'SELECT account_id, login, status FROM instagram_insights.connections ORDER BY 1'))[1] }
sub rows_of { my ($letter) = @_; return $node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.insights WHERE user_id = '" . user_id($letter) . "'") }

# --- many accounts a user, many users an account

is(connect_as('a', 'facebook', $person{ada}), join(',', @ids[ 1, 3, 5 ]), 'one login connects every account it reaches');
is(connect_as('b', 'facebook', $person{bob}), join(',', @ids[ 3, 7 ]), 'another user connects one of them as well');
is(connections('a'), join("\n", map { "$_|facebook|active" } @ids[ 1, 3, 5 ]), 'each sees their own');
is(connections('b'), join("\n", map { "$_|facebook|active" } @ids[ 3, 7 ]), 'and only these');
is($node->safe_psql('postgres', 'SELECT count(DISTINCT sealed_token) FROM instagram_insights.credentials'), 5, 'every connection has a token sealed for it alone');
is(sync_all_done($node), 5, 'a sync has one job for each user and account');
for my $letter ('a', 'b')
{
    is(stored_rows($node, "account_id = '$ids[3]' AND user_id = '" . user_id($letter) . "'"), $sandbox->expected(account_id => $ids[3]), "user $letter has the shared account's numbers");
}

# --- one account by two logins of one user: one row, the last login's token

connect_account($node, 'c', 4);
my $others = $node->safe_psql('postgres', "SELECT string_agg(a::text || c::text, ';' ORDER BY a.user_id, a.account_id) FROM instagram_insights.accounts a JOIN instagram_insights.credentials c USING (user_id, account_id) WHERE a.user_id <> '" . user_id('a') . "'");
$sandbox->persons({ user_id => $person{both}, login => 'instagram', accounts => [ $ids[3] ] });
is(connect_as('a', 'instagram', $person{both}), $ids[3], 'the Instagram login reaches an account of the Facebook login');
is(connections('a'), "$ids[1]|facebook|active\n$ids[3]|instagram|active\n$ids[5]|facebook|active", 'it is one connection, and the last login is its login');
is($node->safe_psql('postgres', "SELECT string_agg(a::text || c::text, ';' ORDER BY a.user_id, a.account_id) FROM instagram_insights.accounts a JOIN instagram_insights.credentials c USING (user_id, account_id) WHERE a.user_id <> '" . user_id('a') . "'"),
    $others, 'rows and tokens of other users are untouched');
is($node->safe_psql('postgres', "SELECT count(*), min(app_id), min(meta_user_id) FROM instagram_insights.accounts WHERE account_id = '$ids[3]' AND user_id = '" . user_id('a') . "'"), "1|$app{instagram}|$person{both}", 'the row is the other app\'s now');

$sandbox->reset;
is(sync_all_done($node), 6, 'a sync has one job for the account that two logins reach');
my %tokens_used = map { ($_->{account_id} // '') eq $ids[3] ? ($_->{token} // '' => 1) : () } @{ $sandbox->calls };
is(scalar(keys %tokens_used), 2, 'the shared account is fetched with one token of each user');
is(scalar(grep { /^IG/ } keys %tokens_used), 1, 'and that of the double login is Instagram\'s');
my %again;
$again{ join ' ', @$_{qw(token account_id since until metric_type period breakdown)}, @{ $_->{metrics} } }++ for grep { $_->{route} eq 'insights' } @{ $sandbox->calls };
is(scalar(grep { $_ > 1 } values %again), 0, 'no call is made twice');
$node->safe_psql('postgres', 'BEGIN; SELECT instagram_insights.ig_sync_all(); SELECT instagram_insights.ig_sync_all(); COMMIT');
is($node->safe_psql('postgres', "SELECT count(*) FROM (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting') GROUP BY user_id, account_id HAVING count(*) > 1) d"), 0, 'a sync that is asked for twice is one');
wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");

# --- back to the first login: the row changes hands again

is(connect_as('a', 'facebook', $person{ada}), join(',', @ids[ 1, 3, 5 ]), 'the first login comes back');
is(connections('a'), join("\n", map { "$_|facebook|active" } @ids[ 1, 3, 5 ]), 'and takes its account back');

# --- what one account or one user does is no hindrance to others

my $slow = $node->background_psql('postgres');
as_user($node, 'app', 'c', "SELECT instagram_insights.ig_authorize_url('$back')");
$node->safe_psql('postgres', "UPDATE instagram_insights.oauth_states SET expires_at = now()");
$slow->query_safe('BEGIN; SELECT FROM instagram_insights.oauth_states FOR UPDATE');
my ($late) = as_user($node, 'app', 'b', "SET lock_timeout = '1s'; SELECT instagram_insights.ig_authorize_url('$back')");
is($late, 0, 'a login that takes longer than its state lives keeps nobody from beginning theirs');
$slow->query_safe('ROLLBACK');
$slow->quit;
my $bobs = "user_id = '" . user_id('b') . "' AND account_id =";
my $whole = $node->safe_psql('postgres', "SELECT encode(sealed_token, 'hex') FROM instagram_insights.credentials WHERE $bobs '$ids[3]'");
$node->safe_psql('postgres', "UPDATE instagram_insights.credentials SET sealed_token = set_byte(sealed_token, length(sealed_token) - 1, get_byte(sealed_token, length(sealed_token) - 1) # 1) WHERE $bobs '$ids[3]'");
$node->safe_psql('postgres', "UPDATE instagram_insights.accounts SET issued_at = now() - interval '2 days' WHERE user_id = '" . user_id('b') . "'");
$sandbox->advance(2 * 86400);
my ($renewed, undef, $why) = as_user($node, 'app', 'b', 'SELECT * FROM instagram_insights.refresh_instagram_token()');
is($renewed, 0, 'a renewal of all passes over a token that cannot be opened') or diag $why;
is($node->safe_psql('postgres', "SELECT issued_at > now() - interval '1 hour' FROM instagram_insights.accounts WHERE $bobs '$ids[7]'"), 't', 'and renews the others');
(undef, undef, $why) = as_user($node, 'app', 'b', "SELECT * FROM instagram_insights.refresh_instagram_token('$ids[3]')");
like($why, qr/HINT:.*connect the account again/, 'named, it is said what to do');
$node->safe_psql('postgres', "UPDATE instagram_insights.credentials SET sealed_token = decode('$whole', 'hex') WHERE $bobs '$ids[3]'");

# --- ending one connection ends no other

my $before = rows_of('b');
my ($code, $out) = as_user($node, 'app', 'a', "SELECT instagram_insights.ig_disconnect('$ids[3]')");
is($out, 1, 'user a disconnects the shared account');
is(connections('b'), join("\n", map { "$_|facebook|active" } @ids[ 3, 7 ]), 'user b keeps it');
is(rows_of('b'), $before, 'with its numbers');
$sandbox->reset;
is(sync_all_done($node), 5, 'the next sync leaves it out for user a, and nobody else');
is(scalar(keys %{ { map { $_->{token} => 1 } grep { ($_->{account_id} // '') eq $ids[3] && $_->{token} } @{ $sandbox->calls } } }), 1, 'and calls it with the token of user b alone');

# --- a person's callback names only that person's accounts: not another's, and not one that another login took over

connect_as('d', 'instagram', $person{eve});
connect_as('e', 'facebook', $person{ada});
my %kept = map { $_ => rows_of($_) } qw(b c d);
my $signed = $sandbox->signed_request(app_id => $app{facebook}, user_id => $person{ada});
is($node->safe_psql('postgres', "SELECT instagram_insights.ig_deauthorize('$signed')"), 5, 'the person is deauthorized in every user\'s account');
is(connections($_->[0]), $_->[1], "user $_->[0] is left alone")
  for [ b => join("\n", map { "$_|facebook|active" } @ids[ 3, 7 ]) ], [ c => "$ids[4]|instagram|active" ], [ d => "$ids[2]|instagram|active" ];

$node->safe_psql('postgres', "SELECT instagram_insights.ig_data_deletion('$signed')");
is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.accounts WHERE user_id IN ('" . user_id('a') . "', '" . user_id('e') . "')"), 0, 'after the deletion nothing of the person is left');
for my $table (qw(insights sync_log sync_jobs usage credentials))
{
    is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.$table WHERE user_id IN ('" . user_id('a') . "', '" . user_id('e') . "')"), 0, "not in $table either");
}
is_deeply({ map { $_ => rows_of($_) } qw(b c d) }, \%kept, 'numbers of others are all there');
is($node->safe_psql('postgres', 'SELECT accounts FROM instagram_insights.deletion_requests ORDER BY accounts DESC LIMIT 1'), 6, 'and the request says how many accounts that were');

$node->stop;
done_testing();
