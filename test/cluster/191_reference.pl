# The reference says what the catalog says: arguments of functions, columns of views and results, defaults of settings.
use strict;
use warnings;

use FindBin;
use InsightsNode;
use PostgreSQL::Test::Utils;
use Test::More;

my $schema = 'instagram_insights';
my $node = insights_node('reference');
my $page = slurp_file("$FindBin::Bin/../../docs/reference.md");
my @sections = split /^(?=##)/m, $page;

sub sql { my ($sql) = @_; return $node->safe_psql('postgres', $sql) }

# Lines "name: word, word" of a query, as a hash.
sub lists { my ($query) = @_; return map { my ($name, $list) = split /\|/, $_, 2; ($name => $list) } split /\n/, sql($query) }

# Functions: the names in the heading, in order.
my %arguments = lists("SELECT proname, array_to_string(proargnames[1:pronargs], ', ') FROM pg_proc WHERE pronamespace = '$schema'::regnamespace");
my $functions = 0;
for my $heading (map { /^### ([^\n]+)/ ? $1 : () } @sections)
{
    while ($heading =~ /`(\w+)\(((?:'[^']*'|[^'`)])*)\)`/g)
    {
        my ($name, $list) = ($1, $2);
        next if $list eq '...';
        $list =~ s/'[^']*'//g;
        is(join(', ', map { /(\w+)/ ? $1 : () } split /,/, $list), $arguments{$name}, "$name() has the arguments of the page");
        $functions++;
    }
}
cmp_ok($functions, '>=', 25, 'functions were found in the page');

# Views: a list of columns, or a table whose first column names them.
my %columns = lists("SELECT c.relname, string_agg(a.attname, ', ' ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = '$schema'::regnamespace AND c.relkind IN ('r', 'v', 'c') AND a.attnum > 0 AND NOT a.attisdropped GROUP BY 1");
my $views = 0;
for my $section (@sections)
{
    my ($kind, $names, $body) = $section =~ /^### (View|Table)s? ([^\n(]+)[^\n]*\n(.*)/s or next;
    my @names = $names =~ /`(\w+)`/g;
    if (my ($list) = $body =~ /\A\n`((?:\w+,\s)+\w+)`/)
    {
        $list =~ s/\s+/ /g;
        is($columns{$_}, $list, "$_ has the columns of the page"), $views++ for @names;
    }
    elsif ($body =~ /^\| column \|/m)
    {
        # The table may leave out what is plain, and name several in a row, but nothing that is not there.
        my %there = map { $_ => 1 } split /, /, $columns{ $names[0] };
        my ($rows) = $body =~ /^\| column \|[^\n]*\n\|[^\n]*\n((?:\|[^\n]*\n)+)/m;
        my @named = map { /^\| ([^|]+)/ ? $1 =~ /`(\w+)[^`]*`/g : () } split /\n/, $rows;
        is(join(' ', grep { !$there{$_} } @named), '', "$names[0] has the columns that the page explains");
        $views++;
    }
}
cmp_ok($views, '>=', 9, 'views were found in the page');

# Settings: their defaults as a person writes them.
my %default;
for my $line (split /\n/, sql("SELECT substr(name, 20), unit, vartype, boot_val FROM pg_settings WHERE name LIKE 'instagram\\_insights.%'"))
{
    my ($name, $unit, $type, $value) = split /\|/, $line, 4;
    $value /= 1000 if $unit eq 'ms';
    my $days = $unit eq 's' && $value && $value % 86400 == 0;
    $value = $days ? $value / 86400 . ' days' : $unit =~ /^m?s$/ && $value ? "$value s" : $unit eq 'kB' ? $value / 1024 . ' MB' : $value;
    $default{$name} = $value eq '' ? 'empty' : $value;
}
my ($table) = $page =~ /^## Settings\n(.*?)^## /ms;
my %told = map { /^\| (\w+) \| ([^|]+?) \|/ ? ($1 => $2) : () } split /\n/, $table =~ tr/`//dr;
is($told{$_}, $default{$_}, "$_ has the default of the page") for sort keys %default;

$node->stop;
done_testing();
