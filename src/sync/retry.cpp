// Retry rules as plain arithmetic; no pause can overflow, however large the option or the API's own number.
#include "sync/retry.hpp"

#include <algorithm>

namespace ig::sync {

using platform::Failure;
using platform::FailureKind;
using platform::FailureReach;

namespace {

// More than any limit of the API; a larger number in an answer is a mistake or malice.
constexpr std::chrono::hours longest_wait{7 * 24};

milliseconds doubled(milliseconds first, int times, milliseconds limit) noexcept
{
    milliseconds pause = std::max(first, milliseconds{0});
    limit = std::clamp(limit, milliseconds{0}, milliseconds{longest_wait});
    for (int i = 1; i < times && pause < limit; ++i) pause *= 2;
    return std::min(pause, limit);
}

}  // namespace

FailureReach reach_of(const Failure &failure) noexcept
{
    switch (failure.kind) {
    case FailureKind::needs_login:
    case FailureKind::token_unreadable:
    case FailureKind::throttled: return failure.reach == FailureReach::app ? FailureReach::app : FailureReach::account;
    case FailureKind::no_data:
        return failure.reach == FailureReach::metrics ? FailureReach::metrics : FailureReach::request;
    case FailureKind::not_supported:
        return failure.reach == FailureReach::request ? FailureReach::metrics : failure.reach;
    default: return failure.reach;
    }
}

AfterBatch after_failed_batch(TransportFailure transport, const Failure &failure) noexcept
{
    switch (transport) {
    case TransportFailure::none:
    case TransportFailure::timeout:
    case TransportFailure::interrupted:
    case TransportFailure::too_large: break;
    case TransportFailure::resolve:
    case TransportFailure::connect:
    case TransportFailure::tls:
    case TransportFailure::refused:
    case TransportFailure::cancelled:
        return AfterBatch::tell_all;  // nobody was reached: fewer calls would not be heard either
    }
    switch (failure.kind) {
    case FailureKind::throttled: return AfterBatch::tell_all;
    case FailureKind::needs_login:
    case FailureKind::permission: return AfterBatch::first_alone;
    default: return AfterBatch::smaller;
    }
}

bool is_final(FailureKind kind) noexcept
{
    switch (kind) {
    case FailureKind::no_data:
    case FailureKind::not_supported:
    case FailureKind::needs_login:
    case FailureKind::permission:
    case FailureKind::token_unreadable:
    case FailureKind::cancelled: return true;
    default: return false;
    }
}

milliseconds named_wait(const Failure &failure) noexcept
{
    if (!failure.wait) return milliseconds{0};
    return std::clamp<std::chrono::seconds>(*failure.wait, std::chrono::seconds{0}, longest_wait);
}

milliseconds call_pause(const EngineOptions &options, int times, Random &random) noexcept
{
    return random.up_to(doubled(options.call_backoff, times, options.call_backoff_limit));
}

milliseconds job_pause(const EngineOptions &options, int attempt, Random &random) noexcept
{
    const milliseconds pause = doubled(options.job_backoff, attempt, options.job_backoff_limit);
    return pause / 2 + random.up_to(pause / 2);
}

milliseconds throttle_pause(const EngineOptions &options, const Failure &failure) noexcept
{
    const std::chrono::seconds wait = failure.wait.value_or(options.throttle_wait);
    return std::clamp<std::chrono::seconds>(wait, std::chrono::seconds{1}, longest_wait);
}

milliseconds throttle_jitter(milliseconds pause, Random &random) noexcept
{
    return random.up_to(std::clamp<milliseconds>(pause / 10, std::chrono::seconds{1}, std::chrono::seconds{60}));
}

}  // namespace ig::sync
