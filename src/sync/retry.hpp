// Retry rules: how far a failure reaches, whether another try can help, and how long to wait before it.
#pragma once

#include <chrono>

#include "sync/engine.hpp"
#include "sync/random.hpp"

namespace ig::sync {

using std::chrono::milliseconds;

// How much a failure ends here. Some kinds speak of the whole account, of metrics or of one request, whatever reach the
// reading gave.
platform::FailureReach reach_of(const platform::Failure &failure) noexcept;

// What becomes of the calls of a batch that failed as a whole.
enum class AfterBatch {
    tell_all,  // each call has met that failure
    first_alone,  // the first call's token, which speaks for the batch, may be the reason: the first alone, the others anew
    smaller       // fewer calls together may get through
};
AfterBatch after_failed_batch(TransportFailure transport, const platform::Failure &failure) noexcept;

// Kinds that only a person can mend, or nobody needs to: another attempt of the job would meet them again.
bool is_final(platform::FailureKind kind) noexcept;

// The wait a failure names, within reason; zero if it names none.
milliseconds named_wait(const platform::Failure &failure) noexcept;

// The pause before a question is asked again, after it was asked `times` times: exponential, full jitter.
milliseconds call_pause(const EngineOptions &options, int times, Random &random) noexcept;

// The pause before the next attempt of a job: exponential, the upper half of it jittered.
milliseconds job_pause(const EngineOptions &options, int attempt, Random &random) noexcept;

// How long the API wants to be left alone: what it named, within reason, or our own default.
milliseconds throttle_pause(const EngineOptions &options, const platform::Failure &failure) noexcept;

// Added to a named wait, so that those who wait for the same moment do not all come back in it.
milliseconds throttle_jitter(milliseconds pause, Random &random) noexcept;

}  // namespace ig::sync
