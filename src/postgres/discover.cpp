// Implements discovery on the same client and wait set as every other call.
#include "postgres/discover.hpp"

#include "http/client.hpp"
#include "platform/instagram/instagram.hpp"
#include "postgres/known_secret.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "postgres/wait_set.hpp"

namespace ig::pg {

namespace {

constexpr int most_pages = 100;

HttpResponse call(http::Client &client, WaitSet &waiting, HttpRequest request, http::TransferId id, Instant deadline)
{
    client.start(id, std::move(request));
    while (true) {
        client.advance();
        std::vector<http::Completed> completed = client.take_completed();
        if (!completed.empty()) return std::move(completed.front().response);
        const Instant now = current_time();
        if (now >= deadline) {
            client.cancel(id);
            HttpResponse response;
            response.failure = TransportFailure::timeout;
            response.failure_text = "instagram_insights.fetch_timeout was reached";
            return response;
        }
        std::chrono::milliseconds wait = deadline - now;
        if (const auto timer = client.timeout(); timer && *timer < wait) wait = *timer;
        waiting.wait(wait);
    }
}

[[noreturn]] void refuse(const platform::Failure &failure)
{
    const bool login = failure.kind == platform::FailureKind::needs_login || failure.kind == platform::FailureKind::permission;
    throw SqlError(login ? login_refused : not_ready, failure.message,
                   failure.hint.empty() ? "Pass account_id if you know it: that needs no call." : failure.hint);
}

}  // namespace

std::vector<platform::DiscoveredAccount> discover_accounts(platform::Login login, const Secret &token)
{
    const Instant deadline = current_time() + std::chrono::milliseconds(settings.fetch_timeout_ms);
    const platform::Instagram platform(endpoints());
    http::Client client(client_options());
    WaitSet waiting(client.pollable_fd());
    std::vector<platform::DiscoveredAccount> accounts;
    std::optional<std::string> cursor;
    for (int page = 0; page < most_pages; ++page) {
        HttpResponse response =
            call(client, waiting, platform.discovery_request(login, token.clone(), cursor), static_cast<http::TransferId>(page + 1), deadline);
        hide_known_secret(response.body, token);
        platform::Discovery found = platform.read_discovery(login, response);
        if (found.failure) refuse(*found.failure);
        for (platform::DiscoveredAccount &account : found.accounts) accounts.push_back(std::move(account));
        if (!found.next_cursor || found.next_cursor == cursor) break;
        cursor = std::move(found.next_cursor);
    }
    if (accounts.empty())
        throw SqlError(login_refused, "the token reaches no Instagram professional account",
                       "Link an Instagram business or creator account to a Facebook page of this login, or pass the token of an Instagram login.");
    return accounts;
}

}  // namespace ig::pg
