// Implements keeping tokens alive.
#include "postgres/token_keeper.hpp"

#include "postgres/apps.hpp"
#include "postgres/keyring.hpp"
#include "postgres/known_secret.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "postgres/store.hpp"
#include "postgres/worker_transaction.hpp"

// How last_error begins after a renewal that failed.
#define IG_RENEWAL_FAILED "renewing the token failed: "

namespace ig::pg {

namespace {

constexpr std::chrono::seconds usual_token_life{60 * 86400};
constexpr std::chrono::seconds store_again_after{1};

std::uint64_t random_number()
{
    std::uint64_t number = 0;
    if (!pg_strong_random(&number, sizeof number)) number = static_cast<std::uint64_t>(MyProcPid);
    return number;
}

Params account_key(const SyncedAccount &account)
{
    Params params;
    params.text(std::string_view(account.user_id)).text(std::string_view(account.account_id));
    return params;
}

}  // namespace

sync::TokenLife life_of(const SyncedAccount &account)
{
    sync::TokenLife life;
    life.login = account.login;
    life.issued_at = account.issued_at;
    life.expires_at = account.expires_at;
    life.refresh_after = account.refresh_after;
    life.app_configured = !account.sealed_app_secret.empty();
    return life;
}

Secret app_secret(const SyncedAccount &account)
{
    if (account.sealed_app_secret.empty()) return Secret();
    return open_token(account.sealed_app_secret, secret_place(login_text(account.login), account.app_id));
}

HttpRequest renewal_request(const SyncedAccount &account, const Secret &secret_of_app, const Secret &token)
{
    platform::App app;
    app.login = account.login;
    app.app_id = account.app_id;
    app.secret = secret_of_app.clone();
    return platform::refresh_request(login_endpoints(), app, token);
}

void store_renewed_token(Sql &sql, const SyncedAccount &account, const platform::TokenAnswer &answer, Instant now)
{
    const std::string sealed =
        key_vault(may_make_key(sql))
            .seal(answer.token, token_place(account.user_id, account.platform, account.account_id));
    sql.run("UPDATE instagram_insights.credentials SET sealed_token = $3, stored_at = pg_catalog.now() WHERE user_id = "
            "$1::uuid AND account_id = $2",
            account_key(account).bytes(sealed));
    // What an earlier try said is over; what a sync said is for the next sync to take back.
    sql.run("UPDATE instagram_insights.accounts a SET issued_at = $3::timestamptz, expires_at = $4::timestamptz, "
            "refresh_after = NULL,"
            "       last_error = CASE WHEN pg_catalog.starts_with(a.last_error, '" IG_RENEWAL_FAILED
            "') THEN NULL ELSE a.last_error END,"
            "       hint = CASE WHEN pg_catalog.starts_with(a.last_error, '" IG_RENEWAL_FAILED
            "') THEN NULL ELSE a.hint END"
            " WHERE a.user_id = $1::uuid AND a.account_id = $2",
            account_key(account)
                .text(std::string_view(instant_text(now)))
                .text(std::string_view(instant_text(now + answer.expires_in.value_or(usual_token_life)))));
}

bool store_failed_renewal(Sql &sql, const SyncedAccount &account, const platform::Failure &failure, Instant now)
{
    const bool person = failure.kind == platform::FailureKind::needs_login;
    const Instant again = sync::next_refresh_try(account.expires_at.value_or(now), now, random_number());
    const Rows rows = sql.run(
        "WITH before AS (SELECT status FROM instagram_insights.accounts WHERE user_id = $1::uuid AND account_id = $2)"
        " UPDATE instagram_insights.accounts a"
        "    SET status = CASE WHEN $3 THEN 'needs_login' ELSE a.status END, refresh_after = $4::timestamptz,"
        "        last_error = $5, hint = $6"
        "  WHERE a.user_id = $1::uuid AND a.account_id = $2"
        " RETURNING a.status <> (SELECT status FROM before)",
        account_key(account)
            .boolean(person)
            .text(std::string_view(instant_text(again)))
            .text(std::string_view(IG_RENEWAL_FAILED + failure.message))
            .text(std::string_view(failure.hint)));
    return !rows.empty() && rows[0][0] == "t";
}

void TokenKeeper::consider(const SyncedAccount &account, Instant now)
{
    watch_.consider(account, now);
    if (account.sealed_token.empty() || refresh_verdict(life_of(account), now) != sync::RefreshVerdict::now) return;
    for (const auto &[id, renewal] : renewing_)
        if (renewal.account.user_id == account.user_id && renewal.account.account_id == account.account_id) return;
    try {
        Secret token =
            open_token(account.sealed_token, token_place(account.user_id, account.platform, account.account_id));
        Secret secret = app_secret(account);
        HttpRequest request = renewal_request(account, secret, token);
        // The app's secret belongs into no answer; the token does if the platform prolongs it instead of making another.
        const http::TransferId id = calls_.start_side_call(std::move(request), std::move(secret));
        renewing_.emplace(id, Renewal{account, std::move(token), std::nullopt});
    } catch (const vault::OpenFailure &) {
        // The sync of the same account says so.
    } catch (const KeyUnavailable &) {
    }
}

void TokenKeeper::settle(Instant now)
{
    for (CallLoop::SideAnswer &side : calls_.take_side_answers()) {
        if (watch_.take(side)) continue;
        const auto found = renewing_.find(side.id);
        if (found == renewing_.end()) continue;
        Renewal &renewal = found->second;
        renewal.answer = take_token(renewal.account.login, std::move(side.response), {&renewal.token});
    }
    if (store_again_at_ && now < *store_again_at_) return;
    store_again_at_.reset();
    if (!watch_.settle(now)) store_again_at_ = now + store_again_after;
    for (auto renewal = renewing_.begin(); renewal != renewing_.end();)
        if (renewal->second.answer && store(renewal->second, now)) {
            renewal = renewing_.erase(renewal);
        } else {
            if (renewal->second.answer) store_again_at_ = now + store_again_after;
            ++renewal;
        }
}

bool TokenKeeper::store(Renewal &renewal, Instant now)
try {
    WorkerTransaction transaction("storing a renewed token");
    switch (lock_account(transaction.sql(), renewal.account, false)) {
    case AccountLock::busy: return false;
    case AccountLock::gone: return true;  // connected anew or gone: the token belongs to nobody now
    case AccountLock::held: break;
    }
    bool person = false;
    if (renewal.answer->failure)
        person = store_failed_renewal(transaction.sql(), renewal.account, *renewal.answer->failure, now);
    else store_renewed_token(transaction.sql(), renewal.account, *renewal.answer, now);
    if (person) transaction.announce_needs_person("needs_login");
    transaction.commit();
    return true;
} catch (const KeyUnavailable &) {
    return false;  // kept until the key is back: it may be the only token that still works
}

}  // namespace ig::pg
