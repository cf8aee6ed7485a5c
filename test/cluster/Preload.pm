# Small libraries that a server is started with, by LD_PRELOAD, so that a test may decide what its machine's name service and
# clock say, and how full its disk is.
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

# While the file DISK_FULL holds anything, no file of a table or index can grow.
my $disk = <<'C';
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
static int refused(int file, off_t end)
{
    char link[64], path[4096];
    struct stat full, data;
    const char *flag = getenv("DISK_FULL");
    int saved = errno;
    if (!flag || stat(flag, &full) != 0 || full.st_size == 0) { errno = saved; return 0; }
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t size = readlink(link, path, sizeof path - 1);
    if (size <= 0 || fstat(file, &data) != 0) { errno = saved; return 0; }
    path[size] = 0;
    errno = saved;
    if (!strstr(path, "/base/") || strstr(path, "/pgsql_tmp") || end <= data.st_size) return 0;
    errno = ENOSPC;
    return 1;
}
#define NEXT(name) static __typeof__(name) *next; if (!next) next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)
ssize_t pwrite(int file, const void *bytes, size_t size, off_t at)
{
    NEXT(pwrite);
    return refused(file, at + (off_t)size) ? -1 : next(file, bytes, size, at);
}
ssize_t pwrite64(int file, const void *bytes, size_t size, off64_t at) { return pwrite(file, bytes, size, at); }
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at)
{
    NEXT(pwritev);
    off_t size = 0;
    for (int i = 0; i < count; ++i) size += (off_t)parts[i].iov_len;
    return refused(file, at + size) ? -1 : next(file, parts, count, at);
}
ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t at) { return pwritev(file, parts, count, at); }
int posix_fallocate(int file, off_t at, off_t size)
{
    NEXT(posix_fallocate);
    return refused(file, at + size) ? ENOSPC : next(file, at, size);
}
int posix_fallocate64(int file, off64_t at, off64_t size) { return posix_fallocate(file, at, size); }
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

# The library, and the file that fills the disk as soon as it is not empty.
sub disk
{
    my $library = build('disk', $disk);
    (my $file = $library) =~ s/disk\.so$/full/;
    append_to_file($file, '');
    return ($library, $file);
}

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
