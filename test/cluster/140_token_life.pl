# A token never dies unnoticed: renewed from half life on, one at a time, tried again when that fails, and said once when a
# person is needed. And the key that seals it is changed while others go on.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 6);
my $node = insights_node('life', sandbox => $sandbox, conf => $sandbox->login_conf);
my $back = 'https://app.example.org/back';
$sandbox->apps({ app_id => '1234567890', secret => 'facebooksecret1', login => 'facebook', redirect_uris => [$back] },
    { app_id => '9876543210', secret => 'instagramsecret2', login => 'instagram', redirect_uris => [$back] });
$node->safe_psql('postgres', <<"SQL");
CREATE ROLE app LOGIN;
GRANT instagram_insights_user TO app;
SELECT instagram_insights.ig_configure_app('1234567890', 'facebooksecret1', 'facebook', ARRAY['$back']);
SELECT instagram_insights.ig_configure_app('9876543210', 'instagramsecret2', 'instagram', ARRAY['$back']);
SQL

$sandbox->persons({ user_id => '10220000000000002', login => 'instagram', accounts => [ sprintf('178414%011d', 2) ] });
my %account = (facebook => sprintf('178414%011d', 1), instagram => sprintf('178414%011d', 2));
my %letter = (facebook => 'a', instagram => 'b');
for my $login (sort keys %letter)
{
    my (undef, $url) = as_user($node, 'app', $letter{$login}, "SELECT instagram_insights.ig_authorize_url('$back', login => '$login')");
    my $way = $sandbox->login($url);
    my ($code, undef, $err) = as_user($node, 'app', $letter{$login}, "SELECT count(*) FROM instagram_insights.ig_connect('$way->{code}', '$way->{state}')");
    is($code, 0, "the $login login connects") or diag $err;
}
# Facebook's login reached more accounts; this test follows one.
$node->safe_psql('postgres', "SELECT instagram_insights.ig_disconnect(account_id, user_id) FROM instagram_insights.accounts WHERE account_id <> ALL (ARRAY['$account{facebook}', '$account{instagram}'])");

sub age { my ($days) = @_; return "UPDATE instagram_insights.accounts SET issued_at = now() - interval '$days days', expires_at = now() + interval '60 days' - interval '$days days'" }
sub sealed { my ($login) = @_; return $node->safe_psql('postgres', "SELECT md5(sealed_token) FROM instagram_insights.credentials WHERE account_id = '$account{$login}'") }
sub renewals
{
    my %count = (facebook => 0, instagram => 0);
    for my $call (@{ $sandbox->calls })
    {
        $count{facebook}++ if $call->{route} eq 'fb_exchange_token';
        $count{instagram}++ if $call->{route} eq 'ig_refresh_token';
    }
    return \%count;
}
sub days_left { my ($login) = @_; return $node->safe_psql('postgres', "SELECT days_left FROM instagram_insights.connections WHERE account_id = '$account{$login}' AND status = 'active'") }

my $before = renewals();
my %seal = map { $_ => sealed($_) } keys %account;
sync_all_done($node);
is_deeply(renewals(), $before, 'a young token is left alone');

# The sandbox's clock and the token's age go together; ours is told by the account's row.
$sandbox->advance(31 * 86400);
$node->safe_psql('postgres', age(31));
sync_all_done($node);
wait_for($node, "SELECT count(*) = 2 FROM instagram_insights.accounts WHERE status = 'active' AND issued_at > now() - interval '1 hour'");
for my $login (sort keys %account)
{
    is(renewals()->{$login}, $before->{$login} + 1, "$login: past half its life the token is renewed, once");
    isnt(sealed($login), $seal{$login}, "$login: the new token is kept, sealed");
    cmp_ok(days_left($login), '>=', 58, "$login: and its new end is known");
}
$before = renewals();
sync_all_done($node);
is_deeply(renewals(), $before, 'a renewed token is young again');

# On request.
my ($code, $out, $err) = as_user($node, 'app', 'b', "\\set VERBOSITY verbose\nSELECT count(*) FROM instagram_insights.refresh_instagram_token('$account{instagram}')");
like($err, qr/55000.*24 hours/s, 'a token younger than a day cannot be renewed, and the message says so');
$sandbox->advance(2 * 86400);
$node->safe_psql('postgres', age(2));
($code, $out, $err) = as_user($node, 'app', 'b', "SELECT account_id, status FROM instagram_insights.refresh_instagram_token()");
is($out, "$account{instagram}|active", 'on request it is renewed as soon as the platform allows') or diag $err;
is(renewals()->{instagram}, $before->{instagram} + 1, 'by one call');
$node->safe_psql('postgres', "UPDATE instagram_insights.accounts SET expires_at = NULL WHERE account_id = '$account{facebook}'");
($code, $out, $err) = as_user($node, 'app', 'a', "\\set VERBOSITY verbose\nSELECT count(*) FROM instagram_insights.refresh_instagram_token('$account{facebook}')");
like($err, qr/55000.*no known end/s, 'a token without an end is left alone');

# A renewal that fails is tried again later, in the time that remains; the account goes on with the token it has.
$node->safe_psql('postgres', age(40));
$sandbox->faults({ match => { route => 'ig_refresh_token' }, do => { status => 502, body => '<html>' } });
$before = renewals();
sync_all_done($node);
wait_for($node, "SELECT refresh_after > now() + interval '12 hours' AND status = 'active' FROM instagram_insights.accounts WHERE account_id = '$account{instagram}'");
ok(1, 'a renewal that fails is put off');
sync_all_done($node);
is(renewals()->{instagram}, $before->{instagram} + 1, 'and not tried at every sync');
$sandbox->clear_faults;

# Dead: said once, with what to do, and no more calls until it is mended.
for my $case ([ expired => 463 ], [ password_changed => 460 ], [ app_removed => 458 ], [ checkpointed => 459 ], [ revoked => 467 ])
{
    my ($state, $subcode) = @$case;
    $node->safe_psql('postgres', "UPDATE instagram_insights.accounts SET status = 'active', refresh_after = NULL WHERE account_id = '$account{instagram}'");
    $node->safe_psql('postgres', age(1));
    $sandbox->token_state(user_id => '10220000000000002', app_id => '9876543210', state => $state);
    my $log = -s $node->logfile;
    sync_all_done($node);
    my $row = $node->safe_psql('postgres', "SELECT status, hint IS NOT NULL, last_error IS NOT NULL FROM instagram_insights.connections WHERE account_id = '$account{instagram}'");
    is($row, 'needs_login|t|t', "$state: connections says that a login is needed, why, and what to do");
    my $calls = $sandbox->stats->{by_account}{ $account{instagram} };
    sync_all_done($node) for 1 .. 2;
    is($sandbox->stats->{by_account}{ $account{instagram} }, $calls, "$state: and it is not called again");
    my $text = slurp_file($node->logfile, $log);
    is(scalar(() = $text =~ /an account needs a person/g), 1, "$state: the log says it once");
}

# The key changes: nobody notices. (The sandbox's days are not ours any more, so a fetch need not be whole.)
$node->safe_psql('postgres', "UPDATE instagram_insights.accounts SET status = 'active' WHERE status = 'needs_login'");
my $key = $node->data_dir . '/instagram_insights.key';
my $old = slurp_file($key);
is($node->safe_psql('postgres', 'SELECT instagram_insights.ig_rotate_key() >= 4'), 't', 'every token and secret is sealed anew');
isnt(slurp_file($key), $old, 'the key file holds a new key');
is(scalar(grep { slurp_file($_) eq $old } glob "$key.*"), 1, 'the old one is kept beside it');
is($node->safe_psql('postgres', "SELECT status FROM instagram_insights.ig_doctor() WHERE check_name = 'tokens'"), 'ok', 'no token is sealed under another key');
my ($success) = $node->safe_psql('postgres', "SELECT status = ANY (ARRAY['succeeded', 'partial']) FROM instagram_insights.ig_fetch_insights(user_id => '" . user_id('a') . "')");
is($success, 't', 'and the tokens open');
$node->safe_psql('postgres', 'BEGIN; SELECT instagram_insights.ig_rotate_key(); ROLLBACK;');
is($node->safe_psql('postgres', "SELECT status = ANY (ARRAY['succeeded', 'partial']) FROM instagram_insights.ig_fetch_insights(user_id => '" . user_id('a') . "')"), 't', 'a rotation that is rolled back changes nothing');
my $elsewhere = PostgreSQL::Test::Utils::tempdir() . '/elsewhere.key';
$node->safe_psql('postgres', "SELECT instagram_insights.ig_rotate_key('$elsewhere')");
is($node->safe_psql('postgres', "SELECT status = ANY (ARRAY['succeeded', 'partial']) FROM instagram_insights.ig_fetch_insights(user_id => '" . user_id('a') . "')"), 't', 'a key elsewhere is found before the setting names it');
connect_account($node, 'c', 5);
$node->append_conf('postgresql.conf', "instagram_insights.key_file = '$elsewhere'");
$node->reload;
is($node->safe_psql('postgres', "SELECT status = ANY (ARRAY['succeeded', 'partial']) FROM instagram_insights.ig_fetch_insights(user_id => '" . user_id('a') . "')"), 't', 'and after');
is($node->safe_psql('postgres', "SELECT status = ANY (ARRAY['succeeded', 'partial']) FROM instagram_insights.ig_fetch_insights(user_id => '" . user_id('c') . "')"), 't',
    'also the token that was stored between the rotation and the setting');

# Under load: jobs are claimed with the token sealed under one key and call while another takes its place.
$sandbox->config(fixed_latency_ms => 400);  # long enough to be seen running
my $last = $node->safe_psql('postgres', 'SELECT max(id) FROM instagram_insights.sync_logs');
for my $round (1 .. 6)
{
    $node->safe_psql('postgres', 'SELECT instagram_insights.ig_sync_all()');
    wait_for($node, "SELECT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state = 'running')");
    $node->safe_psql('postgres', 'SELECT instagram_insights.ig_rotate_key()');
    sync_all_done($node);
}
is($node->safe_psql('postgres', "SELECT count(*) FILTER (WHERE status = 'token_unreadable') || ' of ' || (count(*) >= 12) FROM instagram_insights.sync_logs WHERE id > $last"),
    '0 of true', 'six rotations under load: every token opens at any moment');

$node->stop;
done_testing();
