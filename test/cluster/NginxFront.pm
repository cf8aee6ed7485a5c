# nginx in front of a server on loopback: TLS, HTTP/2 where it is asked for, and a log of who came how.
package NginxFront;

use strict;
use warnings;

use File::Temp ();
use IO::Socket::INET;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep);

# The program, or nothing if nginx is not installed.
sub program
{
    my ($found) = grep { -x } map { "$_/nginx" } split(/:/, $ENV{PATH}), '/usr/sbin';
    return $found;
}

# new(port): in front of http://127.0.0.1:port.
sub new
{
    my ($class, $behind) = @_;
    my $dir = File::Temp::tempdir(CLEANUP => 1);
    chmod 0755, $dir;
    my $port = PostgreSQL::Test::Cluster::get_free_port();
    system_or_bail('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', 2,
        '-keyout', "$dir/key.pem", '-out', "$dir/ca.pem", '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost');
    append_to_file("$dir/nginx.conf", <<"CONF");
daemon off; master_process off; pid nginx.pid; error_log error.log warn;
events { worker_connections 1024; }
http {
    log_format way '\$server_protocol \$request_method \$connection \$status';
    access_log access.log way;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    keepalive_requests 100000; client_max_body_size 16m;
    server {
        listen 127.0.0.1:$port ssl http2;
        ssl_certificate ca.pem; ssl_certificate_key key.pem;
        location / { proxy_pass http://127.0.0.1:$behind; proxy_set_header Host \$http_host; proxy_http_version 1.1; }
    }
}
CONF
    my $pid = fork() // die "fork: $!";
    if ($pid == 0)
    {
        open STDOUT, '>', "$dir/out" or die "stdout: $!";
        open STDERR, '>&', \*STDOUT or die "stderr: $!";
        exec program(), '-p', "$dir/", '-e', 'error.log', '-c', 'nginx.conf' or POSIX::_exit(127);
    }
    my $self = bless { dir => $dir, pid => $pid, owner => $$, port => $port }, $class;
    for (1 .. 20 * $PostgreSQL::Test::Utils::timeout_default)
    {
        return $self if IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port);
        last if waitpid($pid, POSIX::WNOHANG()) != 0;
        usleep(50_000);
    }
    die 'nginx does not start: ' . slurp_file("$dir/out") . (-e "$dir/error.log" ? slurp_file("$dir/error.log") : '');
}

sub url { my ($self) = @_; return "https://localhost:$self->{port}" }
sub ca_file { my ($self) = @_; return "$self->{dir}/ca.pem" }

# The requests since the last call, oldest first: version, method, connection, status.
sub requests
{
    my ($self) = @_;
    my @lines = split /\n/, slurp_file("$self->{dir}/access.log", $self->{read} // 0);
    $self->{read} = -s "$self->{dir}/access.log";
    my @requests;
    for my $line (@lines)
    {
        my %request;
        @request{qw(version method connection status)} = split / /, $line;
        push @requests, \%request;
    }
    return @requests;
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
