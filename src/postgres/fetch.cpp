// ig_fetch_insights(): the same engine as the worker's, in the calling backend, for one user who waits. Its steps share
// FetchedAccount and stay in one file, though it is a little longer than 300 lines.
#include <algorithm>
#include <utility>

#include "platform/redact.hpp"
#include "postgres/arguments.hpp"
#include "postgres/identity.hpp"
#include "postgres/pacific.hpp"
#include "postgres/settings.hpp"
#include "postgres/store.hpp"
#include "postgres/usage_store.hpp"
#include "postgres/version_check.hpp"
#include "postgres/wait_set.hpp"

namespace ig::pg {

namespace {

struct FetchRequest {
    std::string user_id;
    std::optional<std::string> account_id;
    std::optional<std::vector<std::string>> metrics;
    std::optional<Day> since;
    std::optional<Day> until;
};

struct FetchedAccount {
    SyncTry attempt;
    std::string status;  // of the connection
    std::vector<sync::MetricState> metrics;
    sync::Outcome outcome;
    bool called = false;
    bool paused = false;
    Instant ended_at{};
};

void check_range(const FetchRequest &request, Instant now)
{
    const Day yesterday = pacific_calendar(now)->last_complete_day(now);
    if (request.since && *request.since > yesterday)
        throw SqlError(invalid_parameter, "since is later than the last complete day, " + day_text(yesterday),
                       "Days are complete US-Pacific days; the newest that can be asked is yesterday's.");
    if (request.since && request.until && *request.since > *request.until)
        throw SqlError(invalid_parameter, "since is later than until", "Pass the earlier day as since.");
}

// What the API has stopped to answer is not known any more, as for ig_known_metrics().
#define IG_KNOWN_METRIC                                                                                                \
    "m.level = 'account' AND m.platform = 'instagram' AND COALESCE(m.removed_on > current_date, true)"

void check_metrics(Sql &sql, const std::optional<std::vector<std::string>> &metrics)
{
    if (!metrics) return;
    if (metrics->empty())
        throw SqlError(invalid_parameter, "the list of metrics is empty", "Leave it out to ask for those that are on.");
    const Rows unknown = sql.run(
        "SELECT asked FROM unnest($1) AS asked"
        " WHERE NOT EXISTS (SELECT FROM instagram_insights.metrics m WHERE m.name = asked AND " IG_KNOWN_METRIC ")"
        " LIMIT 1",
        Params().texts(metrics));
    if (unknown.empty()) return;
    const Rows known = sql.run("SELECT pg_catalog.string_agg(m.name, ', ' ORDER BY m.name) FROM "
                               "instagram_insights.metrics m WHERE " IG_KNOWN_METRIC);
    throw SqlError(invalid_parameter, "metric \"" + platform::redact(unknown[0][0].value()) + "\" is not known",
                   "Known are: " + known[0][0].value_or("none") +
                       ". Add a row to instagram_insights.metrics for one the API starts to offer.");
}

std::vector<FetchedAccount> load_accounts(Sql &sql, const FetchRequest &request, Instant now)
{
    const Rows rows =
        sql.run("SELECT a.account_id, " IG_ACCOUNT_COLUMNS " FROM instagram_insights.accounts a" IG_ACCOUNT_JOINS
                " WHERE a.user_id = $1::uuid AND ($2 IS NULL OR a.account_id = $2) AND a.platform = 'instagram'"
                "   AND ($2 IS NOT NULL OR a.status <> 'disconnected')"
                " ORDER BY a.account_id",
                Params().text(std::string_view(request.user_id)).text(request.account_id));
    if (rows.empty() && request.account_id)
        throw SqlError(undefined_object, "account \"" + platform::redact(*request.account_id) + "\" does not exist",
                       "SELECT account_id FROM instagram_insights.connections lists the connected accounts.");
    if (rows.empty())
        throw SqlError(not_ready, "no account is connected",
                       "Connect one with instagram_insights.ig_authorize_url() or ig_connect_token().");
    const Registry registry(sql);
    std::vector<FetchedAccount> accounts;
    for (const std::vector<Field> &row : rows) {
        FetchedAccount fetched;
        SyncedAccount &account = fetched.attempt.account;
        account.user_id = request.user_id;
        account.account_id = row[0].value();
        fetched.status = read_account(row, 1, account);
        fetched.attempt.kind = "fetch";
        fetched.attempt.trigger = "user";
        fetched.attempt.started_at = now;
        fetched.metrics = registry.metrics_of(account, request.metrics);
        accounts.push_back(std::move(fetched));
    }
    if (request.account_id && accounts.front().status == "disconnected")
        throw SqlError(not_ready, "account \"" + platform::redact(*request.account_id) + "\" is disconnected",
                       "Connect it again with instagram_insights.ig_authorize_url() or ig_connect_token().");
    return accounts;
}

// An outcome without a call.
sync::Outcome refused(sync::Status status, platform::FailureKind kind, const char *message, const char *hint)
{
    sync::Outcome outcome;
    outcome.status = status;
    platform::Failure failure;
    failure.kind = kind;
    failure.message = message;
    failure.hint = hint;
    outcome.errors.push_back({"", std::move(failure)});
    return outcome;
}

// Switched off meanwhile: a session takes in a reload only between statements, and this one may last.
bool switched_off()
{
    if (std::exchange(ConfigReloadPending, false)) pg_call([] { ProcessConfigFile(PGC_SIGHUP); });
    return !settings.enabled;
}

void pause(FetchedAccount &fetched)
{
    fetched.paused = true;
    fetched.outcome =
        refused(sync::Status::failed, platform::FailureKind::cancelled, "calling is paused or switched off",
                "SELECT * FROM instagram_insights.ig_doctor() says why and what to do.");
}

// Hands over to the engine every account that may be called.
void add_all(CallLoop &calls, std::vector<FetchedAccount> &accounts, const FetchRequest &request, Instant begin)
{
    for (std::size_t i = 0; i < accounts.size(); ++i) {
        FetchedAccount &fetched = accounts[i];
        const SyncedAccount &account = fetched.attempt.account;
        if (fetched.status == "needs_login" || account.sealed_token.empty()) {
            fetched.outcome = refused(sync::Status::needs_login, platform::FailureKind::needs_login,
                                      "the account needs a new login", "Connect the account again.");
            continue;
        }
        if (account.blocked_until && *account.blocked_until > begin) {
            fetched.outcome = refused(sync::Status::throttled, platform::FailureKind::throttled,
                                      "the API asked not to be called for this account for a while",
                                      "Try again later; connections.blocked_until says when.");
            fetched.outcome.blocked_until = account.blocked_until;
            continue;
        }
        sync::Work work;
        work.id = i;
        work.priority = 0;
        work.user_id = account.user_id;
        work.input.account_id = account.account_id;
        work.input.login = account.login;
        work.input.metrics = std::move(fetched.metrics);
        work.input.first = request.since;
        work.input.last = request.until;
        work.input.ask_unsupported = request.metrics.has_value();
        fetched.called = true;
        calls.add(std::move(work), token_of(account), begin);
    }
}

// `usage` is what is known of the budgets; what came to be known comes back in it.
void fetch_all(std::vector<FetchedAccount> &accounts, const FetchRequest &request, std::vector<sync::BudgetRow> &usage)
{
    const Instant begin = current_time();
    const std::chrono::steady_clock::time_point deadline =
        std::chrono::steady_clock::now() + std::chrono::milliseconds(settings.fetch_timeout_ms);
    CallLoop calls(begin);
    WaitSet waiting(calls.pollable_fd());
    for (const sync::BudgetRow &row : usage) calls.engine().governor().load(row, begin);
    add_all(calls, accounts, request, begin);
    while (true) {
        const Instant now = current_time();
        calls.receive();
        calls.send(now);
        for (sync::Outcome &outcome : calls.engine().take_finished()) {
            calls.finished(outcome.work);
            accounts[outcome.work].ended_at = now;
            accounts[outcome.work].outcome = std::move(outcome);
        }
        if (calls.engine().live_works() == 0) break;
        if (switched_off()) {
            for (FetchedAccount &fetched : accounts)
                if (fetched.called && fetched.ended_at == Instant{}) {
                    fetched.called = false;
                    pause(fetched);
                }
            return;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            platform::Failure failure;
            failure.kind = platform::FailureKind::timeout;
            failure.reach = platform::FailureReach::account;
            failure.message = "instagram_insights.fetch_timeout was reached";
            failure.hint =
                "Use ig_refresh_insights(), which has no such limit, or raise instagram_insights.fetch_timeout.";
            for (std::size_t i = 0; i < accounts.size(); ++i)
                if (accounts[i].called && accounts[i].ended_at == Instant{}) calls.stop(i, failure, now);
            continue;
        }
        std::chrono::milliseconds wait = left;
        if (const auto idle = calls.idle_time(now); idle && *idle < wait) wait = *idle;
        waiting.wait(wait);
    }
    usage = calls.engine().governor().changed_rows(current_time());
}

std::vector<Result> results_of(std::vector<FetchedAccount> &accounts, bool called_only)
{
    std::vector<Result> results;
    for (FetchedAccount &fetched : accounts)
        if (!fetched.paused && (fetched.called || !called_only))
            results.push_back({&fetched.attempt, &fetched.outcome, {}, {}, {}});
    return results;
}

// Those of `results` that are locked.
std::vector<Result *> locked(Sql &sql, std::vector<Result> &results, bool share)
{
    std::vector<Result *> held;
    if (results.empty()) return held;
    const std::vector<AccountLock> locks = lock_results(sql, results, share);
    for (std::size_t i = 0; i < results.size(); ++i)
        if (locks[i] == AccountLock::held) held.push_back(&results[i]);
    return held;
}

void drop_result(FetchedAccount &fetched)
{
    fetched.called = false;
    fetched.outcome = refused(sync::Status::cancelled, platform::FailureKind::cancelled,
                              "the account was disconnected, deleted or connected anew meanwhile",
                              "Its result was dropped; fetch again if it is connected.");
}

// Only after all calls: rows and log as the user, then what others need too, without waiting for it.
void store_all(Sql &sql, std::vector<FetchedAccount> &accounts, const std::vector<sync::BudgetRow> &usage)
{
    std::vector<Result> all = results_of(accounts, false);
    const std::vector<Result *> mine = locked(sql, all, true);
    if (!mine.empty()) store_as_user(sql, mine);
    for (FetchedAccount &fetched : accounts) {
        const auto same = [&fetched](const Result *result) { return result->attempt == &fetched.attempt; };
        if (!fetched.paused && std::none_of(mine.begin(), mine.end(), same)) drop_result(fetched);
    }
    std::vector<Result> called = results_of(accounts, true);
    const std::vector<Result *> free = locked(sql, called, false);
    if (!free.empty()) (void)store_account_states(sql, free);
    (void)write_usage(sql, usage);
}

std::vector<Field> result_row(const FetchedAccount &fetched, Instant begin)
{
    const StoredRows &rows = fetched.attempt.rows;
    std::string by_metric = "{";
    for (const auto &[metric, count] : rows.by_metric)
        by_metric += (by_metric.size() > 1 ? ",\"" : "\"") + metric + "\":" + std::to_string(count);
    by_metric += "}";
    int errors = 0;
    bool timed_out = false;
    for (const sync::MetricError &error : fetched.outcome.errors) {
        if (error.failure.kind != platform::FailureKind::no_data) ++errors;
        timed_out = timed_out || error.failure.kind == platform::FailureKind::timeout;
    }
    // The contract calls a fetch that ran into its limit partial, whatever it had by then.
    std::string status(sync::to_string(fetched.outcome.status));
    if (timed_out && status == "failed") status = "partial";
    if (status == "cancelled") status = "failed";
    if (fetched.paused) status = "paused";
    const Instant end = fetched.ended_at == Instant{} ? begin : fetched.ended_at;
    return {fetched.attempt.account.account_id,
            fetched.attempt.account.user_id,
            status == "succeeded" ? "true" : "false",
            status,
            std::to_string(rows.inserted),
            std::to_string(rows.updated),
            std::to_string(rows.unchanged),
            std::to_string(errors),
            by_metric,
            errors_json(fetched.outcome),
            std::to_string(fetched.outcome.calls_done),
            std::to_string((end - begin).count()) + " milliseconds",
            std::nullopt};
}

void fetch_insights(FunctionCallInfo fcinfo)
{
    require_same_version();
    FetchRequest request;
    request.user_id = target_user_id(uuid_argument(fcinfo, 0));
    request.account_id = text_argument(fcinfo, 1);
    request.metrics = texts_argument(fcinfo, 2);
    request.since = date_argument(fcinfo, 3);
    request.until = date_argument(fcinfo, 4);
    const Instant begin = current_time();
    check_range(request, begin);

    std::vector<FetchedAccount> accounts;
    std::vector<sync::BudgetRow> usage;
    bool paused = false;
    {
        WorkerRole role;
        Sql sql;
        check_metrics(sql, request.metrics);
        accounts = load_accounts(sql, request, begin);
        std::vector<sync::BudgetKey> keys;
        keys.reserve(accounts.size());
        for (const FetchedAccount &fetched : accounts) keys.push_back(budget_of(fetched.attempt.account));
        usage = read_usage(sql, keys);
        paused = !settings.enabled || sql.run("SELECT instagram_insights.ig_check_installation()")[0][0] != "f";
        sql.finish();
        role.leave();
    }
    if (paused) {
        for (FetchedAccount &fetched : accounts) pause(fetched);
    } else {
        fetch_all(accounts, request, usage);
        WorkerRole role;
        Sql sql;
        store_all(sql, accounts, usage);
        sql.finish();
        role.leave();
    }
    ResultSet result(fcinfo);
    for (const FetchedAccount &fetched : accounts) result.add(result_row(fetched, begin));
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_fetch_insights)
{
    return pg::cpp_entry([&]() -> Datum {
        pg::fetch_insights(fcinfo);
        return static_cast<Datum>(0);
    });
}
