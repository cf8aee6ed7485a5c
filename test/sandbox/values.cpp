// Generates values: mostly ordinary, sometimes 0, sometimes missing, now and then very large.
#include "values.hpp"

#include <algorithm>
#include <charconv>

namespace ig::sandbox {

namespace {

std::string key_of(std::string_view account_id, std::string_view metric, Day day)
{
    std::string key(account_id);
    key += '\n';
    key += metric;
    key += '\n';
    key += std::to_string(day.time_since_epoch().count());
    return key;
}

std::optional<long long> whole_number(const std::string &text)
{
    long long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// Accounts differ in size; the scale makes some a few hundred times larger than others.
long long scale_of(std::uint64_t hash)
{
    constexpr long long scales[] = {1, 3, 10, 40, 200};
    return scales[hash % 5];
}

long long typical_of(std::string_view metric)
{
    const Metric *known = find_metric(metric.substr(0, metric.find(':')));
    return known && known->typical > 0 ? known->typical : 5;
}

}  // namespace

Mixer &Mixer::add(std::uint64_t number)
{
    state_ += number + 0x9E3779B97F4A7C15ull;
    state_ = (state_ ^ (state_ >> 30)) * 0xBF58476D1CE4E5B9ull;
    state_ = (state_ ^ (state_ >> 27)) * 0x94D049BB133111EBull;
    state_ ^= state_ >> 31;
    return *this;
}

Mixer &Mixer::add(std::string_view text)
{
    std::uint64_t hash = 1469598103934665603ull;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ull;
    return add(hash);
}

std::uint64_t Mixer::value() const { return state_; }

std::uint64_t Values::mix(std::string_view account_id, std::string_view what, std::uint64_t number) const
{
    return Mixer(seed_).add(account_id).add(what).add(number).value();
}

const std::optional<std::string> *Values::overridden(std::string_view account_id, std::string_view metric,
                                                     Day day) const
{
    if (overrides_.empty()) return nullptr;
    const auto found = overrides_.find(key_of(account_id, metric, day));
    return found == overrides_.end() ? nullptr : &found->second;
}

std::optional<std::string> Values::at(const Account &account, std::string_view metric, Day day) const
{
    if (const auto *own = overridden(account.id, metric, day)) return *own;
    if (account.created && day < *account.created) return std::nullopt;
    if (std::find(account.missing.begin(), account.missing.end(), metric) != account.missing.end()) {
        return std::nullopt;
    }
    if (day < last_complete_day(clock_.now()) - std::chrono::days{settings_.retention_days - 1}) return std::nullopt;
    const std::uint64_t hash = mix(account.id, metric, static_cast<std::uint64_t>(day.time_since_epoch().count()));
    if (static_cast<double>(hash % 10000) < settings_.missing_percent * 100) return std::nullopt;
    const std::uint64_t kind = (hash >> 16) % 100;
    if (kind < 4) return "0";
    const auto permille = static_cast<long long>(200 + (hash >> 24) % 1601);
    const long long usual = typical_of(metric) * scale_of(mix(account.id, "scale", 0));
    long long value = usual * permille / 1000 + static_cast<long long>((hash >> 44) % 8);
    if (kind == 99) value = value * 100000 + static_cast<long long>((hash >> 40) % 1000);
    return std::to_string(value);
}

std::optional<std::string> Values::followers(const Account &account) const
{
    const Day today = day_at(clock_.now());
    if (const auto *own = overridden(account.id, "followers_count", today)) return *own;
    const auto hidden = std::find(account.missing.begin(), account.missing.end(), "followers_count");
    if (hidden != account.missing.end()) return std::nullopt;
    if (account.followers) return std::to_string(*account.followers);
    const std::uint64_t hash = mix(account.id, "followers_count", 0);
    if (account.few_followers) return std::to_string(20 + hash % 70);
    const long long age = std::max<long long>(0, today.time_since_epoch().count() - 20000);
    return std::to_string(150 + static_cast<long long>(hash % 900) * scale_of(hash >> 20) +
                          age * static_cast<long long>((hash >> 40) % 7));
}

std::optional<std::string> Values::total(const Account &account, const Metric &metric,
                                         const std::vector<Day> &window) const
{
    std::optional<std::string> result;
    long long sum = 0;
    int found = 0;
    for (const Day day : window) {
        const auto value = at(account, metric.name, day);
        if (!value) continue;
        if (++found == 1) result = value;
        const auto number = whole_number(*value);
        if (!number) continue;  // an overridden value that is no integer: it counts only where it stands alone
        if (metric.unique) {
            sum = found == 1 ? *number : std::max(sum, *number);
        } else if (long long next = 0; !__builtin_add_overflow(sum, *number, &next)) {
            sum = next;
        }
    }
    return found > 1 ? std::to_string(sum) : result;
}

void Values::override_value(const std::string &account_id, const std::string &metric, Day day,
                            std::optional<std::string> raw)
{
    overrides_[key_of(account_id, metric, day)] = std::move(raw);
}

}  // namespace ig::sandbox
