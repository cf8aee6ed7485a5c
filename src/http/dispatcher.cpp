// Moves transfers between the queues of their origins, libcurl's lanes and the list of completed ones.
#include "http/dispatcher.hpp"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace ig::http {

namespace {

constexpr std::size_t max_connections = 10000;

// Once a process, and not before it is needed: a postmaster must not hold libcurl's state when it forks.
SocketWatch &with_curl_initialised(SocketWatch &watch)
{
    static bool initialised = false;
    if (!initialised && curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        throw std::runtime_error("cannot initialise libcurl");
    initialised = true;
    return watch;
}

}  // namespace

Dispatcher::Dispatcher(ClientOptions options) : own_(with_curl_initialised(watch_), false), shared_(watch_, true)
{
    use_options(std::move(options));
}

Dispatcher::~Dispatcher() { cancel_all(); }

void Dispatcher::use_options(ClientOptions options)
{
    if (policy_ && policy_->options == options) return;
    policy_ = std::make_shared<const Policy>(std::move(options));
    per_origin_ = std::clamp<std::size_t>(policy_->options.max_connections_per_host, 1, max_connections);
    room_made_ = true;
    for (Lane *const lane : {&own_, &shared_}) {
        lane->set_limit(per_origin_);
        lane->drop_idle_handles();
    }
}

std::optional<std::chrono::milliseconds> Dispatcher::timeout() const
{
    const bool may_launch = room_made_ && entries_.size() > active_;
    if (!completed_.empty() || may_launch) return std::chrono::milliseconds{0};
    return watch_.timeout();
}

std::vector<Completed> Dispatcher::take_completed() { return std::exchange(completed_, {}); }

Origin &Dispatcher::origin(const std::string &name)
{
    for (const std::unique_ptr<Origin> &known : origins_) {
        if (known->name() == name) return *known;
    }
    origins_.push_back(std::make_unique<Origin>(name));
    return *origins_.back();
}

void Dispatcher::start(TransferId id, HttpRequest request, const Target &target)
{
    Origin &goal = origin(target.origin());
    const auto [entry, added] = entries_.try_emplace(id, id, std::move(request), target, policy_, goal);
    if (!added) return;
    goal.enqueue(id, entry->second.may_share());
    room_made_ = true;
}

void Dispatcher::refuse(TransferId id, std::string text) { fail(id, TransportFailure::refused, std::move(text)); }

void Dispatcher::cancel(TransferId id) noexcept
{
    const auto same = [id](const Completed &ended) { return ended.id == id; };
    completed_.erase(std::remove_if(completed_.begin(), completed_.end(), same), completed_.end());
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) return;
    if (!entry->second.is_launched()) entry->second.origin().remove(id);
    end(entry);
}

void Dispatcher::cancel_all() noexcept
{
    completed_.clear();
    for (const std::unique_ptr<Origin> &known : origins_) known->remove_all();
    while (!entries_.empty()) end(entries_.begin());
}

void Dispatcher::advance()
{
    watch_.dispatch();
    collect_all();
    fill();
    // Those who found an open connection are on their way when this returns; and what libcurl ends on this occasion must not
    // wait for another event, since there may be none.
    watch_.run_deadlines();
    collect_all();
}

void Dispatcher::collect_all()
{
    collect(own_);
    collect(shared_);
    for (const Way way : {Way::own, Way::shared}) {
        const CURLMcode code = watch_.take_failure(lane(way).multi());
        if (code != CURLM_OK) fail_all(way, code);
    }
}

// Starts waiting transfers where there is room. Each round gives every origin one, so that none starves another.
void Dispatcher::fill()
{
    if (!std::exchange(room_made_, false) && entries_.size() == active_) return;
    for (bool progress = true; progress;) {
        progress = false;
        for (std::size_t i = origins_.size(); i > 0; --i) {
            turn_ = turn_ + 1 < origins_.size() ? turn_ + 1 : 0;
            if (launch_next(*origins_[turn_])) progress = true;
        }
    }
    collect(shared_);  // what ended while libcurl was driven
    const auto unused = [](const std::unique_ptr<Origin> &known) { return known->unused(); };
    origins_.erase(std::remove_if(origins_.begin(), origins_.end(), unused), origins_.end());
}

bool Dispatcher::launch_next(Origin &origin)
{
    if (active_ >= 2 * per_origin_ || origin.active() >= per_origin_) return false;
    TransferId id = 0;
    Way way = Way::own;
    if (!origin.take_next(id, way)) return false;
    const auto entry = entries_.find(id);
    if (entry == entries_.end()) return true;
    Transfer &transfer = entry->second;
    if (!launch(transfer, way)) {
        end(entry);
    } else if (way == Way::shared) {
        watch_.drive(shared_.multi());
        origin.tried_to_share(transfer.is_connected());
    }
    return true;
}

bool Dispatcher::launch(Transfer &transfer, Way way)
{
    Lane &on = lane(way);
    transfer.handle = on.take_handle(transfer.policy());
    TransportFailure failure = TransportFailure::interrupted;
    std::string text;
    if (!transfer.handle) {
        text = "memory ran out before a request to " + transfer.target().name();
    } else if (!transfer.handle->carry(transfer)) {
        failure = TransportFailure::refused;
        text = "this libcurl cannot send the request as safely as it must be";
    } else if (curl_multi_add_handle(on.multi(), transfer.handle->easy()) != CURLM_OK) {
        text = "libcurl could not take a request to " + transfer.target().name();
    } else {
        transfer.launch(way);
        ++active_;
        return true;
    }
    transfer.handle.reset();
    fail(transfer.id(), failure, std::move(text));
    return false;
}

void Dispatcher::collect(Lane &lane)
{
    int left = 0;
    while (const CURLMsg *const message = curl_multi_info_read(lane.multi(), &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        const CURLcode code = message->data.result;  // the message dies with its handle's removal
        Transfer &transfer = *Handle::of(message->easy_handle)->transfer();
        completed_.push_back(Completed{transfer.id(), transfer.finish(code)});
        end(entries_.find(transfer.id()));
    }
}

// libcurl itself gave up: nothing that is under way would end by itself.
void Dispatcher::fail_all(Way way, CURLMcode code)
{
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        if (entry->second.is_launched() && entry->second.way() == way) {
            fail(entry->first, TransportFailure::interrupted,
                 "libcurl failed (multi code " + std::to_string(static_cast<int>(code)) + ")");
            end(entry);
        }
        entry = next;
    }
}

void Dispatcher::fail(TransferId id, TransportFailure failure, std::string text)
{
    HttpResponse response;
    response.failure = failure;
    response.failure_text = std::move(text);
    completed_.push_back(Completed{id, std::move(response)});
}

// Takes a transfer out that does not wait; if it travels, libcurl closes its unfinished connection or ends its stream.
void Dispatcher::end(Entries::iterator entry) noexcept
{
    Transfer &transfer = entry->second;
    const bool launched = transfer.is_launched();
    if (transfer.handle) lane(transfer.way()).keep_handle(std::move(transfer.handle), launched);
    if (launched) {
        transfer.land();
        --active_;
    }
    room_made_ = true;
    entries_.erase(entry);
}

}  // namespace ig::http
