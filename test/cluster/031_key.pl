# The key: made once and for its owner alone, never made anew over sealed tokens, and missed or wrong in plain words.
use strict;
use warnings;

use File::Copy qw(copy);
use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 4);
my $node = insights_node('key', sandbox => $sandbox, conf => 'instagram_insights.idle_timeout = -1');
my $key = $node->data_dir . '/instagram_insights.key';
my $other = 'f00dfeedf00dfeed' x 4;

ok(!-e $key, 'no key is made before a token needs one');
my ($first, $second) = (connect_account($node, 'a', 1), connect_account($node, 'b', 3));
is((stat $key)[2] & 07777, 0600, 'the key file is made with mode 0600');
my $made = slurp_file($key);
like($made, qr/^[0-9a-f]{64}\n\z/, 'it holds 64 hexadecimal digits');
connect_account($node, 'a', 2);
is(slurp_file($key), $made, 'the second token is sealed under the same key');

# Answers of ig_fetch_insights(), which opens the token in a new backend.
sub fetched
{
    my ($letter, $account) = @_;
    return $node->safe_psql('postgres',
        "SELECT status, errors -> 0 ->> 'message', errors -> 0 ->> 'hint' FROM instagram_insights.ig_fetch_insights('"
            . user_id($letter) . "', '$account', ARRAY['reach'])");
}

sub connection
{
    my ($account) = @_;
    return $node->safe_psql('postgres', "SELECT status FROM instagram_insights.connections WHERE account_id = '$account'");
}

sub doctor
{
    return $node->safe_psql('postgres', "SELECT check_name, status, detail, hint FROM instagram_insights.ig_doctor() WHERE status <> 'ok'");
}

# The worker's answer to a refresh.
sub refreshed
{
    my ($letter, $account) = @_;
    my $job = $node->safe_psql('postgres', "SELECT instagram_insights.ig_refresh_insights('" . user_id($letter) . "', '$account')");
    wait_for($node, "SELECT state NOT IN ('queued', 'running') FROM instagram_insights.ig_sync_status($job)");
    return $node->safe_psql('postgres', "SELECT state, error FROM instagram_insights.ig_sync_status($job)");
}

# SQL that fails, and its words.
sub refusal
{
    my ($sql) = @_;
    my ($stdout, $stderr);
    my $code = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr);
    isnt($code, 0, "refused: $sql");
    return $stderr;
}

like(fetched('a', $first), qr/^succeeded/, 'with the key, a fetch succeeds');

# --- a sealed value belongs to its row

$node->safe_psql('postgres', <<"SQL");
CREATE TABLE kept AS SELECT * FROM instagram_insights.credentials;
UPDATE instagram_insights.credentials SET sealed_token = (SELECT sealed_token FROM kept WHERE account_id = '$second') WHERE account_id = '$first';
SQL
like(fetched('a', $first), qr/^token_unreadable/, 'a sealed token in the row of another account and user does not open');
is(connection($first), 'token_unreadable', 'connections says so');
like(refreshed('a', $first), qr/^failed/, 'the worker cannot open it either, and says so');
is(connection($second), 'active', 'the account it was taken from goes on');
$node->safe_psql('postgres', 'UPDATE instagram_insights.credentials c SET sealed_token = k.sealed_token FROM kept k WHERE k.account_id = c.account_id');
like(refreshed('a', $first), qr/^succeeded/, 'put back, the next refresh heals it');
is(connection($first), 'active', 'and connections shows it active again');

$node->safe_psql('postgres', "UPDATE instagram_insights.credentials SET sealed_token = 'cut' WHERE account_id = '$first'");
like(fetched('a', $first), qr/^token_unreadable/, 'a mutilated value is unreadable, no crash');
$node->safe_psql('postgres', "UPDATE instagram_insights.credentials SET sealed_token = '' WHERE account_id = '$first'");
unlike(fetched('a', $first), qr/^succeeded/, 'so is an empty one');
$node->safe_psql('postgres', 'UPDATE instagram_insights.credentials c SET sealed_token = k.sealed_token FROM kept k WHERE k.account_id = c.account_id');
like(refreshed('a', $first), qr/^succeeded/, 'and that heals as well');

# Nor does it open for another user with the same account, nor in another column: an app's secret is no token.
my ($anns, $bobs) = map { user_id($_) } qw(a b);
connect_account($node, 'b', 1);
$node->safe_psql('postgres', <<"SQL");
SELECT instagram_insights.ig_configure_app('1234567890', 'the-secret-of-an-app-0123456789');
CREATE TABLE kept_app AS SELECT login, sealed_secret FROM instagram_insights.apps;
SQL
for my $swap ([ 'the same account of another user', "(SELECT sealed_token FROM instagram_insights.credentials WHERE user_id = '$bobs' AND account_id = '$first')" ],
    [ "an app's secret", '(SELECT sealed_secret FROM instagram_insights.apps)' ])
{
    my ($what, $value) = @$swap;
    $node->safe_psql('postgres', "UPDATE instagram_insights.credentials SET sealed_token = $value WHERE user_id = '$anns' AND account_id = '$first'");
    like(fetched('a', $first), qr/^token_unreadable/, "what is sealed for $what does not open as a token");
    $node->safe_psql('postgres', 'UPDATE instagram_insights.credentials c SET sealed_token = k.sealed_token FROM kept k WHERE k.user_id = c.user_id AND k.account_id = c.account_id');
}
$node->safe_psql('postgres', "UPDATE instagram_insights.apps SET sealed_secret = (SELECT sealed_token FROM kept WHERE account_id = '$first')");
isnt($node->safe_psql('postgres', 'SELECT error FROM instagram_insights.ig_app_state()'), '', "a token does not open as an app's secret");
$node->safe_psql('postgres', 'UPDATE instagram_insights.apps a SET sealed_secret = k.sealed_secret FROM kept_app k WHERE k.login = a.login');
is($node->safe_psql('postgres', 'SELECT error FROM instagram_insights.ig_app_state()'), '', '... and the app\'s own does');
$node->safe_psql('postgres', "SELECT instagram_insights.ig_delete_user_data('$bobs'); DELETE FROM instagram_insights.apps");
$second = connect_account($node, 'b', 3);
like(refreshed('a', $first), qr/^succeeded/, 'put back, the token opens again');

# --- another key

sub put_key
{
    my ($text, $mode) = @_;
    unlink $key;
    append_to_file($key, $text);
    chmod $mode // 0600, $key;
    $node->reload;
    return;
}

put_key("$other\n");
like(fetched('a', $first), qr/^token_unreadable\|.+\|.*key/, 'under another key a token is unreadable, and the hint speaks of the key');
like(doctor(), qr/\btokens?\b[^\n]*\b(3|three)\b|\b3\b[^\n]*\bkey\b/i, 'ig_doctor() says how many tokens were sealed under another key');
like(refreshed('b', $second), qr/^failed/, 'a reload is enough for the worker to see it');
is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.connections WHERE status = 'token_unreadable'"), 2,
    'the accounts that were tried are unreadable');
put_key($made);
like(refreshed($_->[0], $_->[1]), qr/^succeeded/, "the key put back heals account $_->[1] at its next refresh")
  for [ a => $first ], [ b => $second ];
is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.connections WHERE status = 'active'"), 3, 'all are active again');

# --- no key, or one that must not be used

unlink $key;
$node->reload;
my $connect = "SELECT instagram_insights.ig_connect_token('EAAsandbox000000000004', '17841400000000004', '" . user_id('c') . "')";
like(refusal($connect), qr/55000.*does not exist.*HINT:.*key/s, 'without the key file nothing can be sealed while sealed tokens are kept');
like(fetched('a', $first), qr/^token_unreadable\|.*does not exist/, 'nor opened');
like(doctor(), qr/^key\|fail\|.*does not exist/m, 'ig_doctor() says that it is missing');
ok(!-e $key, 'it is not made anew behind the back of those tokens');
put_key($made, 0644);
like(refusal($connect), qr/55000.*has mode 0644/s, 'a key file that others may read is refused');
put_key("not a key\n");
my $words = refusal($connect);
like($words, qr/55000.*does not hold a key/s, 'rubbish in the key file is refused');
unlike($words, qr/not a key/, 'and not quoted');
put_key($made);

# --- key_command

my $elsewhere = PostgreSQL::Test::Utils::tempdir() . '/key';
copy($key, $elsewhere);
unlink $key;

sub use_command
{
    my ($command) = @_;
    $node->safe_psql('postgres', "ALTER SYSTEM SET instagram_insights.key_command = \$c\$$command\$c\$");
    $node->reload;
    return $node->poll_query_until('postgres', "SELECT current_setting('instagram_insights.key_command') = \$c\$$command\$c\$");
}

use_command("cat '$elsewhere'");
like(fetched('a', $first), qr/^succeeded/, 'key_command brings the key');
like(refreshed('b', $second), qr/^succeeded/, 'to the worker, too');
like($node->safe_psql('postgres', "SELECT status FROM instagram_insights.ig_doctor() WHERE check_name = 'key'"), qr/^ok$/, 'ig_doctor() is content');
use_command('exit 3');
like(refusal($connect), qr/55000.*key_command failed/s, 'a key_command that fails is told');
use_command(q{printf 'open%s' sesame; echo and more});
$words = refusal($connect);
like($words, qr/55000.*HINT:.*64 hexadecimal digits/s, 'a key_command that prints rubbish is told');
unlike($words, qr/opensesame/, 'without what it printed');
use_command(q{head -c 1000000 /dev/zero | tr '\0' f});
like(refusal($connect), qr/55000/, 'neither is one that prints without end');
# The background process leaves the command's process group and keeps the pipe open.
use_command('setsid sleep 20 & sleep 300');
my $took = milliseconds(sub { like(refusal($connect), qr/55000.*longer than 10 s/s, 'a key_command that hangs is cut off') });
diag(sprintf 'a hanging key_command was cut after %.1f s', $took / 1000);
cmp_ok($took, '<', 14000, 'after 10 s');
$took = milliseconds(sub { like(refusal("SET statement_timeout = '200ms'; $connect"), qr/57014/, 'a statement that waits for key_command can be cancelled') });
cmp_ok($took, '<', 5000, 'and ends at once');
$node->safe_psql('postgres', 'ALTER SYSTEM RESET instagram_insights.key_command');
my $keys = join '|', 'opensesame', $other, substr($made, 0, 64);
ok(slurp_file($node->logfile) !~ /$keys/, 'no key and no output of key_command is in the log');

$node->stop;
done_testing();
