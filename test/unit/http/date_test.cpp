// The Date header: HTTP's own form is read, everything else is no date.
#include "http/date.hpp"

#include <gtest/gtest.h>

namespace ig::http {

namespace {

std::optional<std::chrono::sys_seconds> date(const std::string &text)
{
    HttpResponse response;
    response.headers.push_back({"date", text});
    return date_of(response);
}

TEST(Date, IsReadAsHttpWritesIt)
{
    const std::chrono::sys_seconds expected =
        std::chrono::sys_days(std::chrono::year(2026) / 11 / 22) + std::chrono::hours(12) + std::chrono::seconds(7);
    EXPECT_EQ(date("Sun, 22 Nov 2026 12:00:07 GMT"), expected);
}

TEST(Date, AnythingElseIsNoDate)
{
    for (const char *text : {"", "0", "1795305600", "Sun, 22 Nov 2026 12:00:07", "Sun, 22 Nov 2026 12:00:07 PST",
                             "2026-11-22T12:00:07Z", "Sun, 22 Xyz 2026 12:00:07 GMT", "Sun, 22 Nov 2026 12-00-07 GMT"})
        EXPECT_FALSE(date(text)) << text;
    EXPECT_FALSE(date_of(HttpResponse()));
}

}  // namespace

}  // namespace ig::http
