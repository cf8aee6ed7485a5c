// refresh_instagram_token(): renews tokens in the calling backend, one session at a time for an account.
#include "platform/redact.hpp"
#include "postgres/apps.hpp"
#include "postgres/connection.hpp"
#include "postgres/identity.hpp"
#include "postgres/keyring.hpp"
#include "postgres/known_secret.hpp"
#include "postgres/one_call.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "postgres/token_keeper.hpp"
#include "postgres/version_check.hpp"

namespace ig::pg {

namespace {

// Why a token is left as it is, for the person who named its account.
[[noreturn]] void refuse(const SyncedAccount &account, sync::RefreshVerdict verdict)
{
    using sync::RefreshVerdict;
    const std::string name = "the token of account \"" + account.account_id + "\" ";
    switch (verdict) {
    case RefreshVerdict::no_expiry:
        throw SqlError(not_ready, name + "has no known end",
                       "A page token never ends; for another one, pass expires_at to ig_connect_token().");
    case RefreshVerdict::expired:
        throw SqlError(login_refused, name + "has expired and cannot be renewed",
                       "Log in again with instagram_insights.ig_authorize_url().");
    case RefreshVerdict::no_app:
        throw SqlError(not_ready, name + "cannot be renewed without the app it belongs to",
                       "Configure the app with ig_configure_app(), then connect the account again.");
    case RefreshVerdict::too_young:
        throw SqlError(not_ready, name + "is younger than 24 hours",
                       "The platform renews a token only after a day; try again then.");
    case RefreshVerdict::now:
    case RefreshVerdict::not_due:
    case RefreshVerdict::waiting: break;
    }
    throw SqlError(not_ready, name + "is not renewed now", "Try again later.");
}

// Locks the accounts, in the order of their keys: a second session waits here and then finds a token that is too young.
std::vector<SyncedAccount> lock_accounts(Sql &sql, const std::string &user_id,
                                         const std::optional<std::string> &account_id)
{
    const Params params = Params().text(std::string_view(user_id)).text(account_id);
    sql.run("SELECT FROM instagram_insights.accounts a WHERE a.user_id = $1::uuid AND ($2 IS NULL OR a.account_id = $2)"
            " ORDER BY a.account_id FOR NO KEY UPDATE",
            params);
    const Rows rows =
        sql.run("SELECT a.account_id, " IG_ACCOUNT_COLUMNS " FROM instagram_insights.accounts a" IG_ACCOUNT_JOINS
                " WHERE a.user_id = $1::uuid AND ($2 IS NULL OR a.account_id = $2) AND a.platform = 'instagram'"
                " ORDER BY a.account_id",
                params);
    if (rows.empty() && account_id)
        throw SqlError(undefined_object, "account \"" + platform::redact(*account_id) + "\" does not exist",
                       "SELECT account_id FROM instagram_insights.connections shows the accounts there are.");
    std::vector<SyncedAccount> accounts;
    for (const std::vector<Field> &row : rows) {
        SyncedAccount account;
        account.user_id = user_id;
        account.account_id = row[0].value();
        const std::string status = read_account(row, 1, account);
        if (account.sealed_token.empty() || status == "needs_login") {
            if (account_id)
                throw SqlError(login_refused, "account \"" + account.account_id + "\" needs a new login",
                               "Log in again with instagram_insights.ig_authorize_url(), or store a new token with "
                               "ig_connect_token().");
            continue;
        }
        accounts.push_back(std::move(account));
    }
    return accounts;
}

void renew(Sql &sql, Caller &caller, const SyncedAccount &account, bool named)
{
    Secret token;
    Secret secret;
    HttpRequest request;
    try {
        token = open_token(account.sealed_token, token_place(account.user_id, account.platform, account.account_id));
        secret = app_secret(account);
        request = renewal_request(account, secret, token);
    } catch (const vault::OpenFailure &failure) {
        if (!named) return;  // the others go on; the next sync of this account says so
        throw SqlError(not_ready, failure.what(), "Put the key that sealed it back, or connect the account again.");
    } catch (const KeyUnavailable &failure) {
        throw SqlError(not_ready, failure.what(), failure.hint());
    }
    const platform::TokenAnswer answer = take_token(account.login, caller.call(std::move(request), secret), {&token});
    const Instant now = current_time();
    if (!answer.failure) {
        store_renewed_token(sql, account, answer, now);
        return;
    }
    // One account named: the caller hears why. All of them: the others go on, and connections says why.
    if (named)
        throw SqlError(answer.failure->kind == platform::FailureKind::needs_login ? login_refused : not_ready,
                       answer.failure->message,
                       answer.failure->hint.empty() ? "Try again later; the worker does so by itself."
                                                    : answer.failure->hint);
    (void)store_failed_renewal(sql, account, *answer.failure, now);
}

void refresh_tokens(FunctionCallInfo fcinfo)
{
    require_same_version();
    const std::optional<std::string> account_id = text_argument(fcinfo, 0);
    const std::string user_id = target_user_id(uuid_argument(fcinfo, 1));
    std::vector<std::string> ids;
    {
        WorkerRole role;
        Sql sql;
        if (sql.run("SELECT instagram_insights.ig_check_installation()")[0][0] != "f" || !settings.enabled)
            throw SqlError(not_ready, "calling is paused or switched off",
                           "SELECT * FROM instagram_insights.ig_doctor() says why.");
        const std::vector<SyncedAccount> accounts = lock_accounts(sql, user_id, account_id);
        Caller caller;
        for (const SyncedAccount &account : accounts) {
            const sync::RefreshVerdict verdict = requested_refresh_verdict(life_of(account), current_time());
            if (verdict == sync::RefreshVerdict::now) renew(sql, caller, account, account_id.has_value());
            else if (account_id) refuse(account, verdict);
            ids.push_back(account.account_id);
        }
        sql.finish();
        role.leave();
    }
    return_connections(fcinfo, user_id, ids);
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(refresh_instagram_token)
{
    return pg::cpp_entry([&]() -> Datum {
        pg::refresh_tokens(fcinfo);
        return static_cast<Datum>(0);
    });
}
