# Logging in: both logins from the dialog to stored accounts, and every way in which it must be refused.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 6);
my $node = insights_node('login', sandbox => $sandbox, conf => $sandbox->login_conf);
my $back = 'https://app.example.org/back';
my ($secret, $insta_secret) = ('facebooksecretPLANTED0001', 'instagramsecretPLANTED0002');
my @ids = map { sprintf('178414%011d', $_) } 1 .. 6;

$sandbox->apps({ app_id => '1234567890', secret => $secret, login => 'facebook', redirect_uris => [$back], require_proof => \1 },
    { app_id => '9876543210', secret => $insta_secret, login => 'instagram', redirect_uris => [$back] });
$sandbox->config(pages_without_instagram => 2, page_size => 1);
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE app LOGIN;
GRANT instagram_insights_user TO app;
CREATE ROLE boss LOGIN;
GRANT instagram_insights_admin TO boss;
SQL

# One statement as a user; ('', output) or (SQLSTATE: message, '').
sub try_as
{
    my ($letter, $sql, $role) = @_;
    my ($code, $out, $err) = as_user($node, $role // 'app', $letter, "\\set VERBOSITY verbose\n$sql");
    my ($state) = $err =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}): /;
    return ($state // '', $out, $err);
}
sub begin { my ($letter, $login) = @_; my (undef, $url) = try_as($letter, "SELECT instagram_insights.ig_authorize_url('$back', login => '$login')"); return $url }
sub finish_sql { my ($login) = @_; return "SELECT account_id, login, status, days_left FROM instagram_insights.ig_connect('$login->{code}', '$login->{state}') ORDER BY 1" }

my ($state, $out, $err) = try_as('a', "SELECT instagram_insights.ig_authorize_url('$back')");
is($state, '55000', 'without an app nobody can log in');
like($err, qr/ig_configure_app/, 'and the hint says how to configure one');
($state) = try_as('a', "SELECT instagram_insights.ig_configure_app('1', 'x')");
is($state, '42501', 'a user cannot configure the app');
for my $bad ("'12x', 'y'", "NULL, 'y'", "'1', ''", "'1', 'a b'", "'1', 'y', 'myspace'", "'1', 'y', 'facebook', ARRAY['ftp://x']",
    "'1', 'y', 'facebook', ARRAY['https://x/#f']", "'1', 'y', 'facebook', '{}', ARRAY['Bad Scope']", "'1', 'y', platform => 'tiktok'")
{
    ($state, undef, $err) = try_as(undef, "SELECT instagram_insights.ig_configure_app($bad)", 'boss');
    is($state, '22023', "ig_configure_app($bad) is refused");
    like($err, qr/HINT/, 'with a hint');
}
for my $app ([ '1234567890', $secret, 'facebook' ], [ '9876543210', $insta_secret, 'instagram' ])
{
    ($state) = try_as(undef, "SELECT instagram_insights.ig_configure_app('$app->[0]', '$app->[1]', '$app->[2]', ARRAY['$back'])", 'boss');
    is($state, '', "the app of the $app->[2] login is configured");
}
is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.apps WHERE position('PLANTED'::bytea in sealed_secret) > 0"), 0, 'the secrets are sealed');
($state) = try_as('a', "SELECT instagram_insights.ig_authorize_url('https://elsewhere.example.org/')");
is($state, '22023', 'a redirect_uri that is not on the list is refused');

# Both logins, whole: pages are walked, those without Instagram skipped, the short token exchanged, permissions checked.
my $login = $sandbox->login(begin('a', 'facebook'));
($state, $out, $err) = try_as('a', finish_sql($login));
is($out, join("\n", map { "$_|facebook|active|59" } @ids[0, 2, 4]), 'the Facebook login stores every account of every page');
$login = $sandbox->login(begin('b', 'instagram'));
like($login->{redirect}, qr/#_/, 'the Instagram dialog adds #_ to its address');
($state, $out) = try_as('b', "SELECT account_id, login, status, days_left FROM instagram_insights.ig_connect('$login->{code}#_', '$login->{state}')");
is($out, "$ids[1]|instagram|active|59", 'the Instagram login stores its account, and #_ behind the code does no harm');
for my $shape ('flat', 'wrapped')
{
    $sandbox->config(code_answer => $shape);
    $login = $sandbox->login(begin('b', 'instagram'));
    ($state) = try_as('b', finish_sql($login));
    is($state, '', "the $shape answer of the code exchange is understood");
}
is(sync_all_done($node), 4, 'the connected accounts are synced');
for my $id (@ids[ 0 .. 2 ])
{
    is(stored_rows($node, "account_id = '$id'"), $sandbox->expected(account_id => $id), "account $id: its numbers arrive, with the proof the app asks for");
}

# One use, ten minutes, one user.
($state, undef, $err) = try_as('b', finish_sql($login));
is($state, '28000', 'a login is used once');
like($err, qr/ig_authorize_url/, 'and the hint says to begin again');
$login = $sandbox->login(begin('a', 'facebook'));
my ($stranger) = try_as('b', finish_sql($login));
is($stranger, '28000', 'my state is no use to a stranger');
($state) = try_as('a', finish_sql($login));
is($state, '', 'and the stranger has not used it up');
my $mine = $sandbox->login(begin('a', 'facebook'));
my $theirs = $sandbox->login(begin('b', 'facebook'));
($state) = try_as('a', finish_sql({ code => $mine->{code}, state => $theirs->{state} }));
is($state, '28000', 'their state does not do for my code');
($state) = try_as('a', finish_sql({ code => $mine->{code}, state => 'invented' }));
is($state, '28000', 'an invented state is refused');
$node->safe_psql('postgres', "UPDATE instagram_insights.oauth_states SET expires_at = now()");
($state) = try_as('a', finish_sql($mine));
is($state, '28000', 'a state that is older than ten minutes is refused');

# Refused by the platform: each says what to do, and nothing is stored.
my $connected = "SELECT count(*) FROM instagram_insights.accounts";
my $count = $node->safe_psql('postgres', $connected);
$login = $sandbox->login(begin('c', 'facebook'));
my $code = $login->{code};
($state) = try_as('c', finish_sql($login));
is($state, '', 'a third user may reach the same accounts');
$login = $sandbox->login(begin('c', 'facebook'));
($state, undef, $err) = try_as('c', finish_sql({ code => $code, state => $login->{state} }));
is($state, '28000', 'a code that was used is refused');
like($err, qr/HINT/, 'with a hint');
$node->safe_psql('postgres', "SELECT instagram_insights.ig_configure_app('1234567890', 'wrongsecretPLANTED', 'facebook', ARRAY['$back'])");
$login = $sandbox->login(begin('d', 'facebook'));
($state, undef, $err) = try_as('d', finish_sql($login));
is($state, '28000', 'with a wrong app secret the login is refused');
like($err, qr/secret/, 'and the message says that it is the secret');
$node->safe_psql('postgres', "SELECT instagram_insights.ig_configure_app('1234567890', '$secret', 'facebook', ARRAY['$back'])");
$sandbox->persons({ user_id => '10220000000000077', login => 'facebook', accounts => [ $ids[0] ], declined => ['instagram_manage_insights'] });
$login = $sandbox->login(begin('d', 'facebook'));
($state, undef, $err) = try_as('d', finish_sql($login));
is($state, '28000', 'a login that lacks a permission is refused');
like($err, qr/instagram_manage_insights/, 'and the missing one is named');
$sandbox->persons({ user_id => '10220000000000078', login => 'facebook', accounts => [], deny => \1 });
$login = $sandbox->login(begin('d', 'facebook'));
is($login->{error}, 'access_denied', 'who denies comes back without a code');
($state) = try_as('d', "SELECT instagram_insights.ig_connect('', '$login->{state}')");
is($state, '22023', 'and a missing code is said to be missing');
is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.accounts WHERE user_id = '" . user_id('d') . "'"), 0, 'nothing was stored of refused logins');

# A rollback after the exchange costs a new login, never a stored account.
$sandbox->persons({ user_id => '10220000000000079', login => 'facebook', accounts => [ $ids[0] ] });
$login = $sandbox->login(begin('e', 'facebook'));
($state) = try_as('e', "BEGIN; " . finish_sql($login) . "; ROLLBACK;");
is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.accounts WHERE user_id = '" . user_id('e') . "'"), 0, 'a rollback leaves no account');
($state) = try_as('e', finish_sql($login));
is($state, '28000', 'and the code is spent');

# Meta's callbacks.
my $signed = $sandbox->signed_request(app_id => '1234567890', user_id => '10220000000000001');
($state) = try_as('a', "SELECT instagram_insights.ig_deauthorize('$signed')");
is($state, '42501', 'a user cannot play Meta');
my $wrong = $sandbox->signed_request(app_id => '1234567890', user_id => '10220000000000001', wrong_signature => \1);
for my $function ('ig_deauthorize', 'ig_data_deletion')
{
    for my $bad ($wrong, '', 'x.y', substr($signed, 1))
    {
        ($state) = try_as(undef, "SELECT instagram_insights.$function('$bad')", 'boss');
        is($state, '22023', "$function: a wrong signature is refused");
    }
}
is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.accounts WHERE status = 'disconnected'"), 0, 'and changes nothing');
($state, $out) = try_as(undef, "SELECT instagram_insights.ig_deauthorize('$signed')", 'boss');
is("$state|$out", '|6', 'deauthorize disconnects the accounts of that person, of every user');
is($node->safe_psql('postgres', "SELECT count(*) > 0 FROM instagram_insights.insights WHERE account_id = '$ids[0]'"), 't', 'their history is kept');
($state, undef, $err) = try_as(undef, "SELECT instagram_insights.ig_data_deletion('$signed')", 'boss');
is($state, '55000', 'without a deletion_url the deletion is not begun');
$node->safe_psql('postgres', "SELECT instagram_insights.ig_configure_app('1234567890', '$secret', 'facebook', ARRAY['$back'], deletion_url => 'https://app.example.org/deleted')");
($state, $out) = try_as(undef, "SELECT r->>'url', r->>'confirmation_code' FROM instagram_insights.ig_data_deletion('$signed') r", 'boss');
my ($url, $confirmation) = split /\|/, $out;
is($url, "https://app.example.org/deleted?code=$confirmation", 'deletion answers with the page and the code');
is($node->safe_psql('postgres', "SELECT (SELECT count(*) FROM instagram_insights.accounts WHERE meta_user_id = '10220000000000001')
    + (SELECT count(*) FROM instagram_insights.insights WHERE account_id = '$ids[0]')"), 0, 'and everything of that person is gone');
($state, $out) = try_as(undef, "SELECT instagram_insights.ig_deletion_status('$confirmation')->>'status'", 'boss');
is($out, 'completed', 'the confirmation can be looked up');
($state) = try_as(undef, "SELECT instagram_insights.ig_deletion_status('nothing')", 'boss');
is($state, '42704', 'an unknown one is said to be unknown');

is($sandbox->stats->{tokens_in_urls}, 0, 'no secret was in a URL where the API does not demand it');
my @ours = grep { !/LOG:  statement: / } split /\n/, slurp_file($node->logfile);
is(scalar(grep { /PLANTED/ } @ours), 0, 'the server log holds no app secret but where it logs what a client typed');
$node->stop;
done_testing();
