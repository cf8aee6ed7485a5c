# A PostgreSQL::Test::Cluster with the extension, pointed at a Graph sandbox, and the few words its tests share.
package InsightsNode;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Time::HiRes qw(usleep time);

our @EXPORT = qw(insights_node user_id connect_account stored_rows wait_for as_user worker_pid sync_all_done milliseconds);

# insights_node(name, sandbox => GraphSandbox, preload => 1, conf => '...', extension => 1): started, database postgres.
# cluster => { install_path => ... } makes it one of another server, start => 0 leaves it empty and down.
sub insights_node
{
    my ($name, %options) = @_;
    my $node = PostgreSQL::Test::Cluster->new($name, %{ $options{cluster} // {} });
    $node->init(%{ $options{init} // {} });
    my @preload = @{ $options{libraries} // [] };
    push @preload, 'instagram_insights' if $options{preload} // 1;
    $node->append_conf('postgresql.conf', "shared_preload_libraries = '" . join(',', @preload) . "'") if @preload;
    $node->append_conf('postgresql.conf', "max_worker_processes = 32\nfsync = off\nlog_error_verbosity = default");
    if (my $sandbox = $options{sandbox})
    {
        $node->append_conf('postgresql.conf', join "\n",
            "instagram_insights.graph_url = '" . $sandbox->url . "'",
            "instagram_insights.instagram_graph_url = '" . $sandbox->url . "'",
            "instagram_insights.ca_file = '" . $sandbox->ca_file . "'");
    }
    $node->append_conf('postgresql.conf', $options{conf}) if $options{conf};
    return $node unless $options{start} // 1;
    $node->start;
    $node->safe_psql('postgres', 'CREATE EXTENSION instagram_insights') if $options{extension} // 1;
    return $node;
}

# A uuid that is easy to read: user_id('a') is 00000000-0000-0000-0000-00000000000a.
sub user_id { my ($letter) = @_; return sprintf('00000000-0000-0000-0000-%012s', $letter) }

# connect_account(node, user letter, n): account n as the sandbox made it (see its README), by bound parameters' cousin psql variables.
sub connect_account
{
    my ($node, $letter, $number, %options) = @_;
    my $id = sprintf('178414%011d', $number);
    my $login = $number % 2 ? 'facebook' : 'instagram';
    my $token = sprintf('%sAAsandbox%012d', $number % 2 ? 'E' : 'IG', $number);
    $node->safe_psql($options{database} // 'postgres',
        "SELECT count(*) FROM instagram_insights.ig_connect_token('$token', '$id', '" . user_id($letter) . "', '$login')");
    return $id;
}

# What is stored, in the form of GraphSandbox::expected().
sub stored_rows
{
    my ($node, $where, $database) = @_;
    $where //= 'true';
    my $rows = $node->safe_psql($database // 'postgres', <<"SQL");
SET timezone = 'UTC';
SELECT account_id || ',' || metric || ',' || day || ',' || end_time || ',' || value FROM instagram_insights.insights WHERE $where
SQL
    return join "\n", sort split /\n/, $rows;
}

# Polls SQL until it answers t; dies otherwise.
sub wait_for
{
    my ($node, $sql, $database) = @_;
    $node->poll_query_until($database // 'postgres', $sql) or die "waited in vain for: $sql";
    return 1;
}

# SQL as a user of the application: that role, that user's claims, in one transaction. Returns (exit code, output, errors).
sub as_user
{
    my ($node, $role, $letter, $sql, $database) = @_;
    my $claims = defined $letter ? '{"sub":"' . user_id($letter) . '"}' : '';
    my ($stdout, $stderr);
    my $code = $node->psql($database // 'postgres', "SET ROLE $role; SET request.jwt.claims = '$claims'; $sql",
        stdout => \$stdout, stderr => \$stderr);
    return ($code, $stdout, $stderr);
}

sub worker_pid
{
    my ($node, $database) = @_;
    return $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'instagram_insights worker' AND datname = '"
            . ($database // 'postgres') . "'");
}

# Enqueues all and waits until no job is live any more.
sub sync_all_done
{
    my ($node, $database) = @_;
    my $count = $node->safe_psql($database // 'postgres', 'SELECT instagram_insights.ig_sync_all()');
    wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))", $database);
    return $count;
}

# Wall time of a piece of code.
sub milliseconds
{
    my ($code) = @_;
    my $begin = time;
    $code->();
    return 1000 * (time - $begin);
}

1;
