// The call loop: carries the engine's calls to the HTTP client and the answers back. Worker and ig_fetch_insights() share it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "http/client.hpp"
#include "platform/instagram/instagram.hpp"
#include "postgres/clock_watch.hpp"
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
    std::size_t in_flight() const noexcept { return calls_.size(); }
    ClockWatch &clock() noexcept { return clock_; }

    void add(sync::Work work, SealedToken token, Instant now);
    // Sends what may go now, up to instagram_insights.max_in_flight.
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
    // Settings have changed.
    void reload(Instant now);

private:
    struct Call {
        sync::WorkId work;
        platform::InsightsQuery query;
        Secret token;  // to be taken out of the answer, should it be repeated there
    };
    void cancel_transfers(sync::WorkId work) noexcept;

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
    std::unordered_map<sync::WorkId, SealedToken> tokens_;
    std::unordered_map<sync::CallId, Call> calls_;
    std::unordered_map<http::TransferId, Secret> side_calls_;
    std::vector<SideAnswer> side_answers_;
    http::TransferId next_side_call_ = http::TransferId{1} << 63;  // beyond any id of the engine
};

}  // namespace ig::pg
