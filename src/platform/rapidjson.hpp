// The one way to RapidJSON: its assertions throw, because one abort() takes the whole database cluster down.
#pragma once

#include <stdexcept>

namespace ig::platform {

// Thrown where RapidJSON would have called abort(); Json::parse turns it into a parse problem.
class JsonAssertion : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

}  // namespace ig::platform

#ifdef RAPIDJSON_ASSERT
#error "include platform/rapidjson.hpp before any header of RapidJSON"
#endif
#define RAPIDJSON_ASSERT(condition) ((condition) ? (void)0 : throw ::ig::platform::JsonAssertion(#condition))

// Part of every x86-64; it reads up to 15 bytes beyond the closing NUL, which Json::parse therefore pads.
#ifdef __SSE2__
#define RAPIDJSON_SSE2
#endif

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>
