// How calls become requests and answers become readings: singly, or several in a batch where the host takes one.
#include <algorithm>
#include <utility>

#include "platform/oauth.hpp"
#include "postgres/call_loop.hpp"
#include "postgres/guard.hpp"
#include "postgres/keyring.hpp"
#include "postgres/known_secret.hpp"
#include "postgres/settings.hpp"
#include "sync/retry.hpp"

namespace ig::pg {

namespace {

// After a batch failed, its calls travel in requests a fifth as large, so that a bad one is soon alone.
constexpr std::size_t divide_by = 5;

platform::Failure unreadable(const std::string &message, const std::string &hint)
{
    platform::Failure failure;
    failure.kind = platform::FailureKind::token_unreadable;
    failure.reach = platform::FailureReach::account;
    failure.message = message;
    failure.hint = hint;
    return failure;
}

// appsecret_proof for this token; nothing for a token without an app.
Secret proof_of(const SealedToken &token, const Secret &opened)
{
    if (token.sealed_app_secret.empty()) return Secret();
    const Secret app_secret = open_token(token.sealed_app_secret, token.app_place);
    return platform::proof_query(app_secret.expose(), opened.expose());
}

// Whether a text that comes from outside as it is may be in the answer: only then a token can be repeated in one.
bool tells_of_errors(const HttpResponse &response)
{
    return response.status != 200 || response.body.find("error") != std::string::npos;
}

}  // namespace

std::size_t CallLoop::room() const noexcept
{
    const auto most = static_cast<std::size_t>(settings.max_in_flight);
    return most > requests_.size() ? most - requests_.size() : 0;
}

// Takes as many calls from the engine as the free requests can carry, so that none waits here while more urgent ones come.
void CallLoop::gather(Instant now)
{
    std::size_t most = room();
    for (const std::deque<Packed> &waiting : waiting_) most -= std::min(most, waiting.size());
    std::size_t free = room() * batch_size(platform::Login::facebook).most();
    for (const std::deque<Packed> &waiting : waiting_) free -= std::min(free, waiting.size());
    while (free > 0 && most > 0) {
        std::optional<sync::Call> call = engine_.next_call(now);
        if (!call) return;
        const platform::Login login = call->query.login;
        const auto work = works_.find(call->work);
        if (work == works_.end()) {
            forget(call->work);
            continue;
        }
        calls_.emplace(call->id, nowhere);
        work->second.calls.push_back(call->id);
        queue({call->id, call->work, std::move(call->query), batch_size(login).most(), Secret()});
        --free;
        // Where there are no batches, each call is a request of its own.
        if (batch_size(login).most() == 1) --most;
    }
}

void CallLoop::queue(Packed packed)
{
    waiting_[static_cast<std::size_t>(packed.query.login)].push_back(std::move(packed));
}

// Those whose work ended, or came to be blocked, while they waited here.
void CallLoop::drop_unwanted(std::deque<Packed> &waiting, Instant now)
{
    while (!waiting.empty()) {
        const sync::CallId call = waiting.front().call;
        if (is_wanted(call) && engine_.may_send(call, now)) return;
        calls_.erase(call);
        waiting.pop_front();
    }
}

std::vector<CallLoop::Packed> CallLoop::next_pack(platform::Login login, Instant now)
{
    std::deque<Packed> &waiting = waiting_[static_cast<std::size_t>(login)];
    std::vector<Packed> calls;
    drop_unwanted(waiting, now);
    std::size_t most = waiting.empty() ? 0 : batch_size(login).next(waiting.size(), room());
    while (!waiting.empty() && calls.size() < most) {
        const std::size_t limit = std::max<std::size_t>(waiting.front().most_together, 1);
        if (limit <= calls.size()) break;
        most = std::min(most, limit);
        calls.push_back(std::move(waiting.front()));
        waiting.pop_front();
        drop_unwanted(waiting, now);
    }
    return calls;
}

void CallLoop::send(Instant now)
{
    gather(now);
    bool any = false;
    for (bool sent = true; sent;) {
        sent = false;
        for (const platform::Login login : {platform::Login::facebook, platform::Login::instagram}) {
            if (room() == 0) break;
            std::vector<Packed> calls = next_pack(login, now);
            if (calls.empty()) continue;
            send_pack(std::move(calls), now);
            sent = true;
        }
        any = any || sent;
    }
    if (any) client_.advance();  // on the wire now, not when the caller comes round again
}

bool CallLoop::open_item(Packed &packed, platform::BatchItem &item, Instant now)
{
    const auto work = works_.find(packed.work);
    if (work == works_.end()) return false;
    const auto refuse = [&](const char *message, const std::string &hint) {
        stop(packed.work, unreadable(message, hint), now);
        return false;
    };
    try {
        item.token = open_token(work->second.token.sealed, work->second.token.place);
        item.proof = proof_of(work->second.token, item.token);
        packed.token = item.token.clone();
        return true;
    } catch (const vault::OpenFailure &failure) {
        return refuse(failure.what(), "Put the key that sealed it back, or connect the account again.");
    } catch (const KeyUnavailable &failure) {
        return refuse(failure.what(), failure.hint());
    }
}

void CallLoop::send_pack(std::vector<Packed> calls, Instant now)
{
    Request request;
    std::vector<platform::BatchItem> items;
    for (Packed &packed : calls) {
        platform::BatchItem item;
        // Opening one may have stopped the work of a later one.
        if (!is_wanted(packed.call) || !open_item(packed, item, now)) continue;
        items.push_back(std::move(item));
        request.calls.push_back(std::move(packed));
    }
    if (request.calls.empty()) return;
    HttpRequest message;
    if (request.calls.size() == 1) {
        message =
            platform_->insights_request(request.calls[0].query, std::move(items[0].token), std::move(items[0].proof));
    } else {
        for (std::size_t i = 0; i < items.size(); ++i) items[i].query = request.calls[i].query;
        message = platform_->batch_request(items);
    }
    const http::TransferId id = ++last_request_;
    for (const Packed &packed : request.calls) calls_[packed.call] = id;
    request.wanted = request.calls.size();
    requests_.emplace(id, std::move(request));
    client_.start(id, std::move(message));
}

void CallLoop::deliver(sync::CallId call, platform::Reading reading, Instant now)
{
    if (calls_.erase(call) == 0) return;  // nobody waits for it any more
    engine_.on_reading(call, std::move(reading), now);
}

void CallLoop::take_answer(Request request, HttpResponse response, Instant now, std::optional<Instant> answered_at)
{
    if (request.calls.size() > 1) {
        take_batch(std::move(request), std::move(response), now, answered_at);
        return;
    }
    const Packed &packed = request.calls.front();
    hide_known_secret(response.body, packed.token);
    if (response.failure == TransportFailure::none) batch_size(packed.query.login).on_answer(1, 0, response.elapsed);
    platform::Reading reading = platform_->read_insights(packed.query, response);
    reading.answered_at = answered_at;
    deliver(packed.call, std::move(reading), now);
}

void CallLoop::take_batch(Request request, HttpResponse response, Instant now, std::optional<Instant> answered_at)
{
    if (tells_of_errors(response))
        for (const Packed &packed : request.calls) hide_known_secret(response.body, packed.token);
    std::vector<const platform::InsightsQuery *> queries;
    for (const Packed &packed : request.calls) queries.push_back(&packed.query);
    platform::BatchReading batch = platform_->read_batch(queries, response);
    if (batch.failure) {
        after_failed_batch(std::move(request), response, *batch.failure, now);
        return;
    }
    std::size_t unfinished = 0;
    for (std::size_t i = 0; i < request.calls.size(); ++i) {
        Packed &packed = request.calls[i];
        if (!batch.items[i]) {
            ++unfinished;
            send_again(std::move(packed), 1, now);
            continue;
        }
        platform::Reading &reading = *batch.items[i];
        hide_known_secret(reading.username, packed.token);
        hide_known_secret(reading.name, packed.token);
        reading.usage.insert(reading.usage.end(), batch.usage.begin(), batch.usage.end());
        reading.answered_at = answered_at;
        deliver(packed.call, std::move(reading), now);
    }
    batch_size(request.calls.front().query.login).on_answer(request.calls.size(), unfinished, response.elapsed);
}

void CallLoop::after_failed_batch(Request request, const HttpResponse &response, const platform::Failure &failure,
                                  Instant now)
{
    const std::size_t size = request.calls.size();
    const sync::AfterBatch next = sync::after_failed_batch(response.failure, failure);
    if (next == sync::AfterBatch::smaller) batch_size(request.calls.front().query.login).on_failure(size);
    for (std::size_t i = 0; i < size; ++i) {
        Packed &packed = request.calls[i];
        switch (next) {
        case sync::AfterBatch::tell_all: {
            platform::Reading reading;
            reading.failure = failure;
            deliver(packed.call, std::move(reading), now);
            break;
        }
        case sync::AfterBatch::first_alone:
            send_again(std::move(packed), i == 0 ? 1 : std::max<std::size_t>(size / 2, 1), now);
            break;
        case sync::AfterBatch::smaller:
            send_again(std::move(packed), std::max<std::size_t>(size / divide_by, 1), now);
            break;
        }
    }
}

void CallLoop::send_again(Packed packed, std::size_t most_together, Instant now)
{
    const auto found = calls_.find(packed.call);
    if (found == calls_.end()) return;
    found->second = nowhere;
    packed.token.clear();
    packed.most_together = most_together;
    if (!engine_.on_repeated(packed.call, now)) {
        calls_.erase(found);
        return;
    }
    queue(std::move(packed));
}

}  // namespace ig::pg
