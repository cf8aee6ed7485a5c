// An HTTP answer as data, how it is to be delivered, and the steps a connection then takes.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ig::sandbox {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Answer {
    int status = 200;
    std::string content_type = "application/json; charset=UTF-8";
    Headers headers;
    std::string body;
};

enum class Place { nowhere, before_headers, in_headers, in_body };

// Everything that can go wrong on the way; by default nothing does.
struct Delivery {
    long long delay_ms = 0;
    long long drip_ms = 0;  // pause after each byte of the body
    Place hang = Place::nowhere;
    Place close = Place::nowhere;
    bool reset = false;  // the close is a TCP reset
};

struct Step {
    enum class Kind { write, drip, wait, hang, close, reset };
    Kind kind = Kind::write;
    std::string text;
    long long ms = 0;
};

// What a connection does for one request. `in_flight` lives until the last step is over or the peer is gone.
struct Plan {
    std::vector<Step> steps;
    bool keep_alive = true;
    std::shared_ptr<void> in_flight;
};

Plan plan_delivery(const Answer &answer, const Delivery &delivery, bool keep_alive, bool head_only);

}  // namespace ig::sandbox
