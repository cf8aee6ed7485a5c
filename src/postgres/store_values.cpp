// Stores values: a statement for all plain numbers of a user, another for those with parts, if there are any.
#include <algorithm>

#include "postgres/store.hpp"

namespace ig::pg {

namespace {

// Values side by side, as a statement takes them: $1 the user, $2 to $6 lists, $7 and $8 the first and last
// end_time, $9 and $10 lists of what the application tied the accounts to.
class ValueLists {
public:
    bool empty() const noexcept { return accounts_.empty(); }

    void add(const Result &result, const platform::Value &value)
    {
        accounts_.emplace_back(result.attempt->account.account_id);
        projects_.push_back(result.project_id);
        entities_.push_back(result.entity_id);
        metrics_.emplace_back(value.metric);
        periods_.emplace_back(value.period);
        end_times_.emplace_back(value.end_time);
        numbers_.push_back(value.value.empty() ? Field() : Field(value.value));
        if (!first_ || value.end_time < *first_) first_ = value.end_time;
        if (!last_ || value.end_time > *last_) last_ = value.end_time;
    }

    Params params(const std::string &user_id)
    {
        Params params;
        params.uuid(user_id);
        params.texts(std::move(accounts_)).texts(std::move(metrics_)).texts(std::move(periods_)).instants(end_times_);
        params.numerics(std::move(numbers_)).instant(first_).instant(last_);
        params.texts(std::move(projects_)).texts(std::move(entities_));
        return params;
    }

private:
    std::vector<Field> accounts_, metrics_, periods_, numbers_, projects_, entities_;
    std::vector<std::optional<Instant>> end_times_;
    std::optional<Instant> first_, last_;
};

// The end of both statements: how many rows were new, changed or equal.
#define IG_COUNT_INCOMING                                                                                              \
    " SELECT i.account_id, i.metric, pg_catalog.count(*) FILTER (WHERE NOT i.present),"                                \
    "        pg_catalog.count(*) FILTER (WHERE i.present AND NOT i.equal), pg_catalog.count(*) FILTER (WHERE "         \
    "i.present AND i.equal)"                                                                                           \
    "   FROM incoming i GROUP BY i.account_id, i.metric"

Rows store_numbers(Sql &sql, const Params &params)
{
    return sql.run(
        // The bounds let the executor leave out the other years' partitions before it begins.
        "WITH incoming AS MATERIALIZED ("
        "    SELECT i.*, t.end_time IS NOT NULL AS present, t.value IS NOT DISTINCT FROM i.value AS equal"
        "      FROM ROWS FROM (unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($9), unnest($10))"
        "           AS i (account_id, metric, period, end_time, value, project_id, entity_id)"
        "      LEFT JOIN LATERAL (SELECT o.end_time, o.value FROM instagram_insights.insights o"
        "        WHERE o.user_id = $1 AND o.account_id = i.account_id AND o.metric = i.metric AND o.period = i.period"
        "          AND o.end_time = i.end_time AND o.end_time >= $7 AND o.end_time <= $8 LIMIT 1) t ON true),"
        " written AS ("
        "    INSERT INTO instagram_insights.insights"
        "           (user_id, account_id, metric, period, end_time, value, retrieved_at, project_id, entity_id)"
        "    SELECT $1, i.account_id, i.metric, i.period, i.end_time, i.value, pg_catalog.clock_timestamp(), "
        "i.project_id, i.entity_id"
        "      FROM incoming i WHERE NOT (i.present AND i.equal)"
        "    ON CONFLICT (user_id, account_id, metric, period, end_time)"
        "    DO UPDATE SET value = EXCLUDED.value, retrieved_at = EXCLUDED.retrieved_at"
        "     WHERE insights.value IS DISTINCT FROM EXCLUDED.value"
        "    RETURNING 1)" IG_COUNT_INCOMING,
        params);
}

// The same with parts, $11. Without a number the one that is there stays: there may be one from another request. A rolling
// window alone makes no row: it would stand as the newest value of a day whose number is not ready yet.
Rows store_numbers_with_parts(Sql &sql, const Params &params)
{
    return sql.run(
        "WITH incoming AS MATERIALIZED ("
        "    SELECT i.*, t.end_time IS NOT NULL AS present,"
        "           COALESCE(i.value, t.value) IS NOT DISTINCT FROM t.value"
        "               AND t.metadata IS NOT DISTINCT FROM instagram_insights.ig_merge_parts(t.metadata, i.metadata) "
        "AS equal"
        "      FROM ROWS FROM (unnest($2), unnest($3), unnest($4), unnest($5), unnest($6), unnest($9), unnest($10),"
        "                      unnest($11)) AS i (account_id, metric, period, end_time, value, project_id, entity_id, "
        "metadata)"
        "      LEFT JOIN LATERAL (SELECT o.end_time, o.value, o.metadata FROM instagram_insights.insights o"
        "        WHERE o.user_id = $1 AND o.account_id = i.account_id AND o.metric = i.metric AND o.period = i.period"
        "          AND o.end_time = i.end_time AND o.end_time >= $7 AND o.end_time <= $8 LIMIT 1) t ON true"
        "     WHERE t.end_time IS NOT NULL OR i.value IS NOT NULL OR i.metadata - 'windows' <> '{}'),"
        " written AS ("
        "    INSERT INTO instagram_insights.insights"
        "           (user_id, account_id, metric, period, end_time, value, metadata, retrieved_at, project_id, "
        "entity_id)"
        "    SELECT $1, i.account_id, i.metric, i.period, i.end_time, i.value, i.metadata, "
        "pg_catalog.clock_timestamp(),"
        "           i.project_id, i.entity_id"
        "      FROM incoming i WHERE NOT (i.present AND i.equal)"
        "    ON CONFLICT (user_id, account_id, metric, period, end_time)"
        "    DO UPDATE SET value = COALESCE(EXCLUDED.value, insights.value),"
        "                  metadata = instagram_insights.ig_merge_parts(insights.metadata, EXCLUDED.metadata),"
        "                  retrieved_at = EXCLUDED.retrieved_at"
        "     WHERE insights.value IS DISTINCT FROM COALESCE(EXCLUDED.value, insights.value)"
        "        OR insights.metadata IS DISTINCT FROM instagram_insights.ig_merge_parts(insights.metadata, "
        "EXCLUDED.metadata)"
        "    RETURNING 1)" IG_COUNT_INCOMING,
        params);
}

void count(const std::vector<Result *> &of_one_user, const Rows &rows)
{
    for (const std::vector<Field> &row : rows) {
        const auto same = [&row](const Result *result) {
            return result->attempt->account.account_id == row[0].value();
        };
        StoredRows stored;
        stored.inserted = std::stoi(row[2].value());
        stored.updated = std::stoi(row[3].value());
        stored.unchanged = std::stoi(row[4].value());
        stored.by_metric.emplace_back(row[1].value(), stored.inserted + stored.updated + stored.unchanged);
        (*std::find_if(of_one_user.begin(), of_one_user.end(), same))->attempt->rows.add(stored);
    }
}

}  // namespace

void store_values(Sql &sql, const std::vector<Result *> &of_one_user)
{
    ValueLists plain;
    ValueLists with_parts;
    std::vector<Field> metadata;
    for (const Result *result : of_one_user) {
        result->attempt->rows = StoredRows();
        for (const platform::Value &value : result->outcome->values) {
            if (value.parts.empty()) {
                plain.add(*result, value);
                continue;
            }
            with_parts.add(*result, value);
            metadata.emplace_back(platform::metadata_json(value.parts));
        }
    }
    const std::string &user_id = of_one_user.front()->attempt->account.user_id;
    if (!plain.empty()) count(of_one_user, store_numbers(sql, plain.params(user_id)));
    if (!with_parts.empty())
        count(of_one_user, store_numbers_with_parts(sql, with_parts.params(user_id).jsonbs(std::move(metadata))));
}

}  // namespace ig::pg
