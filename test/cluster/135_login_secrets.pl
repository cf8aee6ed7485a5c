# What a login is made of (app secret, code, state, short and long tokens, proof) is nowhere but in the vault: as 030_secrets.pl
# for tokens that are pasted. What a client types in plain is logged by the server before we see it ("LOG:  statement:"); those
# lines are left out of the search, and nothing else.
use strict;
use warnings;

use Digest::SHA qw(hmac_sha256_hex);
use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use SecretSearch;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 4);
my $node = insights_node('login_secrets', sandbox => $sandbox, libraries => ['pg_stat_statements'], conf => $sandbox->login_conf . <<'CONF');

log_statement = all
log_min_messages = debug5
log_error_verbosity = verbose
log_parameter_max_length = 0
track_activity_query_size = 16kB
pg_stat_statements.track = all
instagram_insights.fetch_timeout = 20s
CONF
my $back = 'https://app.example.org/back';
my %secret = (facebook => 'fbsecretPlanted/Q1w2E3r4', instagram => 'igsecretPlanted.T5y6U7i8', typed => 'typedsecretPlantedO9p0', refused => 'refusedPlantedA1s2D3f4');
my %app = (facebook => '1234567890', instagram => '9876543210');
my $search = SecretSearch->new($node);
$search->add(values %secret);
$sandbox->apps(map { +{ app_id => $app{$_}, secret => $secret{$_}, login => $_, redirect_uris => [$back], require_proof => $_ eq 'facebook' ? \1 : \0 } } sort keys %app);
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements; CREATE ROLE app LOGIN; GRANT instagram_insights_user TO app');

# One statement as a user; (SQLSTATE, output, errors). Both go into what clients saw.
sub told
{
    my ($letter, $sql, $role) = @_;
    my ($code, $out, $err) = as_user($node, $role // 'app', $letter, "\\set VERBOSITY verbose\n$sql");
    $search->saw($out, $err);
    my ($state) = $err =~ /(?:ERROR|FATAL):\s+([0-9A-Z]{5}): /;
    return ($state // '', $out, $err);
}

# The dialog's answer; the URL with the state is for the user, so it is not kept among what is searched.
sub begin
{
    my ($letter, $login, %options) = @_;
    my (undef, $url) = as_user($node, 'app', $letter, "SELECT instagram_insights.ig_authorize_url('$back', login => '$login')");
    my $answer = $sandbox->login($url, %options);
    $search->add(grep { defined } $answer->{code}, $answer->{state});
    return $answer;
}
sub finish { my ($letter, $login) = @_; return told($letter, "SELECT count(*) FROM instagram_insights.ig_connect('$login->{code}', '$login->{state}')") }
sub bound
{
    my @answer = bound_statement($node, @_);
    $search->saw(@answer[ 1, 2 ]);
    return @answer;
}
sub configure
{
    my ($login, $secret) = @_;
    my ($good, undef, $err) = bound("SELECT instagram_insights.ig_configure_app(:app, :secret, :login, ARRAY[:back], deletion_url => :back);",
        app => $app{$login}, secret => $secret, login => $login, back => $back);
    ok($good, "the app of the $login login is configured by bound parameters") or diag $err;
    return;
}

# --- the ways in: bound, typed, and from within PL/pgSQL

my ($state) = told(undef, "SELECT instagram_insights.ig_configure_app('$app{facebook}', '$secret{typed}', 'facebook', ARRAY['$back'])", 'postgres');
is($state, '', 'an app is configured by a literal');
like($node->safe_psql('postgres', "SELECT string_agg(query, ';') FROM pg_stat_statements WHERE query ~ 'ig_configure_app'"), qr/\$2/, 'pg_stat_statements has it without constants');
configure($_, $secret{$_}) for sort keys %app;
my ($good, undef, $err) = bound('SELECT instagram_insights.ig_configure_app(:app, :secret);', app => 'no number', secret => $secret{refused});
like($err, qr/app id is malformed/, 'a malformed app is refused');
for my $way ("SELECT instagram_insights.ig_configure_app('1', '$secret{refused} and more')",
    "DO \$\$ BEGIN PERFORM instagram_insights.ig_configure_app('x', '$secret{refused}'); END \$\$",
    "DO \$\$ BEGIN EXECUTE 'SELECT instagram_insights.ig_configure_app(''1'', ''$secret{refused}'', ''myspace'')'; END \$\$")
{
    ($state) = told(undef, $way, 'postgres');
    is($state, '22023', 'typed and inside PL/pgSQL, too');
}

for my $uri ('http://localhost.example.org/', 'http://127.0.0.1.example.org', 'http://localhost@example.org/', 'https://', 'https://?x', 'https://example.org@elsewhere.org/')
{
    ($state) = told(undef, "SELECT instagram_insights.ig_configure_app('1', 'x', 'facebook', ARRAY['$uri'])", 'postgres');
    is($state, '22023', "$uri cannot be where a code is sent to");
}
($state, undef, $err) = told(undef, "SELECT instagram_insights.ig_configure_app('1', 'x', deletion_url => 'ftp://x')", 'postgres');
like($err, qr/deletion_url.*malformed/, 'a malformed deletion_url is called by its name');

my $login = begin('a', 'facebook');
my $idle = $node->background_psql('postgres');
$idle->query_safe("SET application_name = 'idle after login'");
$idle->query("SELECT count(*) FROM instagram_insights.ig_connect('$login->{code}', '$login->{state}')");
like($node->safe_psql('postgres', "SELECT query FROM pg_stat_activity WHERE application_name = 'idle after login'"), qr/hidden/, 'pg_stat_activity shows that a login ended, not which');
$idle->quit;
$login = begin('b', 'instagram');
($good, undef, $err) = bound('SELECT count(*) FROM instagram_insights.ig_connect(:code, :state);', code => $login->{code}, state => $login->{state});
ok($good, 'a login ends by bound parameters') or diag $err;
is($node->safe_psql('postgres', 'SELECT count(*) FROM instagram_insights.credentials'), 3, 'both logins are stored');

# --- the ways to be refused

is((finish('b', $login))[0], '28000', 'a used login is refused');
$login = begin('a', 'facebook');
is((finish('c', $login))[0], '28000', 'a stranger is refused');
is((told('a', "DO \$\$ BEGIN PERFORM instagram_insights.ig_connect('$login->{code}', '$login->{state}x'); END \$\$"))[0], '28000', 'a wrong state is refused within PL/pgSQL');
is((told('a', "SELECT instagram_insights.ig_connect('', '$login->{state}')"))[0], '22023', 'a missing code is refused');
$sandbox->persons({ user_id => '10220000000000077', login => 'facebook', accounts => ['17841400000000001'], declined => ['instagram_manage_insights'] });
is((finish('d', begin('d', 'facebook')))[0], '28000', 'a missing permission is refused');
configure('facebook', $secret{refused});
is((finish('d', begin('d', 'facebook')))[0], '28000', 'a wrong app secret is refused');
configure('facebook', $secret{facebook});

# An API that repeats what it was sent, in each call of a login, in every field that we tell.
sub echo { my ($said) = @_; return { error => { status => 400, code => 100, type => 'OAuthException', message => "Odd: $said, ($said)", error_user_title => "About $said", error_user_msg => "See $said" } } }
for my $kind ('facebook', 'instagram')
{
    my %person = $kind eq 'instagram' ? (person => '10220000000000055') : (person => '10220000000000056');
    $sandbox->persons({ user_id => $person{person}, login => $kind, accounts => [ $kind eq 'facebook' ? '17841400000000003' : '17841400000000004' ] });
    for my $route ('code_exchange', $kind eq 'facebook' ? 'fb_exchange_token' : 'ig_exchange_token', $kind eq 'facebook' ? 'me_permissions' : 'me')
    {
        $login = begin('d', $kind, %person);
        $sandbox->faults({ match => { route => $route }, do => echo("$secret{$kind} $login->{code}") });
        my ($refused, undef, $words) = finish('d', $login);
        ok($refused ne '', "$kind: $route: a refusal that repeats what was sent is told");
        like($words, qr/Odd/, 'in its words');
        unlike($words, qr/\Q$secret{$kind}\E|\Q$login->{code}\E/, 'without the secret and the code');
        $sandbox->clear_faults;
    }
}

# --- life after it: a sync, a renewal by the worker and on request, a renewal that fails, a new key, the callbacks

sync_all_done($node);
sub age { return $node->safe_psql('postgres', "UPDATE instagram_insights.accounts SET issued_at = now() - interval '31 days', expires_at = now() + interval '29 days', refresh_after = NULL WHERE status = 'active'") }
$sandbox->advance(31 * 86400);
age();
sync_all_done($node);
wait_for($node, "SELECT count(*) = 3 FROM instagram_insights.accounts WHERE status = 'active' AND issued_at > now() - interval '1 hour'");
ok(1, 'the worker renewed every token');
$sandbox->advance(2 * 86400);
age();
my ($refreshed, $out) = told('b', 'SELECT count(*) FROM instagram_insights.refresh_instagram_token()');
is("$refreshed|$out", '|1', 'and one is renewed on request');
# Taking what we know out of an answer must not take the token itself, if the platform prolongs the one we sent.
$sandbox->config(refresh_returns_same => \1);
for my $way ('on request', 'by the worker')
{
    # All in all less than 90 days: then the access to the data would end, whatever the token.
    $sandbox->advance(10 * 86400);
    age();
    told($_, 'SELECT count(*) FROM instagram_insights.refresh_instagram_token()') for $way eq 'on request' ? ('a', 'b') : ();
    sync_all_done($node);
    wait_for($node, "SELECT bool_and(issued_at > now() - interval '1 hour') FROM instagram_insights.accounts");
    is(sync_all_done($node), 3, "a token that is prolonged $way");
    is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT status, ',') FROM instagram_insights.accounts"), 'active', 'goes on working');
}
$sandbox->config(refresh_returns_same => \0);
$sandbox->advance(2 * 86400);
age();
my %told_token = map { $_->{app_id} => $_->{token} } @{ $sandbox->tokens };
$sandbox->faults(map { +{ match => { route => $_->[0] }, do => echo("$secret{$_->[1]} $told_token{$app{$_->[1]}}") } } [ 'fb_exchange_token', 'facebook' ], [ 'ig_refresh_token', 'instagram' ]);
($refreshed) = told('a', 'SELECT * FROM instagram_insights.refresh_instagram_token()');
is($refreshed, '', 'a renewal of all that fails is not an error');
($refreshed) = told('b', "SELECT * FROM instagram_insights.refresh_instagram_token('17841400000000002')");
isnt($refreshed, '', 'one of a named account is');
$node->safe_psql('postgres', 'UPDATE instagram_insights.accounts SET refresh_after = NULL');
sync_all_done($node);
wait_for($node, "SELECT bool_and(refresh_after IS NOT NULL) FROM instagram_insights.accounts");
$sandbox->clear_faults;
$node->safe_psql('postgres', "UPDATE instagram_insights.accounts SET last_error = 'renewing the token failed: x', hint = 'y', refresh_after = NULL");
told('b', 'SELECT count(*) FROM instagram_insights.refresh_instagram_token()');
is($node->safe_psql('postgres', "SELECT last_error IS NULL AND hint IS NULL FROM instagram_insights.accounts WHERE login = 'instagram'"), 't', 'a renewal that works takes back what a failed one said');
my $key_file = $node->data_dir . '/instagram_insights.key';
my $key = slurp_file($key_file);
told(undef, 'BEGIN; SAVEPOINT s; SELECT instagram_insights.ig_rotate_key(); ROLLBACK TO s; COMMIT', 'postgres');
ok(slurp_file($key_file) eq $key, 'a change of key that is rolled back to a savepoint changes nothing');
told(undef, 'BEGIN; SAVEPOINT s; SELECT instagram_insights.ig_rotate_key(); RELEASE s; COMMIT', 'postgres');
ok(slurp_file($key_file) ne $key, 'one whose savepoint is released counts');
is($node->safe_psql('postgres', "SELECT status FROM instagram_insights.ig_doctor() WHERE check_name = 'tokens'"), 'ok', 'and everything is sealed under the key of now');
my $signed = $sandbox->signed_request(app_id => $app{facebook}, user_id => '10220000000000001');
my $wrong = $sandbox->signed_request(app_id => $app{facebook}, user_id => '10220000000000001', wrong_signature => \1);
told(undef, "SELECT instagram_insights.$_", 'postgres') for "ig_deauthorize('$wrong')", "ig_deauthorize('$signed')", "ig_data_deletion('$wrong')";
told(undef, "SELECT * FROM instagram_insights.$_", 'postgres') for qw(connections user_tokens sync_logs sync_jobs usage ig_doctor());
begin('c', 'facebook');    # begun and never ended: its state is in the table, hashed

# --- and now look everywhere

my @tokens = map { $_->{token} } @{ $sandbox->tokens };
cmp_ok(scalar(grep { $_->{kind} eq 'short' } @{ $sandbox->tokens }), '>=', 2, 'short tokens were made');
$search->add(@tokens, map { hmac_sha256_hex($_, $secret{facebook}) } @tokens);
$search->search(seen => qr/missing|permission/, tables => qr/17841400000000002/, activity => qr/postgres/, statements => qr/oauth_states/, 'dump.sql' => qr/9876543210/);
my ($ours, $theirs) = ('', '');
for my $line (split /^/m, slurp_file($node->logfile)) { $line =~ /LOG:  (?:00000: )?statement: / ? ($theirs .= $line) : ($ours .= $line) }
like($ours, qr/ig_configure_app\(\$1.*DEBUG:  /s, 'the log has the bound statements, and is at debug5');
is($search->in_text($ours), '', 'no secret is in the log of the server but where it logs what a client typed');
isnt($search->in_text($theirs), '', '(what a client typed would have been found)');
is($sandbox->stats->{tokens_in_urls}, 0, 'no secret was in a URL where the API does not demand it');

$node->stop;
done_testing();
