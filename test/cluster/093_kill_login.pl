# Whatever moment of renewing a token or of a login somebody is killed in, the worker, a session or the postmaster: no token is lost,
# no login counts half or twice, and what was begun can be done again.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use KillPoints;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

sub moment { my ($days) = @_; return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 86400 * $days)) }

my $sandbox = GraphSandbox->new(accounts => 2, now => moment(0));
my $node = insights_node('kill_login', sandbox => $sandbox, conf => $sandbox->login_conf . <<'CONF');

restart_after_crash = on
instagram_insights.request_timeout = 60s
instagram_insights.idle_timeout = -1
CONF
my $kill = KillPoints->new(node => $node, sandbox => $sandbox);
my $back = 'https://app.example.org/back';
my %apps = (facebook => '1234567890', instagram => '9876543210');
my %account = (facebook => sprintf('178414%011d', 1), instagram => sprintf('178414%011d', 2));
my %letter = (facebook => 'a', instagram => 'b');
$sandbox->apps(map { { app_id => $apps{$_}, secret => "secret$_", login => $_, redirect_uris => [$back] } } sort keys %apps);
$sandbox->persons({ user_id => '10220000000000002', login => 'instagram', accounts => [ $account{instagram} ] });

sub query { return $node->safe_psql('postgres', $_[0]) }
query('CREATE ROLE app LOGIN; GRANT instagram_insights_user TO app');
query("SELECT instagram_insights.ig_configure_app('$apps{$_}', 'secret$_', '$_', ARRAY['$back'])") for sort keys %apps;

sub sealed { my ($login) = @_; return query("SELECT md5(sealed_token) FROM instagram_insights.credentials WHERE account_id = '$account{$login}'") }

# Everything is fetched with the tokens that are there: they open, and the platform takes them.
sub tokens_work
{
    my ($what) = @_;
    query("DELETE FROM instagram_insights.insights; DELETE FROM instagram_insights.sync_jobs; UPDATE instagram_insights.accounts SET metric_state = '{}'");
    sync_all_done($node);
    ok(stored_rows($node) eq $sandbox->expected, "$what: the tokens open, and everything is fetched with them");
    is(query("SELECT string_agg(status || ' ' || (last_error IS NULL), ', ') FROM instagram_insights.connections"),
        'active true, active true', "$what: no account needs anything");
    is(query("SELECT status FROM instagram_insights.ig_doctor() WHERE check_name = 'tokens'"), 'ok', "$what: and ig_doctor() says so");
    return;
}

# --- logins, each of an account that is connected already

sub begin_login
{
    my ($login) = @_;
    my (undef, $url) = as_user($node, 'app', $letter{$login}, "SELECT instagram_insights.ig_authorize_url('$back', login => '$login')");
    return $sandbox->login($url);
}
sub connect_sql { my ($way) = @_; return "SELECT account_id, status FROM instagram_insights.ig_connect('$way->{code}', '$way->{state}')" }

# What it answered, or the SQLSTATE.
sub connect_code
{
    my ($login, $way) = @_;
    my (undef, $out, $err) = as_user($node, 'app', $letter{$login}, "\\set VERBOSITY verbose\n" . connect_sql($way));
    return $err =~ /ERROR:\s+([0-9A-Z]{5}): / ? $1 : $out;
}

for my $login (sort keys %letter)
{
    is(connect_code($login, begin_login($login)), "$account{$login}|active", "the $login login connects");
}
tokens_work('before any kill');

my @cases = (
    [ 'facebook', 'the session', 'in the call of code_exchange' ], [ 'instagram', 'the postmaster', 'in the call of code_exchange' ],
    [ 'instagram', 'the session', 'in the body of ig_exchange_token' ], [ 'facebook', 'the postmaster', 'in the body of fb_exchange_token' ],
    [ 'instagram', 'the session', 'in the store of a token' ], [ 'facebook', 'the postmaster', 'in the store of a token' ],
    [ 'facebook', 'the session', 'before the commit of a session' ], [ 'instagram', 'the postmaster', 'before the commit of a session' ]);
for my $case (@cases)
{
    my ($login, $victim, $name) = @$case;
    my $what = "$login login, $victim killed $name";
    my $before = sealed($login);
    my $way = begin_login($login);
    my $claims = "SET ROLE app; SET request.jwt.claims = '{\"sub\":\"" . user_id($letter{$login}) . "\"}'";
    my ($told) = $kill->kill_session_at($name, $victim, "$claims; " . connect_sql($way) . '; ' . KillPoints::gate_sql());
    is($told, '', "$what: the client is told of no account");
    is(sealed($login), $before, "$what: the token from before is still there");
    my $again = connect_code($login, $way);
    if ($again eq '28000')
    {
        is(sealed($login), $before, "$what: with a code that was used up the login is refused, and changes nothing");
        is(connect_code($login, begin_login($login)), "$account{$login}|active", "$what: a login begun anew connects");
    }
    else
    {
        is($again, "$account{$login}|active", "$what: with a code that was not used up the login can be finished");
    }
    isnt(sealed($login), $before, "$what: its token is stored");
    is(connect_code($login, $way), '28000', "$what: and its state is used once");
    is(query('SELECT count(*) FROM instagram_insights.accounts'), 2, "$what: nothing is there twice");
}
tokens_work('after all logins');

# --- renewals

# Past half their life, here and there.
sub make_old
{
    my (@logins) = @_;
    my @tokens = grep { $_->{kind} eq 'long' && $_->{state} eq 'valid' } @{ $sandbox->tokens };
    $sandbox->post('/tokens', [ map { { token => $_->{token}, issued_at => moment(-40), expires_at => moment(20) } } @tokens ]);
    my $ids = join ',', map { $account{$_} } @logins;
    query("UPDATE instagram_insights.accounts SET issued_at = now() - interval '40 days', expires_at = now() + interval '20 days', refresh_after = NULL
            WHERE account_id = ANY ('{$ids}')");
    return;
}
my $young = "SELECT count(*) = 2 FROM instagram_insights.accounts WHERE issued_at > now() - interval '1 hour' AND refresh_after IS NULL AND status = 'active'";
my %route = (facebook => 'fb_exchange_token', instagram => 'ig_refresh_token');
my @renewals = map { my $place = $_; map { [ $_, $place =~ s/ROUTE/$route{$_}/r ] } sort keys %route }
    ('in the body of ROUTE', 'in the store of a token', 'before the commit of a token');

# By turns, so that each place sees both victims, and each login too.
sub victim
{
    my ($turn, $login, @victims) = @_;
    return $victims[ (($turn >> 1) + ($login eq 'facebook')) % 2 ];
}

for my $turn (0 .. $#renewals)
{
    my ($login, $name) = @{ $renewals[$turn] };
    my $victim = victim($turn, $login, 'the worker', 'the postmaster');
    my $what = "$login token, $victim killed $name";
    my $before = sealed($login);
    make_old($login);
    my ($there) = $kill->kill_worker_at($name, $victim, 'SELECT instagram_insights.ig_sync_all()');
    ok($there, "$what: the worker was there");
    sync_all_done($node);
    wait_for($node, $young);
    isnt(sealed($login), $before, "$what: the next sync renews it");
}
tokens_work('after all renewals by the worker');

for my $turn (0 .. $#renewals)
{
    my ($login, $name) = @{ $renewals[$turn] };
    my $victim = victim($turn, $login, 'the session', 'the postmaster');
    my $what = "$login token renewed on request, $victim killed $name";
    my $before = sealed($login);
    make_old($login);
    my $renew = "SELECT account_id, status FROM instagram_insights.refresh_instagram_token('$account{$login}', '" . user_id($letter{$login}) . "')";
    my ($told) = $kill->kill_session_at($name, $victim, $renew);
    is($told . sealed($login), $before, "$what: the client is told of no success, and the token from before is there");
    is(query($renew), "$account{$login}|active", "$what: asked again, it is renewed");
    isnt(sealed($login), $before, "$what: and the new one is stored");
}
tokens_work('after all renewals on request');

# A platform that ends the old token with the new one: what is lost with the process cannot be had again, and nobody claims it can.
$sandbox->config(refresh_kills_old => \1);
make_old('instagram');
$kill->kill_worker_at('in the store of a token', 'the worker', 'SELECT instagram_insights.ig_sync_all()');
sync_all_done($node);
wait_for($node, "SELECT status = 'needs_login' AND hint IS NOT NULL FROM instagram_insights.connections WHERE account_id = '$account{instagram}'");
is(query("SELECT status FROM instagram_insights.connections WHERE account_id = '$account{facebook}'"), 'active',
    'a token that died with the worker costs its own account a login');
is(connect_code('instagram', begin_login('instagram')), "$account{instagram}|active", 'and that login mends it');
tokens_work('after that login');

is($sandbox->stats->{tokens_in_urls}, 0, 'no secret was in a URL where the API does not demand it');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP/, 'nothing else crashed');
$node->stop;
done_testing();
