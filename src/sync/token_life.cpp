// Implements the rules of token life.
#include "sync/token_life.hpp"

#include <algorithm>

namespace ig::sync {

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;

constexpr milliseconds usual_life = hours(60 * 24);
constexpr milliseconds least_age_instagram = hours(24);

Instant issue_time(const TokenLife &life) { return life.issued_at.value_or(*life.expires_at - usual_life); }

}  // namespace

RefreshVerdict requested_refresh_verdict(const TokenLife &life, Instant now)
{
    if (!life.expires_at) return RefreshVerdict::no_expiry;
    if (*life.expires_at <= now) return RefreshVerdict::expired;
    if (life.login == platform::Login::facebook && !life.app_configured) return RefreshVerdict::no_app;
    if (life.login == platform::Login::instagram && now - issue_time(life) < least_age_instagram)
        return RefreshVerdict::too_young;
    return RefreshVerdict::now;
}

RefreshVerdict refresh_verdict(const TokenLife &life, Instant now)
{
    const RefreshVerdict allowed = requested_refresh_verdict(life, now);
    if (allowed != RefreshVerdict::now) return allowed;
    const Instant issued = issue_time(life);
    if (now < issued + (*life.expires_at - issued) / 2) return RefreshVerdict::not_due;
    if (life.refresh_after && now < *life.refresh_after) return RefreshVerdict::waiting;
    return RefreshVerdict::now;
}

Instant next_refresh_try(Instant expires_at, Instant now, std::uint64_t random)
{
    const milliseconds remaining = std::max(expires_at - now, milliseconds(0));
    const milliseconds pause = std::clamp<milliseconds>(remaining / 8, minutes(15), hours(24));
    return now + pause +
           milliseconds(static_cast<std::int64_t>(random % static_cast<std::uint64_t>(pause.count() / 4 + 1)));
}

}  // namespace ig::sync
