# A host that cannot be found, reached or trusted is told by name and reason, never gets a token, and costs no row: once it is
# as it should be, the rows are those of a clean run.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use POSIX qw(strftime);
use PostgreSQL::Test::Utils;
use Preload;
use Test::More;

my $schema = 'instagram_insights';
my $sandbox = GraphSandbox->new(accounts => 2, now => strftime('%Y-%m-%dT%H:%M:%SZ', gmtime));
my $other = GraphSandbox->new;
my $node = do {
    local $ENV{LD_PRELOAD} = Preload::name_service();
    insights_node('bad_hosts', sandbox => $sandbox, conf => <<'CONF');
instagram_insights.connect_timeout = 300ms
instagram_insights.request_timeout = 3s
instagram_insights.first_sync_days = 2
instagram_insights.idle_timeout = -1
CONF
};

sub query { return $node->safe_psql('postgres', $_[0]) }
my ($first, $last) = split /,/, query("SELECT d - 2 || ',' || d - 1 FROM (SELECT (now() AT TIME ZONE 'America/Los_Angeles')::date d) today");
sub jobs_are_over { return wait_for($node, "SELECT NOT EXISTS (SELECT FROM $schema.sync_jobs WHERE state IN (@{[ join ',', map {qq('$_')} @_ ]}))") }
sub wrong_rows
{
    return join ' ', grep { stored_rows($node, "account_id = '$_'") ne $sandbox->expected(account_id => $_, first => $first, last => $last) } @_;
}

my %settings = (url => $sandbox->url, ca_file => $sandbox->ca_file);
sub point_to
{
    my (%change) = @_;
    my %now = (%settings, %change);
    $node->adjust_conf('postgresql.conf', "instagram_insights.$_", "'$now{url}'") for 'graph_url', 'instagram_graph_url';
    $node->adjust_conf('postgresql.conf', 'instagram_insights.ca_file', "'$now{ca_file}'");
    $node->reload;
    return wait_for($node, "SELECT current_setting('instagram_insights.graph_url') = '$now{url}' AND current_setting('instagram_insights.ca_file') = '$now{ca_file}'");
}

my @ids = map { connect_account($node, 'a', $_) } 1, 2;
my $no_trust = 'no secure connection to the API: no trusted TLS connection to localhost:\d+: ';
my $tls_hint = qr/clock.*ca-certificates.*ca_file/;
my $reach_hint = qr/reach the API's host.*firewall/;
my @cases = (
    [ 'a certificate that has expired', { url => $sandbox->untrusted_url('expired') }, qr/${no_trust}its certificate has expired/, $tls_hint ],
    [ 'a certificate that is not valid yet', { url => $sandbox->untrusted_url('not_yet_valid') }, qr/${no_trust}its certificate is not valid yet/, $tls_hint ],
    [ 'a certificate for another host', { url => $sandbox->untrusted_url('wrong_host') }, qr/${no_trust}its certificate is not for this host/, $tls_hint ],
    [ 'a self-signed certificate', { url => $sandbox->untrusted_url('self_signed') }, qr/${no_trust}its certificate is self-signed/, $tls_hint ],
    [ 'a certificate of an authority that is not trusted', { ca_file => $other->ca_file }, qr/${no_trust}its certificate .*(authority that is not trusted|cannot be trusted)/, $tls_hint ],
    [ 'a file of authorities that is not there', { ca_file => '/nonexistent/ca.pem' }, qr/${no_trust}the file of trusted certificates cannot be read/, $tls_hint ],
    [ 'a server without TLS', { url => $sandbox->untrusted_url('http') }, qr/${no_trust}the handshake failed/, $tls_hint ],
    [ 'a TLS handshake that hangs', {}, qr/the TLS handshake with localhost:\d+ took longer than 300 ms/, $reach_hint, { match => { route => 'accept' }, do => { accept => 'tls_hang' } } ],
    [ 'a connect that hangs', { url => $sandbox->hanging_connect_url }, qr/could not connect to 127.0.0.1:\d+ within 300 ms/, $reach_hint ],
    [ 'a port where nobody listens', { url => 'https://localhost:1' }, qr/could not connect to localhost:1: connection refused/, $reach_hint ],
    [ 'a look-up that hangs', { url => 'https://hangs.example' }, qr/looking up host hangs.example took longer than 300 ms/, $reach_hint ],
    [ 'a host that does not exist', { url => 'https://missing.example' }, qr/host name of the API was not found: could not find the host missing.example/, qr/DNS/ ],
);

for my $case (@cases)
{
    my ($what, $change, $words, $hint, $fault) = @$case;
    my $calls = $sandbox->stats->{calls};
    point_to(%$change);
    $sandbox->faults($fault) if $fault;
    # A worker with a connection at hand would need no other; one that begins has none.
    query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'instagram_insights worker'");
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'instagram_insights worker')");
    query("SELECT $schema.ig_refresh_insights('@{[ user_id('a') ]}')");
    jobs_are_over('queued', 'running');
    is(query("SELECT string_agg(DISTINCT j.state || ' ' || j.error_kind, ',') FROM $schema.sync_jobs j WHERE state <> 'succeeded'"), 'waiting network', "$what: the jobs wait, and say network");
    my $told = query("SELECT string_agg(DISTINCT e ->> 'kind' || ': ' || (e ->> 'message') || ' | ' || (e ->> 'hint'), E'\\n') FROM $schema.sync_logs l, jsonb_array_elements(l.errors) e WHERE l.id > (SELECT count(*) FROM $schema.sync_logs) - 2");
    like($told, $words, '... the log says of whom and why');
    like($told, $hint, '... and where to look');
    is($sandbox->stats->{calls}, $calls, '... nobody was given a token');
    is(query("SELECT string_agg(DISTINCT status || ' ' || (last_error IS NOT NULL), ',') FROM $schema.connections"), 'active true', '... the connections stay, and show it');
    if ($fault)
    {
        $sandbox->clear_faults;
        $sandbox->release;
    }
    point_to();
    query("UPDATE $schema.sync_jobs SET due_at = now() WHERE state = 'waiting'; SELECT $schema.ig_nudge()");
    jobs_are_over('queued', 'running', 'waiting');
    is(wrong_rows(@ids), '', '... and afterwards the rows are those of a clean run');
    query("DELETE FROM $schema.insights; UPDATE $schema.accounts SET metric_state = '{}'");
}
is(query("SELECT string_agg(DISTINCT state, ',') || ' ' || max(crashes) FROM $schema.sync_jobs"), 'succeeded 0', 'every job ended well');
is($sandbox->stats->{tokens_in_urls}, 0, 'no token was in a URL');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process crashed');

$node->stop;
done_testing();
