// Short ways to ask and to answer, shared by the tests of this layer.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "platform/instagram/instagram.hpp"

namespace ig::platform {

inline Instant moment(int year, unsigned month, unsigned day, int hour)
{
    return std::chrono::sys_days(std::chrono::year(year) / month / day) + std::chrono::hours(hour);
}

inline Day date(int year, unsigned month, unsigned day)
{
    return std::chrono::sys_days(std::chrono::year(year) / month / day);
}

// The days 2026-11-19 and 2026-11-20, whose values end at 08:00 UTC of the day after.
inline InsightsQuery series_query(std::vector<std::string> metrics)
{
    InsightsQuery query;
    query.account_id = "17841400000000001";
    query.metrics = std::move(metrics);
    query.first = date(2026, 11, 19);
    query.last = date(2026, 11, 20);
    query.since = moment(2026, 11, 19, 8);
    query.until = moment(2026, 11, 21, 8);
    return query;
}

// The day 2026-11-20.
inline InsightsQuery total_query(std::vector<std::string> metrics)
{
    InsightsQuery query = series_query(std::move(metrics));
    query.shape = MetricShape::total_value;
    query.first = query.last;
    query.since = moment(2026, 11, 20, 8);
    return query;
}

inline HttpResponse answer(std::string_view body, int status = 200)
{
    HttpResponse response;
    response.status = status;
    response.body = body;
    return response;
}

inline HttpResponse transport(TransportFailure failure, std::string text = {})
{
    HttpResponse response;
    response.failure = failure;
    response.failure_text = std::move(text);
    return response;
}

inline Reading read(const InsightsQuery &query, std::string_view body, int status = 200)
{
    return Instagram(Endpoints()).read_insights(query, answer(body, status));
}

// "metric value end_time-in-Unix-seconds" for each value, in the order read.
inline std::vector<std::string> lines(const Reading &reading)
{
    std::vector<std::string> result;
    for (const Value &value : reading.values)
        result.push_back(
            value.metric + " " + value.value + " " +
            std::to_string(std::chrono::floor<std::chrono::seconds>(value.end_time).time_since_epoch().count()));
    return result;
}

}  // namespace ig::platform
