/* Touches malloc before any other library's constructor runs: one of them holds the locale's lock while the sanitizer starts,
   and both would wait for each other for ever. */
#include <stdlib.h>

__attribute__((constructor)) static void take_memory_early(void)
{
    void *volatile memory = malloc(1);
    free(memory);
}
