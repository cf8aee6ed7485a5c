// Usage headers: how much of its budgets the API says is used (graph-api.md 5).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "platform/received.hpp"

namespace ig::platform {

// One budget's state, in percent of the quota: 100 and more means that calls are refused.
struct Usage {
    bool whole_app = false;  // X-App-Usage; else one account of X-Business-Use-Case-Usage
    std::string account_id;  // of the business use case
    int percent = 0;         // the largest of all numeric members but the waiting time, whatever their names
    std::optional<std::chrono::minutes> regain_after;  // estimated_time_to_regain_access, if it is more than 0
};

// Both headers of an answer in all their spellings; what cannot be read is left out.
std::vector<Usage> read_usage(const Received &received);

}  // namespace ig::platform
