// Any bytes as a date of HTTP, of the Graph API and of our own JSON: what is read is in bounds, and reads the same again.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>

#include "http/date.hpp"
#include "platform/moment_text.hpp"
#include "platform/timestamp.hpp"
#include "require.hpp"

namespace {

using namespace std::chrono_literals;

std::optional<std::chrono::sys_seconds> http_date(const std::string &text)
{
    ig::HttpResponse response;
    response.headers = {{"Content-Type", "text/html"}, {"dAtE", text}};
    const auto moment = ig::http::date_of(response);
    response.failure = ig::TransportFailure::interrupted;
    require(!ig::http::date_of(response));  // what never came has no date
    return moment;
}

std::string http_text(std::chrono::sys_seconds moment)
{
    constexpr std::array<const char *, 7> days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    constexpr std::array<const char *, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{moment - day};
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d GMT",
                  days[std::chrono::weekday(day).c_encoding()], static_cast<unsigned>(date.day()),
                  months[static_cast<unsigned>(date.month()) - 1], static_cast<int>(date.year()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()));
    return text.data();
}

void check_http_date(const std::string &text)
{
    const auto moment = http_date(text);
    if (!moment) return;
    require(text.size() == 29 && text.substr(25) == " GMT");
    require(*moment >= std::chrono::sys_seconds(0s));
    require(*moment < std::chrono::sys_days(std::chrono::year(10000) / 2 / 1));
    if (*moment < std::chrono::sys_days(std::chrono::year(10000) / 1 / 1))
        require(http_date(http_text(*moment)) == moment);
}

void check_timestamp(const std::string &text)
{
    const auto moment = ig::platform::parse_timestamp(text);
    if (!moment) return;
    require(*moment >= std::chrono::sys_days(std::chrono::year(2000) / 1 / 1));
    require(*moment < std::chrono::sys_days(std::chrono::year(2200) / 1 / 1));
    require(ig::platform::parse_timestamp(ig::platform::instant_text(*moment)) == moment);
    const auto seconds = std::chrono::floor<std::chrono::seconds>(*moment);
    require(ig::platform::parse_timestamp(std::to_string(seconds.time_since_epoch().count())) == seconds);
}

void check_day(const std::string &text)
{
    try {
        const ig::Day day = ig::platform::parse_day(text);
        const std::string written = ig::platform::day_text(day);
        require(written.size() == 10 && ig::platform::parse_day(written) == day);
        if (text.size() == 10 && text[4] == '-' && text[7] == '-') require(written == text);
    } catch (const std::invalid_argument &) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    const std::string text(reinterpret_cast<const char *>(data), size);
    check_http_date(text);
    check_timestamp(text);
    check_day(text);
    return 0;
}
