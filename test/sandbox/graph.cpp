// Answers calls: the truth first, then what a fault rule makes of it, then limits, headers and latency.
#include "graph.hpp"

#include <algorithm>
#include <cmath>

#include <boost/beast/core/string.hpp>

#include "insights.hpp"
#include "json.hpp"
#include "nodes.hpp"
#include "oauth.hpp"

namespace ig::sandbox {

namespace {

Answer json_answer(std::string body)
{
    Answer answer;
    answer.body = std::move(body);
    return answer;
}

std::string deep_json(std::size_t depth)
{
    return "{\"data\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
}

std::string huge_json(std::size_t bytes)
{
    const std::string head = "{\"data\":[],\"filler\":\"";
    const std::size_t frame = head.size() + 2;
    return head + std::string(bytes > frame ? bytes - frame : 0, 'x') + "\"}";
}

}  // namespace

Accept Graph::on_accept()
{
    world_.records.connection();
    return world_.faults.match_accept();
}

Answer Graph::routed_answer(const Call &call) const
{
    if (call.route == "dialog") return answer_dialog(world_, call);
    if (call.route == "code_exchange") return answer_code_exchange(world_, call);
    if (call.route == "fb_exchange_token") return answer_fb_exchange_token(world_, call);
    if (call.route == "ig_exchange_token") return answer_ig_exchange_token(world_, call);
    if (call.route == "ig_refresh_token") return answer_ig_refresh_token(world_, call);
    if (call.route == "debug_token") return answer_debug_token(world_, call);
    const Token &token = authenticate(world_, call);
    serving_version(call, world_.clock.now());
    const std::string first = call.path.empty() ? "" : call.path.front();
    if (call.method != "GET" && call.method != "HEAD") throw Refused{no_such_object(first, call.flavour, call.method)};
    const bool instagram = call.flavour == Flavour::instagram;
    if (first == "me" && !instagram) {
        if (call.route == "me") return answer_me(call, token);
        if (call.route == "me_accounts") return answer_me_accounts(world_, call, token);
        if (call.route == "me_permissions") return answer_permissions(token);
        if (call.route == "insights") throw Refused{nonexisting_field("insights", "User")};
        throw Refused{unknown_path(call)};
    }
    if (call.path.empty() || call.path.size() > 2 || call.route == "me_accounts" || call.route == "me_permissions")
        throw Refused{unknown_path(call)};
    if (call.route == "page") {
        const Account *account = world_.accounts.by_page(first);
        if (instagram || !world_.accounts.reaches(token, account->id)) {
            throw Refused{no_such_object(first, call.flavour, call.method)};
        }
        return answer_page(world_, call, *account, token);
    }
    // No such account, one of another login's host, and one this token does not reach are one answer.
    const Account *account = world_.accounts.find(call.account_id);
    if (!account || !world_.accounts.reaches(token, account->id)) {
        throw Refused{no_such_object(first, call.flavour, call.method)};
    }
    if (call.route == "insights") return answer_insights(world_, call, *account);
    if (call.route == "user" || call.route == "me") {
        Answer answer = answer_user(world_, call, *account);
        if (call.route == "me" && world_.settings.me_wrapped) answer.body = "{\"data\":[" + answer.body + "]}";
        return answer;
    }
    throw Refused{unknown_path(call)};
}

Answer Graph::true_answer(const Call &call) const
{
    Answer answer;
    try {
        answer = routed_answer(call);
        // PHP escapes everything beyond ASCII; graph.instagram.com is made to send it raw, so that both occur.
        if (call.route != "dialog") answer.body = graph_spelling(answer.body, call.flavour == Flavour::facebook);
    } catch (const Refused &refused) {
        answer = error_answer(refused.error, call.number);
    }
    return answer;
}

Answer Graph::faulty_answer(Call call, const Action &action, const Truth &truth)
{
    Answer answer;
    if (action.error) {
        answer = error_answer(*action.error, call.number);
    } else if (action.throttle) {
        world_.faults.block(call, *action.throttle, world_.clock.now());
        answer = error_answer(throttled(action.throttle->code, action.throttle->minutes), call.number);
    } else if (action.empty) {
        answer = json_answer("{\"data\":[]}");
    } else if (action.huge_bytes > 0) {
        answer = json_answer(huge_json(action.huge_bytes));
    } else if (action.deep_json > 0) {
        answer = json_answer(deep_json(action.deep_json));
    } else if (!action.omit_metrics.empty()) {
        const auto omitted = [&](const std::string &metric) {
            return std::find(action.omit_metrics.begin(), action.omit_metrics.end(), metric) !=
                   action.omit_metrics.end();
        };
        call.metrics.erase(std::remove_if(call.metrics.begin(), call.metrics.end(), omitted), call.metrics.end());
        answer = call.metrics.empty() ? json_answer("{\"data\":[]}") : truth(call);
    } else {
        answer = truth(call);
    }
    if (action.status) {
        answer.status = *action.status;
        if (!action.body && !action.error && !action.throttle) answer.body.clear();
    }
    if (action.body) answer.body = *action.body;
    if (action.cut_to && *action.cut_to < answer.body.size()) answer.body.resize(*action.cut_to);
    if (action.content_type) answer.content_type = *action.content_type;
    return answer;
}

void Graph::add_headers(const Call &call, const Throttle *throttle, const Headers &extra, Answer &answer) const
{
    add_usage_headers(world_, call, throttle, answer);
    std::string version = "v25.0";
    try {
        version = serving_version(call, world_.clock.now());
    } catch (const Refused &) {
        // the body tells already
    }
    const bool facebook = call.flavour == Flavour::facebook;
    answer.headers.emplace_back(facebook ? "facebook-api-version" : "instagram-api-version", version);
    answer.headers.emplace_back("x-fb-request-id", "sandbox" + std::to_string(call.number));
    answer.headers.emplace_back("Cache-Control", "private, no-cache, no-store, must-revalidate");
    // An added header replaces ours of the same name.
    const auto replaced = [&extra](const auto &ours) {
        return std::any_of(extra.begin(), extra.end(),
                           [&](const auto &entry) { return boost::beast::iequals(entry.first, ours.first); });
    };
    answer.headers.erase(std::remove_if(answer.headers.begin(), answer.headers.end(), replaced), answer.headers.end());
    answer.headers.insert(answer.headers.end(), extra.begin(), extra.end());
}

std::string Graph::account_of(const Call &call) const
{
    const Token *token = world_.accounts.token(call.token);
    return token && world_.accounts.reaches(*token, call.account_id) ? call.account_id : "";
}

long long Graph::latency()
{
    long long ms = world_.settings.fixed_latency_ms;
    if (world_.settings.log_normal_median_ms > 0) {
        std::lognormal_distribution<double> spread(std::log(world_.settings.log_normal_median_ms),
                                                   world_.settings.log_normal_sigma);
        ms += std::min<long long>(600'000, std::llround(std::min(spread(random_), 600'000.0)));
    }
    return ms;
}

int Graph::Outcome::status() const
{
    const bool dropped = delivery.close == Place::before_headers || delivery.close == Place::in_headers;
    return dropped || null ? 0 : answer.status;
}

Graph::Outcome Graph::handle(Call &call)
{
    world_.records.begin(call);
    const Moment now = world_.clock.now();
    const Throttle *blocking = world_.faults.blocking(call, now);
    const bool app_is_full = world_.settings.app_usage_percent >= 100;
    std::optional<Throttle> spent;
    if (call.route != "dialog") spent = world_.budgets.spend(app_key(world_, call), account_of(call), now);
    if (blocking || app_is_full || spent) world_.records.call_while_blocked();

    Outcome outcome;
    Action action;
    std::optional<Throttle> throttle;
    if (app_is_full) {
        throttle = Throttle{4, 0};
        outcome.answer = error_answer(throttled(4, 0), call.number);
    } else if (spent) {
        throttle = spent;
        outcome.answer = error_answer(throttled(spent->code, spent->minutes), call.number);
    } else if (blocking && world_.settings.refuse_while_blocked) {
        throttle = *blocking;
        world_.faults.prolong(call, now);
        outcome.answer = error_answer(throttled(throttle->code, throttle->minutes), call.number);
    } else if (auto fault = world_.faults.match(call)) {
        action = std::move(*fault);
        throttle = action.throttle;
        outcome.answer = faulty_answer(call, action, [this](const Call &asked) { return true_answer(asked); });
    } else {
        outcome.answer = true_answer(call);
    }
    add_headers(call, throttle ? &*throttle : nullptr, action.headers, outcome.answer);
    outcome.delivery = action.delivery;
    outcome.null = action.null_item;
    world_.records.keep(call, outcome.status(), now);
    return outcome;
}

Plan Graph::serve(const Incoming &incoming)
{
    Call call = parse_call(incoming);
    locate(world_, call);
    Outcome outcome;
    if (call.route == "batch") {
        world_.records.begin(call);
        outcome = handle_batch(call, incoming);
        world_.records.keep(call, outcome.status(), world_.clock.now());
    } else {
        outcome = handle(call);
    }
    outcome.delivery.delay_ms += latency();
    Plan plan = plan_delivery(outcome.answer, outcome.delivery, incoming.keep_alive, incoming.method == "HEAD");
    plan.in_flight = world_.records.in_flight();
    return plan;
}

}  // namespace ig::sandbox
