// Drives a client as a host process does: wait on its descriptor at most as long as it says, then advance.
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "http/client.hpp"

namespace ig::test {

constexpr std::string_view secret_token = "TOKEN-nobody-may-see";
constexpr std::string_view secret_query = "QUERY-nobody-may-see";

inline HttpRequest get(std::string url)
{
    HttpRequest request;
    request.url = std::move(url);
    return request;
}

inline HttpRequest post(std::string url, std::string_view form)
{
    HttpRequest request = get(std::move(url));
    request.method = HttpMethod::post;
    request.form = Secret(form);
    return request;
}

// A request whose token and query must stay out of every text.
inline HttpRequest secret_get(std::string url)
{
    HttpRequest request = get(std::move(url) + "?key=" + std::string(secret_query));
    request.bearer = Secret(secret_token);
    return request;
}

struct Driver {
    explicit Driver(http::ClientOptions options = {}) : client(std::move(options)) {}

    // One wait and one step; `at_most` bounds the wait where a test looks at something outside.
    void step(std::chrono::milliseconds at_most)
    {
        const auto wait = std::min(client.timeout().value_or(at_most), at_most);
        pollfd polled{client.pollable_fd(), POLLIN, 0};
        ::poll(&polled, 1, static_cast<int>(wait.count()));
        client.advance();
        ++steps;
        for (http::Completed &ended : client.take_completed()) completed.push_back(std::move(ended));
    }

    // False after ten seconds.
    bool until(const std::function<bool()> &condition,
               std::chrono::milliseconds at_most = std::chrono::milliseconds{10})
    {
        const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds{10};
        while (!condition()) {
            if (std::chrono::steady_clock::now() > limit) return false;
            step(at_most);
        }
        return true;
    }

    bool until_completed(std::size_t count)
    {
        return until([&] { return completed.size() >= count; }, std::chrono::milliseconds{1000});
    }

    // The answer to one request on a client that is otherwise idle.
    HttpResponse fetch(HttpRequest request)
    {
        completed.clear();
        client.start(++last_id, std::move(request));
        if (!until_completed(1)) return {TransportFailure::cancelled, "the test waited too long", 0, {}, {}, {}};
        return std::move(completed.front().response);
    }

    http::Client client;
    std::vector<http::Completed> completed;
    http::TransferId last_id = 0;
    int steps = 0;
};

}  // namespace ig::test
