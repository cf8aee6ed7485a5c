// The client's outside: judges what may be sent, shields signals, and passes the work to the Dispatcher.
#include "http/client.hpp"

#include <algorithm>
#include <utility>

#include "http/dispatcher.hpp"
#include "http/signal_shield.hpp"
#include "http/target.hpp"

namespace ig::http {

namespace {

constexpr std::size_t max_secret_query_bytes = 32u << 10;

// A line break in a token would let it write headers of its own.
bool can_travel_in_a_header(std::string_view token) noexcept
{
    return std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// What is percent-encoded holds nothing that could end the request line, the query or the URL.
bool can_travel_in_a_query(std::string_view query) noexcept
{
    return query.size() <= max_secret_query_bytes && can_travel_in_a_header(query) &&
           query.find('#') == std::string_view::npos;
}

// Where a request leads; nothing, with a reason, if it is not sent at all.
std::optional<Target> judge(const HttpRequest &request, std::string &reason)
{
    if (!can_travel_in_a_header(request.bearer.expose())) {
        reason = "the token holds characters that cannot travel in a header";
        return std::nullopt;
    }
    if (request.method == HttpMethod::get && !request.form.empty()) {
        reason = "a GET request cannot carry a form";
        return std::nullopt;
    }
    if (!can_travel_in_a_query(request.secret_query.expose())) {
        reason = "the secret part of the query is too long or holds characters that are not allowed in one";
        return std::nullopt;
    }
    return read_target(request.url, reason);
}

}  // namespace

struct Client::State {
    explicit State(ClientOptions options) : dispatcher(std::move(options)) {}
    Dispatcher dispatcher;
};

Client::Client(ClientOptions options)
{
    const SignalShield shield;
    state_ = std::make_unique<State>(std::move(options));
}

Client::~Client()
{
    const SignalShield shield;
    state_.reset();
}

int Client::pollable_fd() const noexcept { return state_->dispatcher.descriptor(); }

std::optional<std::chrono::milliseconds> Client::timeout() const { return state_->dispatcher.timeout(); }

void Client::start(TransferId id, HttpRequest request)
{
    std::string reason;
    std::optional<Target> target = judge(request, reason);
    if (!target) {
        state_->dispatcher.refuse(id, std::move(reason));
    } else if (state_->dispatcher.knows(id)) {
        state_->dispatcher.refuse(id, "a request of this number is already under way");
    } else {
        state_->dispatcher.start(id, std::move(request), *target);
    }
}

void Client::cancel(TransferId id) noexcept
{
    const SignalShield shield;
    state_->dispatcher.cancel(id);
}

void Client::cancel_all() noexcept
{
    const SignalShield shield;
    state_->dispatcher.cancel_all();
}

void Client::advance()
{
    const SignalShield shield;
    state_->dispatcher.advance();
}

std::vector<Completed> Client::take_completed() { return state_->dispatcher.take_completed(); }

std::size_t Client::in_flight() const noexcept { return state_->dispatcher.in_flight(); }

void Client::set_options(ClientOptions options)
{
    const SignalShield shield;
    state_->dispatcher.use_options(std::move(options));
}

}  // namespace ig::http
