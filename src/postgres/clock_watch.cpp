// Implements watching the clock.
#include "postgres/clock_watch.hpp"

#include <utility>

#include "http/date.hpp"

namespace ig::pg {

namespace {

constexpr std::chrono::minutes tolerated{5};  // as in ig_doctor_clock()
constexpr std::chrono::hours store_every{1};

}  // namespace

bool ClockWatch::Seen::wrong() const noexcept { return ahead > tolerated || ahead < -tolerated; }

std::optional<Instant> ClockWatch::observe(const HttpResponse &response, Instant now) noexcept
{
    const std::optional<std::chrono::sys_seconds> theirs = http::date_of(response);
    if (!theirs) return std::nullopt;
    seen_ = Seen{std::chrono::duration_cast<std::chrono::seconds>(now - *theirs), now};
    return seen_->wrong() ? std::optional<Instant>(*theirs) : std::nullopt;
}

void ClockWatch::store(Sql &sql, Instant now)
{
    storing_.reset();
    if (!seen_ || (stored_ && stored_->wrong() == seen_->wrong() && now < stored_->at + store_every)) return;
    // What an earlier worker wrote counts as well.
    sql.run("UPDATE instagram_insights.worker_state SET clock_ahead_seconds = $1, clock_seen_at = pg_catalog.now()"
            " WHERE clock_seen_at IS NULL OR clock_seen_at NOT BETWEEN pg_catalog.now() - '1 hour'::interval AND "
            "pg_catalog.now()"
            "    OR (pg_catalog.abs(clock_ahead_seconds) > 300) <> (pg_catalog.abs($1) > 300)",
            Params().number(seen_->ahead.count()));
    storing_ = seen_;
}

void ClockWatch::committed() noexcept
{
    if (storing_) stored_ = std::exchange(storing_, std::nullopt);
}

}  // namespace ig::pg
