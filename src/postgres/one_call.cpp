// Implements a backend's calls.
#include "postgres/one_call.hpp"

#include "postgres/known_secret.hpp"
#include "postgres/settings.hpp"

namespace ig::pg {

Caller::Caller()
    : client_(client_options()), waiting_(client_.pollable_fd()),
      deadline_(std::chrono::steady_clock::now() + std::chrono::milliseconds(settings.fetch_timeout_ms))
{
}

HttpResponse Caller::call(HttpRequest request, const Secret &secret)
{
    const http::TransferId id = ++last_;
    client_.start(id, std::move(request));
    while (true) {
        client_.advance();
        std::vector<http::Completed> completed = client_.take_completed();
        if (!completed.empty()) {
            HttpResponse response = std::move(completed.front().response);
            if (!secret.empty()) hide_known_secret(response.body, secret);
            if (!kept_out_.empty()) hide_known_secret(response.body, kept_out_);
            return response;
        }
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
        if (left.count() <= 0) {
            client_.cancel(id);
            HttpResponse response;
            response.failure = TransportFailure::timeout;
            response.failure_text = "instagram_insights.fetch_timeout was reached";
            return response;
        }
        std::chrono::milliseconds wait = left;
        if (const auto timer = client_.timeout(); timer && *timer < wait) wait = *timer;
        waiting_.wait(wait);
    }
}

}  // namespace ig::pg
