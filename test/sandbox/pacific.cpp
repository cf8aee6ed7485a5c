// Pacific midnights by the US rule in force since 2007, and the spelling and reading of times.
#include "pacific.hpp"

#include <charconv>
#include <cstdio>

namespace ig::sandbox {

using namespace std::chrono;

namespace {

// The clocks change at 02:00 local time, so the midnight of the switching day still has the old offset.
bool summer_at_midnight(Day day)
{
    const year_month_day date{day};
    const Day spring{sys_days{date.year() / March / Sunday[2]}};
    const Day autumn{sys_days{date.year() / November / Sunday[1]}};
    return day > spring && day <= autumn;
}

// Exactly `width` digits at `at`.
std::optional<int> digits(std::string_view text, std::size_t at, std::size_t width)
{
    if (at + width > text.size()) return std::nullopt;
    int number = 0;
    for (std::size_t i = at; i < at + width; ++i) {
        if (text[i] < '0' || text[i] > '9') return std::nullopt;
        number = number * 10 + (text[i] - '0');
    }
    return number;
}

std::string spell(Moment moment, const char *pattern)
{
    const Day day = floor<days>(moment);
    const year_month_day date{day};
    const hh_mm_ss time{moment - day};
    char text[64];
    std::snprintf(text, sizeof text, pattern, int(date.year()), unsigned(date.month()), unsigned(date.day()),
                  int(time.hours().count()), int(time.minutes().count()), int(time.seconds().count()));
    return text;
}

}  // namespace

Moment start_of(Day day) { return Moment{day} + (summer_at_midnight(day) ? hours{7} : hours{8}); }

Moment end_of(Day day) { return start_of(day + days{1}); }

Day day_at(Moment moment)
{
    const Day candidate = floor<days>(moment - hours{8});
    return moment >= end_of(candidate) ? candidate + days{1} : candidate;
}

Day last_complete_day(Moment now) { return day_at(now) - days{1}; }

std::string graph_time(Moment moment) { return spell(moment, "%04d-%02u-%02uT%02d:%02d:%02d+0000"); }

std::string sql_time(Moment moment) { return spell(moment, "%04d-%02u-%02u %02d:%02d:%02d+00"); }

std::string day_text(Day day) { return spell(Moment{day}, "%04d-%02u-%02u"); }

std::optional<Day> parse_day(std::string_view text)
{
    const auto y = digits(text, 0, 4);
    const auto m = digits(text, 5, 2);
    const auto d = digits(text, 8, 2);
    if (text.size() != 10 || !y || !m || !d || text[4] != '-' || text[7] != '-') return std::nullopt;
    const year_month_day date{year{*y}, month{unsigned(*m)}, day{unsigned(*d)}};
    if (!date.ok()) return std::nullopt;
    return sys_days{date};
}

std::optional<Moment> parse_moment(std::string_view text)
{
    long long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size()) {
        if (number < 0 || number > 253402300799LL) return std::nullopt;  // up to the year 9999
        return Moment{seconds{number}};
    }
    const auto date = parse_day(text.substr(0, 10));
    if (!date) return std::nullopt;
    if (text.size() == 10) return Moment{*date};
    const auto h = digits(text, 11, 2);
    const auto m = digits(text, 14, 2);
    const auto s = digits(text, 17, 2);
    if (!h || !m || !s || (text[10] != 'T' && text[10] != ' ') || text[13] != ':' || text[16] != ':') {
        return std::nullopt;
    }
    const std::string_view zone = text.substr(19);
    if (*h > 23 || *m > 59 || *s > 59) return std::nullopt;
    if (zone != "Z" && zone != "+0000" && zone != "+00:00" && zone != "+00") return std::nullopt;
    return Moment{*date} + hours{*h} + minutes{*m} + seconds{*s};
}

Moment Clock::now() const { return frozen_ ? *frozen_ : floor<seconds>(system_clock::now()); }

}  // namespace ig::sandbox
