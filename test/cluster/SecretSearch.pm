# Looks for secrets in every place in which a server can leave something: what clients saw, tables, views, dumps, files.
package SecretSearch;

use strict;
use warnings;

use Exporter 'import';
use File::Temp ();
use MIME::Base64 qw(encode_base64);
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(bound_statement);

sub new
{
    my ($class, $node) = @_;
    my $dir = File::Temp::tempdir(CLEANUP => 1);
    mkdir "$dir/out" or die "mkdir: $!";
    return bless { node => $node, dir => $dir, seen => '', needles => {} }, $class;
}

# Each secret as it is, and in the spellings that a dump, a log or a careless function could give it.
sub spellings
{
    my ($secret) = @_;
    my @found = ($secret, scalar reverse($secret), unpack('H*', $secret), uc unpack('H*', $secret));
    (my $escaped = $secret) =~ s{/}{\\/}g;
    (my $percent = $secret) =~ s{/}{%2F}g;
    push @found, $escaped, $percent, lc $percent;
    for my $shift (0 .. 2)
    {
        my $code = encode_base64(('x' x $shift) . $secret, '');
        push @found, substr($code, 4, length($code) - 8);
    }
    return @found;
}

# Secrets to look for from now on; the short ones could be a part of something else and are no use.
sub add
{
    my ($self, @secrets) = @_;
    for my $secret (@secrets)
    {
        die 'a secret is too short to be looked for' if length $secret < 10;
        $self->{needles}{$_} = 1 for spellings($secret);
    }
    return;
}

# Whatever a client was shown.
sub saw { my ($self, @texts) = @_; $self->{seen} .= join "\n", map({ $_ // '' } @texts), ''; return }

# Names of the places below a path that hold a secret, the first few.
sub places
{
    my ($self, $path) = @_;
    open my $file, '>', "$self->{dir}/needles" or die "needles: $!";
    print $file join("\n", sort keys %{ $self->{needles} }), "\n";
    close $file;
    my ($stdout, $err) = ('', '');
    IPC::Run::run [ 'grep', '-raboF', '-f', "$self->{dir}/needles", $path ], '>', \$stdout, '2>', \$err;
    return join "\n", grep { defined } (split /\n/, $stdout)[ 0 .. 4 ];
}

# Looks everywhere but into the log; `holds` says what the places must hold, lest one was empty: { name => qr/.../ }.
sub search
{
    my ($self, %holds) = @_;
    my ($node, $out) = ($self->{node}, "$self->{dir}/out");
    my $tables = $node->safe_psql('postgres',
        "SELECT oid::regclass FROM pg_class WHERE relnamespace = 'instagram_insights'::regnamespace AND relkind IN ('r', 'p', 'v')");
    append_to_file("$out/seen", $self->{seen});
    append_to_file("$out/tables", $node->safe_psql('postgres', "COPY (SELECT * FROM $_) TO STDOUT")) for split /\n/, $tables;
    append_to_file("$out/activity", $node->safe_psql('postgres', 'COPY (SELECT * FROM pg_stat_activity) TO STDOUT'));
    append_to_file("$out/statements", $node->safe_psql('postgres', 'COPY (SELECT query FROM pg_stat_statements) TO STDOUT'));
    $node->command_ok([ 'pg_dump', '-f', "$out/dump.sql", $node->connstr('postgres') ], 'a plain dump is made');
    $node->command_ok([ 'pg_dump', '-Fc', '-Z0', '-f', "$out/dump.custom", $node->connstr('postgres') ], 'a custom dump is made');
    $node->safe_psql('postgres', 'CHECKPOINT');
    like(slurp_file("$out/$_"), $holds{$_}, "$_ holds what it should") for sort keys %holds;
    is($self->places("$out/$_"), '', "no secret is in $_") for qw(seen tables activity statements dump.sql dump.custom);
    is($self->places($node->data_dir), '', 'no secret is in any file of the data directory');
    return;
}

# A text that was made of a log; found as the rest.
sub in_text
{
    my ($self, $text) = @_;
    my $file = "$self->{dir}/text";
    unlink $file;
    append_to_file($file, $text);
    return $self->places($file);
}

# A statement by the extended protocol with parameters, which psql of this version cannot bind: (success, output, errors).
sub bound_statement
{
    my ($node, $sql, %values) = @_;
    my $script = PostgreSQL::Test::Utils::tempdir() . '/bound.sql';
    append_to_file($script, "$sql\n");
    my ($stdout, $stderr);
    my $good = IPC::Run::run [
        'pgbench', '-n', '-t', '1', '-M', 'extended', '-h', $node->host, '-p', $node->port, '-f', $script,
        map({ ('-D', "$_=$values{$_}") } sort keys %values), 'postgres'
    ], '>', \$stdout, '2>', \$stderr;
    return ($good, $stdout, $stderr);
}

1;
