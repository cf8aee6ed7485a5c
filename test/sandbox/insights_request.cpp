// Checks an insights request as strictly as the API does, in its words where they are known.
#include <algorithm>

#include "errors.hpp"
#include "insights.hpp"

namespace ig::sandbox {

namespace {

constexpr std::string_view periods = "day, week, days_28, month, lifetime, total_over_range";
constexpr std::string_view metric_types = "default, time_series, total_value";
constexpr auto longest_window = std::chrono::seconds{2592000};

bool is_one_of(std::string_view spaced_list, const std::string &word)
{
    std::string list(spaced_list);
    list.erase(std::remove(list.begin(), list.end(), ' '), list.end());
    return list_has(list, word);
}

std::string metric_names()
{
    std::vector<std::string> names;
    for (const Metric &metric : all_metrics()) names.emplace_back(metric.name);
    return join(names, ", ");
}

std::vector<const Metric *> read_metrics(const Call &call, const Account &account)
{
    if (call.metrics.empty()) throw Refused{invalid_parameter("The parameter metric is required")};
    std::vector<const Metric *> metrics;
    std::vector<std::string> unsupported;
    for (std::size_t i = 0; i < call.metrics.size(); ++i) {
        const std::string &name = call.metrics[i];
        if (const std::string_view version = removed_in(name); !version.empty()) {
            GraphError error = invalid_parameter("");
            error.message = "(#100) Starting from version " + std::string(version) + " and above, the " + name +
                            " metric is no longer supported for the queried user. Please refer to the documentation "
                            "at https://developers.facebook.com/docs/instagram-api for a list of supported metrics.";
            throw Refused{error};
        }
        const Metric *metric = find_metric(name);
        if (!metric) {
            throw Refused{invalid_parameter("metric[" + std::to_string(i) +
                                            "] must be one of the following values: " + metric_names())};
        }
        const auto &refused = account.unsupported;
        if (metric->kind == MetricKind::threads || std::find(refused.begin(), refused.end(), name) != refused.end()) {
            unsupported.push_back(name);
        }
        if (std::find(metrics.begin(), metrics.end(), metric) == metrics.end()) metrics.push_back(metric);
    }
    if (!unsupported.empty()) {
        throw Refused{invalid_parameter("The following metrics (" + join(unsupported, ",") +
                                        ") are not supported on this Instagram account")};
    }
    return metrics;
}

// On the Facebook host a metric asked in the wrong shape fails all; on the Instagram host it is silently dropped.
void keep_the_shape(const Call &call, InsightsRequest &request)
{
    std::vector<std::string> wrong;
    std::vector<const Metric *> right;
    for (const Metric *metric : request.metrics) {
        if (request.total_value ? metric->total_value : metric->time_series) {
            right.push_back(metric);
        } else {
            wrong.emplace_back(metric->name);
        }
    }
    if (!wrong.empty() && call.flavour == Flavour::facebook) {
        throw Refused{invalid_parameter("The following metrics (" + join(wrong, ",") +
                                        ") should be specified with parameter metric_type=" +
                                        (request.total_value ? "time_series" : "total_value"))};
    }
    request.metrics = right;
}

void check_period(const InsightsRequest &request)
{
    std::vector<std::string> wrong;
    for (const Metric *metric : request.metrics) {
        if (!list_has(metric->periods, request.period)) wrong.emplace_back(metric->name);
    }
    if (!wrong.empty()) {
        throw Refused{invalid_parameter("The following metrics (" + join(wrong, ",") +
                                        ") are incompatible with the period " + request.period)};
    }
}

void read_breakdowns(const Call &call, InsightsRequest &request)
{
    if (!request.total_value) return;  // a time series ignores them
    request.breakdowns = split_list(call.parameter("breakdown"));
    for (const Metric *metric : request.metrics) {
        for (const std::string &breakdown : request.breakdowns) {
            if (list_has(metric->breakdowns, breakdown)) continue;
            GraphError error;
            error.status = 500;
            error.code = 1;
            error.message = "An unknown error has occurred.";
            throw Refused{error};
        }
        if (metric->kind != MetricKind::demographics) continue;
        if (request.timeframe.empty() && metric->name != "follower_demographics") {
            throw Refused{invalid_parameter("The parameter timeframe is required for " + std::string(metric->name))};
        }
    }
}

Moment read_moment(const Call &call, const char *name)
{
    const auto moment = parse_moment(call.parameter(name));
    if (!moment) throw Refused{invalid_parameter(std::string(name) + " param must be a Unix timestamp or a date")};
    return *moment;
}

// Without bounds a series has two points and a total is that of the last day. One bound alone gives a day.
void read_window(const Call &call, Moment now, InsightsRequest &request)
{
    const Day last = last_complete_day(now);
    const bool has_since = call.has("since");
    const bool has_until = call.has("until");
    request.until = has_until ? read_moment(call, "until") : end_of(last);
    request.since = start_of(request.total_value ? last : last - std::chrono::days{1});
    if (has_since) {
        request.since = read_moment(call, "since");
        if (!has_until) request.until = request.since + std::chrono::days{1};
    } else if (has_until) {
        request.since = request.until - std::chrono::days{1};
    }
    if (request.until < request.since) {
        throw Refused{invalid_parameter("since param must be earlier than until param")};
    }
    if (request.until - request.since > longest_window) {
        throw Refused{invalid_parameter("There cannot be more than 30 days (2592000 s) between since and until")};
    }
}

void check_followers(const Account &account, Moment now, const InsightsRequest &request)
{
    for (const Metric *metric : request.metrics) {
        if (metric->name != "follower_count" && metric->name != "online_followers") continue;
        const std::string name(metric->name);
        if (request.since < start_of(first_follower_count_day(now))) {
            throw Refused{invalid_parameter(
                "(" + name + ") metric only supports querying data for the last 30 days excluding the current day")};
        }
        if (account.few_followers_is_error && account.has_few_followers()) {
            throw Refused{
                invalid_parameter("(" + name + ") metric is not available for users with fewer than 100 followers")};
        }
    }
}

}  // namespace

Day first_follower_count_day(Moment now) { return last_complete_day(now) - std::chrono::days{29}; }

InsightsRequest read_insights_request(const World &world, const Call &call, const Account &account)
{
    InsightsRequest request;
    request.metrics = read_metrics(call, account);
    request.period = call.parameter("period");
    if (request.period.empty()) throw Refused{invalid_parameter("The parameter period is required")};
    if (!is_one_of(periods, request.period)) {
        throw Refused{invalid_parameter("period must be one of the following values: " + std::string(periods))};
    }
    const std::string type = call.parameter("metric_type");
    if (!type.empty() && !is_one_of(metric_types, type)) {
        throw Refused{
            invalid_parameter("metric_type must be one of the following values: " + std::string(metric_types))};
    }
    request.total_value = type == "total_value";
    request.timeframe = call.parameter("timeframe");
    if (!request.timeframe.empty() && !is_one_of("this_week, this_month", request.timeframe)) {
        throw Refused{invalid_parameter("timeframe must be one of the following values: this_week, this_month")};
    }
    keep_the_shape(call, request);
    check_period(request);
    read_breakdowns(call, request);
    const Moment now = world.clock.now();
    read_window(call, now, request);
    check_followers(account, now, request);
    return request;
}

}  // namespace ig::sandbox
