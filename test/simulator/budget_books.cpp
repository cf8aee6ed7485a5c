// The rules: nobody calls while blocked; near the limit backfills stop, daily work goes slowly, few calls are under way.
#include "budget_books.hpp"

#include <algorithm>

#include "trace.hpp"

namespace ig::simulator {

namespace {

constexpr int threshold = 80;
constexpr int most_near_limit = 4;
constexpr seconds unnamed_wait{900};

std::string at(Slot slot, Instant now) { return "connection " + std::to_string(slot) + " at " + moment_text(now); }

}  // namespace

// What has a time yet to come was written before the clock was set back, and tells nothing.
void BudgetBooks::load(const sync::BudgetRow &row, Instant now)
{
    const auto of_row = [&row](const ConnectionPlan &connection) { return connection.budget == row.key; };
    const auto found = std::find_if(scenario_.connections.begin(), scenario_.connections.end(), of_row);
    Entry &entry = row.key.whole_app() ? app(row.key.login)
                                       : accounts_[static_cast<std::size_t>(found - scenario_.connections.begin())];
    entry.blocked_until = std::max(entry.blocked_until, row.blocked_until);
    const bool newer = !entry.observed_at || *entry.observed_at < row.observed_at || *entry.observed_at > now;
    if (row.observed_at && row.percent && *row.observed_at <= now && newer) {
        entry.observed_at = row.observed_at;
        entry.percent = *row.percent;
    }
    if (row.hour <= now && (row.hour > entry.hour || entry.hour > now)) {
        entry.hour = row.hour;
        entry.calls = 0;
    }
    if (row.hour == entry.hour) entry.calls = std::max(entry.calls, row.calls);
}

bool BudgetBooks::near_limit(const Entry &entry, int limit, Instant now)
{
    if (!entry.observed_at || *entry.observed_at > now || now - *entry.observed_at >= hours{1}) return false;
    if (entry.percent < limit) return false;
    return !(entry.blocked_until && *entry.blocked_until <= now && *entry.observed_at < *entry.blocked_until);
}

void BudgetBooks::check_pace(const Entry &entry, Slot slot, int priority, Instant now) const
{
    if (!near_limit(entry, threshold, now)) return;
    if (priority == 2) throw Violation("no backfill calls near the limit of a budget", at(slot, now));
    if (entry.in_flight >= most_near_limit)
        throw Violation("few calls are under way near the limit of a budget", at(slot, now));
    if (priority == 1 && entry.last_call && *entry.last_call <= now && now - *entry.last_call < seconds{1})
        throw Violation("daily work goes slowly near the limit of a budget", at(slot, now));
}

void BudgetBooks::count(Entry &entry, Instant now)
{
    const Instant hour = sync::hour_of(now);
    if (entry.hour != hour) {
        entry.hour = hour;
        entry.calls = 0;
    }
    ++entry.calls;
    ++entry.in_flight;
    entry.last_call = now;
}

void BudgetBooks::on_call(Slot slot, int priority, Instant now)
{
    Entry &own = accounts_[slot];
    Entry &whole = app(login_of(slot));
    on_sent(slot, now);
    check_pace(own, slot, priority, now);
    check_pace(whole, slot, priority, now);
    check_cap(own, slot, priority, now);
    count(own, now);
    count(whole, now);
}

void BudgetBooks::check_cap(const Entry &own, Slot slot, int priority, Instant now) const
{
    const int cap = priority == 2 ? std::max(1, cap_ * threshold / 100) : cap_;
    if (cap_ > 0 && own.hour == sync::hour_of(now) && own.calls >= cap)
        throw Violation("never more calls of an account in an hour than allowed", at(slot, now));
}

void BudgetBooks::on_sent(Slot slot, Instant now) const
{
    const auto blocked = [now](const Entry &entry) { return entry.blocked_until && *entry.blocked_until > now; };
    if (blocked(accounts_[slot])) throw Violation("no call of an account that is blocked", at(slot, now));
    if (blocked(app(login_of(slot)))) throw Violation("no call of an app that is blocked", at(slot, now));
}

void BudgetBooks::on_repeated(Slot slot, int priority, Instant now)
{
    on_gone(slot);
    check_cap(accounts_[slot], slot, priority, now);
    count(accounts_[slot], now);
    count(app(login_of(slot)), now);
}

void BudgetBooks::on_gone(Slot slot) noexcept
{
    --accounts_[slot].in_flight;
    --app(login_of(slot)).in_flight;
}

void BudgetBooks::block(Entry &entry, Instant until, Instant now)
{
    entry.blocked_until = std::max(entry.blocked_until, std::optional(until));
    entry.percent = std::max(entry.percent, 100);
    entry.observed_at = now;
}

void BudgetBooks::on_answer(Slot slot, const platform::Reading &reading, Instant now)
{
    on_gone(slot);
    Entry &own = accounts_[slot];
    Entry &whole = app(login_of(slot));
    for (const platform::Usage &usage : reading.usage) {
        Entry &entry = usage.whole_app ? whole : own;
        const bool blocked = entry.blocked_until && *entry.blocked_until > now;
        if (blocked && usage.percent < 100) continue;  // from before the refusal
        entry.percent = usage.percent;
        entry.observed_at = now;
        const bool refused = reading.failure && reading.failure->kind == platform::FailureKind::throttled;
        if (!refused && (usage.percent >= 100 || usage.regain_after))
            block(entry, now + (usage.regain_after ? milliseconds{*usage.regain_after} : milliseconds{unnamed_wait}),
                  now);
    }
    if (!reading.failure || reading.failure->kind != platform::FailureKind::throttled) return;
    Entry &entry = reading.failure->reach == platform::FailureReach::app ? whole : own;
    block(entry, now + std::max(reading.failure->wait.value_or(unnamed_wait), seconds{1}), now);
}

}  // namespace ig::simulator
