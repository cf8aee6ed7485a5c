// Dispatcher: queues transfers by origin, hands as many to libcurl as the limits allow, and collects the ended ones.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "http/client.hpp"
#include "http/socket_watch.hpp"
#include "http/transfer.hpp"

namespace ig::http {

// Whoever calls in holds a SignalShield: nearly everything here may start a thread within libcurl.
class Dispatcher {
public:
    explicit Dispatcher(ClientOptions options);
    ~Dispatcher();
    Dispatcher(const Dispatcher &) = delete;
    Dispatcher &operator=(const Dispatcher &) = delete;

    void start(TransferId id, HttpRequest request, Target target);
    void refuse(TransferId id, std::string text);
    void cancel(TransferId id) noexcept;
    void cancel_all() noexcept;
    void advance();
    void use_options(ClientOptions options);

    bool knows(TransferId id) const { return entries_.count(id) != 0; }
    int descriptor() const noexcept { return watch_.descriptor(); }
    std::optional<std::chrono::milliseconds> timeout() const;
    std::vector<Completed> take_completed();
    std::size_t in_flight() const noexcept { return entries_.size(); }

private:
    // Transfers to one origin. Those that wait here don't wait within libcurl, where the time they wait
    // would count against their request_timeout and a full origin could hold up another.
    struct Origin {
        std::size_t active = 0;
        std::size_t connecting = 0;
        std::deque<TransferId> waiting;
    };
    struct Entry {
        std::unique_ptr<Transfer> transfer;
        Origin *origin = nullptr;  // its node stays while a transfer waits or travels
    };
    using Entries = std::map<TransferId, Entry>;

    void fill();
    bool launch_next(Origin &origin);
    void launch(Entries::iterator entry);
    void collect();
    void fail_all(CURLMcode code);
    void complete(TransferId id, HttpResponse response);
    void fail(TransferId id, TransportFailure failure, std::string text);
    CURL *take_handle() noexcept;
    void keep_handle(CURL *easy) noexcept;
    void forget(Entries::iterator entry) noexcept;

    SocketWatch watch_;
    CURLM *multi_ = nullptr;
    std::shared_ptr<const ClientOptions> options_;
    std::size_t per_origin_ = 1;
    std::size_t active_ = 0;
    bool room_made_ = false;  // since the last fill()
    std::map<std::string, Origin> origins_;
    Entries entries_;
    std::vector<Completed> completed_;
    std::vector<CURL *> idle_handles_;
};

}  // namespace ig::http
