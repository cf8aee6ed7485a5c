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
        http => HTTP::Tiny->new(timeout => 60, proxy => undef, http_proxy => undef)
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
sub ca_file { my ($self) = @_; return "$self->{dir}/ca.pem" }
sub hanging_connect_url { my ($self) = @_; return "http://127.0.0.1:$self->{ports}{connect_hang}" }

sub accounts { my ($self, @accounts) = @_; return $self->post('/accounts', \@accounts) }
sub faults { my ($self, @rules) = @_; return $self->post('/faults', \@rules) }
sub clear_faults { my ($self) = @_; return $self->request('DELETE', '/faults') }
sub set_value { my ($self, %value) = @_; return $self->post('/values', \%value) }
sub config { my ($self, %settings) = @_; return $self->post('/config', \%settings) }
sub stats { my ($self) = @_; return $self->get('/stats') }
sub release { my ($self) = @_; return $self->post('/release') }
sub reset { my ($self) = @_; return $self->post('/reset') }
sub calls { my ($self, $query) = @_; return $self->get('/calls' . ($query ? "?$query" : '')) }

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
