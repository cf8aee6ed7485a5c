// Answers to batches, made from items, and what they are read to.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "failures.hpp"
#include "samples.hpp"
#include "support.hpp"

namespace ig::platform {

inline std::string as_json(std::string_view text)
{
    std::string json = "\"";
    for (const char c : text) {
        if (c == '\n') {
            json += "\\n";
            continue;
        }
        if (c == '"' || c == '\\') json += '\\';
        json += c;
    }
    return json + '"';
}

inline std::string item(int code, std::string_view body, std::string_view headers = "[]")
{
    return R"({"code":)" + std::to_string(code) + R"(,"headers":)" + std::string(headers) + R"(,"body":)" +
           as_json(body) + "}";
}

inline std::string reach_of(int value)
{
    return R"({"data":[{"name":"reach","period":"day","values":[{"value":)" + std::to_string(value) +
           R"(,"end_time":"2026-11-21T08:00:00+0000"}]}]})";
}

inline std::string list(const std::vector<std::string> &items)
{
    std::string json;
    for (const std::string &one : items) json += (json.empty() ? "[" : ",") + one;
    return json + "]";
}

inline BatchReading read_batch(std::size_t count, const HttpResponse &response)
{
    const InsightsQuery query = series_query({"reach"});
    return Instagram(Endpoints()).read_batch(std::vector<const InsightsQuery *>(count, &query), response);
}

// The failure of one item between two good ones, which have to stay good.
inline Failure fail_between(const std::string &odd)
{
    const BatchReading reading = read_batch(3, answer(list({item(200, reach_of(1)), odd, item(200, reach_of(3))})));
    EXPECT_FALSE(reading.failure) << odd;
    if (reading.items.size() != 3 || !reading.items[0] || !reading.items[1] || !reading.items[2]) {
        ADD_FAILURE() << odd;
        return {};
    }
    EXPECT_THAT(lines(*reading.items[0]), testing::ElementsAre("reach 1 1795248000")) << odd;
    EXPECT_THAT(lines(*reading.items[2]), testing::ElementsAre("reach 3 1795248000")) << odd;
    EXPECT_TRUE(reading.items[1]->failure) << odd;
    EXPECT_TRUE(reading.items[1]->values.empty());
    return reading.items[1]->failure.value_or(Failure());
}

inline Failure fail_whole(const HttpResponse &response, std::size_t count = 2)
{
    const BatchReading reading = read_batch(count, response);
    EXPECT_TRUE(reading.items.empty());
    EXPECT_TRUE(reading.failure) << response.body;
    return reading.failure.value_or(Failure());
}

}  // namespace ig::platform
