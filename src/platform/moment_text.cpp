// Writes days and moments digit by digit: they are written thousands of times a second.
#include "platform/moment_text.hpp"

#include <charconv>
#include <chrono>
#include <stdexcept>

namespace ig::platform {

namespace {

// `number` in at least `width` digits.
void append_padded(std::string &text, long long number, int width)
{
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
    for (auto written = end - digits; written < width; ++written) text.push_back('0');
    text.append(digits, end);
}

void append_day(std::string &text, Day day)
{
    const std::chrono::year_month_day date{day};
    append_padded(text, static_cast<int>(date.year()), 4);
    text.push_back('-');
    append_padded(text, static_cast<unsigned>(date.month()), 2);
    text.push_back('-');
    append_padded(text, static_cast<unsigned>(date.day()), 2);
}

}  // namespace

std::string day_text(Day day)
{
    std::string text;
    append_day(text, day);
    return text;
}

Day parse_day(std::string_view text)
{
    int parts[3] = {};
    const char *at = text.data();
    const char *const end = text.data() + text.size();
    for (int &part : parts) {
        if (&part != parts && (at == end || *at++ != '-'))
            throw std::invalid_argument("not a day: " + std::string(text));
        const auto read = std::from_chars(at, end, part);
        if (read.ec != std::errc() || part < 0) throw std::invalid_argument("not a day: " + std::string(text));
        at = read.ptr;
    }
    // The calendar's own types wrap what does not fit them.
    if (parts[0] > 9999 || parts[1] > 12 || parts[2] > 31)
        throw std::invalid_argument("not a day: " + std::string(text));
    const std::chrono::year_month_day date{std::chrono::year{parts[0]},
                                           std::chrono::month{static_cast<unsigned>(parts[1])},
                                           std::chrono::day{static_cast<unsigned>(parts[2])}};
    if (at != end || !date.ok()) throw std::invalid_argument("not a day: " + std::string(text));
    return Day{date};
}

std::string instant_text(Instant moment)
{
    const Day day = std::chrono::floor<std::chrono::days>(moment);
    const long long ms = (moment - Instant(day)).count();
    std::string text;
    text.reserve(32);
    append_day(text, day);
    text.push_back(' ');
    append_padded(text, ms / 3600000, 2);
    text.push_back(':');
    append_padded(text, ms / 60000 % 60, 2);
    text.push_back(':');
    append_padded(text, ms / 1000 % 60, 2);
    text.push_back('.');
    append_padded(text, ms % 1000, 3);
    text += "+00";
    return text;
}

}  // namespace ig::platform
