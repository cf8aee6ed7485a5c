// The catalogue of account metrics: what each accepts and how it answers (graph-api.md 1.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ig::sandbox {

enum class MetricKind { number, hours, demographics, follows, threads };

struct Metric {
    std::string_view name;
    std::string_view title;
    MetricKind kind;
    bool time_series;
    bool total_value;
    bool unique;           // counts accounts: days must not be added up
    bool needs_followers;  // at least 100
    std::string_view periods;
    std::string_view breakdowns;
    long long typical;  // of a small account's day
};

const Metric *find_metric(std::string_view name);
const std::vector<Metric> &all_metrics();

// Since which version a removed metric is refused, or an empty view.
std::string_view removed_in(std::string_view name);

// Whether a comma list holds the word; and its words.
bool list_has(std::string_view list, std::string_view word);
std::vector<std::string> split_list(std::string_view list);
std::string join(const std::vector<std::string> &words, std::string_view separator);

}  // namespace ig::sandbox
