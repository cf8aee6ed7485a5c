// Loads what a plan needs to know of an account.
#include "postgres/account_state.hpp"

#include <algorithm>

#include "postgres/apps.hpp"
#include "postgres/keyring.hpp"
#include "postgres/pacific.hpp"
#include "sync/metric_state.hpp"

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
    account.metric_state = row.at(first + 13).value_or("");
    return row.at(first).value_or("");
}

Registry::Registry(Sql &sql)
{
    const Rows rows = sql.run("SELECT m.name, m.platform, m.metric_type, m.period, m.history_days, m.enabled_by_default"
                              "  FROM instagram_insights.metrics m"
                              " WHERE m.level = 'account' AND (m.removed_on IS NULL OR m.removed_on > current_date)"
                              " ORDER BY m.name");
    for (const std::vector<Field> &row : rows) {
        Metric metric;
        metric.blank.name = row[0].value();
        metric.platform = row[1].value();
        const std::string &type = row[2].value();
        metric.blank.shape = type == "time_series"   ? platform::MetricShape::time_series
                             : type == "total_value" ? platform::MetricShape::total_value
                                                     : platform::MetricShape::snapshot;
        metric.blank.period = row[3].value();
        metric.blank.history_days = std::stoi(row[4].value());
        metric.enabled = row[5] == "t";
        metrics_.push_back(std::move(metric));
    }
}

std::vector<sync::MetricState> Registry::metrics_of(const SyncedAccount &account,
                                                    const std::optional<std::vector<std::string>> &names) const
{
    const sync::KnownMetrics known = sync::read_metric_state(account.metric_state);
    std::vector<sync::MetricState> metrics;
    for (const Metric &entry : metrics_) {
        const bool asked = names ? std::find(names->begin(), names->end(), entry.blank.name) != names->end() : entry.enabled;
        if (!asked || entry.platform != account.platform) continue;
        sync::MetricState &metric = metrics.emplace_back(entry.blank);
        const auto found = known.find(metric.name);
        if (found == known.end()) continue;
        metric.synced_through = found->second.through;
        metric.unsupported_since = found->second.unsupported_since;
    }
    return metrics;
}

}  // namespace ig::pg
