/* Preloaded into a server: writes at each wait how many kB of malloc are in use, into the file
   $MEMORY_IN_USE/<process id>. What a process holds of the system hides a leak for long: it goes into the holes that greater work left behind. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

int epoll_wait(int descriptor, struct epoll_event *events, int most, int milliseconds)
{
    static int (*wait_really)(int, struct epoll_event *, int, int);
    const char *folder = getenv("MEMORY_IN_USE");
    if (wait_really == NULL) *(void **)&wait_really = dlsym(RTLD_NEXT, "epoll_wait");
    if (folder != NULL) {
        const struct mallinfo2 memory = mallinfo2();
        char name[4096];
        FILE *file;
        snprintf(name, sizeof name, "%s/%d", folder, (int)getpid());
        file = fopen(name, "w");
        if (file != NULL) {
            fprintf(file, "%zu\n", (memory.uordblks + memory.hblkhd) / 1024);
            fclose(file);
        }
    }
    return wait_really(descriptor, events, most, milliseconds);
}
