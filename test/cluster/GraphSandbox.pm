# The Graph sandbox as a Perl object: starts it, speaks its control API, and ends it with the test.
package GraphSandbox;

use strict;
use warnings;

use File::Temp ();
use HTTP::Tiny;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep);

# new(accounts => N, seed => N, now => '2026-11-22T12:00:00Z'): the program is named by the environment variable GRAPH_SANDBOX.
sub new
{
    my ($class, %options) = @_;
    my $program = $ENV{GRAPH_SANDBOX} or die "GRAPH_SANDBOX does not name the program graph_sandbox";
    my $dir = File::Temp::tempdir(CLEANUP => 1);
    chmod 0755, $dir;
    my @command = ($program, '--dir', $dir, '--exit-with-stdin');
    push @command, "--$_", $options{$_} for sort keys %options;
    pipe(my $reader, my $writer) or die "pipe: $!";
    my $pid = fork() // die "fork: $!";
    if ($pid == 0)
    {
        close $writer;
        open STDIN, '<&', $reader or die "stdin: $!";
        open STDOUT, '>', "$dir/out" or die "stdout: $!";
        open STDERR, '>&', \*STDOUT or die "stderr: $!";
        exec @command or die "exec $program: $!";
    }
    close $reader;
    my $self = bless {
        dir => $dir, pid => $pid, owner => $$, stdin => $writer,
        http => HTTP::Tiny->new(timeout => 60, proxy => undef, http_proxy => undef, max_redirect => 0)
    }, $class;
    $self->wait_until(sub { -s "$dir/ports.json" }, 'the sandbox listens');
    $self->{ports} = decode_json(slurp_file("$dir/ports.json"));
    return $self;
}

# Polls a condition; dies after the time-out of all our tests.
sub wait_until
{
    my ($self, $condition, $what) = @_;
    for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default * 2)
    {
        my $found = $condition->();
        return $found if $found;
        usleep(50_000);
    }
    die "waited in vain until $what";
}

sub request
{
    my ($self, $method, $path, $body) = @_;
    my %content;
    %content = (content => ref $body ? encode_json($body) : $body) if defined $body;
    my $response = $self->{http}->request($method, "http://127.0.0.1:$self->{ports}{control}$path", \%content);
    die "sandbox: $method $path: $response->{status} $response->{content}" unless $response->{success};
    return $response->{content};
}

sub get { my ($self, $path) = @_; return decode_json($self->request('GET', $path)) }
sub post { my ($self, $path, $body) = @_; return $self->request('POST', $path, $body // {}) }

sub url { my ($self) = @_; return "https://localhost:$self->{ports}{https}" }
# The same API behind a certificate that is expired, not_yet_valid, for the wrong_host or self_signed; or, as http, without TLS.
sub untrusted_url { my ($self, $flaw) = @_; return "https://localhost:$self->{ports}{$flaw}" }
sub plain_url { my ($self) = @_; return "http://127.0.0.1:$self->{ports}{http}" }
sub ca_file { my ($self) = @_; return "$self->{dir}/ca.pem" }
sub hanging_connect_url { my ($self) = @_; return "http://127.0.0.1:$self->{ports}{connect_hang}" }

sub accounts { my ($self, @accounts) = @_; return $self->post('/accounts', \@accounts) }
sub faults { my ($self, @rules) = @_; return $self->post('/faults', \@rules) }
sub clear_faults { my ($self) = @_; return $self->request('DELETE', '/faults') }
sub set_value { my ($self, %value) = @_; return $self->post('/values', \%value) }
sub config { my ($self, %settings) = @_; return $self->post('/config', \%settings) }
sub clock { my ($self, %time) = @_; return decode_json($self->post('/clock', \%time))->{now} }
sub advance { my ($self, $seconds) = @_; return $self->clock(advance_seconds => $seconds) }
sub apps { my ($self, @apps) = @_; return $self->post('/apps', \@apps) }
sub persons { my ($self, @persons) = @_; return $self->post('/persons', \@persons) }
sub token_state { my ($self, %change) = @_; return $self->post('/tokens', \%change) }
sub tokens { my ($self, $user_id) = @_; return $self->get('/tokens' . ($user_id ? "?user_id=$user_id" : '')) }
sub codes { my ($self) = @_; return $self->get('/codes') }
sub logins { my ($self) = @_; return $self->get('/logins') }
sub budgets { my ($self, %limits) = @_; return %limits ? decode_json($self->post('/budgets', \%limits)) : $self->get('/budgets') }

sub signed_request
{
    my ($self, %request) = @_;
    return decode_json($self->post('/signed_request', \%request))->{signed_request};
}

sub stats { my ($self) = @_; return $self->get('/stats') }
sub release { my ($self) = @_; return $self->post('/release') }
sub reset { my ($self) = @_; return $self->post('/reset') }
sub calls { my ($self, $query) = @_; return $self->get('/calls' . ($query ? "?$query" : '')) }

# Settings that point the extension's logins here, beside graph_url, instagram_graph_url and ca_file.
sub login_conf
{
    my ($self) = @_;
    my @names = qw(facebook_dialog_url instagram_dialog_url instagram_login_url);
    return join "\n", map { "instagram_insights.$_ = '" . $self->url . "'" } @names;
}

# Plays the browser: opens what ig_authorize_url() answered, agrees or denies as persons() told, and is sent back.
# (person => user_id) chooses who sits there. Returns what the redirect_uri was called with, as a hash: code and state,
# or error, ...; `redirect` is that whole address, `status` the dialog's. If the dialog shows a page instead: `page`.
sub login
{
    my ($self, $url, %options) = @_;
    my $own = quotemeta $self->url;
    die "not an address of this sandbox: $url" unless $url =~ m{^$own(/.*)}s;
    my $target = $1 . (defined $options{person} ? "&sandbox_person=$options{person}" : '');
    # The plain port serves the same dialogs, so that a test needs no TLS of its own.
    my $response = $self->{http}->get("http://127.0.0.1:$self->{ports}{http}$target");
    my $redirect = $response->{headers}{location};
    return { status => $response->{status}, page => $response->{content} } unless defined $redirect;
    my %back = (status => $response->{status}, redirect => $redirect);
    (my $query = $redirect) =~ s/^[^?]*\?//;
    $query =~ s/#.*//s;
    for my $pair (split /&/, $query)
    {
        my ($name, $value) = map { tr/+/ /; s/%([0-9A-Fa-f]{2})/chr hex $1/ger } split /=/, $pair, 2;
        $back{$name} = $value;
    }
    return \%back;
}

# Waits until at least this many requests hang.
sub wait_for_hanging
{
    my ($self, $count) = @_;
    return $self->wait_until(sub { $self->get('/hanging')->{count} >= $count }, "$count requests hang");
}

# Lines account_id,metric,day,end_time,value of what a perfect client has stored, sorted.
sub expected
{
    my ($self, %query) = @_;
    my $query = join '&', map {"$_=$query{$_}"} sort keys %query;
    return join "\n", sort split /\n/, $self->request('GET', "/expected.csv?$query");
}

sub DESTROY
{
    my ($self) = @_;
    return if $self->{owner} != $$;
    local ($?, $!);
    kill 'TERM', $self->{pid};
    waitpid $self->{pid}, 0;
    return;
}

1;
