# A row takes at most three quarters of what it took in the layout this replaces, in whatever order rows arrive: the files of
# bench/reading, at a size where the ratio is that of 20 million rows.
use strict;
use warnings;

use FindBin;
use InsightsNode;
use Test::More;

my $schema = 'instagram_insights';
my $node = insights_node('storage', conf => "shared_buffers = 512MB\nmax_wal_size = 4GB\nautovacuum = off\nlog_statement = none");
my $bench = "$FindBin::Bin/../../bench/reading";

sub run_file
{
    my ($file, %variables) = @_;
    my ($out, $errors);
    my $code = $node->psql('postgres', '', stdout => \$out, stderr => \$errors, extra_params => [ '-f', "$bench/$file", map { ('-v', "$_=$variables{$_}") } sort keys %variables ]);
    is($code, 0, "$file runs") or diag($errors);
    return $out;
}

run_file('load.sql', users => 500, days => 500);
is($node->safe_psql('postgres', "SELECT count(*) FROM $schema.insights"), 1_000_000, 'a million rows');
my %arrivals = ('day by day' => 'i.end_time, hashtext(i.account_id), i.metric', 'account by account' => 'i.account_id, i.metric, i.end_time');
for my $how (sort keys %arrivals)
{
    my $out = run_file('storage.sql', sample => 500, order => $arrivals{$how});
    my ($old) = $out =~ /^old\|.*\|([\d.]+)$/m;
    my ($ours) = $out =~ /^ours\|.*\|([\d.]+)$/m;
    my ($percent) = $out =~ /^([\d.]+)$/m;
    cmp_ok($old, '>', 300, "rows that come $how: the old layout took $old bytes a row");
    cmp_ok($percent, '<=', 75, "... ours takes $ours, $percent %");
}
is($node->safe_psql('postgres', "SELECT max(n) FROM (SELECT count(*) AS n FROM pg_index x JOIN pg_inherits h ON h.inhrelid = x.indrelid WHERE h.inhparent = '$schema.insights'::regclass GROUP BY x.indrelid) i"), 2,
    'with two indexes');
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_attribute WHERE attrelid = '$schema.insights'::regclass AND attname = 'id'"), 0, '... and no stored id');

$node->stop;
done_testing();
