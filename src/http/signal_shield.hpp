// SignalShield: blocks every signal while it lives, so that threads made by libcurl inherit a full mask.
#pragma once

#include <csignal>

namespace ig::http {

// libcurl looks names up in threads of its own. A signal handler of the host process that ran on such a
// thread would touch that process's state from the wrong thread, so each call that may start one is shielded.
class SignalShield {
public:
    SignalShield() noexcept
    {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, &before_);
    }
    ~SignalShield() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalShield(const SignalShield &) = delete;
    SignalShield &operator=(const SignalShield &) = delete;

private:
    sigset_t before_;
};

}  // namespace ig::http
