// The fake Graph API: authenticates and routes a call, applies faults, limits and usage headers, records.
#pragma once

#include <functional>
#include <random>

#include "service.hpp"
#include "world.hpp"

namespace ig::sandbox {

class Graph : public Service {
public:
    Graph(World &world, std::uint64_t seed) : world_(world), random_(seed) {}
    Accept on_accept() override;
    Plan serve(const Incoming &incoming) override;

private:
    // What became of a call.
    struct Outcome {
        Answer answer;
        Delivery delivery;
        bool null = false;   // an item of a batch that was not finished
        int status() const;  // for the records: 0 when none is sent
    };
    using Truth = std::function<Answer(const Call &)>;

    Outcome handle(Call &call);
    Answer true_answer(const Call &call) const;
    Answer routed_answer(const Call &call) const;
    Answer faulty_answer(Call call, const Action &action, const Truth &truth);
    // The call that carries others, and the list of their answers. The latter throws Refused.
    Outcome handle_batch(const Call &batch, const Incoming &incoming);
    Answer batch_answer(const Call &batch, const Incoming &incoming, const Action &action, Delivery &delivery);
    // The account whose budget a call uses; empty: none.
    std::string account_of(const Call &call) const;
    void add_headers(const Call &call, const Throttle *throttle, const Headers &extra, Answer &answer) const;
    long long latency();

    World &world_;
    std::mt19937_64 random_;
};

void add_usage_headers(const World &world, const Call &call, const Throttle *throttle, Answer &answer);

// Names the route and the account of a parsed call, and the host flavour its token has.
void locate(const World &world, Call &call);

// The version that serves a call: the asked one, or for a dead one the oldest living. Throws Refused for an unknown
// one.
std::string serving_version(const Call &call, Moment now);

}  // namespace ig::sandbox
