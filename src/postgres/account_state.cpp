// Loads what a plan needs to know of an account.
#include "postgres/account_state.hpp"

#include "postgres/apps.hpp"
#include "postgres/keyring.hpp"
#include "postgres/pacific.hpp"

namespace ig::pg {

void StoredRows::add(const StoredRows &other)
{
    inserted += other.inserted;
    updated += other.updated;
    unchanged += other.unchanged;
    for (const auto &[metric, rows] : other.by_metric) {
        auto found = by_metric.begin();
        while (found != by_metric.end() && found->first != metric) ++found;
        if (found == by_metric.end())
            by_metric.emplace_back(metric, rows);
        else
            found->second += rows;
    }
}

platform::Login parse_login(const std::string &text)
{
    return text == "instagram" ? platform::Login::instagram : platform::Login::facebook;
}

std::string from_hex(const std::string &digits)
{
    const auto value = [](char c) { return static_cast<unsigned char>(c <= '9' ? c - '0' : c - 'a' + 10); };
    std::string bytes(digits.size() / 2, '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(value(digits[2 * i]) << 4 | value(digits[2 * i + 1]));
    return bytes;
}

std::string to_hex(const std::string &bytes)
{
    static const char digits[] = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char byte : bytes) {
        text.push_back(digits[static_cast<unsigned char>(byte) >> 4]);
        text.push_back(digits[static_cast<unsigned char>(byte) & 15]);
    }
    return text;
}

SealedToken token_of(const SyncedAccount &account)
{
    return {account.sealed_token, token_place(account.user_id, account.platform, account.account_id), account.sealed_app_secret,
            secret_place(login_text(account.login), account.app_id)};
}

std::string read_account(const std::vector<Field> &row, std::size_t first, SyncedAccount &account)
{
    const auto moment = [&](std::size_t column) {
        const Field &field = row.at(first + column);
        return field ? std::optional<Instant>(instant_from_epoch(*field)) : std::nullopt;
    };
    account.platform = row.at(first + 1).value_or("");
    account.login = parse_login(row.at(first + 2).value_or(""));
    account.generation = row.at(first + 3) ? std::stoll(*row.at(first + 3)) : 0;
    account.blocked_until = moment(4);
    account.sealed_token = from_hex(row.at(first + 5).value_or(""));
    account.app_id = row.at(first + 6).value_or("");
    account.sealed_app_secret = from_hex(row.at(first + 7).value_or(""));
    account.issued_at = moment(8);
    account.expires_at = moment(9);
    account.refresh_after = moment(10);
    account.data_access_expires_at = moment(11);
    account.debugged_at = moment(12);
    return row.at(first).value_or("");
}

std::vector<sync::MetricState> load_metrics(Sql &sql, const std::string &user_id, const std::string &account_id,
                                            const std::optional<std::vector<std::string>> &names)
{
    const Rows rows = sql.run(
        "SELECT m.name, m.metric_type, m.period, m.history_days::pg_catalog.text,"
        "       a.metric_state -> m.name ->> 'through',"
        "       pg_catalog.floor(EXTRACT(epoch FROM (a.metric_state -> m.name ->> 'unsupported_since')::timestamptz))::text"
        "  FROM instagram_insights.metrics m, instagram_insights.accounts a"
        " WHERE a.user_id = $1::uuid AND a.account_id = $2"
        "   AND m.platform = a.platform AND m.level = 'account'"
        "   AND (m.removed_on IS NULL OR m.removed_on > current_date)"
        "   AND CASE WHEN $3 IS NULL THEN m.enabled_by_default ELSE m.name = ANY ($3) END"
        " ORDER BY m.name",
        Params().text(std::string_view(user_id)).text(std::string_view(account_id)).texts(names));
    std::vector<sync::MetricState> metrics;
    for (const std::vector<Field> &row : rows) {
        sync::MetricState metric;
        metric.name = row[0].value();
        const std::string &type = row[1].value();
        metric.shape = type == "time_series"   ? platform::MetricShape::time_series
                       : type == "total_value" ? platform::MetricShape::total_value
                                               : platform::MetricShape::snapshot;
        metric.period = row[2].value();
        metric.history_days = std::stoi(row[3].value());
        if (row[4]) metric.synced_through = parse_day(*row[4]);
        if (row[5]) metric.unsupported_since = instant_from_epoch(*row[5]);
        metrics.push_back(std::move(metric));
    }
    return metrics;
}

}  // namespace ig::pg
