// Keeps tokens alive while the worker syncs: renews those past half their life and watches the others, on the same loop as
// every other call.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "platform/oauth.hpp"
#include "postgres/account_state.hpp"
#include "postgres/token_watch.hpp"
#include "sync/token_life.hpp"

namespace ig::pg {

class TokenKeeper {
public:
    explicit TokenKeeper(CallLoop &calls) : calls_(calls), watch_(calls) {}

    // Begins to renew the account's token, and to ask about it, if that is due; one at a time for an account.
    void consider(const SyncedAccount &account, Instant now);
    // Stores what came: the new token is committed before the old one is forgotten. What cannot be stored now, since somebody
    // holds the account, is kept and tried again by the next call.
    void settle(Instant now);
    bool busy() const noexcept { return !renewing_.empty() || watch_.busy(); }

private:
    struct Renewal {
        SyncedAccount account;
        Secret token;
        std::optional<platform::TokenAnswer> answer;
    };
    // True when the renewal is over, whatever came of it.
    bool store(Renewal &renewal, Instant now);

    CallLoop &calls_;
    TokenWatch watch_;
    std::map<http::TransferId, Renewal> renewing_;
    std::optional<Instant> store_again_at_;
};

// The rows of a renewed token: sealed anew, with its new times. Runs as the worker role, with the account locked.
void store_renewed_token(Sql &sql, const SyncedAccount &account, const platform::TokenAnswer &answer, Instant now);
// A renewal that failed: a person is needed, or it is tried again later. True if the account has just come to need a person.
bool store_failed_renewal(Sql &sql, const SyncedAccount &account, const platform::Failure &failure, Instant now);

sync::TokenLife life_of(const SyncedAccount &account);
// The secret of the account's app, empty without one; throws KeyUnavailable or vault::OpenFailure.
Secret app_secret(const SyncedAccount &account);
HttpRequest renewal_request(const SyncedAccount &account, const Secret &secret_of_app, const Secret &token);

}  // namespace ig::pg
