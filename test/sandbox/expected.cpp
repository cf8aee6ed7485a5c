// What a perfect client would have stored: the rows that a test compares with the table.
#include <algorithm>

#include "control.hpp"
#include "insights.hpp"
#include "json.hpp"

namespace ig::sandbox {

namespace {

void add_line(std::string &csv, const std::string &account, std::string_view metric, Moment end,
              const std::string &value)
{
    csv += account + ",";
    csv += metric;
    csv += "," + day_text(day_at(end - std::chrono::seconds{1})) + "," + sql_time(end) + "," + value + "\n";
}

void add_days(std::string &csv, const World &world, const Account &account, const Metric &metric, Day first, Day last)
{
    const auto &refused = account.unsupported;
    if (metric.kind != MetricKind::number && metric.kind != MetricKind::follows) return;
    if (!shows_metric(account, metric) || std::find(refused.begin(), refused.end(), metric.name) != refused.end()) {
        return;
    }
    const Moment now = world.clock.now();
    if (metric.name == "follower_count") first = std::max(first, first_follower_count_day(now));
    last = std::min(last, last_complete_day(now));
    for (Day day = first; day <= last; day += std::chrono::days{1}) {
        if (const auto value = world.values.at(account, metric.name, day)) {
            add_line(csv, account.id, metric.name, end_of(day), *value);
        }
    }
}

// The snapshot of now is kept under the coming Pacific midnight, once the range reaches the last complete day.
void add_snapshot(std::string &csv, const World &world, const Account &account, Day last)
{
    const Moment now = world.clock.now();
    const auto &missing = account.missing;
    if (last < last_complete_day(now)) return;
    if (std::find(missing.begin(), missing.end(), "followers_count") != missing.end()) return;
    const auto value = world.values.followers(account);
    if (value) add_line(csv, account.id, "followers_count", end_of(day_at(now)), *value);
}

}  // namespace

std::string expected_csv(const World &world, const std::string &account_id, const std::string &metric, Day first,
                         Day last)
{
    if (metric != "" && metric != "followers_count" && !find_metric(metric)) {
        throw BadInput("no metric is called \"" + metric + "\"");
    }
    if (last - first > std::chrono::days{5000}) throw BadInput("the range is longer than 5000 days");
    std::vector<std::string> names = {"accounts_engaged", "follower_count", "followers_count", "profile_views",
                                      "reach"};
    if (!metric.empty()) names = {metric};
    if (!account_id.empty() && !world.accounts.all().count(account_id)) {
        throw BadInput("there is no account " + account_id);
    }
    std::string csv;
    for (const auto &[id, account] : world.accounts.all()) {
        if (!account_id.empty() && id != account_id) continue;
        for (const std::string &name : names) {
            if (name == "followers_count") {
                add_snapshot(csv, world, account, last);
            } else {
                add_days(csv, world, account, *find_metric(name), first, last);
            }
        }
    }
    return csv;
}

}  // namespace ig::sandbox
