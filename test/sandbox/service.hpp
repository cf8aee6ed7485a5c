// What a connection asks of the server behind it; the fake API and the control API each are one.
#pragma once

#include <cstddef>
#include <memory>

#include "answer.hpp"
#include "call.hpp"
#include "faults.hpp"

namespace ig::sandbox {

class Service {
public:
    virtual ~Service() = default;
    virtual Accept on_accept() { return Accept::normal; }
    virtual Plan serve(const Incoming &incoming) = 0;
};

// The connections that hang until they are released.
class Hanging {
public:
    class Waiter {
    public:
        virtual ~Waiter() = default;
        virtual void release() = 0;
    };
    virtual ~Hanging() = default;
    virtual std::size_t count() const = 0;
    virtual void release_all() = 0;
};

}  // namespace ig::sandbox
