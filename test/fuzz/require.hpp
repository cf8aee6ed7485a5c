// What a harness demands of a reader: if it does not hold, the fuzzer keeps the input as a crash.
#pragma once

#include <cstdlib>

inline void require(bool holds)
{
    if (!holds) std::abort();
}
