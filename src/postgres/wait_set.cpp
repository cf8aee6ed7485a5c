// Implements waiting on one WaitEventSet.
#include "postgres/wait_set.hpp"

#include <algorithm>

namespace ig::pg {

WaitSet::WaitSet(int descriptor) : events_(nullptr)
{
    pg_call([this, descriptor] {
        events_ = create_wait_event_set(3);
        AddWaitEventToSet(events_, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, nullptr);
        AddWaitEventToSet(events_, WL_SOCKET_READABLE, descriptor, nullptr, nullptr);
        // In single-user mode there is no postmaster to watch.
        if (IsUnderPostmaster) AddWaitEventToSet(events_, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, nullptr, nullptr);
    });
}

WaitSet::~WaitSet()
{
    if (events_ != nullptr) FreeWaitEventSet(events_);
}

bool WaitSet::wait(std::optional<std::chrono::milliseconds> timeout)
{
    constexpr long long longest = 3600000;
    const long limit = timeout ? static_cast<long>(std::clamp<long long>(timeout->count(), 0, longest)) : -1;
    return pg_call([this, limit] {
        WaitEvent occurred[3];
        bool latch = false;
        const int count = WaitEventSetWait(events_, limit, occurred, 3, http_wait_event());
        for (int i = 0; i < count; ++i)
            if ((occurred[i].events & WL_LATCH_SET) != 0) latch = true;
        if (latch) ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
        return latch;
    });
}

}  // namespace ig::pg
