// Error answers and what they are read to, shared by the tests of failures.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "support.hpp"

namespace ig::platform {

inline std::string error_body(int code, int subcode, std::string_view message, std::string_view more = {})
{
    std::string body = R"({"error":{"message":")" + std::string(message) + R"(","type":"OAuthException","code":)" +
                       std::to_string(code);
    if (subcode) body += ",\"error_subcode\":" + std::to_string(subcode);
    return body + std::string(more) + "}}";
}

inline Failure fail(const HttpResponse &response, std::vector<std::string> metrics = {"reach"},
                    Login login = Login::facebook)
{
    InsightsQuery query = series_query(std::move(metrics));
    query.login = login;
    const Reading reading = Instagram(Endpoints()).read_insights(query, response);
    EXPECT_TRUE(reading.failure);
    EXPECT_TRUE(reading.values.empty());
    return reading.failure.value_or(Failure());
}

inline Failure fail(std::string_view body, int status = 400, std::vector<std::string> metrics = {"reach"})
{
    return fail(answer(body, status), std::move(metrics));
}

}  // namespace ig::platform
