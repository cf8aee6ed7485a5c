# Stops the worker or a session at a known point of its work and kills it there, or the postmaster: gates in tables, calls that
# hang, a key that does not come. Made with a node and its sandbox: KillPoints->new(node => ..., sandbox => ...).
package KillPoints;

use strict;
use warnings;

use Fcntl qw(LOCK_EX);
use InsightsNode;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use Socket qw(inet_aton);

# A gate is an advisory lock that a trigger wants; who meets a closed one waits there. Their numbers:
my %gates = (
    'before the claim' => 1,    # nothing is claimed, the job is committed
    'in the claim' => 2,    # the first job is being claimed
    'before the store' => 3,    # the answers are there, nothing of them is written
    'in the store' => 4,    # some rows are written, some are not
    'before the commit' => 5,    # rows, log, job and account are written, not committed
    'in the store of a token' => 6,
    'before the commit of a token' => 7,
    'before the commit of a session' => 8);    # no trigger's: the session's own statement, gate_sql()
my $row_in_the_store = 20;    # 'in the store' is before this row of a transaction

# What the key_command of a new node has to be, for `no_key`: it waits for a lock on a file, and says that it does.
sub key_command
{
    my ($folder) = @_;
    append_to_file("$folder/key", ('0123456789abcdef' x 4) . "\n");
    append_to_file("$folder/gate", '');
    return "touch $folder/asked && flock -s $folder/gate cat $folder/key";
}

# `folder`: where key_command() was told to wait, if it was.
sub new
{
    my ($class, %options) = @_;
    my $self = bless { %options, stopped => [] }, $class;
    my $insights = 'instagram_insights.insights';
    my $sql = <<"SQL";
CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET lock_timeout = 0 AS \$\$
BEGIN
    IF TG_ARGV[0] = '$gates{'in the store'}' THEN
        PERFORM set_config('kill_points.row', (COALESCE(NULLIF(current_setting('kill_points.row', true), ''), '0')::int + 1)::text, true);
        IF current_setting('kill_points.row')::int <> $row_in_the_store THEN
            RETURN NEW;
        END IF;
    END IF;
    PERFORM pg_advisory_xact_lock_shared(TG_ARGV[0]::bigint);
    RETURN NEW;
END \$\$;
CREATE TRIGGER before_claim BEFORE UPDATE ON instagram_insights.sync_jobs
    WHEN (current_setting('application_name') = 'instagram_insights worker') EXECUTE FUNCTION public.gate($gates{'before the claim'});
CREATE TRIGGER in_claim BEFORE UPDATE ON instagram_insights.sync_jobs FOR EACH ROW
    WHEN (NEW.state = 'running' AND OLD.state <> 'running') EXECUTE FUNCTION public.gate($gates{'in the claim'});
CREATE TRIGGER before_store BEFORE UPDATE ON instagram_insights.sync_jobs FOR EACH ROW
    WHEN (OLD.state = 'running' AND NEW.finished_at IS NOT NULL) EXECUTE FUNCTION public.gate($gates{'before the store'});
CREATE TRIGGER before_store BEFORE INSERT ON $insights EXECUTE FUNCTION public.gate($gates{'before the store'});
CREATE TRIGGER in_store BEFORE INSERT ON $insights FOR EACH ROW EXECUTE FUNCTION public.gate($gates{'in the store'});
CREATE TRIGGER before_commit AFTER UPDATE OF metric_state ON instagram_insights.accounts
    EXECUTE FUNCTION public.gate($gates{'before the commit'});
CREATE TRIGGER in_token BEFORE INSERT OR UPDATE ON instagram_insights.credentials FOR EACH ROW
    EXECUTE FUNCTION public.gate($gates{'in the store of a token'});
CREATE TRIGGER before_token_commit AFTER UPDATE OF issued_at ON instagram_insights.accounts
    EXECUTE FUNCTION public.gate($gates{'before the commit of a token'});
SQL
    $self->{node}->safe_psql('postgres', $sql);
    return $self;
}

sub query { my ($self, $sql) = @_; return $self->{node}->safe_psql('postgres', $sql) }

# A point: hold() makes the next process that comes there stop, reached() waits for it and returns its pid, and free() lets
# those go that come there after a kill. `application` is the application_name of that process.
sub point
{
    my ($self, $name, $application) = @_;
    my $at_work = sub { return $self->pid_of("application_name = '$application' AND state = 'active'") };
    $at_work = sub { return worker_pid($self->{node}) } unless defined $application;
    return $self->gate_point($gates{$name}) if $gates{$name};
    return $self->no_key_point($at_work) if $name eq 'after the claim';
    return $self->connect_point($at_work) if $name eq 'in connect';
    return $self->answer_point($at_work, $2, $1 eq 'body' ? 'in_body' : 'before_headers') if $name =~ /^in the (body|call) of (\w+)$/;
    die "no point is called $name";
}

sub answer_point
{
    my ($self, $at_work, $route, $where) = @_;
    my $sandbox = $self->{sandbox};
    return {
        hold => sub { $sandbox->faults({ match => { route => $route }, do => { hang => $where } }) },
        reached => sub { $sandbox->wait_for_hanging(1); return $at_work->() },
        # Not sooner: calls that go a moment later than the first would be answered before the kill.
        free => sub { $sandbox->clear_faults; $sandbox->release } };
}

# The last statement of a transaction that is to stand at 'before the commit of a session'.
sub gate_sql { return "SELECT pg_advisory_xact_lock_shared($gates{'before the commit of a session'})" }

sub pid_of
{
    my ($self, $where) = @_;
    my $sql = "SELECT min(pid) FROM pg_stat_activity WHERE $where";
    return $self->{sandbox}->wait_until(sub { return $self->query($sql) }, $sql);
}

sub gate_point
{
    my ($self, $number) = @_;
    my $keeper;
    my $waiting = "SELECT min(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 0 AND objid = $number AND NOT granted";
    return {
        hold => sub {
            $keeper = $self->{node}->background_psql('postgres', on_error_stop => 0);
            $keeper->query("SELECT pg_advisory_lock($number)");
        },
        reached => sub { return $self->{sandbox}->wait_until(sub { return $self->query($waiting) }, "somebody is at gate $number") },
        free => sub { eval { $keeper->quit } } };    # the server it talked to has ended
}

# Claimed, committed, and no call made: the key that opens the token does not come. For a worker that has not asked for it yet.
sub no_key_point
{
    my ($self, $at_work) = @_;
    my $gate;
    return {
        hold => sub {
            $self->end_worker;
            unlink "$self->{folder}/asked";
            open $gate, '<', "$self->{folder}/gate" or die "gate: $!";
            flock $gate, LOCK_EX or die "gate: $!";
        },
        reached => sub { $self->{sandbox}->wait_until(sub { -e "$self->{folder}/asked" }, 'the key is asked for'); return $at_work->() },
        free => sub { close $gate or die "gate: $!" } };
}

# The process is stopped when its first packet is out, so that it learns nothing of the address that works.
sub connect_point
{
    my ($self, $at_work) = @_;
    my ($url) = ($self->{sandbox}->hanging_connect_url);
    my ($address, $port) = $url =~ m{//([0-9.]+):(\d+)};
    my $remote = sprintf('%08X:%04X', unpack('V', inet_aton($address)), $port);
    my @settings = ('graph_url', 'instagram_graph_url');
    my $going_there = sub { return slurp_file('/proc/net/tcp') =~ /^\s*\d+: \S+ $remote 02 /m };    # 02: SYN sent
    return {
        hold => sub {
            $self->query("ALTER SYSTEM SET instagram_insights.$_ = '$url'") for @settings;
            $self->{node}->reload;
            wait_for($self->{node}, "SELECT current_setting('instagram_insights.graph_url') = '$url'");
        },
        reached => sub {
            $self->{sandbox}->wait_until($going_there, 'a connect hangs');
            my $pid = $at_work->();
            kill 'STOP', $pid or die "stop $pid: $!";
            push @{ $self->{stopped} }, $pid;
            $self->query("ALTER SYSTEM RESET instagram_insights.$_") for @settings;
            $self->{node}->reload;
            wait_for($self->{node}, "SELECT current_setting('instagram_insights.graph_url') <> '$url'");
            return $pid;
        },
        free => sub { } };
}

sub end_worker
{
    my ($self) = @_;
    $self->query("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type = 'instagram_insights worker'");
    return;
}

# A session that does this at the same time; ended() tells what it said at its end.
sub begin_session
{
    my ($self, $application, $sql) = @_;
    my $session = { in => '', out => '', err => '' };
    $session->{run} = IPC::Run::start(
        [ 'psql', '-XAtq', '-v', 'VERBOSITY=verbose', '-d', $self->{node}->connstr('postgres') . " application_name=$application", '-c', $sql ],
        '<', \$session->{in}, '>', \$session->{out}, '2>', \$session->{err}, IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
    return $session;
}

# What its client was told: output and errors.
sub ended { my ($self, $session) = @_; $session->{run}->finish; return ($session->{out}, $session->{err}) }

# A session that is killed, or whose postmaster is, at this point. Returns what its client was told.
sub kill_session_at
{
    my ($self, $name, $victim, $sql) = @_;
    my $point = $self->point($name, 'at_work');
    $point->{hold}->();
    my $session = $self->begin_session('at_work', $sql);
    my $pid = $point->{reached}->();
    $victim eq 'the postmaster' ? $self->kill_postmaster : $self->kill_process($pid);
    $point->{free}->();
    return $self->ended($session);
}

# The same of the worker, which begins with what `sql` puts in its queue. Returns whether it was there, how much of its work others
# saw then, and what the kill returned.
sub kill_worker_at
{
    my ($self, $name, $victim, $sql) = @_;
    my $point = $self->point($name);
    $point->{hold}->();
    $self->query($sql);
    my $pid = $point->{reached}->();
    my $right = $pid == worker_pid($self->{node});
    my $seen = $self->query('SELECT (SELECT count(*) FROM instagram_insights.insights) + (SELECT count(*) FROM instagram_insights.sync_log)');
    my $took = $victim eq 'the postmaster' ? $self->kill_postmaster : $self->kill_process($pid);
    $point->{free}->();
    return ($right, $seen, $took);
}

# kill -9 of one process: the postmaster ends all others and starts anew.
sub kill_process
{
    my ($self, $pid) = @_;
    my $node = $self->{node};
    my $log = -s $node->logfile;
    kill 'KILL', $pid or die "kill $pid: $!";
    $node->wait_for_log(qr/\Q(PID $pid) was terminated by signal 9\E.*database system is ready to accept connections/s, $log);
    $self->{stopped} = [];
    return $self->{sandbox}->wait_until(sub { return $node->psql('postgres', 'SELECT 1') == 0 }, 'the server answers again');
}

sub children_of
{
    my ($parent) = @_;
    my @children;
    for my $file (glob '/proc/[0-9]*/stat')
    {
        open my $stat, '<', $file or next;    # it has ended meanwhile
        my $line = <$stat> // '';
        push @children, $1 if $line =~ /^(\d+) .*\) \S $parent /;
    }
    return @children;
}

# kill -9 of the postmaster: its children leave by themselves, then the server is started. Returns the ms until they had left.
sub kill_postmaster
{
    my ($self) = @_;
    my $node = $self->{node};
    my ($postmaster) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
    my @children = children_of($postmaster);
    @children or die 'the postmaster has no children';
    my $took = milliseconds(sub {
        $node->kill9;
        kill 'CONT', @{ $self->{stopped} };
        # One that has ended and is not yet buried by its parent has no working directory any more.
        $self->{sandbox}->wait_until(sub { return !grep { defined readlink "/proc/$_/cwd" } @children }, 'all children have left');
    });
    $self->{stopped} = [];
    # Who starts a server takes an unburied postmaster for a living one, and in a container its burial may take a second.
    $self->{sandbox}->wait_until(sub { return !-e "/proc/$postmaster" }, 'the postmaster is buried');
    $node->start;
    return $took;
}

1;
