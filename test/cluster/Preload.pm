# Small libraries that a server is started with, by LD_PRELOAD, so that a test may decide what its machine's name service and
# clock say.
package Preload;

use strict;
use warnings;

use PostgreSQL::Test::Utils;

# Of these two hosts, one is never looked up to an end, and the other does not exist.
my $name_service = <<'C';
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netdb.h>
#include <string.h>
#include <unistd.h>
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) =
        (int (*)(const char *, const char *, const struct addrinfo *, struct addrinfo **))dlsym(RTLD_NEXT, "getaddrinfo");
    if (node && strcmp(node, "hangs.example") == 0)
        for (;;) pause();
    if (node && strcmp(node, "missing.example") == 0) return EAI_NONAME;
    return next(node, service, hints, found);
}
C

# The wall clock, and it alone, is ahead by as many seconds as the file CLOCK_AHEAD begins with, a 64 bit integer.
my $clock = <<'C';
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
static long long ahead(void)
{
    static volatile long long *shared;
    if (!shared) {
        const char *path = getenv("CLOCK_AHEAD");
        int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
        void *found = file < 0 ? MAP_FAILED : mmap(0, sizeof *shared, PROT_READ, MAP_SHARED, file, 0);
        if (found == MAP_FAILED) abort();
        shared = found;
    }
    return *shared;
}
int clock_gettime(clockid_t which, struct timespec *now)
{
    static int (*next)(clockid_t, struct timespec *);
    if (!next) next = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = next(which, now);
    if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) now->tv_sec += ahead();
    return result;
}
int gettimeofday(struct timeval *now, void *zone)
{
    struct timespec fine;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &fine);
    now->tv_sec = fine.tv_sec;
    now->tv_usec = fine.tv_nsec / 1000;
    return 0;
}
time_t time(time_t *out)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (out) *out = now.tv_sec;
    return now.tv_sec;
}
C

sub build
{
    my ($name, $source) = @_;
    my $folder = PostgreSQL::Test::Utils::tempdir();
    append_to_file("$folder/$name.c", $source);
    system_or_bail('cc', '-shared', '-fPIC', '-O1', '-o', "$folder/$name.so", "$folder/$name.c", '-ldl');
    return "$folder/$name.so";
}

sub name_service { return build('name_service', $name_service) }

# The library, and the file that says how far the clock is ahead: see ahead().
sub clock
{
    my $library = build('clock', $clock);
    (my $file = $library) =~ s/clock\.so$/ahead/;
    append_to_file($file, pack('q', 0));
    return ($library, $file);
}

# Sets the clock of every process that watches this file, at once: the bytes are replaced where they are mapped.
sub ahead
{
    my ($file, $seconds) = @_;
    open my $handle, '+<:raw', $file or die "$file: $!";
    syswrite($handle, pack('q', $seconds)) == 8 or die "$file: $!";
    close $handle or die "$file: $!";
    return;
}

1;
