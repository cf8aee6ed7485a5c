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
    if (!pg_strong_random(&seed, sizeof seed))
        seed = static_cast<std::uint64_t>(current_time().time_since_epoch().count());
    return seed;
}

}  // namespace

CallLoop::ReservedDescriptors::ReservedDescriptors(int wanted) noexcept
{
    // No call here raises; AcquireExternalFD() refuses beyond a third of what the process may open.
    while (held_ < wanted && AcquireExternalFD()) ++held_;
    // Where that was all there is, others of this process get some too: our own wait set is the first to ask.
    constexpr int left_to_others = 4;
    for (int left = held_ < wanted ? left_to_others : 0; left > 0 && held_ > 0; --left, --held_) ReleaseExternalFD();
}

CallLoop::ReservedDescriptors::~ReservedDescriptors()
{
    for (; held_ > 0; --held_) ReleaseExternalFD();
}

CallLoop::CallLoop(Instant now)
    : descriptors_(settings.max_in_flight + 2), client_(client_options()),
      platform_(std::make_unique<platform::Instagram>(endpoints())),
      engine_(pacific_calendar(now), engine_options(), random_seed()), batch_sizes_{sync::BatchSize(1),
                                                                                    sync::BatchSize(1)}
{
    limit_batches();
}

// The setting, within what each host takes.
void CallLoop::limit_batches()
{
    for (const platform::Login login : {platform::Login::facebook, platform::Login::instagram})
        batch_size(login).set_most(
            std::min(static_cast<std::size_t>(settings.batch_size), platform_->most_in_batch(login)));
}

std::size_t CallLoop::wanted_works(std::size_t works) const noexcept
{
    constexpr std::size_t most_works = 1000;
    const std::size_t most_together = batch_sizes_[static_cast<std::size_t>(platform::Login::facebook)].most();
    const std::size_t calls = static_cast<std::size_t>(settings.max_in_flight) * most_together;
    if (works >= most_works) return 0;
    // A work has four calls under way at most, so a few with many calls do not keep all requests busy.
    const std::size_t busy = calls / 3 + 1;
    if (works < busy) return std::min(busy - works, most_works - works);
    return engine_.open_calls() < 2 * calls ? most_works - works : 0;
}

void CallLoop::add(sync::Work work, SealedToken token, Instant now)
{
    const sync::WorkId id = work.id;
    engine_.add(std::move(work), now);
    works_.insert_or_assign(id, LiveWork{std::move(token), {}});
}

void CallLoop::receive()
{
    client_.advance();
    const Instant now = current_time();
    for (http::Completed &completed : client_.take_completed()) {
        const std::optional<Instant> answered_at = clock_.observe(completed.response, now);
        if (const auto side = side_calls_.find(completed.id); side != side_calls_.end()) {
            hide_known_secret(completed.response.body, side->second);
            side_calls_.erase(side);
            side_answers_.push_back({completed.id, std::move(completed.response)});
            continue;
        }
        auto found = requests_.extract(completed.id);
        if (!found.empty()) take_answer(std::move(found.mapped()), std::move(completed.response), now, answered_at);
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
    if (room() == 0) return shortest;
    std::optional<Instant> wakeup = engine_.next_wakeup();
    if (!waiting_[0].empty() || !waiting_[1].empty()) wakeup = now;
    if (wakeup) {
        const std::chrono::milliseconds until = std::max(*wakeup - now, std::chrono::milliseconds(0));
        if (!shortest || until < *shortest) shortest = until;
    }
    return shortest;
}

// One call less that somebody waits for; a request nobody waits for is taken back.
void CallLoop::leave_call(sync::CallId call, http::TransferId request) noexcept
{
    calls_.erase(call);
    const auto found = requests_.find(request);
    if (found == requests_.end() || --found->second.wanted > 0) return;
    client_.cancel(request);
    requests_.erase(found);
}

void CallLoop::drop_calls(sync::WorkId work) noexcept
{
    const auto live = works_.find(work);
    if (live == works_.end()) return;
    for (const sync::CallId call : live->second.calls)
        if (const auto found = calls_.find(call); found != calls_.end()) leave_call(call, found->second);
    live->second.calls.clear();
}

void CallLoop::forget(sync::WorkId work) noexcept
{
    finished(work);
    engine_.forget(work);
}

void CallLoop::stop(sync::WorkId work, const platform::Failure &reason, Instant now)
{
    drop_calls(work);
    engine_.stop(work, reason, now);
}

void CallLoop::finished(sync::WorkId work) noexcept
{
    drop_calls(work);
    works_.erase(work);
}

void CallLoop::follow_calendar(Instant now) { engine_.set_calendar(pacific_calendar(now)); }

void CallLoop::reload(Instant now)
{
    client_.set_options(client_options());
    platform_ = std::make_unique<platform::Instagram>(endpoints());
    engine_.set_options(engine_options());
    follow_calendar(now);
    limit_batches();
    forget_key();
}

}  // namespace ig::pg
