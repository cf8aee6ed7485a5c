// Watches tokens that live and yet may end: asks the platform, once a day for an account, how long its data may be read.
#pragma once

#include <map>
#include <optional>

#include "platform/oauth.hpp"
#include "postgres/account_state.hpp"

namespace ig::pg {

class TokenWatch {
public:
    explicit TokenWatch(CallLoop &calls) : calls_(calls) {}

    // Asks about the account's token if that is due.
    void consider(const SyncedAccount &account, Instant now);
    // True if this was the answer to a question of ours.
    bool take(CallLoop::SideAnswer &side);
    // Stores what came; what cannot be stored now, since somebody holds the account, is kept. True if nothing is left to store.
    bool settle(Instant now);
    bool busy() const noexcept { return !asking_.empty(); }

private:
    struct Question {
        SyncedAccount account;
        Secret app_secret;  // sent with the question, so to be taken out of the answer like the token
        std::optional<platform::TokenDebug> answer;
    };
    // True when the question is over, whatever came of it.
    static bool store(const Question &question, Instant now);

    CallLoop &calls_;
    std::map<http::TransferId, Question> asking_;
};

// Only Facebook's tokens can be asked about, and only by the app they belong to. Due: not asked for a day, and the end of the
// data access not known or near.
bool watch_due(const SyncedAccount &account, Instant now);

// What the platform said: times, permissions, or that a person is needed. Runs as the worker role, with the account locked.
// True if the account has just come to need a person.
bool store_token_debug(Sql &sql, const SyncedAccount &account, const platform::TokenDebug &debug, Instant now);

// Said when the data access ended: the token lives, but nothing may be read with it.
inline constexpr const char *use_app_again =
    "The person must use the app again: log in again with instagram_insights.ig_authorize_url().";

}  // namespace ig::pg
