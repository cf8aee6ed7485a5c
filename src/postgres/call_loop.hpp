// The call loop: carries the engine's calls to the HTTP client and the answers back. Worker and ig_fetch_insights() share it.
#pragma once

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/client.hpp"
#include "platform/instagram/instagram.hpp"
#include "postgres/clock_watch.hpp"
#include "sync/batch_size.hpp"
#include "sync/engine.hpp"
#include "vault/vault.hpp"

namespace ig::pg {

// The token of an account, still sealed: it is opened only while a request is built. With the secret of the app it belongs
// to, if there is one, which proves each call (graph-api.md 3.3).
struct SealedToken {
    std::string sealed;
    vault::Place place;
    std::string sealed_app_secret;  // empty: no proof
    vault::Place app_place;
};

class CallLoop {
public:
    explicit CallLoop(Instant now);

    sync::Engine &engine() noexcept { return engine_; }
    int pollable_fd() const noexcept { return client_.pollable_fd(); }
    // Requests under way; a batch is one.
    std::size_t in_flight() const noexcept { return requests_.size(); }
    // How many more works keep every request busy and the next calls at hand, with `works` in hand now. More would only take
    // memory, and end all at once instead of one after the other.
    std::size_t wanted_works(std::size_t works) const noexcept;
    ClockWatch &clock() noexcept { return clock_; }

    void add(sync::Work work, SealedToken token, Instant now);
    // Sends what may go now, up to instagram_insights.max_in_flight requests.
    void send(Instant now);
    // Takes in the answers that have come.
    void receive();
    // How long nothing needs to be done here without an event.
    std::optional<std::chrono::milliseconds> idle_time(Instant now) const;
    // Drops a work and its transfers without an outcome.
    void forget(sync::WorkId work) noexcept;
    // Ends a work early; its transfers are taken back.
    void stop(sync::WorkId work, const platform::Failure &reason, Instant now);
    // Forgets a work whose outcome was taken, and takes back what it still has in flight.
    void finished(sync::WorkId work) noexcept;
    // A call that is no sync, such as renewing a token: the caller reads the answer. `secret` is taken out of it.
    struct SideAnswer {
        http::TransferId id;
        HttpResponse response;
    };
    http::TransferId start_side_call(HttpRequest request, Secret secret);
    std::vector<SideAnswer> take_side_answers();
    // Keeps the days of the coming weeks at hand.
    void follow_calendar(Instant now);
    // Settings have changed.
    void reload(Instant now);

private:
    // A call of the engine on its way to a request, or in one.
    struct Packed {
        sync::CallId call = 0;
        sync::WorkId work = 0;
        platform::InsightsQuery query;
        std::size_t most_together = 0;  // with how many calls it may share a request, itself included
        Secret token;                   // while it is sent: to be taken out of the answer, should it be repeated there
    };
    struct Request {
        std::vector<Packed> calls;  // more than one: a batch
        std::size_t wanted = 0;     // how many of them somebody still waits for
    };
    struct LiveWork {
        SealedToken token;
        std::vector<sync::CallId> calls;  // waiting or under way
    };
    static constexpr http::TransferId nowhere = 0;

    bool is_wanted(sync::CallId call) const { return calls_.count(call) != 0; }
    std::size_t room() const noexcept;
    sync::BatchSize &batch_size(platform::Login login) noexcept
    {
        return batch_sizes_[static_cast<std::size_t>(login)];
    }
    void limit_batches();
    void gather(Instant now);
    void queue(Packed packed);
    void drop_unwanted(std::deque<Packed> &waiting, Instant now);
    std::vector<Packed> next_pack(platform::Login login, Instant now);
    void send_pack(std::vector<Packed> calls, Instant now);
    // False when the token cannot be opened: the work has been stopped.
    bool open_item(Packed &packed, platform::BatchItem &item, Instant now);
    // `answered_at`: by the clock of who answered, where ours is wrong.
    void take_answer(Request request, HttpResponse response, Instant now, std::optional<Instant> answered_at);
    void take_batch(Request request, HttpResponse response, Instant now, std::optional<Instant> answered_at);
    void after_failed_batch(Request request, const HttpResponse &response, const platform::Failure &failure,
                            Instant now);
    void send_again(Packed packed, std::size_t most_together, Instant now);
    void deliver(sync::CallId call, platform::Reading reading, Instant now);
    void leave_call(sync::CallId call, http::TransferId request) noexcept;
    void drop_calls(sync::WorkId work) noexcept;

    // Sockets are counted among the server's descriptors, so that it closes files of its own before the limit is hit.
    class ReservedDescriptors {
    public:
        explicit ReservedDescriptors(int wanted) noexcept;
        ~ReservedDescriptors();
        ReservedDescriptors(const ReservedDescriptors &) = delete;
        ReservedDescriptors &operator=(const ReservedDescriptors &) = delete;

    private:
        int held_ = 0;
    };

    ReservedDescriptors descriptors_;
    http::Client client_;
    std::unique_ptr<platform::Platform> platform_;
    sync::Engine engine_;
    ClockWatch clock_;
    std::unordered_map<sync::WorkId, LiveWork> works_;
    std::unordered_map<sync::CallId, http::TransferId> calls_;  // where each is: its request, or nowhere yet
    std::unordered_map<http::TransferId, Request> requests_;
    std::array<std::deque<Packed>, 2> waiting_;  // by login
    std::array<sync::BatchSize, 2> batch_sizes_;
    http::TransferId last_request_ = nowhere;
    std::unordered_map<http::TransferId, Secret> side_calls_;
    std::vector<SideAnswer> side_answers_;
    http::TransferId next_side_call_ = http::TransferId{1} << 63;  // beyond any request's
};

}  // namespace ig::pg
