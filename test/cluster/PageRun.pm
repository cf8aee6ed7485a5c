# Runs the commands of one page as its reader would: on a server, with a sandbox for an API, in a folder of its own.
package PageRun;

use strict;
use warnings;

use File::Temp ();
use GraphSandbox;
use InsightsNode;
use IPC::Run ();
use Pages;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;

# The user of all pages, and the account and token that the sandbox has for it.
our $user = '7d0f6f6e-0d5c-4c53-9f6b-5f0f2b8f3a11';
our $account = '17841400000000001';
our $token = 'EAAsandbox000000000001';
our $secret = 'pagessecret0001';

# new(name => page, assumes => {...}): the server is up, in database app, with roles app, api and operator.
# What a page assumes is told where the pages are listed, in 190_documented_commands.pl.
sub new
{
    my ($class, %options) = @_;
    my $assumes = $options{assumes};
    my $sandbox = GraphSandbox->new(accounts => 2);
    my $login = $assumes->{app} // '1234567890';
    $sandbox->apps({ app_id => $login, secret => $secret, login => 'facebook', require_proof => $assumes->{proof_optional} ? \0 : \1,
        redirect_uris => [ $assumes->{back} // 'https://app.example.org/back', 'https://localhost/' ] });
    my $libraries = $assumes->{libraries} // [ 'pg_cron', 'instagram_insights' ];
    my $node = insights_node($options{name}, sandbox => $sandbox, preload => 0, libraries => $libraries, extension => 0,
        conf => $sandbox->login_conf . "\ncron.database_name = 'app'\ncron.use_background_workers = on");
    my $scratch = File::Temp::tempdir(CLEANUP => 1);
    mkdir "$scratch/$_" or die "$scratch/$_: $!" for qw(home etc);
    my $self = bless { %options, node => $node, sandbox => $sandbox, scratch => $scratch, app_id => $login, last => '' },
        $class;
    $node->safe_psql('postgres', 'CREATE ROLE app LOGIN; CREATE ROLE api LOGIN; CREATE ROLE operator LOGIN');
    $node->safe_psql('postgres', 'CREATE DATABASE app');
    $self->sql('CREATE EXTENSION pg_cron') if grep { $_ eq 'pg_cron' } @$libraries;
    $self->extension if !$assumes->{installs};
    $self->sql($assumes->{sql}) if $assumes->{sql};
    $self->connect if $assumes->{connected};
    return $self;
}

sub sql { my ($self, $sql) = @_; return $self->{node}->safe_psql('app', $sql) }

# The extension, and what every page takes for granted after it was made.
sub extension
{
    my ($self) = @_;
    return $self->sql('CREATE EXTENSION IF NOT EXISTS instagram_insights; GRANT instagram_insights_user TO app;'
            . ' GRANT instagram_insights_admin TO operator');
}

# A configured app, and an account that came by a login and was fetched once.
sub connect
{
    my ($self) = @_;
    my $back = $self->{assumes}{back} // 'https://app.example.org/back';
    $self->sql("SELECT instagram_insights.ig_configure_app('$self->{app_id}', '$secret', redirect_uris => ARRAY['$back'],"
            . " deletion_url => 'https://app.example.org/deleted')");
    my $begun = $self->sql("SELECT instagram_insights.ig_authorize_url('$back', '$user')");
    my $login = $self->{sandbox}->login($begun);
    $self->sql("SELECT count(*) FROM instagram_insights.ig_connect('$login->{code}', '$login->{state}')");
    $self->sql("SELECT count(*) FROM instagram_insights.ig_fetch_insights('$user')");
    return;
}

# A server with other libraries, once a page has said so.
sub configure
{
    my ($self, $lines) = @_;
    $self->{node}->append_conf('postgresql.conf', $lines);
    $self->{node}->restart;
    $self->sql('CREATE EXTENSION IF NOT EXISTS pg_cron') if $lines =~ /pg_cron/;
    return 1;
}

# What in the pages stands for something of the reader's own.
sub filled_in
{
    my ($self, $text) = @_;
    my $here = $self->{sandbox}->url;
    my %means = ('<user id>' => $user, 'EAAG...' => $token, '/etc/postgresql/instagram_insights' => "$self->{scratch}/etc",
        'https://graph.facebook.com' => $here, 'https://graph.instagram.com' => $here, %{ $self->{assumes}{means} // {} });
    for my $words (sort { length $b <=> length $a } keys %means)
    {
        my $value = $means{$words};
        $text =~ s/\Q$words\E/ref $value ? $value->($self) : $value/ge;
    }
    return $text;
}

# The dialog's address is the sandbox's here; shown, it is Meta's.
sub as_shown { my ($self, $output) = @_; my $here = $self->{sandbox}->url; return $output =~ s/\Q$here\E/https:\/\/www.facebook.com/gr }

sub environment
{
    my ($self, $role) = @_;
    my $node = $self->{node};
    my %set = (PGHOST => $node->host, PGPORT => $node->port, PGDATABASE => 'app', PGDATA => $node->data_dir, PGAPPNAME => 'pages',
        HOME => "$self->{scratch}/home", CURL_CA_BUNDLE => $self->{sandbox}->ca_file);
    $set{PGUSER} = $role if $role;
    # The claims that PostgREST would set for whom the application serves.
    $set{PGOPTIONS} = qq(-c request.jwt.claims={"sub":"$user"}) if !$role || $role ne 'operator';
    return %set;
}

# (success, everything that came out)
sub command
{
    my ($self, $role, $input, @command) = @_;
    local %ENV = (%ENV, $self->environment($role));
    my $output = '';
    my $good = IPC::Run::run(\@command, '<', \$input, '>&', \$output, init => sub { chdir $self->{scratch} or die "chdir: $!" },
        IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
    return ($good, $output);
}

sub psql
{
    my ($self, $role, $text) = @_;
    my ($good, $output) = $self->command($role, $text, 'psql', '-X', '-q', '-At', '-v', 'ON_ERROR_STOP=1', '-f', '-');
    $self->{last} = $output;
    return ($good, $output);
}

# $1 and $2 are bound: by PREPARE, since psql of this version has no \bind.
sub bound
{
    my ($self, $statement) = @_;
    my %numbers = map { $_ => 1 } $statement =~ /\$(\d)/g;
    return $statement if !%numbers;
    my ($function) = $statement =~ /\.(\w+)\(/ or die "no function in $statement";
    my $values = $self->{assumes}{values}{$function} or return "nobody says what is bound in $statement";
    my @values = $values->($self);
    my $list = join ', ', map { "'" . ($values[ $_ - 1 ] =~ s/'/''/gr) . "'" } sort keys %numbers;
    $statement =~ s/;?\s*(--[^\n]*)?\s*$//;
    return "PREPARE bound AS $statement;\nEXECUTE bound($list);\n";
}

# SQL as one session; where values are bound or an answer is shown, a statement at a time.
sub run_sql
{
    my ($self, $step) = @_;
    my @parts = statements($step->{text});
    return $self->psql($step->{as}, $self->filled_in($step->{text})) if !grep { $_->{shown} || $_->{text} =~ /\$\d/ } @parts;
    my $all = '';
    for my $part (@parts)
    {
        my ($good, $output) = $self->psql($step->{as}, $self->bound($self->filled_in($part->{text})));
        $all .= $output;
        return (0, "$all$part->{text}") if !$good;
        next if !$part->{shown};
        my ($wanted, $got) = map { s/\s+$//r } $part->{shown}, $self->as_shown($output);
        my $pattern = join '.+', map { join '\d+', map { quotemeta } split /\b\d+\b/, $_, -1 } split /[0-9a-f]*\.\.\./, $wanted, -1;
        return (0, "the page shows\n  $wanted\nand it is\n  $got\n") if $got !~ /^$pattern$/s;
    }
    return (1, $all);
}

# A session as a person sees it: prompts stand before what is typed.
sub run_psql { my ($self, $step) = @_; return $self->psql($step->{as}, $self->filled_in($step->{text} =~ s/^\w+=[>#] ?//gmr)) }

# Shell by a shell that ends at the first failure. Variables live on in the next block of the page.
sub run_shell
{
    my ($self, $step) = @_;
    my $kept = "$self->{scratch}/variables";
    my $text = $self->filled_in($step->{text});
    my $input = join '', map { "$_\n" } map { $_->($self) } $self->told('typed', $step);
    my $script = "[ ! -e $kept ] || . $kept\n$text\nfor name in \$(compgen -v | grep -xE '[a-z]+'); do declare -p \$name; done >$kept\n";
    my $file = "$self->{scratch}/block.sh";
    unlink $file;
    append_to_file($file, $script);
    my ($good, $output) = $self->command($step->{as}, $input, 'bash', '-eu', '-o', 'pipefail', $file);
    $self->{last} = $output;
    return ($good, $output);
}

# What is told for words that stand in the step, or for the heading it is the first under: { words => sub or pattern }.
sub told
{
    my ($self, $what, $step) = @_;
    my $table = $self->{assumes}{$what} // {};
    my @words = grep { index($step->{text}, $_) >= 0 } sort keys %$table;
    push @words, $step->{heading} if $table->{ $step->{heading} } && !$self->{begun}{"$what $step->{heading}"}++;
    $self->{told}{"$what $_"} = 1 for @words;
    return map { $table->{$_} } @words;
}

# Another page on the same server.
sub turn_to
{
    my ($self, $assumes) = @_;
    @$self{qw(assumes begun told)} = ($assumes, {}, {});
    return;
}

# What was told and concerned no step: the page has changed.
sub not_told
{
    my ($self) = @_;
    my @all = map { my $what = $_; map {"$what $_"} sort keys %{ $self->{assumes}{$what} // {} } } qw(before answers typed);
    return grep { !$self->{told}{$_} } @all;
}

# One step: (success, output).
sub run
{
    my ($self, $step) = @_;
    my $language = $step->{language};
    $_->($self) for $self->told('before', $step);
    my @result =
        $language eq 'ini' ? ($self->configure($self->filled_in($step->{text})), '')
        : $language eq 'psql' ? $self->run_psql($step)
        : $language =~ /^(sql|inline)$/ ? $self->run_sql($step)
        : $self->run_shell($step);
    for my $pattern ($self->told('answers', $step))
    {
        @result = (0, "$result[1]does not answer as $pattern") if $result[1] !~ $pattern;
    }
    $self->extension if $result[0] && $step->{text} =~ /CREATE EXTENSION instagram_insights/;
    return @result;
}

sub stop
{
    my ($self) = @_;
    $self->{node}->stop;
    delete $self->{sandbox};
    return;
}

1;
