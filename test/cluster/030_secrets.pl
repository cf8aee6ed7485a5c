# No token is anywhere but in the vault: not in a log, a view, a dump, an error text, a file of the server or a URL.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use SecretSearch;
use Test::More;

# Tokens that nobody else uses; the last two do not look like Meta's, so that only knowing them can hide them.
my %token = (
    copy => 'EAAplantedByCopyQ1w2E3r4T5y6',
    bind => 'EAAplantedByBindU7i8O9p0A1s2',
    literal => 'EAAplantedLiteralD3f4G5h6J7k8',
    dead => 'EAAplantedDeadL9z8X7c6V5b4',
    refused => 'EAAplantedRefusedN3m2Q1w0E9r8',
    echo => 'planted.echo-T7y6/U5i4',
    short => 'plantedShortO3p2'
);
my ($n, %id) = (100);
$id{$_} = sprintf('178414%011d', ++$n) for qw(copy bind literal dead echo short);

my $sandbox = GraphSandbox->new(accounts => 0);
$sandbox->accounts(map {
    +{ account_id => $id{$_}, username => "planted_$_", tokens => [ $_ eq 'dead' ? { token => $token{$_}, state => 'expired' } : $token{$_} ] }
} keys %id);

my $node = insights_node('secrets', sandbox => $sandbox, libraries => [ 'pg_stat_statements', 'auto_explain' ], conf => <<'CONF');
log_statement = all
log_min_duration_statement = 0
log_min_messages = debug5
log_min_error_statement = debug5
log_error_verbosity = verbose
log_parameter_max_length = 0
track_activity_query_size = 16kB
pg_stat_statements.track = all
auto_explain.log_min_duration = 0
auto_explain.log_nested_statements = on
auto_explain.log_analyze = on
auto_explain.log_verbose = on
instagram_insights.connect_timeout = 2s
CONF
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements; CREATE ROLE app; GRANT instagram_insights_user TO app');

my $seen = '';    # whatever a client was shown
my $inbox = 'COPY instagram_insights.connect_inbox (access_token, account_id, user_id, login, expires_at) FROM STDIN';

# SQL, and what the client saw of it, errors with all their fields.
sub told
{
    my ($sql) = @_;
    my ($stdout, $stderr) = ('', '');
    my $code = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql", stdout => \$stdout, stderr => \$stderr);
    $seen .= "$stdout\n$stderr\n";
    return ($code, $stdout, $stderr);
}

# One line into the inbox, fields separated by tabs.
sub copy_in { return told("$inbox" . ($_[1] // '') . ";\n$_[0]\n\\.\n") }

# ig_connect_token by the extended protocol with parameters. In auto_explain's VERBOSE plans, and from 16 on in a line
# of their own, the server itself prints bound values, so that is off for this session.
sub bind_in
{
    my ($token, $account, $expires) = @_;
    local $ENV{PGOPTIONS} = '-c auto_explain.log_verbose=off';
    $ENV{PGOPTIONS} .= ' -c auto_explain.log_parameter_max_length=0' if $node->pg_version >= 16;
    my ($good, $stdout, $stderr) = bound_statement($node, 'SELECT * FROM instagram_insights.ig_connect_token(:token, :account, :owner, :login, :expires);',
        token => $token, account => $account, owner => user_id('b'), login => 'facebook', expires => $expires);
    $seen .= "$stdout\n$stderr\n";
    return ($good, $stderr);
}

# --- the ways in

my $owner = user_id('a');
is((copy_in("$token{copy}\t$id{copy}\t$owner\tfacebook\t2099-01-01"))[0], 0, 'COPY connect_inbox takes a token');
ok((bind_in($token{bind}, $id{bind}, '2099-01-01'))[0], 'ig_connect_token takes a token as a bound parameter');
for my $name (qw(dead echo short))
{
    copy_in("$token{$name}\t$id{$name}\t$owner\tfacebook\t\\N");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM instagram_insights.credentials'), 5, 'five tokens are stored');

my $typed = $node->background_psql('postgres', on_error_stop => 0);
# What a client types in plain is logged before we see it, so this session has that switched off: what is left is what we add.
$typed->query_safe("SET log_statement = none; SET log_min_duration_statement = -1; SET auto_explain.log_min_duration = -1;
                    SET log_min_error_statement = error; SET log_min_messages = warning");
$typed->query("SELECT count(*) FROM instagram_insights.ig_connect_token('$token{literal}', '$id{literal}', '$owner')");
like($node->safe_psql('postgres', "SELECT string_agg(query, ';') FROM pg_stat_activity WHERE backend_type = 'client backend'"),
    qr/a statement with a secret \(hidden\)/, 'pg_stat_activity shows that a token was connected, not which');

# --- the ways to fail on the way in

my $word = $token{refused};
my @refusals = (
    [ 'an expired token', "$word\t$id{copy}\t$owner\tfacebook\t2020-01-01", '22023' ],
    [ 'a malformed expiry', "$word\t$id{copy}\t$owner\tfacebook\tsome day", '22007' ],
    [ 'a malformed account id', "$word\tno such/id\t$owner\tfacebook\t\\N", '22023' ],
    [ 'an unknown login', "$word\t$id{copy}\t$owner\tmyspace\t\\N", '22023' ],
    [ 'a malformed user id', "$word\t$id{copy}\tnobody\tfacebook\t\\N", '22P02' ],
    [ 'a malformed token', "$word and more\t$id{copy}\t$owner\tfacebook\t\\N", '22023' ],
    [ 'too few columns', "$word\t$id{copy}", '22P04' ],
    [ 'too many columns', "$word\t$id{copy}\t$owner\tfacebook\t\\N\t1\t2", '22P04' ]
);
for my $case (@refusals)
{
    my ($what, $line, $state) = @$case;
    my ($code, undef, $stderr) = copy_in($line);
    ok($code != 0 && $stderr =~ /$state/, "COPY refuses $what with $state") or diag $stderr;
    unlike($stderr, qr/\Q$word\E/, "the error about $what does not carry the line");
}
my ($code, undef, $stderr) = copy_in("$word,$id{copy},\"never closed", ' WITH (FORMAT csv)');
like($stderr, qr/22P04/, 'COPY refuses a CSV line that never ends');
unlike($stderr, qr/\Q$word\E/, 'nor does that error carry the line');

my $as_app = "SET ROLE app; SET request.jwt.claims = '{\"sub\":\"$owner\"}'; ";
(undef, undef, $stderr) = told("$as_app$inbox;\n$word\t$id{copy}\t" . user_id('b') . "\tfacebook\t\\N\n\\.\n");
like($stderr, qr/42501/, 'a user cannot connect for another user');
unlike($stderr, qr/\Q$word\E/, 'and is not shown the line');
(undef, undef, $stderr) = told("SET ROLE app; SET request.jwt.claims = '{\"sub\":\"nobody\"}'; $inbox;\n$word\t$id{copy}\t\\N\tfacebook\t\\N\n\\.\n");
like($stderr, qr/22023/, 'a claim that is no uuid is refused');

my ($good, $words) = bind_in($word, $id{bind}, '2020-01-01');
ok(!$good && $words =~ /expired already/, 'bound, an expired token is refused as well');
($good, $words) = bind_in($word, 'no such/id', '2099-01-01');
ok(!$good && $words =~ /account id is malformed/, 'bound, a malformed account id is refused as well');

# A statement that failed and the context of PL/pgSQL are what the server likes to log.
$typed->query("SET pg_stat_statements.track = none");
$typed->query("SELECT * FROM instagram_insights.ig_connect_token('$word', 'no such/id', '$owner')");
$typed->query("DO \$\$ BEGIN PERFORM instagram_insights.ig_connect_token('$word', 'no such/id', '$owner'); END \$\$");
$typed->query("DO \$\$ BEGIN EXECUTE 'SELECT instagram_insights.ig_connect_token(''$word'', ''1'', ''$owner'', expires_at => ''2020-01-01'')'; END \$\$");
$seen .= $typed->{stderr};
like($typed->{stderr}, qr/account id is malformed.*expired already/s, 'typed and inside PL/pgSQL, too');
$typed->quit;

# --- syncs that succeed, fail and are told their own token by the API

$sandbox->faults(
    {
        match => { route => 'insights', account_id => $id{echo} },
        do => {
            error => {
                status => 400, code => 100, type => 'OAuthException',
                message => "Token $token{echo} is odd: access_token=$token{echo}",
                error_user_title => "About $token{echo}",
                error_user_msg => "See https://graph.facebook.com/v25.0/me?access_token=$token{echo}&x=1 or ask $token{echo}"
            }
        }
    },
    {
        match => { route => 'insights', account_id => $id{short} },
        do => {
            status => 200, content_type => 'application/json',
            body => "{\"$token{short}\":1,\"paging\":{\"next\":\"https:\\/\\/graph.facebook.com\\/x?access_token=$token{short}\"},\"data\":[{\"name\":\"$token{short}\","
        }
    });
my $claims = "SELECT set_config('request.jwt.claims', '{\"sub\":\"$owner\"}', false);";
(undef, my $fetched) = told("SET instagram_insights.fetch_timeout = '5s'; $claims SELECT * FROM instagram_insights.ig_fetch_insights()");
like($fetched, qr/succeeded/, 'a fetch succeeds');
like($fetched, qr/needs_login/, 'a dead token says so');
like($fetched, qr/malformed|invalid_request|not_supported/, 'odd answers are told');
# A batch carries them all, is refused with their names, is sent again and hangs: that is the moment to look.
my $together = join ' and ', map { $token{$_} } qw(bind copy echo literal short);
$sandbox->faults(
    { match => { route => 'batch' }, do => { error => { status => 400, code => 100, message => "Odd: $together" } }, times => 1 },
    { match => { route => 'batch' }, do => { hang => 'before_headers' }, times => 1 });
my $batches = $sandbox->stats->{batches};
told("SELECT instagram_insights.ig_sync_all()");
$sandbox->wait_for_hanging(1);
cmp_ok($sandbox->stats->{batches}, '>=', $batches + 2, 'calls go in batches');
told('SELECT * FROM pg_stat_activity; SELECT * FROM pg_stat_statements; SELECT * FROM instagram_insights.sync_jobs');
$sandbox->release;
$node->poll_query_until('postgres', "SELECT count(*) = 6 FROM (SELECT DISTINCT account_id FROM instagram_insights.sync_log) l") or die 'no sync';
wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running'))");
# A batch refused as a whole in words that every one of its accounts is told; by a worker that dares to send all in one.
# It finds all jobs due at once, or the words of one batch would tell of the tokens of another.
$node->append_conf('postgresql.conf', 'instagram_insights.enabled = off');
$node->restart;
$node->safe_psql('postgres', "UPDATE instagram_insights.sync_jobs SET due_at = now() WHERE state = 'waiting'");
$sandbox->faults({ match => { route => 'batch' }, do => { error => { status => 400, code => 80002, message => "Too many calls by $together" } } });
told("SELECT instagram_insights.ig_sync_all()");
$node->append_conf('postgresql.conf', 'instagram_insights.enabled = on');
$node->restart;
wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running'))");
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.sync_log WHERE status = 'throttled' AND error_message LIKE '%Too many calls by%'"),
    '>', 1, 'a refusal of the whole batch is told of each of its accounts');
told('SELECT * FROM instagram_insights.sync_logs; SELECT * FROM instagram_insights.connections; SELECT * FROM instagram_insights.user_tokens;
      SELECT * FROM instagram_insights.sync_jobs; SELECT * FROM instagram_insights.connect_inbox; SELECT * FROM instagram_insights.ig_doctor()');
told("SELECT instagram_insights.ig_disconnect('$id{bind}', '" . user_id('b') . "')");

# --- and now look everywhere

my $search = SecretSearch->new($node);
$search->add(values %token);
$search->saw($seen);
$search->search(seen => qr/needs_login/, tables => qr/$id{copy}/, activity => qr/postgres/, statements => qr/sync_jobs/, 'dump.sql' => qr/$id{echo}/);
my $log = slurp_file($node->logfile);
like($log, qr/FROM STDIN/, 'the log has the statements');
like($log, qr/a statement with a secret|Function Scan on instagram_insights.ig_connect_token|ig_connect_token\(\$1/, 'and those that were bound');
is($search->places($node->logfile), '', 'no token is in the log of the server, at debug5');
isnt($search->in_text("one $token{copy} here\n"), '', '(a token would have been found)');
is($sandbox->stats->{tokens_in_urls}, 0, 'no token was in a URL');
like($node->safe_psql('postgres', "SELECT errors FROM instagram_insights.sync_log WHERE account_id = '$id{echo}' LIMIT 1"), qr/is odd/,
    'what the API said is told otherwise');

$node->stop;
done_testing();
