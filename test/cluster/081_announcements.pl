# NOTIFY: whoever listens hears how each refresh ended, and that an account needs a person, but never of whom.
use strict;
use warnings;

use GraphSandbox;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $sandbox = GraphSandbox->new(accounts => 4, now => '2026-11-22T12:00:00Z');
my $node = insights_node('announcements', sandbox => $sandbox, conf => "instagram_insights.idle_timeout = -1");
connect_account($node, 'a', $_) for 1 .. 3;
sub query { return $node->safe_psql('postgres', $_[0]) }
sub id { return sprintf('178414%011d', $_[0]) }
sub refresh { return query("SELECT instagram_insights.ig_refresh_insights('" . user_id('a') . "', '" . id($_[0]) . "')") }

my $listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN instagram_insights');
my $heard = '';

# psql prints what has come after each query.
sub hear
{
    my ($payload, $promise) = @_;
    for (1 .. 1800) {
        $heard .= $listener->query('SELECT pg_sleep(0.1)');
        last if index($heard, qq("$payload")) >= 0;
    }
    ok(index($heard, qq("$payload")) >= 0, $promise) or diag($heard);
    return;
}

my $job = refresh(1);
hear(qq({"event":"job","job_id":$job,"state":"succeeded"}), 'a refresh that succeeded is announced');

query("UPDATE instagram_insights.accounts SET status = 'needs_login' WHERE account_id = '" . id(2) . "'");
$job = refresh(2);
hear(qq({"event":"job","job_id":$job,"state":"failed"}), 'one of an account that waits for a login, too, though nobody was called');

# As if a worker had ended with it twice, and then a third time, longer ago than a lease lasts.
query("INSERT INTO instagram_insights.sync_jobs (user_id, account_id, kind, state, crashes, lease_until)
       VALUES ('@{[ user_id('a') ]}', '@{[ id(1) ]}', 'refresh', 'running', 2, now() - interval '1 hour')");
$job = query("SELECT max(job_id) FROM instagram_insights.sync_jobs");
query('SELECT instagram_insights.ig_nudge()');
hear(qq({"event":"job","job_id":$job,"state":"failed"}), 'one that was set aside after its third crash, too');

$sandbox->faults({ match => { route => 'insights', account_id => id(3) }, do => { error => { status => 401, code => 190, subcode => 463, message => 'Session has expired' } } });
$job = refresh(3);
hear('{"event":"account","status":"needs_login"}', 'that an account has come to need a person is announced');
hear(qq({"event":"job","job_id":$job,"state":"failed"}), 'beside the end of the refresh that found it out');

$heard = '';
query('SELECT instagram_insights.ig_sync_all()');
wait_for($node, "SELECT NOT EXISTS (SELECT FROM instagram_insights.sync_jobs WHERE state IN ('queued', 'running', 'waiting'))");
$job = refresh(1);
hear(qq({"event":"job","job_id":$job,"state":"succeeded"}), 'and the next');
is(() = $heard =~ /"event"/g, 1, 'daily work is not announced');
$listener->quit;
$node->stop;
done_testing();
