// Dispatcher: queues transfers by origin, hands as many to libcurl as limits and origins allow, and collects the ended.
#pragma once

#include <curl/curl.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "http/client.hpp"
#include "http/lane.hpp"
#include "http/origin.hpp"
#include "http/policy.hpp"
#include "http/socket_watch.hpp"
#include "http/transfer.hpp"

namespace ig::http {

// Whoever calls in holds a SignalShield, since libcurl may start a thread; start() and refuse() never touch libcurl.
class Dispatcher {
public:
    explicit Dispatcher(ClientOptions options);
    ~Dispatcher();
    Dispatcher(const Dispatcher &) = delete;
    Dispatcher &operator=(const Dispatcher &) = delete;

    // The next advance() sends it.
    void start(TransferId id, HttpRequest request, const Target &target);
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
    using Entries = std::unordered_map<TransferId, Transfer>;  // a Transfer keeps its place

    Origin &origin(const std::string &name);
    Lane &lane(Way way) noexcept { return way == Way::own ? own_ : shared_; }
    void fill();
    bool launch_next(Origin &origin);
    bool launch(Transfer &transfer, Way way);
    void collect_all();
    void collect(Lane &lane);
    void fail_all(Way way, CURLMcode code);
    void fail(TransferId id, TransportFailure failure, std::string text);
    void end(Entries::iterator entry) noexcept;

    SocketWatch watch_;
    Lane own_;
    Lane shared_;
    std::shared_ptr<const Policy> policy_;
    std::size_t per_origin_ = 1;
    std::size_t active_ = 0;
    bool room_made_ = false;                        // since the last fill()
    std::vector<std::unique_ptr<Origin>> origins_;  // each stays while a transfer waits or travels
    std::size_t turn_ = 0;                          // the origin that may launch first
    Entries entries_;
    std::vector<Completed> completed_;
};

}  // namespace ig::http
