// Plans the calls in the order of the accounts and spells them.
#include "floor/calls.hpp"

#include <algorithm>
#include <fstream>
#include <stdexcept>

#include "pacific.hpp"

namespace ig::bench {

namespace {

void append_encoded(std::string &to, std::string_view text)
{
    constexpr char hex[] = "0123456789ABCDEF";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
        if (plain) {
            to.push_back(c);
        } else {
            to.push_back('%');
            to.push_back(hex[byte >> 4]);
            to.push_back(hex[byte & 15]);
        }
    }
}

std::string unix_text(sandbox::Moment moment) { return std::to_string(moment.time_since_epoch().count()); }

}  // namespace

void Work::read_accounts(const std::string &file)
{
    std::ifstream lines(file);
    Account account;
    while (lines >> account.user_id >> account.account_id >> account.token) accounts.push_back(account);
    if (accounts.empty()) throw std::runtime_error("no accounts in " + file);
}

void Work::plan(std::size_t most_accounts, int day_count)
{
    using namespace std::chrono;
    days.clear();
    const sandbox::Day last = sandbox::last_complete_day(floor<seconds>(system_clock::now()));
    for (int back = 0; back < day_count; ++back) {
        const sandbox::Day day = last - std::chrono::days{back};
        days.push_back({unix_text(sandbox::start_of(day)), unix_text(sandbox::end_of(day)),
                        sandbox::graph_time(sandbox::end_of(day))});
    }
    used = std::min(most_accounts, accounts.size());
    calls.clear();
    calls.reserve(used * (days.size() + 1));
    for (std::uint32_t account = 0; account < used; ++account)
        for (std::uint32_t number = 0; number <= days.size(); ++number) calls.push_back({account, number});
}

void Work::append_path(std::string &to, const Call &call) const
{
    to.append("v25.0/").append(accounts[call.account].account_id);
    if (call.number == 0) {
        to.append("/insights?metric=reach,follower_count&period=day&since=").append(days.back().since);
        to.append("&until=").append(days.front().until);
        return;
    }
    const Span &day = days[call.number - 1];
    to.append("/insights?metric=profile_views,accounts_engaged&period=day&metric_type=total_value&since=");
    to.append(day.since).append("&until=").append(day.until);
}

std::string batch_form(const Work &work, const Call *calls, std::size_t count)
{
    std::string list = "[";
    for (std::size_t i = 0; i < count; ++i) {
        list.append(i == 0 ? "{\"method\":\"GET\",\"relative_url\":\"" : ",{\"method\":\"GET\",\"relative_url\":\"");
        work.append_path(list, calls[i]);
        list.append("&access_token=").append(work.accounts[calls[i].account].token).append("\"}");
    }
    list.push_back(']');
    std::string form = "access_token=";
    form.append(work.accounts[calls[0].account].token).append("&batch=");
    form.reserve(form.size() + list.size() * 3 / 2);
    append_encoded(form, list);
    return form;
}

}  // namespace ig::bench
