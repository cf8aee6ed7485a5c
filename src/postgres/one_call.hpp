// Calls of a backend, one after another, on the same client and wait set as every other: cancellable, with one deadline.
#pragma once

#include <chrono>

#include "http/client.hpp"
#include "postgres/wait_set.hpp"
#include "vault/secret.hpp"

namespace ig::pg {

class Caller {
public:
    // All calls together end within instagram_insights.fetch_timeout.
    Caller();

    // A secret that goes into several calls and never belongs into an answer, such as the app's: taken out of each body.
    void keep_out(const Secret &secret) { kept_out_ = secret.clone(); }

    // The answer, or the failure it ended with. `secret`, if not empty, is taken out of the body.
    HttpResponse call(HttpRequest request, const Secret &secret);

private:
    http::Client client_;
    WaitSet waiting_;
    std::chrono::steady_clock::time_point deadline_;
    Secret kept_out_;
    http::TransferId last_ = 0;
};

}  // namespace ig::pg
