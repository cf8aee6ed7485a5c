// Implements discovery.
#include "postgres/discover.hpp"

#include "platform/instagram/instagram.hpp"
#include "postgres/settings.hpp"

namespace ig::pg {

namespace {

constexpr int most_pages = 100;

}  // namespace

void refuse_login(const platform::Failure &failure)
{
    using platform::FailureKind;
    const bool login = failure.kind == FailureKind::needs_login || failure.kind == FailureKind::permission ||
                       failure.kind == FailureKind::invalid_request;
    throw SqlError(login ? login_refused : not_ready, failure.message,
                   failure.hint.empty() ? "Try again; if it stays, SELECT * FROM instagram_insights.ig_doctor()."
                                        : failure.hint);
}

std::vector<platform::DiscoveredAccount> discover_accounts(Caller &caller, platform::Login login, const Secret &token,
                                                           const platform::App *app)
{
    const platform::Instagram platform(endpoints());
    std::vector<platform::DiscoveredAccount> accounts;
    std::optional<std::string> cursor;
    for (int page = 0; page < most_pages; ++page) {
        Secret proof = app ? platform::proof_query(app->secret.expose(), token.expose()) : Secret();
        const HttpResponse response =
            caller.call(platform.discovery_request(login, token.clone(), cursor, std::move(proof)), token);
        platform::Discovery found = platform.read_discovery(login, response);
        if (found.failure) refuse_login(*found.failure);
        for (platform::DiscoveredAccount &account : found.accounts) accounts.push_back(std::move(account));
        if (!found.next_cursor || found.next_cursor == cursor) break;
        cursor = std::move(found.next_cursor);
    }
    if (accounts.empty())
        throw SqlError(login_refused, "the token reaches no Instagram professional account",
                       "Link an Instagram business or creator account to a Facebook page of this login, or pass the "
                       "token of an Instagram login.");
    return accounts;
}

}  // namespace ig::pg
