# Every command of the pages is run, in order, on a server, as the page says; what cannot be run says why, in the page.
use strict;
use warnings;

use FindBin;
use PageRun;
use Pages;
use PostgreSQL::Test::Utils;
use Test::More;

plan skip_all => 'pg_cron is not installed' if !-e `pg_config --sharedir` =~ s/\s+$//r . '/extension/pg_cron.control';

my $root = "$FindBin::Bin/../..";

sub token { return $PageRun::token }
sub back_from_login
{
    my ($run) = @_;
    my ($address) = $run->{last} =~ /(https:\S+)/ or die "no address of a login in $run->{last}";
    return $run->{sandbox}->login($address);
}
sub code_and_state { my $back = back_from_login(@_); return ($back->{code}, $back->{state}) }
sub signed { my ($run) = @_; return $run->{sandbox}->signed_request(app_id => $run->{app_id}, user_id => '10220000000000099') }
sub newest_job { my ($run) = @_; return $run->sql('SELECT max(job_id) FROM instagram_insights.sync_jobs') }
sub confirmation { my ($run) = @_; return $run->sql('SELECT confirmation_code FROM instagram_insights.deletion_requests LIMIT 1') }

sub nothing_installed { my ($run) = @_; return $run->sql('DROP EXTENSION instagram_insights; DROP SCHEMA instagram_insights') }

my %values = (
    ig_connect_token => sub { return (token(), $PageRun::account, 'facebook', '2099-01-01') },
    ig_connect => \&code_and_state, ig_deauthorize => \&signed, ig_data_deletion => \&signed, ig_deletion_status => \&confirmation,
    ig_authorize_url => sub { return 'https://app.example.org/instagram/back' });

# What each page assumes of the reader's server before it begins, what is typed at its prompts, and what its words mean.
my %assumes = (
    'README.md' => { installs => 1, answers => { 'ig_fetch_insights()' => qr/\|succeeded\|1\d\d\|\[\]/, "'month'" => qr/\|2026-11-01\|\d+\|21/ }, values => { %values, ig_configure_app => sub { return ('1234567890', $PageRun::secret) } } },
    'CONTRIBUTING.md' => { shares => 1 },
    'docs/architecture.md' => {},
    'docs/connect.md' => {
        proof_optional => 1,
        answers => { 'ig_connect(code, state)' => qr/sandbox_00001 \| active/, 'ig_fetch_insights()' => qr/\|succeeded\|1\d\d\|/,
            'fb_exchange_token' => qr/got a token of/, 'me/accounts' => qr/"id":"$PageRun::account"/, 'expires_at) FROM STDIN' => qr/COPY 1/ },
        back => 'https://app.example.org/instagram/back',
        values => { %values,
            ig_configure_app => sub { return ('1234567890', $PageRun::secret, 'facebook', '{https://app.example.org/instagram/back,https://localhost/}') } },
        typed => { 'App secret: \' secret; echo' . "\nprintf" => sub { return $PageRun::secret }, 'Address: ' => sub { return back_from_login(@_)->{redirect} },
            'Short token: ' => sub { return ('1234567890', $PageRun::secret, token()) }, 'Token: ' => \&token }
    },
    # Its blocks are run by 175_migrate.pl, with the old tables that they are about.
    'docs/migrate.md' => {
        shares => 1, inline_only => 1,
        before => { '1. Accounts' => sub { $_[0]->sql('CREATE TABLE public.instagram_insights (); CREATE TABLE public.user_tokens ()') } }
    },
    'docs/operations.md' => {
        libraries => [], values => \%values,
        sql => "CREATE SCHEMA app CREATE TABLE users (id uuid PRIMARY KEY); INSERT INTO app.users VALUES ('$PageRun::user')",
        before => {
            'Install' => \&nothing_installed, 'Schedule' => sub { $_[0]->connect },
            'Remove' => sub { $_[0]->sql('DROP DATABASE app_copy WITH (FORCE)') },
            'Another key' => sub { $_[0]->sql('ALTER SYSTEM RESET instagram_insights.key_command') },
        },
        answers => {
            "IN ('key', 'tokens')" => qr/^key\|ok\|.*^tokens\|ok\|/ms, 'ig_rotate_key()' => qr/^\s*2$/m,
            'pg_dump' => qr/restored or template copy/
        },
        means => {
            '-o postgres -g postgres' => '-o ' . getpwuid($>) . ' -g ' . getgrgid($) + 0),
            '42' => \&newest_job, 'vault kv get -field=key secret/instagram_insights' => sub { "cat $_[0]{scratch}/etc/key" },

        }
    },
    'docs/performance.md' => undef,
    'docs/reading.md' => { shares => 1 },
    'docs/reference.md' => {
        sql => 'GRANT USAGE ON SCHEMA cron TO operator', app => '1234567890123456', back => 'https://app.example.org/instagram/back',
        values => { %values, ig_configure_app => sub { return ($PageRun::secret) } }, before => { 'ig_data_deletion($1)' => sub { $_[0]->connect }, 'ig_set_project(' => sub { $_[0]->connect } },
        means => { '5d1c...\') ->>' => sub { return confirmation(@_) . "') ->>" } }
    },
    'docs/scaling.md' => { shares => 1 },
    'docs/security.md' => { shares => 1, answers => { 'ig_disconnect(account_id' => qr/^$PageRun::user\|$PageRun::account\|1$/ } });

# Statements in running text have no mark before them: who runs them is told by what they are.
sub runs_as
{
    my ($step) = @_;
    return $step->{as} if $step->{language} ne 'inline';
    return 'operator' if $step->{text} =~ /ig_(configure_app|deauthorize|data_deletion|deletion_status|sync_all|nudge|pause|resume|rotate_key|doctor|cancel|maintain)|<user id>|sync_jobs|cron\./;
    return $step->{text} =~ /^(SELECT|SET search_path)/ ? 'app' : undef;
}

my (@not_run, @pictures, $shared);
my $started = time;
my @pages = pages($root);
is(join(' ', grep { !exists $assumes{$_} } @pages), '', 'for every page it is told what it assumes');
for my $page (@pages)
{
    my $found = steps($root, $page);
    is(join("\n", @{ $found->{problems} }), '', "$page: every block has a language, every mark a block");
    my @steps = @{ $found->{steps} };
    push @not_run, map { "$_->{page}:$_->{line}: $_->{not_run}" } grep { $_->{not_run} } @steps;
    push @pictures, grep { $_->{language} eq 'text' } @steps;
    @steps = grep { !$_->{not_run} && $_->{language} ne 'text' } @steps;
    @steps = grep { $_->{language} eq 'inline' } @steps if $assumes{$page} && $assumes{$page}{inline_only};
    next if !@steps;
    my $name = $page =~ s{.*/}{}r =~ s/\.md$//r;
    # Pages that assume no more than an account which was fetched share a server, one after the other.
    my $shares = $assumes{$page}{shares};
    my $run = $shares ? $shared //= PageRun->new(name => 'shared', assumes => { connected => 1 })
        : PageRun->new(name => lc $name, assumes => $assumes{$page});
    $run->turn_to($assumes{$page});
    for my $step (@steps)
    {
        $step->{as} = runs_as($step);
        my ($good, $output) = $run->run($step);
        my ($first) = $step->{text} =~ /^\s*([^\n]{0,70})/;
        ok($good, "$page:$step->{line}: " . ($step->{as} // 'superuser') . ": $first") or diag($output);
        note($output);
    }
    is(join("\n", $run->not_told), '', "$page: nothing is told of it that it does not hold any more");
    $run->stop if !$shares;
}
$shared->stop;
note(sprintf 'took %d s', time - $started);
note("not run: $_") for @not_run;
is(scalar @not_run, 10, 'as many blocks cannot be run as did before');
is(scalar @pictures, 4, 'as many blocks are no commands as were before');
done_testing();
