// The one state of the sandbox, shared by the fake API and the control API; one thread, so no locks.
#pragma once

#include <cstdint>

#include "accounts.hpp"
#include "budgets.hpp"
#include "faults.hpp"
#include "logins.hpp"
#include "pacific.hpp"
#include "records.hpp"
#include "settings.hpp"
#include "values.hpp"

namespace ig::sandbox {

struct World {
    explicit World(std::uint64_t seed) : values(seed, settings, clock), faults(seed) {}
    World(const World &) = delete;
    World &operator=(const World &) = delete;

    Settings settings;
    Clock clock;
    Accounts accounts;
    Logins logins;
    Budgets budgets;
    Values values;
    Faults faults;
    Records records;
};

}  // namespace ig::sandbox
