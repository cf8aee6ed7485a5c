// Calls of a backend, one after another, on the same client and wait set as every other: cancellable, with one deadline.
#pragma once

#include "http/client.hpp"
#include "platform/time.hpp"
#include "postgres/wait_set.hpp"
#include "vault/secret.hpp"

namespace ig::pg {

class Caller {
public:
    // All calls together end within instagram_insights.fetch_timeout.
    Caller();

    // The answer, or the failure it ended with. `secret`, if not empty, is taken out of the body.
    HttpResponse call(HttpRequest request, const Secret &secret);

private:
    http::Client client_;
    WaitSet waiting_;
    Instant deadline_;
    http::TransferId last_ = 0;
};

}  // namespace ig::pg
