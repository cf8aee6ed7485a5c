// The ledger of one work: for each metric which days were answered, which values came and what went wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine.hpp"

namespace ig::sync {

using MetricIndex = std::uint16_t;
using MetricList = std::vector<MetricIndex>;

class Ledger {
public:
    // The metrics of `input` are not copied: they stay where they are as long as this lives.
    Ledger(const PlanInput &input, const Plan &plan, const Calendar &calendar, Instant now, const PlanOptions &options);

    // The metrics of a query of the plan this ledger was made from.
    MetricList metrics_of(const platform::InsightsQuery &query) const;
    const MetricState &metric(MetricIndex index) const { return *accounts_[index].state; }
    // Refused in this work: not to be asked for again in it.
    bool refused(MetricIndex index) const { return accounts_[index].refused; }
    // Whether anybody asked for one of them: what is asked unasked is no trouble when it fails, and the next sync asks again.
    bool missed(const MetricList &metrics) const;
    // Answered alone with "no data" or a failure before: asked apart from the others when a request must be split.
    bool doubtful(MetricIndex index) const { return accounts_[index].doubtful; }
    bool any_answer() const noexcept { return any_answer_; }
    // Something failed; "no data" is not a failure.
    bool any_trouble() const noexcept { return any_trouble_; }

    // Keeps a value; one that came before for the same period and moment takes in its number and its parts.
    void keep(MetricIndex index, platform::Value &&value);
    // One of the questions about these days was answered, with values or without.
    void answered(MetricIndex index, Day first, Day last);
    // The API said itself that there is nothing, in its words.
    void told_no_data(MetricIndex index, const platform::Failure &failure);
    // Not asked again in this work; and not for a week by the next ones if the account has no such thing, or nobody named it.
    void refuse(MetricIndex index, const platform::Failure &failure, Instant now);
    void doubt(MetricIndex index) { accounts_[index].doubtful = true; }
    // One entry a metric and kind, however many requests met it.
    void fail(MetricIndex index, const platform::Failure &failure);
    void fail_all(const platform::Failure &failure);

    std::vector<platform::Value> take_values();
    // The errors, then "no data" of the metrics that were answered throughout and never with a value.
    std::vector<MetricError> take_errors();
    std::vector<MetricProgress> progress() const;
    // Of each of these metrics all days that were answered in this work or, in earlier tries of its job, before it.
    AnsweredDays answered_days(const std::vector<MetricState> &metrics) const;

private:
    struct MetricAccount {
        const MetricState *state = nullptr;
        MetricIndex row = 0;                                  // the first entry whose values are kept in the same rows
        std::vector<std::pair<Instant, std::size_t>> values;  // of this row, by moment: where in values_ each is
        Day first{};                                          // asked for from here
        std::vector<std::uint16_t> open;  // for each day from there on, how many questions have no answer yet
        std::optional<Day> clip_first;
        std::optional<Day> clip_last;
        bool has_value = false;
        bool has_answer = false;
        bool refused = false;
        bool doubtful = false;
        std::optional<Instant> unsupported_since;
        std::string reason;
        std::optional<platform::Failure> no_data;
        std::uint32_t kinds_told = 0;  // bit for each FailureKind with an entry
    };

    // Where the entry of this description is; it is opened if it was not.
    template <typename Predicate> MetricAccount &open(const PlanInput &input, Predicate is_entry);
    void expect(MetricAccount &account, Day first, Day last);
    static void stretch(MetricAccount &account, Day first, Day last);
    // Those with no question open.
    static DayStretches closed_days(const MetricAccount &account);
    bool complete(const MetricAccount &account) const;
    bool contiguous(const MetricAccount &account) const;
    std::optional<Day> synced_through(const MetricAccount &account) const;

    std::vector<MetricAccount> accounts_;
    bool explicit_range_ = false;
    Day last_day_{};         // of the plan
    Day first_sync_from_{};  // where a first sync begins
    std::vector<platform::Value> values_;
    std::vector<MetricError> errors_;
    bool any_answer_ = false;
    bool any_trouble_ = false;
};

}  // namespace ig::sync
