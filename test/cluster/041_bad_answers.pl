# Whatever an API or a proxy answers - nothing, half, too much, nonsense - the log names it, no process falls, and once the
# answers are good again the rows are those of a clean run.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use IO::Compress::Gzip qw(gzip);
use MIME::Base64 qw(encode_base64);
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';

sub gzipped
{
    my ($text) = @_;
    gzip(\$text => \my $packed) or die 'gzip';
    return $packed;
}
sub bytes { my ($bytes, %more) = @_; return +{ status => 200, content_type => 'application/json', body_base64 => encode_base64($bytes, ''), %more } }
sub packed { my ($bytes) = @_; return bytes($bytes, headers => { 'Content-Encoding' => 'gzip' }) }
sub announced { my ($length, %more) = @_; return +{ headers => { 'Content-Length' => $length }, %more } }
sub insights { my ($values) = @_; return bytes("{\"data\":[{\"name\":\"reach\",\"period\":\"day\",\"values\":$values,\"title\":\"Reach\",\"id\":\"1/insights/reach/day\"}]}") }

my $bomb = gzipped('[' . ' ' x 8_000_000 . ']');
# What is answered, what kind the log calls it, and the words it has for it.
my @cases = (
    [ 'a proxy\'s HTML with status 200' => { status => 200, body => '<html>Sorry</html>', content_type => 'text/html' }, malformed => qr/cannot be read: Invalid value/ ],
    [ 'nothing with status 200' => { status => 200, body => '', content_type => 'application/json' }, malformed => qr/cannot be read/ ],
    [ 'JSON that is no object' => bytes('[1,2]'), malformed => qr/no JSON object/ ],
    [ 'a list that is no list' => bytes('{"data":{"reach":1}}'), malformed => qr/cannot be read/ ],
    [ 'JSON that ends in the middle' => { cut_to => 120 }, malformed => qr/cannot be read/ ],
    [ '10,000 nested lists' => { deep_json => 10_000 }, malformed => qr/nested too deeply/ ],
    [ 'bytes that are no UTF-8' => bytes("{\"data\":[{\"name\":\"re\xff\xfe\",\"x\":\"\xc3\x28\"}]}"), malformed => qr/cannot be read/ ],
    [ 'a time that holds \u0000' => insights('[{"value":1,"end_time":"2026-11-20T08:00:00\u0000"}]'), malformed => qr/without a readable end_time/ ],
    [ 'a value that is none' => insights('[{"value":"1\u0000x","end_time":"2026-11-20T08:00:00+0000"}]'), malformed => qr/left out/ ],
    [ 'an error that holds \u0000' => bytes("{\"error\":{\"message\":\"no\\u0000thing works\",\"type\":\"OAuthException\",\"code\":2}}", status => 500), transient => qr/nothing works/ ],
    [ 'more than max_response_size' => { huge_bytes => 300_000 }, malformed => qr/larger than 65536 bytes/ ],
    [ 'a gzip bomb' => packed($bomb), malformed => qr/larger than 65536 bytes/ ],
    [ 'gzip that is none' => packed('This is not compressed.'), network => qr/could not be decompressed/ ],
    [ 'gzip that ends in the middle' => packed(substr gzipped('{"data":[]}' x 100), 0, 30), '(?:network|malformed)' => qr/decompressed|cannot be read/ ],
    [ 'less than Content-Length said' => announced(60_000, close => 'in_body'), network => qr/shorter than announced/ ],
    [ 'less than Content-Length said, and no end' => announced(60_000), timeout => qr/did not answer within/ ],
    [ 'more than Content-Length said' => announced(40), malformed => qr/cannot be read/ ],
    [ 'a Content-Length that is no number' => announced('many'), '\w+' => qr/./ ],
    [ 'a connection that ends before the answer' => { close => 'before' }, network => qr/closed the connection without an answer/ ],
    [ 'a connection that ends in the headers' => { close => 'in_headers' }, '(?:network|malformed)' => qr/without an answer|is not HTTP|cannot be read/ ],
    [ 'a connection that ends in the body' => { close => 'in_body' }, network => qr/shorter than announced/ ],
    [ 'a connection that is reset' => { close => 'reset' }, network => qr/broke|without an answer/ ],
    [ 'a connection that is half open before the answer' => { hang => 'before_headers' }, timeout => qr/did not answer within/ ],
    [ 'a connection that is half open in the headers' => { hang => 'in_headers' }, timeout => qr/did not answer within/ ],
    [ 'a connection that is half open in the body' => { hang => 'in_body' }, timeout => qr/did not answer within/ ],
    [ 'a body that drips' => { drip_ms => 100 }, timeout => qr/did not answer within/ ],
    [ 'HTML with status 502' => { status => 502, body => '<html>', content_type => 'text/html' }, transient => qr/HTTP 502/ ],
    [ 'a redirect' => { status => 302, body => '', headers => { Location => 'https://elsewhere.example/' } }, invalid_request => qr/HTTP 302/ ],
);

my $sandbox = GraphSandbox->new(accounts => 2 * @cases + 2, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $node = insights_node('bad_answers', sandbox => $sandbox, conf => <<'CONF');
instagram_insights.request_timeout = 1s
instagram_insights.max_response_size = 64kB
instagram_insights.first_sync_days = 3
instagram_insights.idle_timeout = -1
CONF

sub query { return $node->safe_psql('postgres', $_[0]) }
sub rows { return stored_rows($node, "account_id = '$_[0]'") }
sub settled { return wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running'))") }
my ($first, $last) = split /,/, query("SELECT d - 3 || ',' || d - 1 FROM (SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date d) today");
sub expected { return $sandbox->expected(account_id => $_[0], first => $first, last => $last) }
sub no_process_fell
{
    unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP|exited with exit code [^01]/, 'no process fell');
    is(query("SELECT max(crashes) FROM $schema.sync_jobs"), '0', 'and no job was in hand of one that did');
    return;
}

# The accounts of the Instagram login: their calls come alone. Each has an answer of its own.
my @ids = map { connect_account($node, (qw(a b c))[ $_ % 3 ], 2 * $_) } 1 .. @cases + 1;
my $untouched = pop @ids;
$sandbox->accounts({ account_id => $untouched, username => "nul\0name", login => 'instagram', tokens => [ sprintf 'IGAAsandbox%012d', 2 * @cases + 2 ] });
$sandbox->faults(map { +{ match => { route => 'insights', account_id => $ids[$_] }, do => $cases[$_][1] } } 0 .. $#cases);
query("SELECT $schema.ig_sync_all()");
settled();

is(rows($untouched), expected($untouched), 'an account beside them has every value');
for my $i (0 .. $#cases)
{
    my ($what, undef, $kind, $words) = @{ $cases[$i] };
    my ($kinds, $messages, $hints) = split /\|/, query(<<"SQL");
SELECT string_agg(DISTINCT e ->> 'kind', ' ') FILTER (WHERE e ->> 'metric' = 'reach'),
       string_agg(DISTINCT e ->> 'message', ' ') FILTER (WHERE e ->> 'metric' = 'reach'), min(COALESCE(length(e ->> 'hint'), 0))
FROM $schema.sync_logs l, jsonb_array_elements(l.errors) e WHERE l.account_id = '$ids[$i]'
SQL
    like($kinds, qr/^$kind$/, "$what is told as $kind");
    like($messages, $words, '... in words that name it');
    cmp_ok($hints, '>', 10, '... and with what to do');
    like(rows($ids[$i]), qr/\A\d+,followers_count,[^\n]+\z/, '... and stores what came by another request, and nothing else');
}
no_process_fell();

# Healed: what waits is due, the rest comes with the next daily sync.
$sandbox->clear_faults;
$sandbox->release;
query("UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting'");
query("SELECT $schema.ig_nudge()");
settled();
sync_all_done($node);
for my $i (0 .. $#cases)
{
    is(rows($ids[$i]), expected($ids[$i]), "after $cases[$i][0]: the rows of a clean run");
}
is(query("SELECT count(*) FROM (SELECT DISTINCT ON (account_id) status FROM $schema.sync_logs ORDER BY account_id, id DESC) newest WHERE status <> 'succeeded'"),
    '0', 'and every log ends with a success');
is(query("SELECT count(*) FROM $schema.connections WHERE status <> 'active' OR last_error IS NOT NULL"), '0', 'and no connection shows an error any more');

is(query("SELECT username FROM $schema.connections WHERE account_id = '$untouched'"), 'nulname', 'a name that holds \u0000 is read without it');

# Whole batches, of accounts of the Facebook login: the calls travel again, in smaller company.
my @batched = map { connect_account($node, 'd', 2 * $_ - 1) } 1 .. 6;
my $in_list = join ',', map {"'$_'"} @batched;
for my $case (grep { $_->[0] =~ /nested|UTF-8|gzip|Content-Length said$|max_response/ } @cases)
{
    query("DELETE FROM $schema.insights WHERE account_id IN ($in_list); UPDATE $schema.accounts SET metric_state = '{}' WHERE account_id IN ($in_list)");
    $sandbox->faults({ match => { route => 'batch' }, do => $case->[1], times => 2 });
    query("SELECT $schema.ig_refresh_insights('" . user_id('d') . "')");
    settled();
    $sandbox->clear_faults;
    query("UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting'; SELECT $schema.ig_nudge()");
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
    my @wrong = grep { rows($_) ne expected($_) } @batched;
    is("@wrong", '', "batches answered by $case->[0]: the rows of a clean run");
}
no_process_fell();

$node->stop;
done_testing();
