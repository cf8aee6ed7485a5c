# A folder of installed files for one test's servers alone, where the library can be exchanged, as packages do, and where the
# first version can be installed too.
package VersionFolder;

use strict;
use warnings;

use File::Copy qw(copy);
use File::Path qw(make_path);
use PostgreSQL::Test::Utils;

# new(): with the present library. Nothing where the server can only look into its own folders.
sub new
{
    my ($class) = @_;
    my $folder = PostgreSQL::Test::Utils::tempdir();
    chmod 0755, $folder;
    my ($share, $libraries) = map { my $found = `pg_config --$_`; chomp $found; $found } qw(sharedir pkglibdir);
    my $settings = slurp_file($ENV{TEMP_CONFIG});
    my ($destination) = $settings =~ /^extension_destdir = '(.*)'/m;
    my ($control_path) = $settings =~ /^extension_control_path = '(.*):\$system'/m;
    return unless defined $destination || defined $control_path;
    my $from = $control_path // "$destination$share";
    my ($library_path) = $settings =~ /^dynamic_library_path = '(.*):\$libdir'/m;
    my $self = bless { folder => $folder, share => "$folder$share", libraries => "$folder$libraries" }, $class;
    $self->{setting} = defined $destination ? "extension_destdir = '$folder'" : "extension_control_path = '$folder$share:\$system'";
    $self->{library} = { present => "$library_path/instagram_insights.so", older => $ENV{OLDER_LIBRARY} };
    make_path("$self->{share}/extension", $self->{libraries});
    for my $file (glob("$from/extension/instagram_insights*"), glob('test/life/instagram_insights--*.sql'))
    {
        copy($file, "$self->{share}/extension/") or die "$file: $!";
    }
    return $self->put_library('present');
}

# What a package does: the new file takes the name of the old one, which stays in the processes that have it.
sub put_library
{
    my ($self, $which) = @_;
    my $target = "$self->{libraries}/instagram_insights.so";
    copy($self->{library}{$which}, "$target.new") or die "$self->{library}{$which}: $!";
    rename "$target.new", $target or die "$target: $!";
    return $self;
}

# Version 1.0 in a database, used by its own library: which is today's under an older number, and wants today's columns.
sub create_1_0
{
    my ($self, $node, $database) = @_;
    $self->put_library('older');
    $node->safe_psql($database, "CREATE EXTENSION instagram_insights VERSION '1.0'; ALTER TABLE instagram_insights.sync_jobs ADD COLUMN answered jsonb");
    return;
}

# Takes those away again, so that an update meets what people have.
sub as_1_0_was
{
    my ($self, $node, $database) = @_;
    $node->safe_psql($database, 'ALTER TABLE instagram_insights.sync_jobs DROP COLUMN answered');
    return;
}

# Lines for postgresql.conf.
sub conf
{
    my ($self) = @_;
    return "$self->{setting}\ndynamic_library_path = '$self->{libraries}:\$libdir'\n";
}

1;
