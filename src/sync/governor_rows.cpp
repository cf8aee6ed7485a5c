// What of the budgets goes into the table and comes from there, and what need not be remembered.
#include "sync/governor.hpp"

#include <iterator>

namespace ig::sync {

using platform::Login;
using std::chrono::minutes;
using std::chrono::seconds;

namespace {

constexpr seconds app_written_every{5};
constexpr minutes told_again_after{10};  // the same percentage, only to say that it is fresh
constexpr std::size_t many_accounts = 5000;

// What has a time yet to come is from before the clock was set back, and older than anything.
bool is_older(std::optional<Instant> known, Instant other, Instant now) noexcept
{
    return !known || *known < other || *known > now;
}

}  // namespace

void Governor::note_change(const BudgetKey &account, const Budget &budget, Instant now)
{
    if (!account.whole_app() && worth_writing(budget, false, now)) changed_.insert(account);
}

// Whether this account's budget holds somebody back or must still be told.
bool Governor::matters(const BudgetKey &account, const Budget &budget, Instant now) const
{
    if (budget.in_flight > 0 || changed_.count(account) != 0) return true;
    if (budget.blocked_until && *budget.blocked_until + usage_lasts > now) return true;
    if (options_.calls_per_hour > 0 && budget.hour == hour_of(now)) return true;
    const std::optional<int> percent = known_percent(budget, now);
    return percent && *percent >= options_.threshold;
}

void Governor::on_done(const BudgetKey &account, Instant now) noexcept
{
    const auto own = accounts_.find(account);
    if (own != accounts_.end() && !matters(account, own->second, now)) accounts_.erase(own);
}

void Governor::load(const BudgetRow &row, Instant now)
{
    forget_old(now);
    Budget &budget = open(row.key);
    // The table held our block and does not any more: a person lifted it.
    const bool lifted = budget.written_blocked_until && budget.blocked_until == budget.written_blocked_until &&
                        row.blocked_until < budget.written_blocked_until;
    if (lifted) budget.blocked_until = row.blocked_until;
    if (lifted || (row.observed_at && *row.observed_at <= now && is_older(budget.observed_at, *row.observed_at, now))) {
        budget.percent = row.percent;
        budget.observed_at = row.observed_at;
    }
    if (row.blocked_until && (!budget.blocked_until || *budget.blocked_until < *row.blocked_until))
        budget.blocked_until = row.blocked_until;
    if (row.hour <= now && (row.hour > budget.hour || budget.hour > now)) {
        budget.hour = row.hour;
        budget.calls_new = 0;
    }
    if (row.hour == budget.hour) budget.calls_known = row.calls;
    budget.written_percent = row.percent;
    budget.written_observed_at = row.observed_at;
    budget.written_blocked_until = row.blocked_until;
    if (!budget.written_at) budget.written_at = row.observed_at;
}

int Governor::percent_class(const std::optional<int> &percent) const noexcept
{
    if (!percent) return -1;
    return *percent < options_.threshold ? 0 : *percent / 5;
}

bool Governor::worth_writing(const Budget &budget, bool whole_app, Instant now) const
{
    if (budget.blocked_until != budget.written_blocked_until) return true;
    if (percent_class(budget.percent) != percent_class(budget.written_percent)) return true;
    if (!whole_app && options_.calls_per_hour > 0 && budget.calls_new > 0) return true;
    if (!budget.observed_at) return false;
    if (!budget.written_observed_at) return true;
    // Below the threshold an account's share holds nobody back: a row that says so already need not say it again.
    if (!whole_app && percent_class(budget.percent) == 0) return false;
    if (*budget.observed_at < *budget.written_observed_at) return true;  // the clock was set back
    if (*budget.observed_at - *budget.written_observed_at >= told_again_after) return true;
    if (budget.percent == budget.written_percent) return false;
    return !whole_app || !budget.written_at || *budget.written_at > now ||
           now - *budget.written_at >= app_written_every;
}

BudgetRow Governor::row_of(const BudgetKey &key, const Budget &budget)
{
    return {key, budget.percent, budget.observed_at, budget.blocked_until, budget.calls_new, budget.hour};
}

std::vector<BudgetRow> Governor::changed_rows(Instant now) const
{
    std::vector<BudgetRow> rows;
    for (const Login login : {Login::facebook, Login::instagram}) {
        if (worth_writing(app(login), true, now)) rows.push_back(row_of({"", "", login}, app(login)));
    }
    for (const BudgetKey &key : changed_) {
        const Budget *budget = find(key);
        if (budget != nullptr && worth_writing(*budget, false, now)) rows.push_back(row_of(key, *budget));
    }
    return rows;
}

void Governor::saved(const std::vector<BudgetRow> &rows, Instant now)
{
    for (const BudgetRow &row : rows) {
        Budget &budget = open(row.key);
        budget.written_percent = row.percent;
        budget.written_observed_at = row.observed_at;
        budget.written_blocked_until = row.blocked_until;
        budget.written_at = now;
        if (row.hour == budget.hour) {
            budget.calls_known += row.calls;
            budget.calls_new -= row.calls;
        }
        if (!row.key.whole_app() && !worth_writing(budget, false, now)) changed_.erase(row.key);
    }
}

// At most once a minute: with many blocked accounts each look at all of them would cost more than it frees.
void Governor::forget_old(Instant now)
{
    if (accounts_.size() < many_accounts || (forgot_at_ <= now && now - forgot_at_ < minutes{1})) return;
    forgot_at_ = now;
    for (auto entry = accounts_.begin(); entry != accounts_.end();)
        entry = matters(entry->first, entry->second, now) ? std::next(entry) : accounts_.erase(entry);
}

}  // namespace ig::sync
