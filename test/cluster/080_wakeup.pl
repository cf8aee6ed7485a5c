# No wake-up is lost: whatever moment a worker chooses to leave in, a job that was enqueued then ends without anybody's help.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

# No launcher, no pg_cron: nothing but the enqueueing transaction can wake the worker, which leaves as soon as it has nothing.
my $sandbox = GraphSandbox->new(accounts => 10, now => '2026-11-22T12:00:00Z');
my $node = insights_node('wakeup', sandbox => $sandbox, preload => 0,
    conf => "max_worker_processes = 8\nlog_min_messages = debug1\ninstagram_insights.idle_timeout = 0");
connect_account($node, $_, $_ + 1) for 0 .. 9;
$node->safe_psql('postgres', <<'SQL');
-- A job of an account that waits for a login ends without a call: the shortest life a worker can have.
CREATE PROCEDURE need_login(needed boolean) LANGUAGE sql AS
$$UPDATE instagram_insights.accounts SET status = CASE WHEN needed THEN 'needs_login' ELSE 'active' END$$;

CREATE PROCEDURE await(job bigint) LANGUAGE plpgsql AS $$
DECLARE
    deadline timestamptz := clock_timestamp() + '5 s';
BEGIN
    WHILE EXISTS (SELECT FROM instagram_insights.sync_jobs j WHERE j.job_id = job AND state IN ('queued', 'running', 'waiting')) LOOP
        IF clock_timestamp() > deadline THEN
            RAISE 'job % was not woken for', job;
        END IF;
        COMMIT;
        PERFORM pg_sleep(0.0005);
    END LOOP;
END $$;

-- Enqueues again after a moment that falls, from round to round, anywhere in the worker's way out.
CREATE PROCEDURE rounds(kind text, me int, count int, INOUT slowest interval DEFAULT '0') LANGUAGE plpgsql AS $$
DECLARE
    whose uuid := format('00000000-0000-0000-0000-00000000000%s', me)::uuid;
    job bigint;
    begun timestamptz;
BEGIN
    FOR i IN 1 .. count LOOP
        COMMIT;
        PERFORM leader_pid FROM instagram_insights.worker_state;
        PERFORM pg_sleep(random() * 0.006);
        IF kind IN ('savepoint before', 'savepoint alone') THEN
            BEGIN
                PERFORM instagram_insights.ig_refresh_insights(whose);
                RAISE division_by_zero;
            EXCEPTION WHEN division_by_zero THEN
                PERFORM pg_sleep(random() * 0.004);
            END;
        END IF;
        CONTINUE WHEN kind = 'savepoint alone';
        job := instagram_insights.ig_refresh_insights(whose);
        IF kind = 'savepoint after' THEN
            BEGIN
                PERFORM instagram_insights.ig_refresh_insights(whose);
                RAISE division_by_zero;
            EXCEPTION WHEN division_by_zero THEN
                PERFORM pg_sleep(random() * 0.004);
            END;
        ELSIF kind = 'rollback' THEN
            ROLLBACK;
            CONTINUE;
        ELSIF kind = 'resume' THEN
            PERFORM instagram_insights.ig_pause('for a moment');
            COMMIT;
            PERFORM pg_sleep(random() * 0.03);
            PERFORM instagram_insights.ig_resume();
        END IF;
        begun := clock_timestamp();
        COMMIT;
        CALL await(job);
        slowest := GREATEST(slowest, clock_timestamp() - begun);
    END LOOP;
END $$;
SQL

sub rounds
{
    my ($name, $kind, $sessions, $count) = @_;
    my ($stdout, $stderr, $code) = ('', '', 0);
    local $ENV{PGOPTIONS} = $kind eq 'repeatable read' ? '-c default_transaction_isolation=repeatable\\ read' : '';
    my $took = milliseconds(sub {
        if ($sessions == 1)
        {
            $code = $node->psql('postgres', "CALL rounds('$kind', 0, $count)", stdout => \$stdout, stderr => \$stderr);
            $stdout = "slowest $stdout";
        }
        else
        {
            my $script = "$node->{_basedir}/rounds.sql";
            unlink $script;
            append_to_file($script, "CALL rounds('$kind', :client_id, $count);\n");
            $code = IPC::Run::run(['pgbench', '-n', '-c', $sessions, '-j', 2, '-t', 1, '-f', $script, $node->connstr('postgres')],
                '>', \$stdout, '2>', \$stderr) ? 0 : 1;
            $stdout = "$sessions sessions";
        }
    });
    diag(sprintf('%s: %d rounds in %.1f s, %s', $name, $sessions * $count, $took / 1000, $stdout));
    ok($code == 0 && $stderr !~ /ERROR|WARNING/, $name) or diag($stderr);
    return;
}

sub workers_started { return scalar(() = slurp_file($node->logfile) =~ /starting background worker process "instagram_insights worker"/g) }
sub no_worker { return wait_for($node, "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'instagram_insights worker')") }

my $started = workers_started();
rounds('jobs that are enqueued while a worker leaves end', '', 1, 100);
ok(workers_started() > $started + 1, 'workers did leave and were started again');

$node->safe_psql('postgres', 'CALL need_login(true)');
$started = workers_started();
rounds('so do those that end without a call', '', 1, 250);
$started = workers_started() - $started;
diag("$started workers for 250 rounds");
ok($started > 100, 'most rounds met a worker on its way out or gone');
rounds('under REPEATABLE READ, whose snapshot is older than the worker', 'repeatable read', 1, 100);
rounds('after a savepoint that was rolled back', 'savepoint before', 1, 50);
rounds('before a savepoint that is rolled back', 'savepoint after', 1, 50);
rounds('by several sessions at once, more than there are worker slots', '', 10, 130);
rounds('by several sessions at once under REPEATABLE READ', 'repeatable read', 10, 20);
rounds('a resume is not lost either', 'resume', 1, 80);

no_worker();
$started = workers_started();
rounds('a transaction that is rolled back', 'rollback', 1, 20);
$node->safe_psql('postgres', "CALL rounds('', 0, 1)");
is(workers_started() - $started, 1, '... wakes nobody: only the one after it started a worker');

no_worker();
$node->safe_psql('postgres', "CALL rounds('savepoint alone', 0, 20)");
is($node->safe_psql('postgres', "SELECT count(*) FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting')"),
    '0', 'a savepoint rolled back leaves no job');

# Waiting for a lock resets the latch of whoever waits: a wake-up of that moment must not be lost with it.
no_worker();
$node->safe_psql('postgres', 'CALL need_login(false)');
$node->safe_psql('postgres', 'ALTER SYSTEM SET instagram_insights.idle_timeout = -1; SELECT pg_reload_conf()');
$sandbox->faults({ match => { account_id => '17841400000000003' }, do => { hang => 'before_headers' } });
$node->safe_psql('postgres', "SELECT instagram_insights.ig_refresh_insights('" . user_id(2) . "')");
$sandbox->wait_for_hanging(1);  # its hands are not empty, so that it has no reason of its own to look again
my $locker = $node->background_psql('postgres');
$locker->query_safe('BEGIN; LOCK TABLE instagram_insights.sync_log IN ACCESS EXCLUSIVE MODE');
$node->safe_psql('postgres', "SELECT instagram_insights.ig_refresh_insights('" . user_id(0) . "')");
wait_for($node, "SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'instagram_insights worker' AND wait_event_type = 'Lock'");
my $job = $node->safe_psql('postgres', "SELECT instagram_insights.ig_refresh_insights('" . user_id(1) . "')");
$locker->query_safe('COMMIT');
$locker->quit;
is($node->psql('postgres', "CALL await($job)"), 0, 'a job that was enqueued while the worker waited for a lock ends');
$sandbox->clear_faults;
$sandbox->release;
$node->safe_psql('postgres', 'ALTER SYSTEM RESET instagram_insights.idle_timeout; SELECT pg_reload_conf()');

# An open transaction that has enqueued keeps the worker from leaving, but not busy.
no_worker();
my $session = $node->background_psql('postgres');
$session->query_safe("BEGIN; SELECT instagram_insights.ig_refresh_insights('" . user_id(0) . "')");
$node->safe_psql('postgres', "SELECT instagram_insights.ig_refresh_insights('" . user_id(1) . "')");
wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
my $transactions = "SELECT sum(pg_stat_get_db_xact_commit(oid) + pg_stat_get_db_xact_rollback(oid)) FROM pg_database WHERE datname = 'postgres'";
$node->safe_psql('postgres', 'SELECT pg_stat_reset()');
$session->query_safe('SELECT pg_sleep(2)');
my $made = $node->safe_psql('postgres', $transactions);
diag("$made transactions in 2 s");
cmp_ok($made, '<', 20, 'an open transaction that has enqueued does not keep the worker spinning');
$session->query_safe('COMMIT');
wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
$session->quit;

no_worker();
unlike(slurp_file($node->logfile), qr/PANIC|FATAL|terminated by signal|instagram_insights worker tries again/, 'no worker failed on the way');
$node->stop;
done_testing();
