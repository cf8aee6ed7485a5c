// Token life: when a token is renewed, when not yet, and how tries are spread (graph-api.md 3.2, 3.4). Pure.
#pragma once

#include <cstdint>
#include <optional>

#include "platform/platform.hpp"
#include "platform/time.hpp"

namespace ig::sync {

struct TokenLife {
    platform::Login login = platform::Login::facebook;
    std::optional<Instant> issued_at;      // nothing: 60 days before expires_at is assumed
    std::optional<Instant> expires_at;     // nothing: it never ends (page tokens), or nobody said
    std::optional<Instant> refresh_after;  // an earlier try failed
    bool app_configured = false;           // the Facebook exchange needs the app's secret
};

// Why a token is not renewed now, in the order they are tested.
enum class RefreshVerdict { now, no_expiry, expired, no_app, too_young, not_due, waiting };

// By itself: from half life on, an Instagram token at least 24 hours old, not before refresh_after.
RefreshVerdict refresh_verdict(const TokenLife &life, Instant now);
// On request: as soon as the platform allows it.
RefreshVerdict requested_refresh_verdict(const TokenLife &life, Instant now);

// After a failed try: an eighth of what remains of the life, between 15 minutes and a day, with up to a quarter of jitter
// (`random` is any number), so that a token that ends in a month is tried daily and one that ends tomorrow every few hours.
Instant next_refresh_try(Instant expires_at, Instant now, std::uint64_t random);

}  // namespace ig::sync
