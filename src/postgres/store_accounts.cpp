// What a sync says of its account: freshness, status, trouble, and what was learnt of each metric; one statement for many.
#include <algorithm>
#include <set>

#include "platform/redact.hpp"
#include "postgres/pacific.hpp"
#include "postgres/store.hpp"
#include "sync/metric_state.hpp"

namespace ig::pg {

namespace {

// The refusal for want of a permission (graph-api.md 4.2: 10, 200-299), if it hit everything but fields of the user node,
// which need less: then the permission was never granted or has been withdrawn, and only a new login mends that.
const platform::Failure *withdrawn_permission(const sync::Outcome &outcome,
                                              const std::set<std::string, std::less<>> &snapshots)
{
    const platform::Failure *denied = nullptr;
    for (const sync::MetricError &error : outcome.errors)
        if (error.failure.kind == platform::FailureKind::permission &&
            (error.failure.code == 10 || error.failure.code / 100 == 2))
            denied = &error.failure;
    if (denied == nullptr) return nullptr;
    const auto other = [&](const platform::Value &value) { return snapshots.count(value.metric) == 0; };
    return std::any_of(outcome.values.begin(), outcome.values.end(), other) ? nullptr : denied;
}

std::set<std::string, std::less<>> snapshot_metrics(Sql &sql)
{
    std::set<std::string, std::less<>> names;
    for (const std::vector<Field> &row :
         sql.run("SELECT m.name FROM instagram_insights.metrics m WHERE m.metric_type = 'snapshot'"))
        names.insert(row[0].value());
    return names;
}

bool has_answer(const sync::Outcome &outcome)
{
    return outcome.status == sync::Status::succeeded || outcome.status == sync::Status::partial;
}

// What the account's status becomes; empty: it stays.
const char *account_status(const sync::Outcome &outcome, bool denied)
{
    if (outcome.status == sync::Status::needs_login || denied) return "needs_login";
    if (outcome.status == sync::Status::token_unreadable) return "token_unreadable";
    return has_answer(outcome) ? "active" : "";
}

std::string learnt_state(const Result &result)
{
    sync::KnownMetrics known = sync::read_metric_state(result.metric_state);
    std::vector<sync::MetricProgress> progress = result.outcome->metrics;
    for (sync::MetricProgress &metric : progress) metric.reason = platform::redact(metric.reason);
    sync::learn(known, progress);
    return sync::metric_state_json(known);
}

}  // namespace

std::vector<const Result *> store_account_states(Sql &sql, const std::vector<Result *> &results)
{
    const auto unless_empty = [](const std::string &text) { return text.empty() ? Field() : Field(text); };
    const bool any_trouble = std::any_of(results.begin(), results.end(), [](const Result *result) {
        return first_failure(*result->outcome) != nullptr;
    });
    const std::set<std::string, std::less<>> snapshots =
        any_trouble ? snapshot_metrics(sql) : std::set<std::string, std::less<>>();
    std::vector<Field> users, accounts, statuses, errors, hints, usernames, names, states;
    std::vector<std::optional<std::int64_t>> answered;
    std::vector<std::optional<Instant>> blocked;
    for (const Result *result : results) {
        const sync::Outcome &outcome = *result->outcome;
        const platform::Failure *denied = withdrawn_permission(outcome, snapshots);
        const platform::Failure *failure = denied ? denied : first_failure(outcome);
        users.emplace_back(result->attempt->account.user_id);
        accounts.emplace_back(result->attempt->account.account_id);
        statuses.push_back(unless_empty(account_status(outcome, denied != nullptr)));
        answered.emplace_back(has_answer(outcome) ? 1 : 0);
        errors.push_back(failure ? Field(failure->message) : Field());
        hints.push_back(failure ? Field(failure->hint) : Field());
        blocked.push_back(outcome.blocked_until);
        usernames.push_back(unless_empty(outcome.username));
        names.push_back(unless_empty(outcome.name));
        states.emplace_back(learnt_state(*result));
    }
    Params params;
    params.uuids(std::move(users)).texts(std::move(accounts)).texts(std::move(statuses)).booleans(std::move(answered));
    params.texts(std::move(errors)).texts(std::move(hints)).instants(blocked).texts(std::move(usernames));
    params.texts(std::move(names)).jsonbs(std::move(states));
    const Rows rows = sql.run(
        "UPDATE instagram_insights.accounts a"
        // Came to need a login while its calls were under way: their answers are older news.
        "    SET status = CASE WHEN a.status = 'needs_login' AND i.answered THEN a.status ELSE COALESCE(i.status, "
        "a.status) END,"
        "        last_success_at = CASE WHEN i.answered THEN pg_catalog.clock_timestamp() ELSE a.last_success_at END,"
        "        last_error = CASE WHEN a.status = 'needs_login' AND i.answered THEN a.last_error ELSE i.error END,"
        "        hint = CASE WHEN a.status = 'needs_login' AND i.answered THEN a.hint ELSE i.hint END,"
        "        blocked_until = i.blocked_until, username = COALESCE(i.username, a.username), name = COALESCE(i.name, "
        "a.name),"
        "        metric_state = i.metric_state"
        "  FROM ROWS FROM (unnest($1), unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($7), "
        "unnest($8), unnest($9),"
        "                  unnest($10))"
        "       AS i (user_id, account_id, status, answered, error, hint, blocked_until, username, name, metric_state)"
        "  JOIN instagram_insights.accounts b ON b.user_id = i.user_id AND b.account_id = i.account_id"
        "  WHERE a.user_id = i.user_id AND a.account_id = i.account_id"
        " RETURNING a.user_id, a.account_id, a.status <> b.status AND a.status = ANY "
        "('{needs_login,token_unreadable}'::text[])",
        params);
    std::set<std::pair<std::string, std::string>> need_person;
    for (const std::vector<Field> &row : rows)
        if (row[2] == "t") need_person.emplace(row[0].value(), row[1].value());
    std::vector<const Result *> found;
    for (const Result *result : results)
        if (need_person.count({result->attempt->account.user_id, result->attempt->account.account_id}) != 0)
            found.push_back(result);
    return found;
}

}  // namespace ig::pg
