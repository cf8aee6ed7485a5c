// Counts calls against their budgets.
#include "budgets.hpp"

#include <algorithm>

namespace ig::sandbox {

void Budgets::limit(const BudgetLimits &limits)
{
    limits_ = limits;
    used_.clear();
}

Budgets::Use Budgets::use_of(const Key &key, const Used &used, Moment now) const
{
    if (used.blocked_until && *used.blocked_until <= now) return {};  // regained
    Use use;
    use.percent = std::min<long long>(100, used.calls * 100 / limit_of(key));
    if (used.blocked_until) use.minutes = ((*used.blocked_until - now).count() + 59) / 60;
    return use;
}

bool Budgets::refuses(const Key &key, Moment now)
{
    if (limit_of(key) == 0) return false;
    Used &used = used_[key];
    if (!used.blocked_until) return false;
    if (*used.blocked_until <= now) {
        used = Used{};
        return false;
    }
    *used.blocked_until += std::chrono::minutes{limits_.prolong_minutes};
    return true;
}

void Budgets::take(const Key &key, Moment now)
{
    if (limit_of(key) == 0) return;
    Used &used = used_[key];
    if (++used.calls >= limit_of(key)) used.blocked_until = now + std::chrono::minutes{limits_.minutes};
}

std::optional<Throttle> Budgets::spend(const std::string &app, const std::string &account_id, Moment now)
{
    const Key whole{app, ""};
    const Key one{app, account_id};
    const bool app_refuses = refuses(whole, now);
    const bool account_refuses = !account_id.empty() && refuses(one, now);
    if (app_refuses) return Throttle{4, use_of(whole, used_[whole], now).minutes};
    if (account_refuses) return Throttle{80002, use_of(one, used_[one], now).minutes};
    take(whole, now);
    if (!account_id.empty()) take(one, now);
    return std::nullopt;
}

std::optional<Budgets::Use> Budgets::of_app(const std::string &app, Moment now) const
{
    return of_account(app, "", now);
}

std::optional<Budgets::Use> Budgets::of_account(const std::string &app, const std::string &account_id, Moment now) const
{
    const Key key{app, account_id};
    if (limit_of(key) == 0) return std::nullopt;
    const auto found = used_.find(key);
    return found == used_.end() ? Use{} : use_of(key, found->second, now);
}

std::string Budgets::json(Moment now) const
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_member(writer, "app_calls", limits_.app_calls);
    write_member(writer, "account_calls", limits_.account_calls);
    write_member(writer, "minutes", limits_.minutes);
    write_member(writer, "prolong_minutes", limits_.prolong_minutes);
    write_name(writer, "used");
    writer.StartArray();
    for (const auto &[key, used] : used_) {
        const Use use = use_of(key, used, now);
        writer.StartObject();
        write_member(writer, "app", key.first);
        write_member(writer, "account_id", key.second);
        write_member(writer, "percent", use.percent);
        write_member(writer, "blocked_minutes", use.minutes);
        writer.EndObject();
    }
    writer.EndArray();
    writer.EndObject();
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

}  // namespace ig::sandbox
