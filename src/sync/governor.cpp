// Implements the rules of budgets (graph-api.md 5): block, threshold, pace, our own cap, and how knowledge ages.
#include "sync/governor.hpp"

#include <algorithm>

#include "sync/retry.hpp"

namespace ig::sync {

using platform::Failure;
using platform::FailureKind;
using platform::FailureReach;
using platform::Usage;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr milliseconds shortest_pause{1000};  // between daily calls at the threshold; grows to:
constexpr milliseconds longest_pause{30000};

}  // namespace

Failure hold_failure(const Hold &hold, Instant now)
{
    Failure failure;
    failure.kind = FailureKind::throttled;
    failure.reach = hold.whole_app ? FailureReach::app : FailureReach::account;
    failure.retry = true;
    failure.wait = std::chrono::ceil<seconds>(hold.until.value_or(now) - now);
    failure.hint = "Nothing: it goes on by itself.";
    const std::string of = hold.whole_app ? "the app" : "the account";
    switch (hold.reason) {
    case Hold::Reason::blocked: failure.message = "the API asked not to be called for " + of + " for a while"; break;
    case Hold::Reason::own_cap:
        failure.message = "the account has made the calls that instagram_insights.calls_per_hour allows for this hour";
        failure.hint = "It goes on by itself in the next hour; raise instagram_insights.calls_per_hour if that is too "
                       "late.";
        break;
    case Hold::Reason::near_limit:
    case Hold::Reason::in_flight:
        failure.message = "the API's budget of " + of + " is nearly used up (" + std::to_string(hold.percent) +
                          " percent): what nobody waits for gives way";
        break;
    }
    return failure;
}

// A block is over and nobody knows yet how much is left: a few calls find out.
bool Governor::probing(const Budget &budget, Instant now) noexcept
{
    return budget.blocked_until && *budget.blocked_until <= now && now - *budget.blocked_until < usage_lasts &&
           (!budget.observed_at || *budget.observed_at < *budget.blocked_until);
}

// What was observed at a moment yet to come was so before the clock was set back: it is not known how long ago.
std::optional<int> Governor::known_percent(const Budget &budget, Instant now) noexcept
{
    if (!budget.percent || !budget.observed_at || *budget.observed_at > now) return std::nullopt;
    if (now - *budget.observed_at >= usage_lasts) return std::nullopt;
    const bool before_block_ended =
        budget.blocked_until && *budget.blocked_until <= now && *budget.observed_at < *budget.blocked_until;
    if (before_block_ended) return std::nullopt;
    return budget.percent;
}

std::optional<Hold> Governor::hold_of(const Budget &budget, bool whole_app, int priority, Instant now) const
{
    const std::optional<int> percent = known_percent(budget, now);
    const auto until = [&](Hold::Reason reason, Instant moment) {
        return Hold{reason, whole_app, moment, percent.value_or(0)};
    };
    if (budget.blocked_until && *budget.blocked_until > now) return until(Hold::Reason::blocked, *budget.blocked_until);
    const bool near = percent && *percent >= options_.threshold;
    if (near && priority >= 2) return until(Hold::Reason::near_limit, *budget.observed_at + usage_lasts);
    if (near && priority == 1 && budget.last_call && *budget.last_call <= now) {
        const int span = std::max(100 - options_.threshold, 1);
        const int above = std::clamp(*percent - options_.threshold, 0, span);
        const Instant next = *budget.last_call + shortest_pause + (longest_pause - shortest_pause) * above / span;
        if (next > now) return until(Hold::Reason::near_limit, next);
    }
    if ((near || probing(budget, now)) && budget.in_flight >= options_.in_flight_near)
        return Hold{Hold::Reason::in_flight, whole_app, std::nullopt, percent.value_or(0)};
    const std::optional<Instant> capped = whole_app ? std::nullopt : own_cap_of(budget, priority, now);
    return capped ? std::optional(until(Hold::Reason::own_cap, *capped)) : std::nullopt;
}

std::optional<Instant> Governor::own_cap_of(const Budget &budget, int priority, Instant now) const noexcept
{
    if (options_.calls_per_hour <= 0 || budget.hour != hour_of(now)) return std::nullopt;
    // Backfill leaves the rest of the hour to the others.
    const int most =
        priority < 2 ? options_.calls_per_hour
                     : std::max(1, static_cast<int>(std::int64_t{options_.calls_per_hour} * options_.threshold / 100));
    return budget.calls_known + budget.calls_new >= most ? std::optional(budget.hour + hours{1}) : std::nullopt;
}

std::optional<Instant> Governor::own_cap(const BudgetKey &account, int priority, Instant now) const
{
    const Budget *own = find(account);
    return own == nullptr || account.whole_app() ? std::nullopt : own_cap_of(*own, priority, now);
}

std::optional<Hold> Governor::hold(const BudgetKey &account, int priority, Instant now) const
{
    std::optional<Hold> longest = hold_of(app(account.login), true, priority, now);
    const Budget *own = find(account);
    if (own == nullptr) return longest;
    std::optional<Hold> other = hold_of(*own, false, priority, now);
    if (!longest || (other && other->until && (!longest->until || *longest->until < *other->until))) return other;
    return longest;
}

std::optional<Instant> Governor::blocked_until(const BudgetKey &account, Instant now) const
{
    std::optional<Instant> latest = app(account.login).blocked_until;
    const Budget *own = find(account);
    if (own != nullptr && own->blocked_until && (!latest || *latest < *own->blocked_until)) latest = own->blocked_until;
    return latest && *latest > now ? latest : std::nullopt;
}

const Governor::Budget *Governor::find(const BudgetKey &key) const noexcept
{
    if (key.whole_app()) return &app(key.login);
    const auto found = accounts_.find(key);
    return found == accounts_.end() ? nullptr : &found->second;
}

Governor::Budget &Governor::open(const BudgetKey &key) { return key.whole_app() ? app(key.login) : accounts_[key]; }

void Governor::on_call(const BudgetKey &account, Instant now)
{
    Budget &own = open(account);
    for (Budget *budget : {&own, &app(account.login)}) {
        ++budget->in_flight;
        budget->last_call = now;
    }
    if (own.hour != hour_of(now)) {
        own.hour = hour_of(now);
        own.calls_known = own.calls_new = 0;
    }
    ++own.calls_new;
    note_change(account, own, now);
}

void Governor::on_gone(const BudgetKey &account) noexcept
{
    const auto own = accounts_.find(account);
    if (own != accounts_.end()) --own->second.in_flight;
    --app(account.login).in_flight;
}

void Governor::on_answer(const BudgetKey &account, const std::vector<Usage> &usage,
                         const std::optional<Failure> &failure, Instant now)
{
    const bool refused = failure && failure->kind == FailureKind::throttled;
    const bool app_refused = refused && reach_of(*failure) == FailureReach::app;
    const Usage *whole = nullptr;
    const Usage *own = nullptr;
    for (const Usage &entry : usage) {
        if (entry.whole_app) {
            whole = &entry;
            continue;
        }
        // The header may name the Page, the business or another id of the account: what comes with its answer is meant.
        const bool exact = entry.account_id == account.account_id;
        const bool better =
            own == nullptr || exact || (own->account_id != account.account_id && own->percent < entry.percent);
        if (better) own = &entry;
    }
    const auto take = [&](Budget &budget, const Usage *entry, bool may_block) {
        if (entry != nullptr) {
            observe(budget, *entry, may_block, now);
        } else if (!failure && probing(budget, now)) {
            // Served, and nothing said: the headers come only once some of the budget is used.
            budget.percent = 0;
            budget.observed_at = now;
        }
    };
    take(app(account.login), whole, !app_refused);
    Budget &budget = open(account);
    take(budget, own, !refused || app_refused);
    note_change(account, budget, now);
}

void Governor::observe(Budget &budget, const Usage &usage, bool may_block, Instant now)
{
    const bool still_blocked = budget.blocked_until && *budget.blocked_until > now;
    if (still_blocked && usage.percent < 100) return;  // an answer from before the refusal
    budget.percent = usage.percent;
    budget.observed_at = now;
    if (!may_block || (usage.percent < 100 && !usage.regain_after)) return;
    Failure told;
    told.wait = usage.regain_after;
    const milliseconds wait = named_wait(told);
    block(budget, now + (wait.count() > 0 ? wait : milliseconds{options_.default_wait}), now);
}

void Governor::block(Budget &budget, Instant until, Instant now)
{
    budget.percent = std::max(budget.percent.value_or(0), 100);
    budget.observed_at = now;
    const Instant whole = std::chrono::ceil<seconds>(until);
    if (!budget.blocked_until || *budget.blocked_until < whole) budget.blocked_until = whole;
}

void Governor::on_throttled(const BudgetKey &account, bool whole_app, Instant until, Instant now)
{
    if (whole_app) {
        block(app(account.login), until, now);
        return;
    }
    Budget &own = open(account);
    block(own, until, now);
    note_change(account, own, now);
}

}  // namespace ig::sync
