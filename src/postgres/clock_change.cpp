// Implements following a clock that was set back.
#include "postgres/clock_change.hpp"

#include "postgres/pacific.hpp"

namespace ig::pg {

namespace {

constexpr std::chrono::seconds tolerated{30};

}  // namespace

ClockChange::ClockChange(Instant now) noexcept : seen_(now), seen_at_(std::chrono::steady_clock::now()) {}

std::optional<Instant> ClockChange::set_back_from(Instant now) noexcept
{
    const auto at = std::chrono::steady_clock::now();
    const Instant expected = seen_ + std::chrono::duration_cast<std::chrono::milliseconds>(at - seen_at_);
    if (now < expected - tolerated) return expected;
    seen_ = now;
    seen_at_ = at;
    return std::nullopt;
}

std::optional<Instant> clock_was_ahead(Sql &sql)
{
    const Rows rows =
        sql.run("SELECT pg_catalog.ceil(EXTRACT(epoch FROM GREATEST(started_at, clock_seen_at, maintained_at)))::text"
                "  FROM instagram_insights.worker_state");
    if (rows.empty() || !rows[0][0]) return std::nullopt;
    const Instant latest = instant_from_epoch(*rows[0][0]);
    return latest > current_time() + tolerated ? std::optional<Instant>(latest) : std::nullopt;
}

void follow_clock(Sql &sql, Instant was, Instant now)
{
    const auto moments = [was, now] { return Params().instant(was).instant(now); };
    sql.run("UPDATE instagram_insights.sync_jobs SET due_at = GREATEST($2, due_at - ($1 - $2))"
            " WHERE state = ANY (ARRAY['queued', 'waiting']) AND due_at > $2",
            moments());
    sql.run("UPDATE instagram_insights.usage"
            "   SET blocked_until = CASE WHEN blocked_until > $2 THEN GREATEST($2, blocked_until - ($1 - $2)) ELSE "
            "blocked_until END,"
            "       observed_at = LEAST(observed_at, $2), hour = LEAST(hour, pg_catalog.date_trunc('hour', $2, 'UTC'))"
            " WHERE blocked_until > $2 OR observed_at > $2 OR hour > $2",
            moments());
    sql.run(
        "WITH today AS (SELECT ($2 AT TIME ZONE 'America/Los_Angeles')::date - 1 AS yesterday)"
        " UPDATE instagram_insights.accounts a"
        "    SET blocked_until = CASE WHEN a.blocked_until > $2 THEN GREATEST($2, a.blocked_until - ($1 - $2)) ELSE "
        "a.blocked_until END,"
        "        metric_state = (SELECT COALESCE(pg_catalog.jsonb_object_agg(e.key, e.value"
        "                || CASE WHEN (e.value ->> 'through')::date > t.yesterday"
        "                        THEN pg_catalog.jsonb_build_object('through', t.yesterday::text) ELSE '{}'::jsonb END"
        "                || CASE WHEN (e.value ->> 'unsupported_since')::timestamptz > $2"
        "                        THEN pg_catalog.jsonb_build_object('unsupported_since', $2) ELSE '{}'::jsonb END), "
        "'{}'::jsonb)"
        "           FROM pg_catalog.jsonb_each(a.metric_state) e)"
        "   FROM today t"
        "  WHERE a.blocked_until > $2"
        "     OR EXISTS (SELECT FROM pg_catalog.jsonb_each(a.metric_state) e"
        "                 WHERE (e.value ->> 'through')::date > t.yesterday OR (e.value ->> "
        "'unsupported_since')::timestamptz > $2)",
        moments());
    sql.run("UPDATE instagram_insights.worker_state"
            "   SET clock_seen_at = LEAST(clock_seen_at, $1), maintained_at = LEAST(maintained_at, $1)",
            Params().instant(now));
}

}  // namespace ig::pg
