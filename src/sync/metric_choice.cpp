// Applies choices to the registry, and makes an entry of everything that is asked apart.
#include "sync/metric_choice.hpp"

#include <algorithm>
#include <utility>

#include "platform/json.hpp"

namespace ig::sync {

using platform::MetricShape;

namespace {

class Chooser {
public:
    Chooser(const KnownMetrics &known, std::vector<MetricState> &entries) : known_(known), entries_(entries) {}

    void add(const RegisteredMetric &metric, const std::vector<std::string> &breakdowns, bool named)
    {
        const bool total = metric.shape == MetricShape::total_value;
        add_entry(total ? total_of(metric, breakdowns) : entry_of(metric));
        if (metric.shape == MetricShape::time_series && !breakdowns.empty()) {
            // A series knows no parts; one-day totals do.
            MetricState parts = total_of(metric, breakdowns);
            parts.shape = MetricShape::total_value;
            parts.known_as = metric.name + "/parts";
            parts.parts_only = true;
            add_entry(std::move(parts));
        }
        if (metric.shape == MetricShape::snapshot) return;
        for (const std::string &period : metric.windows) {
            if (period == metric.period) continue;
            MetricState window = entry_of(metric);
            if (total) window.timeframe = metric.timeframe;
            window.period = period;
            window.known_as = metric.name + "/" + period;
            window.window_of = metric.period;
            window.unnamed = !named;
            add_entry(std::move(window));
        }
    }

private:
    static MetricState entry_of(const RegisteredMetric &metric)
    {
        MetricState entry;
        entry.name = metric.name;
        entry.shape = metric.shape;
        entry.period = metric.period;
        entry.history_days = metric.history_days;
        return entry;
    }

    static MetricState total_of(const RegisteredMetric &metric, const std::vector<std::string> &breakdowns)
    {
        MetricState entry = entry_of(metric);
        entry.breakdowns = breakdowns;
        entry.timeframe = metric.timeframe;
        return entry;
    }

    void add_entry(MetricState &&entry)
    {
        if (const auto found = known_.find(entry.key()); found != known_.end()) {
            entry.synced_through = found->second.through;
            entry.unsupported_since = found->second.unsupported_since;
        }
        entries_.push_back(std::move(entry));
    }

    const KnownMetrics &known_;
    std::vector<MetricState> &entries_;
};

}  // namespace

std::optional<MetricChoice> read_metric_choice(std::string_view json)
{
    if (json.empty()) return std::nullopt;
    const platform::Json document = platform::Json::parse(json);
    if (!document.root().is_object()) return std::nullopt;
    MetricChoice choice;
    for (const platform::JsonView entry : document.root()) {
        std::optional<std::vector<std::string>> breakdowns;
        if (entry.is_array()) {
            breakdowns.emplace();
            for (const platform::JsonView breakdown : entry) breakdowns->emplace_back(breakdown.text());
        }
        choice.insert_or_assign(std::string(entry.key()), std::move(breakdowns));
    }
    return choice;
}

std::vector<MetricState> metrics_to_ask(const std::vector<RegisteredMetric> &registry, std::string_view platform,
                                        const std::optional<MetricChoice> &choice,
                                        const std::optional<std::vector<std::string>> &names, const KnownMetrics &known)
{
    std::vector<MetricState> entries;
    entries.reserve(choice ? choice->size() : 8);
    Chooser chooser(known, entries);
    for (const RegisteredMetric &metric : registry) {
        if (!metric.available || metric.platform != platform) continue;
        const auto chosen = choice ? choice->find(metric.name) : MetricChoice::const_iterator();
        const bool named_by_choice = choice && chosen != choice->end();
        bool asked = choice ? named_by_choice : metric.enabled_by_default;
        if (names) asked = std::find(names->begin(), names->end(), metric.name) != names->end();
        if (!asked) continue;
        const bool own = named_by_choice && chosen->second.has_value();
        chooser.add(metric, own ? *chosen->second : metric.breakdowns, named_by_choice);
    }
    return entries;
}

}  // namespace ig::sync
