// Implements watching tokens.
#include "postgres/token_watch.hpp"

#include "postgres/apps.hpp"
#include "postgres/keyring.hpp"
#include "postgres/known_secret.hpp"
#include "postgres/pacific.hpp"
#include "postgres/store.hpp"
#include "postgres/worker_transaction.hpp"

namespace ig::pg {

namespace {

constexpr std::chrono::hours ask_every{24};
constexpr std::chrono::hours near_end{14 * 24};

Field moment_text(const std::optional<Instant> &moment) { return moment ? Field(instant_text(*moment)) : Field(); }

Params account_key(const SyncedAccount &account)
{
    Params params;
    params.text(std::string_view(account.user_id)).text(std::string_view(account.account_id));
    return params;
}

bool need_person(Sql &sql, const SyncedAccount &account, const std::string &error, const std::string &hint)
{
    return sql.run("UPDATE instagram_insights.accounts SET status = 'needs_login', last_error = $3, hint = $4"
                   " WHERE user_id = $1::uuid AND account_id = $2 AND status <> 'needs_login'",
                   account_key(account).text(std::string_view(error)).text(std::string_view(hint)))
               .touched() > 0;
}

}  // namespace

bool watch_due(const SyncedAccount &account, Instant now)
{
    if (account.login != platform::Login::facebook || account.sealed_token.empty() || account.sealed_app_secret.empty())
        return false;
    if (account.debugged_at && now < *account.debugged_at + ask_every) return false;
    return !account.data_access_expires_at || *account.data_access_expires_at <= now + near_end;
}

bool store_token_debug(Sql &sql, const SyncedAccount &account, const platform::TokenDebug &debug, Instant now)
{
    sql.run("UPDATE instagram_insights.accounts SET debugged_at = $3::timestamptz WHERE user_id = $1::uuid AND "
            "account_id = $2",
            account_key(account).text(std::string_view(instant_text(now))));
    if (debug.failure) {
        // Anything but a dead token is no news of the account: asked again tomorrow.
        if (debug.failure->kind != platform::FailureKind::needs_login) return false;
        return need_person(sql, account, debug.failure->message, debug.failure->hint);
    }
    sql.run("UPDATE instagram_insights.accounts a"
            "   SET data_access_expires_at = $3::timestamptz, expires_at = COALESCE(a.expires_at, $4::timestamptz),"
            "       scopes = CASE WHEN pg_catalog.cardinality($5) > 0 THEN $5 ELSE a.scopes END"
            " WHERE a.user_id = $1::uuid AND a.account_id = $2",
            account_key(account)
                .text(moment_text(debug.data_access_expires_at))
                .text(moment_text(debug.expires_at))
                .texts(std::vector<Field>(debug.scopes.begin(), debug.scopes.end())));
    if (!debug.data_access_expires_at || *debug.data_access_expires_at > now) return false;
    return need_person(sql, account, "the app's access to the data has ended", use_app_again);
}

void TokenWatch::consider(const SyncedAccount &account, Instant now)
{
    if (!watch_due(account, now)) return;
    for (const auto &[id, question] : asking_)
        if (question.account.user_id == account.user_id && question.account.account_id == account.account_id) return;
    try {
        platform::App app;
        app.login = account.login;
        app.app_id = account.app_id;
        app.secret = open_token(account.sealed_app_secret, secret_place(login_text(account.login), account.app_id));
        Secret token =
            open_token(account.sealed_token, token_place(account.user_id, account.platform, account.account_id));
        HttpRequest request = platform::debug_token_request(login_endpoints(), app, token);
        const http::TransferId id = calls_.start_side_call(std::move(request), std::move(token));
        asking_.emplace(id, Question{account, std::move(app.secret), std::nullopt});
    } catch (const vault::OpenFailure &) {
        // The sync of the same account says so.
    } catch (const KeyUnavailable &) {
    }
}

bool TokenWatch::take(CallLoop::SideAnswer &side)
{
    const auto found = asking_.find(side.id);
    if (found == asking_.end()) return false;
    hide_known_secret(side.response.body, found->second.app_secret);
    found->second.app_secret.clear();
    found->second.answer = platform::read_token_debug(side.response);
    return true;
}

bool TokenWatch::settle(Instant now)
{
    bool settled = true;
    for (auto question = asking_.begin(); question != asking_.end();)
        if (question->second.answer && store(question->second, now)) {
            question = asking_.erase(question);
        } else {
            if (question->second.answer) settled = false;
            ++question;
        }
    return settled;
}

bool TokenWatch::store(const Question &question, Instant now)
{
    WorkerTransaction transaction("storing what is known of a token");
    switch (lock_account(transaction.sql(), question.account, false)) {
    case AccountLock::busy: return false;
    case AccountLock::gone: return true;  // connected anew or gone: this was said of a token that is no more
    case AccountLock::held: break;
    }
    if (store_token_debug(transaction.sql(), question.account, *question.answer, now))
        transaction.announce_needs_person("needs_login");
    transaction.commit();
    return true;
}

}  // namespace ig::pg
