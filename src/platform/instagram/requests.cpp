// Builds the URLs of account insights, of the user node (snapshots) and of the search for accounts.
#include "platform/instagram/requests.hpp"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <vector>

#include "platform/url.hpp"

namespace ig::platform::instagram {

namespace {

const std::string &host_of(const Endpoints &endpoints, Login login)
{
    return login == Login::facebook ? endpoints.graph_url : endpoints.instagram_graph_url;
}

std::string unix_seconds(Instant moment)
{
    return std::to_string(std::chrono::floor<std::chrono::seconds>(moment).time_since_epoch().count());
}

std::string snapshot_url(const Endpoints &endpoints, const InsightsQuery &query)
{
    std::vector<std::string> fields = query.metrics;
    for (const char *always : {"username", "name"})
        if (std::find(fields.begin(), fields.end(), always) == fields.end()) fields.emplace_back(always);
    return joined_path(host_of(endpoints, query.login), {endpoints.api_version, query.account_id}) +
           "?fields=" + encoded_list(fields);
}

}  // namespace

// metric_type=time_series is never sent: it is the documented default and what most clients seen live rely on. Should
// the default change, the reader sees by the answer's shape which one came and takes no total of many days for a day.
std::string insights_url(const Endpoints &endpoints, const InsightsQuery &query)
{
    if (query.shape == MetricShape::snapshot) return snapshot_url(endpoints, query);
    std::string url =
        joined_path(host_of(endpoints, query.login), {endpoints.api_version, query.account_id, "insights"});
    url += "?metric=";
    append_encoded_list(url, query.metrics);
    url += "&period=";
    append_percent_encoded(url, query.period);
    if (query.shape == MetricShape::total_value) {
        url += "&metric_type=total_value";
        if (!query.breakdown.empty()) append_percent_encoded(url += "&breakdown=", query.breakdown);
        if (!query.timeframe.empty()) append_percent_encoded(url += "&timeframe=", query.timeframe);
    }
    if (query.until > query.since && !query.of_now()) {
        // Whether a bucket that ends exactly at `until` belongs to a series is not documented. One second more, and it
        // does under either reading; the reader drops what a wider reading adds. A total is asked for its very window.
        const bool series = query.shape == MetricShape::time_series;
        url.append("&since=").append(unix_seconds(query.since));
        url.append("&until=").append(unix_seconds(query.until + std::chrono::seconds(series ? 1 : 0)));
    }
    return url;
}

std::string discovery_url(const Endpoints &endpoints, Login login, const std::optional<std::string> &cursor)
{
    if (login == Login::instagram)
        return joined_path(host_of(endpoints, login), {endpoints.api_version, "me"}) +
               "?fields=user_id,username,name,account_type";
    std::string url = joined_path(host_of(endpoints, login), {endpoints.api_version, "me", "accounts"});
    url += "?fields=id,name,instagram_business_account%7Bid,username,name%7D&limit=100";
    if (cursor) url += "&after=" + percent_encoded(*cursor);
    return url;
}

}  // namespace ig::platform::instagram
