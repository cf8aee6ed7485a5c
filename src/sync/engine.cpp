// The engine: keeps the live works, gives them their turns, and ends them singly or, for an app-wide limit, together.
// Longer than 300 lines, not split: all of it works on State, which nobody else may see.
#include "sync/engine.hpp"

#include <chrono>
#include <iterator>
#include <map>
#include <stdexcept>
#include <unordered_map>
#include <utility>

#include "sync/live_work.hpp"
#include "sync/random.hpp"
#include "sync/retry.hpp"
#include "sync/turns.hpp"

namespace ig::sync {

using platform::Failure;
using platform::FailureKind;
using platform::FailureReach;

struct Engine::State {
    struct Entry {
        Entry(Work &&given, const Plan &plan, const State &state, Instant now)
            : work(std::move(given), plan, state.calendar, now, state.options.plan), place{work.priority(), 0,
                                                                                           std::nullopt},
              budget(work.budget())
        {
        }

        LiveWork work;
        Place place;
        BudgetKey budget;
        std::optional<Instant> held_since;  // the governor keeps its calls back, without a break since then
    };
    using Works = std::map<WorkId, Entry>;

    State(std::shared_ptr<const Calendar> table, const EngineOptions &settings, std::uint64_t seed)
        : calendar(std::move(table)), options(settings), random(seed), governor(options.budgets)
    {
    }

    void settle(Works::iterator entry, Instant now)
    {
        LiveWork &work = entry->second.work;
        if (work.done()) {
            end(entry, std::nullopt, now);
            return;
        }
        const int most = options.max_calls_per_work;
        turns.put(entry->first, entry->second.place, work.can_ask(most), work.wakes_at(most));
    }

    Works::iterator end(Works::iterator entry, const std::optional<Ending> &ending, Instant now)
    {
        LiveWork &work = entry->second.work;
        finished.push_back(work.finish(ending, now, options, random));
        // The last answer may have told of a block although it brought values.
        Outcome &outcome = finished.back();
        if (!outcome.blocked_until) outcome.blocked_until = governor.blocked_until(entry->second.budget, now);
        return drop(entry);
    }

    Works::iterator drop(Works::iterator entry) noexcept
    {
        entry->second.work.each_call([this, entry](CallId call) {
            calls.erase(call);
            governor.on_gone(entry->second.budget);
            call_gone = true;
        });
        turns.remove(entry->first, entry->second.place);
        governor.on_done(entry->second.budget, latest);
        return works.erase(entry);
    }

    // The governor keeps this work back: it stays where that is short or its answers are still to come.
    void hold_back(Works::iterator entry, const Hold &hold, Instant now)
    {
        LiveWork &work = entry->second.work;
        turns.remove(entry->first, entry->second.place);
        std::optional<Instant> &since = entry->second.held_since;
        if (!since) since = now;
        Hold final = hold;
        bool ends = hold.until && *hold.until - now > options.patience;
        if (!ends && work.priority() > 0 && hold.reason != Hold::Reason::blocked && now - *since >= options.patience) {
            ends = true;  // others need the place
            final.until = now + options.throttle_wait;
        }
        if (ends && !work.flying()) {
            end(entry, Ending{hold_failure(final, now), false, hold.reason == Hold::Reason::blocked}, now);
        } else if (hold.until) {
            turns.put(entry->first, entry->second.place, false, hold.until);
        } else {
            held.push_back(entry->first);
        }
    }

    // A call that was given out is not to be made now: its question is the next one again.
    void call_back(std::unordered_map<CallId, Works::iterator>::iterator call, Instant now)
    {
        const auto entry = call->second;
        latest = now;
        entry->second.work.take_back(call->first);
        calls.erase(call);
        governor.on_gone(entry->second.budget);
        call_gone = true;
        settle(entry, now);
    }

    // Those that waited for an answer of their budget have another look.
    void release_held(Instant now)
    {
        if (!std::exchange(call_gone, false)) return;
        for (const WorkId id : std::exchange(held, {})) {
            const auto entry = works.find(id);
            if (entry != works.end()) settle(entry, now);
        }
    }

    // One account's answer spoke for the whole app on this host: nobody of this login may call on. Only a limit keeps
    // new works out, as only a limit is over at a known time.
    void end_app(platform::Login login, const Failure &failure, Instant now)
    {
        for (auto entry = works.begin(); entry != works.end();) {
            entry = entry->second.work.login() == login ? end(entry, Ending{failure, false}, now) : std::next(entry);
        }
    }

    std::shared_ptr<const Calendar> calendar;
    EngineOptions options;
    Random random;
    Works works;
    std::unordered_map<CallId, Works::iterator> calls;
    Turns turns;
    Governor governor;
    std::vector<WorkId> held;  // until a call is answered or gone
    bool call_gone = false;
    std::vector<Outcome> finished;
    CallId last_call = 0;
    Instant latest{};  // the last moment the engine was told
};

Engine::Engine(std::shared_ptr<const Calendar> calendar, const EngineOptions &options, std::uint64_t seed)
    : state_(std::make_unique<State>(std::move(calendar), options, seed))
{
    if (!state_->calendar) throw std::invalid_argument("the engine needs a calendar");
}

Engine::~Engine() = default;

// NOLINTNEXTLINE(performance-unnecessary-value-param): it is moved into its entry
void Engine::add(Work work, Instant now)
{
    State &state = *state_;
    state.latest = now;
    if (state.works.count(work.id) != 0) throw std::invalid_argument("a work with this id is live");
    const WorkId id = work.id;
    const Plan plan = make_plan(work.input, *state.calendar, now, state.options.plan);
    const auto entry = state.works.try_emplace(id, std::move(work), plan, state, now).first;
    const std::optional<Hold> hold = state.governor.hold(entry->second.budget, entry->second.work.priority(), now);
    if (hold && hold->reason == Hold::Reason::blocked && !entry->second.work.done()) {
        state.end(entry, Ending{hold_failure(*hold, now)}, now);
    } else {
        state.settle(entry, now);
    }
}

std::optional<Call> Engine::next_call(Instant now)
{
    State &state = *state_;
    state.latest = now;
    while (const std::optional<WorkId> woken = state.turns.woken(now)) {
        const auto entry = state.works.find(*woken);
        entry->second.work.wake(now);
        state.settle(entry, now);
    }
    state.release_held(now);
    while (const std::optional<WorkId> front = state.turns.front()) {
        const auto entry = state.works.find(*front);
        entry->second.work.wake(now);
        if (const auto hold = state.governor.hold(entry->second.budget, entry->second.work.priority(), now)) {
            state.hold_back(entry, *hold, now);
            continue;
        }
        entry->second.held_since.reset();
        state.turns.remove(*front, entry->second.place);
        Call call = entry->second.work.ask(++state.last_call);
        state.calls.emplace(call.id, entry);
        state.governor.on_call(entry->second.budget, now);
        state.settle(entry, now);
        return call;
    }
    return std::nullopt;
}

bool Engine::may_send(CallId call, Instant now)
{
    State &state = *state_;
    const auto known = state.calls.find(call);
    if (known == state.calls.end()) return false;
    const auto entry = known->second;
    if (!state.governor.blocked_until(entry->second.budget, now)) return true;
    state.call_back(known, now);
    return false;
}

void Engine::on_reading(CallId call, platform::Reading reading, Instant now)
{
    State &state = *state_;
    state.latest = now;
    const auto known = state.calls.find(call);
    if (known == state.calls.end()) return;
    const auto entry = known->second;
    state.calls.erase(known);
    LiveWork &work = entry->second.work;
    state.governor.on_gone(entry->second.budget);
    state.call_gone = true;
    state.governor.on_answer(entry->second.budget, reading.usage, reading.failure, now);
    const std::optional<Failure> failure = work.answer(call, std::move(reading), now, state.options, state.random);
    if (failure && failure->kind == FailureKind::throttled)
        state.governor.on_throttled(entry->second.budget, reach_of(*failure) == FailureReach::app,
                                    now + throttle_pause(state.options, *failure), now);
    if (!failure) {
        state.settle(entry, now);
    } else if (reach_of(*failure) == FailureReach::app) {
        state.end_app(work.login(), *failure, now);
    } else {
        state.end(entry, Ending{*failure, false}, now);
    }
}

bool Engine::on_repeated(CallId call, Instant now)
{
    State &state = *state_;
    const auto known = state.calls.find(call);
    if (known == state.calls.end()) return false;
    State::Entry &entry = known->second->second;
    entry.work.count_repeated();
    if (state.governor.own_cap(entry.budget, entry.work.priority(), now)) {
        state.call_back(known, now);
        return false;
    }
    state.governor.on_gone(entry.budget);
    state.governor.on_call(entry.budget, now);
    return true;
}

std::optional<Instant> Engine::next_wakeup() const
{
    if (state_->turns.front() || (state_->call_gone && !state_->held.empty())) return state_->latest;  // at once
    return state_->turns.next_wake();
}

std::vector<platform::Value> Engine::take_values(WorkId work)
{
    const auto entry = state_->works.find(work);
    if (entry == state_->works.end()) return {};
    return entry->second.work.take_values();
}

std::optional<WorkProgress> Engine::progress(WorkId work) const
{
    const auto entry = state_->works.find(work);
    if (entry == state_->works.end()) return std::nullopt;
    return entry->second.work.progress();
}

std::vector<Outcome> Engine::take_finished() { return std::exchange(state_->finished, {}); }

void Engine::stop(WorkId work, const Failure &reason, Instant now)
{
    state_->latest = now;
    const auto entry = state_->works.find(work);
    if (entry != state_->works.end()) state_->end(entry, Ending{reason, true}, now);
}

void Engine::forget(WorkId work) noexcept
{
    const auto entry = state_->works.find(work);
    if (entry != state_->works.end()) state_->drop(entry);
}

std::vector<CallId> Engine::calls_in_flight(WorkId work) const
{
    const auto entry = state_->works.find(work);
    if (entry == state_->works.end()) return {};
    return entry->second.work.calls_in_flight();
}

std::size_t Engine::live_works() const noexcept { return state_->works.size(); }

std::size_t Engine::open_calls() const noexcept
{
    std::size_t open = 0;
    for (const auto &[id, entry] : state_->works) {
        const WorkProgress progress = entry.work.progress();
        open += static_cast<std::size_t>(progress.calls_planned - progress.calls_done);
    }
    return open;
}

void Engine::set_calendar(std::shared_ptr<const Calendar> calendar)
{
    if (!calendar) throw std::invalid_argument("the engine needs a calendar");
    state_->calendar = std::move(calendar);
}

Governor &Engine::governor() noexcept { return state_->governor; }

// Works under way keep their plan; the limits on calls hold for them at once.
void Engine::set_options(const EngineOptions &options)
{
    state_->options = options;
    state_->governor.set_options(state_->options.budgets);
    state_->call_gone = true;
    for (auto &[id, entry] : state_->works) {
        const int most = state_->options.max_calls_per_work;
        state_->turns.put(id, entry.place, entry.work.can_ask(most), entry.work.wakes_at(most));
    }
}

}  // namespace ig::sync
