// Takes getaddrinfo's place: libcurl's resolver threads call this definition instead of the C library's.
#include "http/name_lookup.hpp"

#include <dlfcn.h>
#include <netdb.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <mutex>

namespace {

struct Gate {
    std::mutex mutex;
    std::condition_variable changed;
    int lookups = 0;
    int hanging = 0;
    int released = 0;
    sigset_t mask{};
    long thread = 0;
};

// Never destroyed: a look-up may outlive main().
Gate &gate()
{
    static Gate *const instance = new Gate;
    return *instance;
}

void hang()
{
    Gate &g = gate();
    std::unique_lock lock(g.mutex);
    pthread_sigmask(SIG_BLOCK, nullptr, &g.mask);
    g.thread = syscall(SYS_gettid);
    ++g.hanging;
    const int before = g.released;
    g.changed.notify_all();
    g.changed.wait(lock, [&] { return g.released != before; });
    --g.hanging;
    g.changed.notify_all();
}

}  // namespace

extern "C" int getaddrinfo(const char *node, const char *service, const addrinfo *hints, addrinfo **result)
{
    using Function = int (*)(const char *, const char *, const addrinfo *, addrinfo **);
    static const Function real = reinterpret_cast<Function>(dlsym(RTLD_NEXT, "getaddrinfo"));
    {
        const std::lock_guard lock(gate().mutex);
        ++gate().lookups;
    }
    if (node != nullptr && std::strcmp(node, "hangs.test") == 0) {
        hang();
        return EAI_NONAME;
    }
    if (node != nullptr && std::strcmp(node, "graph.test") == 0) node = "127.0.0.1";
    addrinfo numeric{};
    if (hints != nullptr) numeric = *hints;
    numeric.ai_flags |= AI_NUMERICHOST;
    return real(node, service, &numeric, result);
}

namespace ig::test {

int lookups()
{
    const std::lock_guard lock(gate().mutex);
    return gate().lookups;
}

int hanging_lookups()
{
    const std::lock_guard lock(gate().mutex);
    return gate().hanging;
}

void release_lookups()
{
    Gate &g = gate();
    std::unique_lock lock(g.mutex);
    ++g.released;
    g.changed.notify_all();
    g.changed.wait(lock, [&] { return g.hanging == 0; });
}

sigset_t mask_of_hanging_lookup()
{
    const std::lock_guard lock(gate().mutex);
    return gate().mask;
}

long thread_of_hanging_lookup()
{
    const std::lock_guard lock(gate().mutex);
    return gate().thread;
}

}  // namespace ig::test
