// One account's sync in progress: the questions still open, the calls in flight and what each answer leads to.
#pragma once

#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sync/engine.hpp"
#include "sync/ledger.hpp"
#include "sync/random.hpp"

namespace ig::sync {

// Why a work ends before all its questions are answered.
struct Ending {
    platform::Failure failure;
    bool stopped = false;  // by the caller, not by an answer
    bool block = true;     // throttled: false if we hold back ourselves, and more urgent work of the account may go on
};

class LiveWork {
public:
    // `plan` is the one made for this work at `now` with this calendar and these options.
    LiveWork(Work work, const Plan &plan, std::shared_ptr<const Calendar> calendar, Instant now,
             const PlanOptions &options);
    // The ledger looks at the metrics of its work.
    LiveWork(const LiveWork &) = delete;
    LiveWork &operator=(const LiveWork &) = delete;

    int priority() const noexcept { return work_.priority; }
    platform::Login login() const noexcept { return work_.input.login; }
    BudgetKey budget() const { return {work_.user_id, work_.input.account_id, work_.input.login}; }
    bool done() const noexcept { return ready_.empty() && delayed_.empty() && in_flight_.empty(); }
    bool flying() const noexcept { return !in_flight_.empty(); }
    // A question may go now, or at wakes_at(): the work has one and fewer calls in flight than allowed.
    bool can_ask(int max_calls) const noexcept;
    std::optional<Instant> wakes_at(int max_calls) const;
    std::vector<CallId> calls_in_flight() const;
    template <typename Visitor> void each_call(Visitor visit) const noexcept
    {
        for (const auto &entry : in_flight_) visit(entry.first);
    }
    WorkProgress progress() const noexcept;
    std::vector<platform::Value> take_values() { return ledger_.take_values(); }

    // Moves the questions whose pause is over to those that may go.
    void wake(Instant now);
    // The next question as a call; only when can_ask().
    Call ask(CallId call);
    // A call that was not made: its question is the next one again.
    void take_back(CallId call);
    // Takes the answer to a call of this work. Returns the failure if it ends the whole work.
    std::optional<platform::Failure> answer(CallId call, platform::Reading &&reading, Instant now,
                                            const EngineOptions &options, Random &random);
    // One of its calls had to be sent once more.
    void count_repeated() noexcept { ++calls_done_; }
    // What it all adds up to; the work is used up.
    Outcome finish(const std::optional<Ending> &ending, Instant now, const EngineOptions &options, Random &random);

private:
    // A part of the plan not answered yet.
    struct Question {
        MetricList metrics;
        platform::MetricShape shape{};
        std::string breakdown;
        std::string timeframe;
        Day first{};
        Day last{};
        Instant since{};
        Instant until{};
        int tries = 0;   // this very question was asked without an answer
        int pauses = 0;  // it, or the larger one it is a part of, had to wait
    };

    using Questions = std::pair<Question, Question>;

    platform::InsightsQuery query_of(const Question &question) const;
    bool asked_for(const Question &question, const platform::Value &value) const;
    void keep(const Question &question, platform::Value &&value);
    void accept(const Question &question, platform::Reading &reading);
    // False: its values cannot be dated, and a failure is told instead.
    bool date_by_answer(const Question &question, platform::Reading &reading);
    std::optional<Instant> midnight_after(Instant moment) const;
    // Single values that could not be read; returns the metrics whose days must be asked again.
    MetricList accept_dropped(const Question &question, const std::vector<platform::Failure> &dropped);
    void on_metrics_failure(Question question, const platform::Failure &failure, Instant now,
                            const EngineOptions &options, Random &random);
    void on_request_failure(Question question, const platform::Failure &failure, Instant now,
                            const EngineOptions &options, Random &random);
    // The metrics among these that the failure names.
    MetricList named(const MetricList &metrics, const platform::Failure &failure) const;
    MetricList still_wanted(const MetricList &metrics) const;
    Questions split_metrics(const Question &question) const;
    std::optional<Questions> split(const Question &question) const;
    bool worth_asking_apart(const Question &question, const platform::Failure &failure) const;
    void ask_again(Question question);
    void ask_later(Question question, Instant at);
    void settle_no_data(const Question &question, const platform::Failure &failure);
    void refuse(const MetricList &metrics, const platform::Failure &failure, Instant now);
    void give_up(const Question &question, const platform::Failure &failure);
    void note_retry(const platform::Failure &failure);
    MetricList unanswered() const;
    Status status_of(const std::optional<Ending> &ending) const;

    Work work_;
    std::shared_ptr<const Calendar> calendar_;
    Ledger ledger_;
    std::list<Question> ready_;
    std::multimap<Instant, Question> delayed_;
    std::map<CallId, Question> in_flight_;
    int calls_done_ = 0;
    bool retry_wanted_ = false;                  // a failure remains that another attempt may mend
    std::chrono::milliseconds longest_wait_{0};  // named by such a failure
    std::string username_;
    std::string name_;
};

}  // namespace ig::sync
