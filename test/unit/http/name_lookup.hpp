// The name look-up of the whole test program: no name leaves the machine, and one of them hangs on demand.
#pragma once

#include <csignal>
#include <string>

namespace ig::test {

// `graph.test` leads to 127.0.0.1, `hangs.test` waits for release_lookups(); any other name is unknown.
int lookups();
int hanging_lookups();
void release_lookups();

// The signal mask that the last hanging look-up ran under, as its own thread saw it.
sigset_t mask_of_hanging_lookup();
long thread_of_hanging_lookup();

}  // namespace ig::test
