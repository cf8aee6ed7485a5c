// Decides which transfer to a host may start and how, from what earlier ones met with.
#include "http/origin.hpp"

#include <algorithm>

namespace ig::http {

namespace {

// Each new connection may cost a thread for its name look-up; this bounds them in a database's process.
constexpr std::size_t max_opening = 32;
constexpr std::size_t max_scouts = 3;
constexpr std::chrono::seconds until_looking_again{60};
constexpr long http_2 = 3;  // CURL_HTTP_VERSION_2_0, as CURLINFO_HTTP_VERSION says it

void erase_from(std::deque<TransferId> &queue, TransferId id) noexcept
{
    const auto place = std::find(queue.begin(), queue.end(), id);
    if (place != queue.end()) queue.erase(place);
}

}  // namespace

void Origin::enqueue(TransferId id, bool may_share) { (may_share ? shareable_ : own_).push_back(id); }

void Origin::remove(TransferId id) noexcept
{
    erase_from(own_, id);
    erase_from(shareable_, id);
}

void Origin::remove_all() noexcept
{
    own_.clear();
    shareable_.clear();
}

// Of one that may share.
Way Origin::wanted_way() const noexcept
{
    if (sharing_ != Sharing::no) return Way::shared;
    return scouts_ == 0 && Clock::now() >= look_again_ ? Way::shared : Way::own;
}

void Origin::rule_out_sharing() noexcept
{
    sharing_ = Sharing::no;
    look_again_ = Clock::now() + until_looking_again;
}

bool Origin::own_way_is_open() const noexcept { return opening_ < max_opening; }

bool Origin::shared_way_is_open() const noexcept
{
    return scouts_ == 0 || (sharing_ == Sharing::yes && vacated_ > 0 && scouts_ < max_scouts);
}

bool Origin::take_next(TransferId &id, Way &way)
{
    for (int turn = 0; turn < 2; ++turn) {
        const bool shareable = turn_of_shareable_;
        turn_of_shareable_ = !turn_of_shareable_;
        std::deque<TransferId> &queue = shareable ? shareable_ : own_;
        const Way wanted = shareable ? wanted_way() : Way::own;
        if (queue.empty() || !(wanted == Way::own ? own_way_is_open() : shared_way_is_open())) continue;
        connections_.reserve(connections_.size() + scouts_ + 1);  // connected() must not need memory
        id = queue.front();
        way = wanted;
        queue.pop_front();
        return true;
    }
    return false;
}

void Origin::launched(Way way) noexcept
{
    ++active_;
    if (way == Way::own) {
        ++opening_;
        return;
    }
    if (scouts_ > 0 && vacated_ > 0) --vacated_;
    ++scouts_;
    if (sharing_ == Sharing::no) look_again_ = Clock::now() + until_looking_again;
}

void Origin::connected(Way way, int port) noexcept
{
    if (way == Way::own) {
        --opening_;
        return;
    }
    --scouts_;
    if (Connection *const connection = find(port)) {
        ++connection->transfers;
        sharing_ = Sharing::yes;
        return;
    }
    // The one before has a connection to itself, and so has this.
    if (sharing_ == Sharing::unknown && !connections_.empty()) rule_out_sharing();
    connections_.push_back(Connection{port, 1, {}});  // reserved: does not throw
}

void Origin::moved(int from_port, int to_port) noexcept
{
    leave(from_port);
    ++scouts_;
    connected(Way::shared, to_port);
}

void Origin::leave(int port) noexcept
{
    Connection *const connection = find(port);
    if (connection == nullptr || --connection->transfers > 0) return;
    *connection = connections_.back();
    connections_.pop_back();
}

void Origin::ended(Way way, bool was_connected, int port) noexcept
{
    --active_;
    if (way == Way::own) {
        if (!was_connected) --opening_;
    } else if (!was_connected) {
        --scouts_;
    } else {
        if (scouts_ > 0) ++vacated_;
        leave(port);
    }
    if (active_ == 0 && sharing_ == Sharing::yes) sharing_ = Sharing::unknown;
}

void Origin::tried_to_share(bool found_a_place) noexcept
{
    if (found_a_place) return;
    vacated_ = 0;
    if (sharing_ == Sharing::unknown && !connections_.empty()) rule_out_sharing();
}

void Origin::scout_failed() noexcept
{
    if (connections_.empty()) rule_out_sharing();
}

void Origin::heard_version(long http_version) noexcept
{
    if (http_version == http_2) {
        sharing_ = Sharing::yes;
    } else {
        rule_out_sharing();
    }
}

void Origin::heard_from(int port) noexcept
{
    if (Connection *const connection = find(port)) connection->last_heard = Clock::now();
}

bool Origin::has_heard_from(int port, Clock::time_point since) const noexcept
{
    return std::any_of(connections_.begin(), connections_.end(),
                       [&](const Connection &known) { return known.port == port && known.last_heard >= since; });
}

Origin::Connection *Origin::find(int port) noexcept
{
    for (Connection &connection : connections_) {
        if (connection.port == port) return &connection;
    }
    return nullptr;
}

}  // namespace ig::http
