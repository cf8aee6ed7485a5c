// Judges an answer: transport, then the error in the body, then the HTTP status, then whether it is JSON at all.
#include "platform/instagram/failure_reader.hpp"

#include <utility>

#include "platform/instagram/api_error.hpp"
#include "platform/instagram/code_table.hpp"
#include "platform/instagram/named_metrics.hpp"
#include "platform/redact.hpp"

namespace ig::platform::instagram {

namespace {

struct TransportRule {
    FailureKind kind;
    bool retry;
    std::string_view message;
    std::string_view hint;
};

TransportRule transport_rule(TransportFailure failure) noexcept
{
    using Kind = FailureKind;
    switch (failure) {
    case TransportFailure::none: break;
    case TransportFailure::resolve:
        return {Kind::network, true, "the host name of the API was not found",
                "Check the database server's DNS and the host settings, such as instagram_insights.graph_url."};
    case TransportFailure::connect:
        return {Kind::network, true, "no connection to the API",
                "Check that the database server may reach the API's host on port 443; a firewall may be in the way."};
    case TransportFailure::tls:
        return {Kind::network, true, "no secure connection to the API",
                "Check the server's clock, its package ca-certificates and the setting instagram_insights.ca_file; a "
                "proxy that opens TLS needs its certificate there."};
    case TransportFailure::timeout:
        return {Kind::timeout, true, "the API did not answer in time",
                "It is tried again. If it happens often, raise instagram_insights.request_timeout."};
    case TransportFailure::interrupted:
        return {Kind::network, true, "the connection to the API broke", "It is tried again."};
    case TransportFailure::too_large:
        return {Kind::malformed, false, "the answer of the API is too large",
                "Check that the host settings lead to the Graph API; if they do, raise "
                "instagram_insights.max_response_size."};
    case TransportFailure::refused:
        return {Kind::invalid_request, false, "the request was not sent, because its URL is not allowed",
                "The host settings must begin with https:// (http:// for loopback addresses only)."};
    case TransportFailure::cancelled: return {Kind::cancelled, false, "the request was cancelled", ""};
    }
    return {Kind::network, true, "the request failed", "It is tried again."};
}

Failure transport_failure(const Received &received)
{
    const TransportRule rule = transport_rule(received.failure);
    Failure failure;
    failure.kind = rule.kind;
    failure.retry = rule.retry;
    // Every request goes to the same host: one that may not be called ends the account's work at once.
    failure.reach = received.failure == TransportFailure::refused ? FailureReach::account : FailureReach::request;
    failure.ask_less = received.failure == TransportFailure::too_large;
    std::string message(rule.message);
    if (!received.failure_text.empty()) message.append(": ").append(received.failure_text);
    failure.message = redact(message);
    failure.hint = rule.hint;
    return failure;
}

// By the HTTP status alone: no code, or one that is not in the table.
void judge_status(Failure &failure, int status, Login login)
{
    failure.reach = FailureReach::request;
    failure.retry = false;
    if (status >= 500 || status == 408) {
        failure.kind = FailureKind::transient;
        failure.retry = true;
        failure.hint = hints::wait_and_see;
    } else if (status == 429) {
        failure.kind = FailureKind::throttled;
        failure.reach = FailureReach::account;
        failure.retry = true;
        failure.hint = hints::slow_down;
    } else if (status == 401) {
        failure.kind = FailureKind::needs_login;
        failure.reach = FailureReach::account;
        failure.hint = hints::connect_again;
    } else if (status == 403) {
        failure.kind = FailureKind::permission;
        failure.hint = "Grant " + std::string(scopes_of(login)) + " and connect the account again.";
    } else if (status >= 300 && status < 400) {
        failure.kind = FailureKind::invalid_request;
        failure.hint = "Redirects are not followed. Check the host settings, such as instagram_insights.graph_url.";
    } else {
        failure.kind = FailureKind::invalid_request;
        failure.hint = "Check the host settings and instagram_insights.api_version; report it if both are right.";
    }
}

std::string who_says(const Failure &failure)
{
    std::string said = "Instagram answered (";
    if (failure.code != 0) {
        said += "code " + std::to_string(failure.code);
        if (failure.subcode != 0) said += ", subcode " + std::to_string(failure.subcode);
    } else {
        said += "HTTP " + std::to_string(failure.http_status);
    }
    return said + ")";
}

std::string message_of(const Failure &failure, const ApiError &error)
{
    std::string message = who_says(failure);
    message += error.text.empty() ? " without an explanation" : ": " + error.text;
    message = redact(message);
    if (message.back() == '.') message.pop_back();
    return message;
}

void judge_code(Failure &failure, const ApiError &error, const Asked &asked)
{
    const CodeRule *rule = find_rule(error);
    if (!rule) {
        judge_status(failure, failure.http_status, asked.login);
        return;
    }
    failure.kind = rule->kind;
    failure.reach = rule->reach;
    failure.retry = rule->retry;
    failure.hint = hint_for(*rule, asked.login);
    failure.ask_less = rule->words == "reduce the amount of data";
    if (failure.reach != FailureReach::metrics) return;
    if (asked.metrics) failure.metrics = named_metrics(error.text, *asked.metrics);
    // A parameter error without a known text that names a metric is the refusal of that metric.
    if (failure.code == 100 && rule->words.empty() && rule->subcode == any_subcode && !failure.metrics.empty())
        failure.kind = FailureKind::not_supported;
}

Failure api_failure(const Received &received, const ApiError &error, const Asked &asked)
{
    Failure failure;
    failure.http_status = received.status;
    failure.code = error.code;
    failure.subcode = error.subcode;
    judge_code(failure, error, asked);
    const bool throttled = failure.kind == FailureKind::throttled;
    if (error.is_transient == true && !throttled && failure.kind != FailureKind::transient) {
        // The API's own word goes before what the code usually means; a login that works again needs nobody.
        failure.kind = FailureKind::transient;
        failure.reach = FailureReach::request;
        failure.hint = hints::wait_and_see;
        failure.metrics.clear();
    }
    if (error.is_transient == true) failure.retry = true;
    // A divided request is another request, so that one still goes.
    if (error.is_transient == false && !throttled && !failure.ask_less) failure.retry = false;
    if (failure.retry && !failure.ask_less) failure.wait = error.wait ? error.wait : wait_in_headers(received);
    failure.message = message_of(failure, error);
    return failure;
}

Failure status_failure(const Received &received, const Asked &asked)
{
    Failure failure;
    failure.http_status = received.status;
    judge_status(failure, received.status, asked.login);
    if (failure.retry) failure.wait = wait_in_headers(received);
    failure.message = message_of(failure, {});
    return failure;
}

}  // namespace

Failure unreadable_answer(int status, std::string_view why)
{
    Failure failure;
    failure.kind = FailureKind::malformed;
    failure.retry = true;
    failure.http_status = status;
    failure.message = redact("Instagram's answer cannot be read: " + std::string(why));
    failure.hint =
        "It is tried again. If it lasts, a proxy may be answering in the API's place: check the host settings.";
    return failure;
}

Answer open_answer(const Received &received, const Asked &asked)
{
    Answer answer;
    if (received.failure != TransportFailure::none) {
        answer.failure = transport_failure(received);
        return answer;
    }
    answer.body = Json::parse(received.body);
    if (const std::optional<ApiError> error = find_api_error(received, answer.body.root())) {
        answer.failure = api_failure(received, *error, asked);
    } else if (received.status < 200 || received.status > 299) {
        answer.failure = status_failure(received, asked);
    } else if (!answer.body.valid()) {
        answer.failure = unreadable_answer(received.status, answer.body.problem());
    } else if (asked.list ? !answer.body.root().is_array() : !answer.body.root().is_object()) {
        answer.failure = unreadable_answer(received.status, asked.list ? "it is no JSON list" : "it is no JSON object");
    }
    return answer;
}

}  // namespace ig::platform::instagram
