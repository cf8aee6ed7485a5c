# What ends without a word is seen coming: the access to a person's data, an app's secret, a permission, a clock gone wrong.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 4);
my $node = insights_node('watch', sandbox => $sandbox, conf => $sandbox->login_conf);
my $back = 'https://app.example.org/back';
my $person = '10220000000000001';
$sandbox->apps({ app_id => '1234567890', secret => 'facebooksecret1', login => 'facebook', redirect_uris => [$back] });
$sandbox->persons({ user_id => $person, login => 'facebook', accounts => [ sprintf('178414%011d', 1) ] });
my $id = sprintf('178414%011d', 1);

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }
sub doctor { my ($check) = @_; return sql("SELECT status || ': ' || detail || COALESCE(' (' || hint || ')', '') FROM instagram_insights.ig_doctor() WHERE check_name = '$check'") }
sub account { my ($columns) = @_; return sql("SELECT $columns FROM instagram_insights.accounts WHERE account_id = '$id'") }
sub connection { my ($columns) = @_; return sql("SELECT $columns FROM instagram_insights.connections WHERE account_id = '$id'") }
sub update { my ($set) = @_; return sql("UPDATE instagram_insights.accounts SET $set WHERE account_id = '$id'") }
sub questions { return scalar grep { $_->{route} eq 'debug_token' } @{ $sandbox->calls } }
sub in_days { my ($days) = @_; return strftime('%Y-%m-%dT%H:%M:%SZ', gmtime(time + 86400 * $days)) }
# The platform's own idea of how long the data may be read, on every token of the person.
sub access_ends { my ($days) = @_; $sandbox->token_state(token => $_->{token}, data_access_expires_at => in_days($days)) for @{ $sandbox->tokens($person) }; return }
sub whole_days { my ($column) = @_; return account("round(extract(epoch FROM $column - now()) / 86400)") }
sub not_asked_today { return update("debugged_at = now() - interval '25 hours'") }

is(doctor('app'), 'ok: no app is configured, and no account needs one', 'at first no app is needed');
is(doctor('clock'), 'ok: not compared yet: the worker has had no answer that says the time', 'and the clock was not compared');
sql("CREATE ROLE app LOGIN");
sql("GRANT instagram_insights_user TO app");
connect_account($node, 'f', 3);
like(doctor('app'), qr/^warn: no app is configured for the facebook login, which 1 accounts use \(.*ig_configure_app/, 'a login in use without an app is told');
sql("SELECT instagram_insights.ig_delete_user_data('" . user_id('f') . "')");
sql("SELECT instagram_insights.ig_configure_app('1234567890', 'facebooksecret1', 'facebook')");
like(doctor('app'), qr/^warn: .*no redirect_uris.*\(Configure it again/, 'an app to which no login can come back is told');
sql("SELECT instagram_insights.ig_configure_app('1234567890', 'facebooksecret1', 'facebook', ARRAY['$back'])");
is(doctor('app'), 'ok: every login in use has its app, and the secrets open', 'configured whole, it is well');

# At login.
my (undef, $url) = as_user($node, 'app', 'a', "SELECT instagram_insights.ig_authorize_url('$back')");
my $way = $sandbox->login($url, person => $person);
my ($code, $out, $err) = as_user($node, 'app', 'a', "SELECT account_id FROM instagram_insights.ig_connect('$way->{code}', '$way->{state}')");
is($out, $id, 'the login connects the account') or diag $err;
is(whole_days('data_access_expires_at'), 90, 'ig_connect() learns how long the data may be read');
is(questions(), 1, 'by one question');
like(doctor('tokens'), qr/^ok: no token needs attention, the first ends in 59 days$/, 'ig_doctor() says how many days the first token has left');
is(doctor('permissions'), 'ok: no account is known to lack a permission', 'no permission is missing');
sync_all_done($node);
is(questions(), 1, 'what ends in 90 days is not asked about');

# In the worker: unknown or near, at most once a day.
access_ends(5);
update("data_access_expires_at = NULL, debugged_at = NULL, expires_at = NULL, scopes = '{}'");
sync_all_done($node);
wait_for($node, "SELECT debugged_at IS NOT NULL FROM instagram_insights.accounts WHERE account_id = '$id'");
is(questions(), 2, 'what is not known is asked for');
is(whole_days('data_access_expires_at'), 5, 'and kept');
is(whole_days('expires_at'), 60, 'so is the end of the token');
is(account("'instagram_manage_insights' = ANY (scopes)"), 't', 'and its permissions');
is(connection('status'), 'expiring', 'connections warns');
like(connection('hint'), qr/must use the app again: log in again/, 'and says what the person must do');
like(doctor('tokens'), qr/^warn: 1 tokens.*the first in 4 days/, 'ig_doctor() warns, too');
sync_all_done($node);
is(questions(), 2, 'not twice a day');
access_ends(80);
not_asked_today();
sync_all_done($node);
wait_for($node, "SELECT debugged_at > now() - interval '1 hour' FROM instagram_insights.accounts WHERE account_id = '$id'");
is(connection('status'), 'active', 'a person who used the app again is seen the next day');
not_asked_today();
sync_all_done($node);
is(questions(), 3, 'and then it is far again');

# An answer that is none changes nothing, and is not asked for again and again.
update("data_access_expires_at = now() + interval '10 days'");
$sandbox->faults({ match => { route => 'debug_token' }, do => { status => 502, body => '<html>' } });
sync_all_done($node);
wait_for($node, "SELECT debugged_at > now() - interval '1 hour' FROM instagram_insights.accounts WHERE account_id = '$id'");
is(connection('status') . whole_days('data_access_expires_at'), 'active10', 'a question without an answer changes nothing');
$sandbox->clear_faults;
sync_all_done($node);
is(questions(), 4, 'and waits for the next day');

# Ended: no calls until the person has logged in again, said once.
my $log = -s $node->logfile;
access_ends(-1);
not_asked_today();
sync_all_done($node);
wait_for($node, "SELECT status = 'needs_login' FROM instagram_insights.accounts WHERE account_id = '$id'");
like(connection('hint'), qr/must use the app again: log in again/, 'when the access has ended a login is needed');
my $calls = $sandbox->stats->{calls};
sync_all_done($node);
is($sandbox->stats->{calls}, $calls, 'and nobody is called');
is(scalar(() = slurp_file($node->logfile, $log) =~ /an account needs a person/g), 1, 'the log says it once');
update("status = 'active', data_access_expires_at = now() - interval '1 hour', debugged_at = now(), last_error = NULL, hint = NULL");
is(connection('status'), 'needs_login', 'connections knows without being told');

# A token that the platform calls dead, while the sync's own call is not refused.
access_ends(3);
update("data_access_expires_at = now() + interval '3 days', debugged_at = NULL");
$sandbox->faults({ match => { route => 'debug_token' },
    do => { status => 200, body => '{"data":{"error":{"code":190,"message":"The session was invalidated: the password was changed.","subcode":460},"is_valid":false,"scopes":[]}}' } });
sync_all_done($node);
wait_for($node, "SELECT status = 'needs_login' AND last_error ~ 'password' FROM instagram_insights.accounts WHERE account_id = '$id'");
like(connection('hint'), qr/password|log in|[Cc]onnect/, 'a token called invalid needs a login, with the hint of its subcode');
($code, $out, $err) = as_user($node, 'app', 'a', "SELECT instagram_insights.ig_authorize_url('$back')");
$way = $sandbox->login($out, person => $person);
($code, $out, $err) = as_user($node, 'app', 'a', "\\set VERBOSITY verbose\nSELECT count(*) FROM instagram_insights.ig_connect('$way->{code}', '$way->{state}')");
like($err, qr/ERROR:  28000: .*password/, 'a login whose token is called invalid is refused');
$sandbox->clear_faults;

# Permissions.
update("status = 'active', data_access_expires_at = now() + interval '80 days', scopes = '{instagram_basic,pages_show_list,pages_read_engagement}'");
like(doctor('permissions'), qr/^warn: 1 accounts lack .* most often instagram_manage_insights \(.*ig_authorize_url/, 'a missing permission is named');
update("scopes = '{}'");
like(doctor('permissions'), qr/^ok/, 'what is not known is not held to be missing');

# The clock.
sub seen { my ($seconds) = @_; return $sandbox->faults({ match => { route => 'insights' }, do => { headers => { Date => strftime('%a, %d %b %Y %H:%M:%S GMT', gmtime(time + $seconds)) } } }) }
seen(2);
sync_all_done($node);
wait_for($node, "SELECT clock_seen_at IS NOT NULL FROM instagram_insights.worker_state");
like(doctor('clock'), qr/^ok: within 5 minutes/, 'a clock that is right');
my $first = sql('SELECT clock_seen_at FROM instagram_insights.worker_state');
sync_all_done($node);
is(sql('SELECT clock_seen_at FROM instagram_insights.worker_state'), $first, 'it is not written at every sync');
$sandbox->clear_faults;
seen(-600);
sync_all_done($node);
like(doctor('clock'), qr/^warn: this server's clock was 00:10:0\d ahead of the API's.*\(Set the clock/, 'a clock that is ahead is told at once');
$sandbox->clear_faults;
seen(7200);
sql("UPDATE instagram_insights.worker_state SET clock_seen_at = now() - interval '2 hours'");
$node->restart;
sync_all_done($node);
like(doctor('clock'), qr/^warn: this server's clock was 01:59:\d\d behind the API's/, 'so is one that is behind');

# The secret of the app under a key that is gone.
sql("UPDATE instagram_insights.apps SET sealed_secret = overlay(sealed_secret PLACING '\\x0000000000000000'::bytea FROM 2)");
like(doctor('app'), qr/^fail: the secret of the app of the facebook login does not open: .*\(.*key/, 'a secret that does not open is told');

$node->stop;
done_testing();
