// How calls become requests and answers become readings, as src/postgres/call_packs.cpp does it with a true client.
#include <algorithm>
#include <utility>

#include "sync/retry.hpp"
#include "worker.hpp"

namespace ig::simulator {

using platform::Login;

namespace {

constexpr std::size_t divide_by = 5;

}  // namespace

std::size_t Worker::room() const noexcept
{
    const auto most = static_cast<std::size_t>(world_.scenario.max_in_flight);
    return most > requests_.size() ? most - requests_.size() : 0;
}

void Worker::gather(Instant now)
{
    std::size_t most = room();
    for (const auto &waiting : waiting_) most -= std::min(most, waiting.size());
    std::size_t free = room() * batch_size(Login::facebook).most();
    for (const auto &waiting : waiting_) free -= std::min(free, waiting.size());
    while (free > 0 && most > 0) {
        std::optional<sync::Call> call = engine_.next_call(now);
        if (!call) return;
        const Login login = call->query.login;
        Held &held = jobs_.at(call->work);
        books_.on_call(held.job.job.slot, static_cast<int>(held.job.job.kind), now);
        if (++held.open_calls > 4)
            throw Violation("at most four calls of an account at a time", std::to_string(call->work));
        const std::size_t together = batch_size(login).most();
        calls_.try_emplace(call->id, Packed{call->work, std::move(call->query), together});
        held.calls.push_back(call->id);
        waiting_[static_cast<std::size_t>(login)].push_back(call->id);
        --free;
        if (together == 1) --most;
    }
}

bool Worker::is_wanted(Calls::iterator call, Instant now)
{
    if (world_.planted(Defect::send_blocked)) return true;
    const JobId work = call->second.work;
    const bool live = engine_.progress(work).has_value();
    if (engine_.may_send(call->first, now)) return true;
    Held &held = jobs_.at(work);
    if (live) books_.on_gone(held.job.job.slot);
    --held.open_calls;
    return false;
}

Worker::Calls::iterator Worker::first_wanted(std::deque<sync::CallId> &waiting, Instant now)
{
    while (!waiting.empty()) {
        const auto call = calls_.find(waiting.front());
        if (call != calls_.end()) {
            if (is_wanted(call, now)) return call;
            calls_.erase(call);
        }
        waiting.pop_front();
    }
    return calls_.end();
}

std::vector<sync::CallId> Worker::next_pack(Login login, Instant now)
{
    std::deque<sync::CallId> &waiting = waiting_[static_cast<std::size_t>(login)];
    std::vector<sync::CallId> calls;
    auto call = first_wanted(waiting, now);
    if (call == calls_.end()) return calls;
    std::size_t most = batch_size(login).next(waiting.size(), room());
    calls.reserve(std::min(most, waiting.size()));
    while (call != calls_.end() && calls.size() < most) {
        const std::size_t limit = std::max<std::size_t>(call->second.most_together, 1);
        if (limit <= calls.size()) break;
        most = std::min(most, limit);
        calls.push_back(call->first);
        waiting.pop_front();
        call = first_wanted(waiting, now);
    }
    return calls;
}

void Worker::send()
{
    const Instant now = world_.machine_now();
    gather(now);
    for (bool sent = true; sent;) {
        sent = false;
        for (const Login login : {Login::facebook, Login::instagram}) {
            if (room() == 0) break;
            std::vector<sync::CallId> calls = next_pack(login, now);
            if (calls.empty()) continue;
            send_pack(std::move(calls), login, now);
            sent = true;
        }
    }
}

void Worker::send_pack(std::vector<sync::CallId> calls, Login login, Instant now)
{
    peril(1);
    const RequestId id = ++last_request_;
    Request request;
    request.login = login;
    const JobId first = calls_.at(calls.front()).work;
    for (const sync::CallId call : calls) {
        Packed &packed = calls_.at(call);
        books_.on_sent(jobs_.at(packed.work).job.job.slot, now);
        packed.request = id;
    }
    request.calls = std::move(calls);
    request.wanted = request.calls.size();
    request.travel = world_.graph.travel(request.calls.size(), world_.true_now);
    world_.trace.note(Event::send, now, id, request.calls.size(), first);
    flights_.push({world_.true_now + request.travel.takes, id});
    requests_.emplace(id, std::move(request));
}

void Worker::receive()
{
    const Instant now = world_.machine_now();
    while (!flights_.empty() && flights_.top().at <= world_.true_now) {
        const auto found = requests_.extract(flights_.top().request);
        flights_.pop();
        if (found.empty()) continue;  // nobody waited for it any more
        peril(2);
        take_answer(found.mapped(), now);
        note_ended();
    }
}

// The governor counts the calls of ended works as gone at once, and so do the books.
void Worker::note_ended()
{
    for (sync::Outcome &outcome : engine_.take_finished()) {
        Held &held = jobs_.at(outcome.work);
        held.ended = true;
        for (const sync::CallId call : held.calls)
            if (calls_.count(call) != 0) books_.on_gone(held.job.job.slot);
        ended_.push_back(std::move(outcome));
    }
}

platform::Reading Worker::answer_to(const Packed &packed)
{
    const Held &held = jobs_.at(packed.work);
    return world_.graph.answer(packed.query, {held.job.job.slot, held.job.epoch}, world_.true_now);
}

void Worker::take_answer(const Request &request, Instant now)
{
    if (request.calls.size() > 1) {
        take_batch(request, now);
        return;
    }
    const sync::CallId call = request.calls.front();
    if (request.travel.failure == TransportFailure::none)
        batch_size(request.login).on_answer(1, 0, request.travel.takes);
    const auto packed = calls_.find(call);
    if (packed == calls_.end()) return;
    platform::Reading reading;
    if (request.travel.whole) reading.failure = request.travel.whole;
    else reading = answer_to(packed->second);
    deliver(call, std::move(reading), now);
}

void Worker::take_batch(const Request &request, Instant now)
{
    if (request.travel.whole) {
        after_failed_batch(request, *request.travel.whole, now);
        return;
    }
    const std::size_t size = request.calls.size();
    std::size_t unfinished = 0;
    std::vector<std::pair<sync::CallId, platform::Reading>> read;
    read.reserve(size);
    for (const sync::CallId call : request.calls) {
        const auto packed = calls_.find(call);
        if (packed == calls_.end()) continue;
        if (world_.graph.gets_to_item()) {
            read.emplace_back(call, answer_to(packed->second));
        } else {
            ++unfinished;
            send_again(call, 1, now);
        }
    }
    if (read.size() > 1 && world_.planted_now(Defect::swap_answers)) std::swap(read.front().second, read.back().second);
    for (auto &[call, reading] : read) deliver(call, std::move(reading), now);
    batch_size(request.login).on_answer(size, unfinished, request.travel.takes);
}

void Worker::after_failed_batch(const Request &request, const platform::Failure &failure, Instant now)
{
    const std::size_t size = request.calls.size();
    const sync::AfterBatch next = sync::after_failed_batch(request.travel.failure, failure);
    if (next == sync::AfterBatch::smaller) batch_size(request.login).on_failure(size);
    for (std::size_t i = 0; i < size; ++i) {
        const sync::CallId call = request.calls[i];
        switch (next) {
        case sync::AfterBatch::tell_all: {
            platform::Reading reading;
            reading.failure = failure;
            deliver(call, std::move(reading), now);
            break;
        }
        case sync::AfterBatch::first_alone:
            send_again(call, i == 0 ? 1 : std::max<std::size_t>(size / 2, 1), now);
            break;
        case sync::AfterBatch::smaller: send_again(call, std::max<std::size_t>(size / divide_by, 1), now); break;
        }
    }
}

void Worker::send_again(sync::CallId call, std::size_t most_together, Instant now)
{
    const auto found = calls_.find(call);
    if (found == calls_.end()) return;
    Packed &packed = found->second;
    packed.request = nowhere;
    packed.most_together = most_together;
    Held &held = jobs_.at(packed.work);
    const Job &job = held.job.job;
    if (!engine_.on_repeated(call, now)) {
        if (!held.ended) books_.on_gone(job.slot);
        --held.open_calls;
        calls_.erase(found);
        return;
    }
    books_.on_repeated(job.slot, static_cast<int>(job.kind), now);
    waiting_[static_cast<std::size_t>(packed.query.login)].push_back(call);
}

void Worker::deliver(sync::CallId call, platform::Reading &&reading, Instant now)
{
    const auto gone = calls_.extract(call);
    if (gone.empty()) return;
    const Packed &packed = gone.mapped();
    Held &held = jobs_.at(packed.work);
    --held.open_calls;
    const auto kind = reading.failure ? static_cast<std::uint64_t>(reading.failure->kind) + 1 : 0;
    world_.trace.note(Event::answer, now, call, packed.work, kind);
    if (engine_.progress(packed.work)) {
        books_.on_answer(held.job.job.slot, reading, now);
        world_.audit.on_answer(held.expectation, packed.query, reading);
    } else if (!held.ended) {
        books_.on_gone(held.job.job.slot);  // an earlier answer of the same batch ended its work
    }
    if (world_.planted(Defect::ignore_block) && kind != 0 && reading.failure->kind == platform::FailureKind::throttled)
        reading.failure = failure_of(platform::FailureKind::transient, platform::FailureReach::request, true);
    engine_.on_reading(call, std::move(reading), now);
}

void Worker::drop_calls(JobId work) noexcept
{
    const auto held = jobs_.find(work);
    if (held == jobs_.end()) return;
    for (const sync::CallId call : held->second.calls) {
        const auto found = calls_.find(call);
        if (found == calls_.end()) continue;
        if (!held->second.ended) books_.on_gone(held->second.job.job.slot);
        const auto request = requests_.find(found->second.request);
        calls_.erase(found);
        if (request != requests_.end() && --request->second.wanted == 0) requests_.erase(request);
    }
    held->second.calls.clear();
}

}  // namespace ig::simulator
