// GET /{ig-user-id}/insights: what a request asks for, whether it is refused, and the answer (graph-api.md 1).
#pragma once

#include <string>
#include <vector>

#include "world.hpp"

namespace ig::sandbox {

struct InsightsRequest {
    std::vector<const Metric *> metrics;  // those that will be answered
    std::string period;
    bool total_value = false;
    std::vector<std::string> breakdowns;
    std::string timeframe;
    Moment since{};
    Moment until{};
};

// Throws Refused for everything the API refuses.
InsightsRequest read_insights_request(const World &world, const Call &call, const Account &account);

Answer answer_insights(const World &world, const Call &call, const Account &account);

// The complete days whose end lies in the window.
std::vector<Day> days_within(Moment since, Moment until, Moment now, bool since_inclusive, bool until_inclusive);

// Whether the account shows this metric at all.
bool shows_metric(const Account &account, const Metric &metric);

// The first day that follower_count still answers.
Day first_follower_count_day(Moment now);

}  // namespace ig::sandbox
