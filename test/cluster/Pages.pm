# Takes the commands out of the pages: fenced blocks and SQL in backquotes, in order, with the marks that stand before them.
package Pages;

use strict;
use warnings;

use Exporter 'import';

our @EXPORT = qw(pages steps statements);

# Two marks may stand on the line before a block; a reader does not see them.
#   <!-- not run: reason -->   it cannot be run by a test
#   <!-- as operator -->       who runs it; nobody named is a superuser
# Languages: sql, sh and bash are run; psql is what a person sees there, prompts included; ini goes to postgresql.conf;
# text is a picture or an output, and nobody's command.
my %known = map { $_ => 1 } qw(sql sh bash psql ini text);

sub pages
{
    my ($root) = @_;
    return ('README.md', 'CONTRIBUTING.md', map { "docs/$_" } sort map { s{.*/}{}r } glob "$root/docs/*.md");
}

# Whole statements in backquotes: `SELECT schema.function(...)` and the like, not their names alone. Three dots, and a
# GRANT without its end, leave a blank for the reader.
sub inline_statements
{
    my ($text) = @_;
    my @found;
    while ($text =~ /`((?:SELECT|ALTER|GRANT|REVOKE|CREATE|DROP|INSERT|UPDATE|DELETE|SET)\s[^`]+)`/g)
    {
        my $statement = $1 =~ s/\s+/ /gr;
        next if $statement =~ /\.\.\.|\bTO$/ || $statement !~ /;$|\binstagram_insights\b/;
        push @found, { statement => $statement, before => substr($text, 0, $-[0]) =~ tr/\n// };
    }
    return @found;
}

# What stands in a paragraph, as steps, and what is wrong with its marks, as problems.
sub take_paragraph
{
    my ($found, $where, $lines) = @_;
    for my $one (inline_statements(join "\n", @$lines))
    {
        push @{ $found->{steps} },
            { %$where, line => $where->{line} + $one->{before}, language => 'inline', text => $one->{statement} };
    }
    @$lines = ();
    return;
}

# { steps => [{ page, line, heading, language, text, as, not_run }, ...], problems => [...] }
sub steps
{
    my ($root, $page) = @_;
    my %found = (steps => [], problems => []);
    my ($heading, $number, $block, $mark, @paragraph, $began) = ('', 0);
    open my $file, '<', "$root/$page" or die "$page: $!";
    while (my $line = <$file>)
    {
        chomp $line;
        $number++;
        if ($block)
        {
            if ($line =~ /^\s*```$/) { push @{ $found{steps} }, $block; undef $block; next }
            $block->{text} .= $line =~ s/^ {0,$block->{indent}}//r . "\n";
        }
        elsif ($line =~ /^( *)```(.*)$/)
        {
            $block = { page => $page, line => $number, heading => $heading, indent => length $1, text => '',
                language => $2, %{ $mark // {} } };
            push @{ $found{problems} }, "$page:$number: a block in the language \"$2\"" if !$known{$2};
            take_paragraph(\%found, { page => $page, line => $began, heading => $heading }, \@paragraph) if @paragraph;
            undef $mark;
        }
        elsif ($line =~ /^\s*<!-- (?:not run: (.+)|as (\w+)) -->$/)
        {
            $mark = { defined $1 ? (not_run => $1) : (as => $2), line => $number };
        }
        else
        {
            push @{ $found{problems} }, "$page:$number: no block follows the mark" if $mark;
            undef $mark;
            push @{ $found{problems} }, "$page:$number: an unknown mark" if $line =~ /^\s*<!--/;
            $began = $number if !@paragraph;
            push @paragraph, $line;
            if ($line =~ /^#+ (.*)/ || $line =~ /^\s*$/)
            {
                take_paragraph(\%found, { page => $page, line => $began, heading => $heading }, \@paragraph);
                $heading = $1 if $line =~ /^#+ (.*)/;
            }
        }
    }
    push @{ $found{problems} }, "$page: a block is not closed" if $block;
    take_paragraph(\%found, { page => $page, line => $began, heading => $heading }, \@paragraph) if @paragraph;
    return \%found;
}

# A block of SQL as single statements, each with the output that stands below it as a comment (or nothing).
sub statements
{
    my ($text) = @_;
    my @found;
    while ($text =~ /\G((?:(?!;[ ]*(?:--[^\n]*)?$).)+;?[ ]*(?:--[^\n]*)?(?:\n|\z))((?:--[ ][{h][^\n]*\n)*)/gmsx)
    {
        my ($statement, $shown) = ($1, $2);
        push @found, { text => $statement, shown => $shown =~ s/^-- //gmr };
    }
    return @found;
}

1;
