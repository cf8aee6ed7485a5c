// Loads what a plan needs to know of an account.
#include "postgres/account_state.hpp"

#include "platform/json.hpp"
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
        if (found == by_metric.end()) by_metric.emplace_back(metric, rows);
        else found->second += rows;
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
    return {account.sealed_token, token_place(account.user_id, account.platform, account.account_id),
            account.sealed_app_secret, secret_place(login_text(account.login), account.app_id)};
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
    account.metric_choice = row.at(first + 14).value_or("");
    return row.at(first).value_or("");
}

namespace {

platform::MetricShape parse_shape(const std::string &text)
{
    if (text == "time_series") return platform::MetricShape::time_series;
    return text == "total_value" ? platform::MetricShape::total_value : platform::MetricShape::snapshot;
}

// A list as JSON; nothing is an empty one.
std::vector<std::string> parse_list(const Field &json)
{
    std::vector<std::string> list;
    if (!json) return list;
    const platform::Json document = platform::Json::parse(*json);
    for (const platform::JsonView entry : document.root()) list.emplace_back(entry.text());
    return list;
}

}  // namespace

Registry::Registry(Sql &sql)
{
    const Rows rows =
        sql.run("SELECT m.name, m.platform, m.metric_type, m.period, m.history_days, m.enabled_by_default,"
                "       COALESCE(m.removed_on > d.today, true) AND COALESCE(m.offered_from <= d.today, true),"
                "       CASE WHEN m.windows <> '{}' THEN pg_catalog.to_jsonb(m.windows)::text END,"
                "       CASE WHEN m.asked_breakdowns <> '{}' THEN pg_catalog.to_jsonb(m.asked_breakdowns)::text END, "
                "m.timeframe"
                "  FROM instagram_insights.metrics m, (SELECT (pg_catalog.now() AT TIME ZONE 'UTC')::date AS today) d"
                " WHERE m.level = 'account' ORDER BY m.name");
    for (const std::vector<Field> &row : rows) {
        sync::RegisteredMetric &metric = metrics_.emplace_back();
        metric.name = row[0].value();
        metric.platform = row[1].value();
        metric.shape = parse_shape(row[2].value());
        metric.period = row[3].value();
        metric.history_days = std::stoi(row[4].value());
        metric.enabled_by_default = row[5] == "t";
        metric.available = row[6] == "t";
        metric.windows = parse_list(row[7]);
        metric.breakdowns = parse_list(row[8]);
        metric.timeframe = row[9].value_or("");
    }
    const Rows settings = sql.run("SELECT s.metrics::text FROM instagram_insights.metric_settings s");
    if (!settings.empty()) site_ = sync::read_metric_choice(settings[0][0].value_or(""));
}

std::vector<sync::MetricState> Registry::metrics_of(const SyncedAccount &account,
                                                    const std::optional<std::vector<std::string>> &names) const
{
    const sync::KnownMetrics known = sync::read_metric_state(account.metric_state);
    const std::optional<sync::MetricChoice> own = sync::read_metric_choice(account.metric_choice);
    return sync::metrics_to_ask(metrics_, account.platform, own ? own : site_, names, known);
}

}  // namespace ig::pg
