// A hand-written reader, since strptime depends on the locale and std::chrono::parse is missing in g++ 12.
#include "platform/timestamp.hpp"

#include <charconv>

namespace ig::platform {

namespace {

using namespace std::chrono_literals;

constexpr Instant earliest = std::chrono::sys_days(std::chrono::year(2000) / 1 / 1);
constexpr Instant latest = std::chrono::sys_days(std::chrono::year(2200) / 1 / 1);

std::optional<Instant> plausible(Instant moment) noexcept
{
    if (moment < earliest || moment >= latest) return std::nullopt;
    return moment;
}

// Takes pieces from the front of a text; after the first piece that does not fit, everything fails.
class Scanner {
public:
    explicit Scanner(std::string_view text) noexcept : rest_(text) {}

    bool good() const noexcept { return good_; }
    bool at_end() const noexcept { return rest_.empty(); }

    int number(std::size_t digits) noexcept
    {
        int value = 0;
        if (rest_.size() < digits) return fail();
        for (std::size_t i = 0; i < digits; ++i) {
            if (rest_[i] < '0' || rest_[i] > '9') return fail();
            value = value * 10 + (rest_[i] - '0');
        }
        rest_.remove_prefix(digits);
        return value;
    }

    // The character taken, or NUL if the next one is none of these.
    char one_of(std::string_view characters) noexcept
    {
        if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) return '\0';
        const char taken = rest_.front();
        rest_.remove_prefix(1);
        return taken;
    }

    void expect(std::string_view characters) noexcept
    {
        if (!one_of(characters)) fail();
    }

    int fail() noexcept
    {
        good_ = false;
        rest_ = {};
        return 0;
    }

private:
    std::string_view rest_;
    bool good_ = true;
};

std::chrono::milliseconds fraction_of(Scanner &scanner) noexcept
{
    int milliseconds = 0;
    if (!scanner.one_of(".,")) return 0ms;
    int digits = 0;
    while (const char digit = scanner.one_of("0123456789"))
        if (++digits <= 3) milliseconds = milliseconds * 10 + (digit - '0');
    for (int i = digits; i < 3; ++i) milliseconds *= 10;
    if (digits == 0) scanner.fail();
    return std::chrono::milliseconds(milliseconds);
}

std::chrono::minutes offset_of(Scanner &scanner) noexcept
{
    if (scanner.one_of("Zz")) return 0min;
    const char sign = scanner.one_of("+-");
    if (!sign) scanner.fail();
    const int hours = scanner.number(2);
    const int minutes = scanner.at_end() ? 0 : (scanner.one_of(":"), scanner.number(2));
    if (hours > 15 || minutes > 59) scanner.fail();
    const std::chrono::minutes offset(hours * 60 + minutes);
    return sign == '-' ? -offset : offset;
}

std::optional<Instant> parse_unix_seconds(std::string_view text) noexcept
{
    std::int64_t seconds = 0;
    const char *end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, seconds);
    if (error != std::errc() || rest != end) return std::nullopt;
    // Compared as seconds: milliseconds of an absurd number would overflow.
    if (seconds < std::chrono::floor<std::chrono::seconds>(earliest).time_since_epoch().count() ||
        seconds >= std::chrono::floor<std::chrono::seconds>(latest).time_since_epoch().count())
        return std::nullopt;
    return Instant(std::chrono::seconds(seconds));
}

}  // namespace

std::optional<Instant> parse_timestamp(std::string_view text) noexcept
{
    if (text.find_first_not_of("0123456789") == std::string_view::npos) return parse_unix_seconds(text);
    Scanner scanner(text);
    const std::chrono::year year(scanner.number(4));
    scanner.expect("-");
    const std::chrono::month month(static_cast<unsigned>(scanner.number(2)));
    scanner.expect("-");
    const std::chrono::year_month_day date(year, month, std::chrono::day(static_cast<unsigned>(scanner.number(2))));
    scanner.expect("Tt ");
    const int hour = scanner.number(2);
    scanner.expect(":");
    const int minute = scanner.number(2);
    scanner.expect(":");
    const int second = scanner.number(2);
    const std::chrono::milliseconds fraction = fraction_of(scanner);
    const std::chrono::minutes offset = offset_of(scanner);
    if (!scanner.good() || !scanner.at_end() || !date.ok()) return std::nullopt;
    if (hour > 24 || minute > 59 || second > 60 || (hour == 24 && minute + second > 0)) return std::nullopt;
    return plausible(Instant(std::chrono::sys_days(date)) + std::chrono::hours(hour) + std::chrono::minutes(minute) +
                     std::chrono::seconds(second) + fraction - offset);
}

}  // namespace ig::platform
