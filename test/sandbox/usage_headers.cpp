// Writes X-App-Usage and X-Business-Use-Case-Usage (graph-api.md 5) from budgets, settings, faults and call counts.
#include <algorithm>

#include "graph.hpp"
#include "oauth.hpp"

namespace ig::sandbox {

namespace {

void add_app_usage(const World &world, const Call &call, bool full, Answer &answer)
{
    long long percent = std::min<long long>(100, world.settings.app_usage_percent);
    if (const auto use = world.budgets.of_app(app_key(world, call), world.clock.now())) percent = use->percent;
    if (full) percent = 100;
    if (call.flavour == Flavour::instagram) {
        answer.headers.emplace_back("x-app-usage", "{\"call_volume\":" + std::to_string(percent) +
                                                       ",\"cpu_time\":" + std::to_string(percent / 2) + "}");
    } else if (percent > 0) {
        answer.headers.emplace_back("X-App-Usage", "{\"call_count\":" + std::to_string(percent) +
                                                       ",\"total_time\":" + std::to_string(percent / 2) +
                                                       ",\"total_cputime\":" + std::to_string(percent / 2) + "}");
    }
}

}  // namespace

void add_usage_headers(const World &world, const Call &call, const Throttle *throttle, Answer &answer)
{
    if (call.route == "dialog" || (!world.settings.usage_headers && !throttle)) return;
    const bool app_wide = throttle && (throttle->code == 4 || throttle->code == 341 || throttle->code == 613);
    add_app_usage(world, call, app_wide, answer);
    const Token *token = world.accounts.token(call.token);
    if (!token || !world.accounts.reaches(*token, call.account_id)) return;
    // 243 calls were 1 %; such an account never comes to 100 by itself.
    Budgets::Use use{std::min<long long>(99, static_cast<long long>(world.records.calls_of(call.account_id) / 250)), 0};
    if (const auto budget = world.budgets.of_account(app_key(world, call), call.account_id, world.clock.now()))
        use = *budget;
    if (throttle && !app_wide) use = {100, throttle->minutes};
    answer.headers.emplace_back(
        "X-Business-Use-Case-Usage",
        "{\"" + call.account_id + "\":[{\"type\":\"instagram\",\"call_count\":" + std::to_string(use.percent) +
            ",\"total_cputime\":1,\"total_time\":1,\"estimated_time_to_regain_access\":" + std::to_string(use.minutes) +
            "}]}");
}

}  // namespace ig::sandbox
