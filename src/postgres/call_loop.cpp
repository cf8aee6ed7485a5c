// Implements the call loop.
#include "postgres/call_loop.hpp"

#include "platform/oauth.hpp"
#include "postgres/guard.hpp"
#include "postgres/keyring.hpp"
#include "postgres/known_secret.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"

namespace ig::pg {

namespace {

std::uint64_t random_seed()
{
    std::uint64_t seed = 0;
    if (!pg_strong_random(&seed, sizeof seed)) seed = static_cast<std::uint64_t>(current_time().time_since_epoch().count());
    return seed;
}

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

}  // namespace

CallLoop::ReservedDescriptors::ReservedDescriptors(int wanted) noexcept
{
    // Neither call raises; AcquireExternalFD() refuses beyond a third of what the process may open.
    while (held_ < wanted && AcquireExternalFD()) ++held_;
}

CallLoop::ReservedDescriptors::~ReservedDescriptors()
{
    for (; held_ > 0; --held_) ReleaseExternalFD();
}

CallLoop::CallLoop(Instant now)
    : descriptors_(settings.max_in_flight + 2), client_(client_options()), platform_(std::make_unique<platform::Instagram>(endpoints())),
      engine_(pacific_calendar(now), engine_options(), random_seed())
{
}

void CallLoop::add(sync::Work work, SealedToken token, Instant now)
{
    const sync::WorkId id = work.id;
    engine_.add(std::move(work), now);
    tokens_.insert_or_assign(id, std::move(token));
}

void CallLoop::send(Instant now)
{
    while (calls_.size() < static_cast<std::size_t>(settings.max_in_flight)) {
        std::optional<sync::Call> call = engine_.next_call(now);
        if (!call) return;
        const auto token = tokens_.find(call->work);
        if (token == tokens_.end()) {
            forget(call->work);
            continue;
        }
        try {
            Secret opened = open_token(token->second.sealed, token->second.place);
            HttpRequest request = platform_->insights_request(call->query, opened.clone(), proof_of(token->second, opened));
            calls_.emplace(call->id, Call{call->work, std::move(call->query), std::move(opened)});
            client_.start(call->id, std::move(request));
        } catch (const vault::OpenFailure &failure) {
            stop(call->work,
                 unreadable(failure.what(), "Put the key that sealed it back, or connect the account again."), now);
        } catch (const KeyUnavailable &failure) {
            stop(call->work, unreadable(failure.what(), failure.hint()), now);
        }
    }
}

void CallLoop::receive()
{
    client_.advance();
    const Instant now = current_time();
    for (http::Completed &completed : client_.take_completed()) {
        clock_.observe(completed.response, now);
        if (const auto side = side_calls_.find(completed.id); side != side_calls_.end()) {
            hide_known_secret(completed.response.body, side->second);
            side_calls_.erase(side);
            side_answers_.push_back({completed.id, std::move(completed.response)});
            continue;
        }
        const auto found = calls_.find(completed.id);
        if (found == calls_.end()) continue;
        hide_known_secret(completed.response.body, found->second.token);
        platform::Reading reading = platform_->read_insights(found->second.query, completed.response);
        calls_.erase(found);
        engine_.on_reading(completed.id, std::move(reading), now);
    }
}

http::TransferId CallLoop::start_side_call(HttpRequest request, Secret secret)
{
    const http::TransferId id = next_side_call_++;
    side_calls_.emplace(id, std::move(secret));
    client_.start(id, std::move(request));
    return id;
}

std::vector<CallLoop::SideAnswer> CallLoop::take_side_answers() { return std::exchange(side_answers_, {}); }

std::optional<std::chrono::milliseconds> CallLoop::idle_time(Instant now) const
{
    std::optional<std::chrono::milliseconds> shortest = client_.timeout();
    if (calls_.size() < static_cast<std::size_t>(settings.max_in_flight))
        if (const std::optional<Instant> wakeup = engine_.next_wakeup()) {
            const std::chrono::milliseconds until = std::max(*wakeup - now, std::chrono::milliseconds(0));
            if (!shortest || until < *shortest) shortest = until;
        }
    return shortest;
}

void CallLoop::cancel_transfers(sync::WorkId work) noexcept
{
    for (auto call = calls_.begin(); call != calls_.end();) {
        if (call->second.work == work) {
            client_.cancel(call->first);
            call = calls_.erase(call);
        } else {
            ++call;
        }
    }
}

void CallLoop::forget(sync::WorkId work) noexcept
{
    cancel_transfers(work);
    engine_.forget(work);
    tokens_.erase(work);
}

void CallLoop::stop(sync::WorkId work, const platform::Failure &reason, Instant now)
{
    cancel_transfers(work);
    engine_.stop(work, reason, now);
}

void CallLoop::finished(sync::WorkId work) noexcept
{
    cancel_transfers(work);
    tokens_.erase(work);
}

void CallLoop::reload(Instant now)
{
    client_.set_options(client_options());
    platform_ = std::make_unique<platform::Instagram>(endpoints());
    engine_.set_options(engine_options());
    engine_.set_calendar(pacific_calendar(now));
    forget_key();
}

}  // namespace ig::pg
