# Compares two installations of the extension by everything the catalog knows of them (test/life/catalog.sql).
package CatalogCompare;

use strict;
use warnings;

use Exporter 'import';
use JSON::PP;
use PostgreSQL::Test::Utils;

our @EXPORT = qw(catalog differences);

# catalog(node, database, change): {object}{property} = value. The change is made first, and rolled back.
sub catalog
{
    my ($node, $database, $change) = @_;
    my $query = slurp_file('test/life/catalog.sql');
    my $lines = $node->safe_psql($database, 'BEGIN; ' . ($change // '') . "; $query; ROLLBACK");
    my $json = JSON::PP->new->canonical->allow_nonref->boolean_values('false', 'true');
    my %catalog;
    for my $line (grep {/^\[/} split /\n/, $lines)
    {
        my ($object, $property, $value) = @{ $json->decode($line) };
        my $text = ref $value ? $json->encode($value) : $value // 'none';
        die "twice in the catalog: $object, $property" if exists $catalog{$object}{$property};
        $catalog{$object}{$property} = $text;
    }
    return \%catalog;
}

# Lines "object, property: 'value here' became 'value there'", those of whole objects first.
sub differences
{
    my ($before, $after) = @_;
    my (@whole, @parts);
    for my $object (sort keys %{ { %$before, %$after } })
    {
        if (!$after->{$object}) { push @whole, "$object: is missing"; next }
        if (!$before->{$object}) { push @whole, "$object: is too many"; next }
        my ($one, $other) = ($before->{$object}, $after->{$object});
        for my $property (sort keys %{ { %$one, %$other } })
        {
            my ($old, $new) = map { $_->{$property} // 'nothing' } $one, $other;
            push @parts, "$object, $property: '$old' became '$new'" if $old ne $new;
        }
    }
    return (@whole, @parts);
}

1;
