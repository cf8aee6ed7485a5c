// A network in a test: answers after a random while and out of order, and keeps books on what was asked and stored.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "account.hpp"
#include "sync/random.hpp"

namespace ig::test {

using ValueKey = std::tuple<sync::WorkId, std::string, Instant>;

// What the API does with a query; `nth` counts how often this very question was put before.
using Answerer = std::function<Reading(sync::WorkId, const InsightsQuery &, int nth, Instant now)>;

class FakeNetwork {
public:
    FakeNetwork(sync::EngineOptions options, std::uint64_t seed, Answerer answerer)
        : engine_(std::make_unique<sync::Engine>(us_pacific(), options, seed)), random_(seed ^ 0xABCDEF),
          answerer_(std::move(answerer))
    {
    }

    void add(sync::Work work)
    {
        work.input.account_id = std::to_string(17841400000000000 + work.id);  // each a budget of its own
        works_[work.id] = work;
        engine_->add(std::move(work), now_);
    }

    // Runs until every work ended for good; jobs that want another attempt get it when their pause is over.
    void run(bool again = true)
    {
        while (true) {
            collect(again);
            while (flying_.size() < 200) {
                auto call = engine_->next_call(now_);
                if (!call) break;
                send(std::move(*call));
            }
            collect(again);
            const auto next = next_event();
            if (!next) return;
            now_ = std::max(now_, *next);
            deliver();
            for (auto job = jobs_.begin(); job != jobs_.end() && job->first <= now_; job = jobs_.erase(job))
                engine_->add(job->second, now_);
        }
    }

    const std::map<ValueKey, std::string> &stored() const { return stored_; }
    const std::map<sync::WorkId, sync::Outcome> &outcomes() const { return outcomes_; }
    const std::vector<std::string> &log() const { return log_; }
    // Values handed over twice within one attempt, and values of accepted answers never handed over.
    int doubled() const { return doubled_; }
    int lost() const { return static_cast<int>(expected_.size()); }
    int calls(sync::WorkId work) const
    {
        const auto found = calls_.find(work);
        return found == calls_.end() ? 0 : found->second;
    }
    int most_in_flight_of_one() const { return most_in_flight_; }
    std::size_t live_works() const { return engine_->live_works(); }

private:
    struct Flight {
        Instant at;
        sync::Call call;
        bool operator<(const Flight &other) const { return std::tie(other.at, other.call.id) < std::tie(at, call.id); }
    };

    void send(sync::Call call)
    {
        ++calls_[call.work];
        most_in_flight_ = std::max(most_in_flight_, static_cast<int>(engine_->calls_in_flight(call.work).size()));
        std::string line = std::to_string(now_.time_since_epoch().count()) + " " + std::to_string(call.work) + " " +
                           std::to_string(call.query.first.time_since_epoch().count()) + "-" +
                           std::to_string(call.query.last.time_since_epoch().count());
        for (const std::string &metric : call.query.metrics) line += " " + metric;
        log_.push_back(std::move(line));
        flying_.push({now_ + random_.up_to(milliseconds{800}), std::move(call)});
    }

    std::optional<Instant> next_event() const
    {
        std::optional<Instant> next = engine_->next_wakeup();
        // While the network is full, a question that could go at once has to wait for an answer.
        if (flying_.size() >= 200) next.reset();
        const auto consider = [&next](Instant at) { next = next ? std::min(*next, at) : at; };
        if (!flying_.empty()) consider(flying_.top().at);
        if (!jobs_.empty()) consider(jobs_.begin()->first);
        return next;
    }

    void deliver()
    {
        while (!flying_.empty() && flying_.top().at <= now_) {
            const sync::Call call = flying_.top().call;
            flying_.pop();
            const auto live = engine_->calls_in_flight(call.work);
            const bool counts = std::find(live.begin(), live.end(), call.id) != live.end();
            int &nth = asked_[{call.work, call.query.metrics, call.query.first, call.query.last}];
            Reading reading = answerer_(call.work, call.query, nth++, now_);
            if (counts && !reading.failure) {
                for (const Value &value : reading.values) expected_.insert({call.work, value.metric, value.end_time});
            }
            engine_->on_reading(call.id, std::move(reading), now_);
            if (random_.next() % 8 == 0) store(call.work, engine_->take_values(call.work));
        }
    }

    void store(sync::WorkId work, const std::vector<Value> &values)
    {
        for (const Value &value : values) {
            const ValueKey key{work, value.metric, value.end_time};
            if (expected_.erase(key) == 0) ++doubled_;
            stored_[key] = value.value;
        }
    }

    void collect(bool again)
    {
        for (sync::Outcome &outcome : engine_->take_finished()) {
            store(outcome.work, outcome.values);
            sync::Work &work = works_[outcome.work];
            if (again && outcome.retry_at) {
                if (outcome.status != sync::Status::throttled) ++work.attempt;
                for (MetricState &metric : work.input.metrics)
                    metric.synced_through = progress_of(outcome, metric.name).synced_through;
                jobs_.emplace(*outcome.retry_at, work);
            }
            outcomes_[outcome.work] = std::move(outcome);
        }
    }

    using QuestionKey = std::tuple<sync::WorkId, Names, Day, Day>;

    std::unique_ptr<sync::Engine> engine_;
    sync::Random random_;
    Answerer answerer_;
    Instant now_ = noon;
    std::priority_queue<Flight> flying_;
    std::multimap<Instant, sync::Work> jobs_;
    std::map<sync::WorkId, sync::Work> works_;
    std::map<sync::WorkId, sync::Outcome> outcomes_;
    std::map<sync::WorkId, int> calls_;
    std::map<QuestionKey, int> asked_;
    std::set<ValueKey> expected_;
    std::map<ValueKey, std::string> stored_;
    std::vector<std::string> log_;
    int doubled_ = 0;
    int most_in_flight_ = 0;
};

}  // namespace ig::test
