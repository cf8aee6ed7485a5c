// Turns an answer and its delivery into the steps of a connection.
#include "answer.hpp"

#include <boost/beast/http/status.hpp>

namespace ig::sandbox {

namespace {

std::string head_of(const Answer &answer, bool keep_alive)
{
    const auto reason = boost::beast::http::obsolete_reason(static_cast<boost::beast::http::status>(answer.status));
    std::string head = "HTTP/1.1 " + std::to_string(answer.status) + " ";
    head.append(reason.data(), reason.size());
    head += "\r\n";
    bool has_length = false;
    for (const auto &[name, value] : answer.headers) {
        has_length = has_length || name == "Content-Length" || name == "content-length";
        head += name + ": " + value + "\r\n";
    }
    if (!answer.content_type.empty()) head += "Content-Type: " + answer.content_type + "\r\n";
    if (!has_length) head += "Content-Length: " + std::to_string(answer.body.size()) + "\r\n";
    head += keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n";
    return head;
}

}  // namespace

Plan plan_delivery(const Answer &answer, const Delivery &delivery, bool keep_alive, bool head_only)
{
    const std::string head = head_of(answer, keep_alive);
    const std::string body = head_only ? std::string() : answer.body;
    Plan plan;
    plan.keep_alive = keep_alive;
    const auto add = [&plan](Step::Kind kind, std::string text = {}, long long ms = 0) {
        plan.steps.push_back({kind, std::move(text), ms});
    };
    // Stops or waits at a place; false: nothing follows.
    const auto reached = [&](Place place) {
        if (delivery.hang == place) add(Step::Kind::hang);
        if (delivery.close != place) return true;
        add(delivery.reset ? Step::Kind::reset : Step::Kind::close);
        return false;
    };

    if (delivery.delay_ms > 0) add(Step::Kind::wait, {}, delivery.delay_ms);
    if (!reached(Place::before_headers)) return plan;
    if (delivery.hang == Place::in_headers || delivery.close == Place::in_headers) {
        add(Step::Kind::write, head.substr(0, head.size() / 2));
        if (!reached(Place::in_headers)) return plan;
        add(Step::Kind::write, head.substr(head.size() / 2));
    } else {
        add(Step::Kind::write, head);
    }
    const std::size_t half = body.size() / 2;
    const Step::Kind kind = delivery.drip_ms > 0 ? Step::Kind::drip : Step::Kind::write;
    if (delivery.hang == Place::in_body || delivery.close == Place::in_body) {
        add(kind, body.substr(0, half), delivery.drip_ms);
        if (!reached(Place::in_body)) return plan;
        add(kind, body.substr(half), delivery.drip_ms);
    } else if (kind == Step::Kind::write) {
        plan.steps.back().text += body;
    } else {
        add(kind, body, delivery.drip_ms);
    }
    return plan;
}

}  // namespace ig::sandbox
