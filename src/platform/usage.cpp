// Reads X-App-Usage and X-Business-Use-Case-Usage; members are taken by what they are, since their names vary.
#include "platform/usage.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>

#include "platform/instagram/api_error.hpp"
#include "platform/json.hpp"
#include "platform/text.hpp"

namespace ig::platform {

namespace {

constexpr std::string_view waiting_time = "estimated_time_to_regain_access";
constexpr int highest_percent = 1000;      // beyond 100 it is the same refusal
constexpr std::size_t most_accounts = 64;  // Meta sends up to 32 objects
constexpr JsonLimits limits{64u << 10, 8, 4096};

// Of anything finer the next whole number counts; nothing for what is no number.
std::optional<int> percent_of(JsonView view) noexcept
{
    if (!view.is_number() || !is_decimal(view.text())) return std::nullopt;
    const std::string_view digits = view.text();
    const char *end = digits.data() + digits.size();
    std::int64_t whole = 0;
    const auto [rest, error] = std::from_chars(digits.data(), end, whole);
    if (digits.front() == '-') return 0;
    // An exponent would make the whole part mean nothing; nobody writes percents so.
    if (error == std::errc() && rest != end && *rest != '.') return std::nullopt;
    if (error != std::errc() || whole >= highest_percent) return highest_percent;
    return static_cast<int>(whole) + (rest != end ? 1 : 0);
}

// Takes one object of numbers into `usage`; false if it holds none.
bool take(Usage &usage, JsonView object) noexcept
{
    bool found = false;
    if (!object.is_object()) return found;
    for (const JsonView member : object) {
        if (member.key() == waiting_time) continue;
        const std::optional<int> percent = percent_of(member);
        if (!percent) continue;
        usage.percent = std::max(usage.percent, *percent);
        found = true;
    }
    if (const auto wait = instagram::regain_time(object.member(waiting_time))) {
        const auto minutes = std::chrono::ceil<std::chrono::minutes>(*wait);
        usage.regain_after = std::max(usage.regain_after.value_or(minutes), minutes);
        found = true;
    }
    return found;
}

// Budgets of other products, which none of our calls uses: their state must not hold up ours.
bool is_foreign(JsonView use) noexcept
{
    constexpr std::array<std::string_view, 5> foreign = {"ads_insights", "ads_management", "custom_audience", "leadgen",
                                                         "messenger"};
    return std::find(foreign.begin(), foreign.end(), use.member("type").text()) != foreign.end();
}

void read_app(std::vector<Usage> &usages, JsonView root)
{
    Usage usage;
    usage.whole_app = true;
    if (take(usage, root)) usages.push_back(std::move(usage));
}

// Keyed by the id of the business, Page or account; each holds a list, seldom a single object.
void read_accounts(std::vector<Usage> &usages, JsonView root)
{
    if (!root.is_object()) return;
    for (const JsonView uses : root) {
        Usage usage;
        const std::string_view id = uses.key();
        const bool is_id =
            !id.empty() && id.size() <= 40 && id.find_first_not_of("0123456789") == std::string_view::npos;
        if (!is_id || usages.size() >= most_accounts) continue;
        usage.account_id = id;
        bool found = false;
        if (uses.is_array()) {
            for (const JsonView use : uses) found = (!is_foreign(use) && take(usage, use)) || found;
        } else {
            found = !is_foreign(uses) && take(usage, uses);
        }
        if (found) usages.push_back(std::move(usage));
    }
}

}  // namespace

std::vector<Usage> read_usage(const Received &received)
{
    using Name = ToldHeaders::Name;
    std::vector<Usage> usages;
    for (const ToldHeaders::Header &header : received.headers) {
        const bool app = header.name == Name::app_usage;
        if (!app && header.name != Name::business_usage) continue;
        const Json json = Json::parse(header.value, limits);
        app ? read_app(usages, json.root()) : read_accounts(usages, json.root());
    }
    return usages;
}

}  // namespace ig::platform
