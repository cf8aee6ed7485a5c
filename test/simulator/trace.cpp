// Prints the trace: a line for each event, with the meaning of its numbers.
#include "trace.hpp"

#include <array>

namespace ig::simulator {

namespace {

struct Wording {
    const char *event, *a, *b, *c;
};

constexpr std::array<Wording, 21> wordings = {{
    {"enqueue", "job", "connection", "kind"},
    {"cancel", "job", "connection", "state"},
    {"disconnect", "connection", "", ""},
    {"connect", "connection", "generation", ""},
    {"clock jumps", "milliseconds ahead", "", ""},
    {"outage", "kind", "until", ""},
    {"worker starts", "worker", "", ""},
    {"worker dies", "worker", "at", ""},
    {"worker freezes", "worker", "until", ""},
    {"worker thaws", "worker", "", ""},
    {"reclaim", "job", "crashes", ""},
    {"claim", "job", "connection", "generation"},
    {"refuse", "job", "connection", "state"},
    {"send", "request", "calls", "first job"},
    {"answer", "call", "job", "failure kind + 1, or 0"},
    {"finish", "job", "status", "values"},
    {"store", "job", "connection", "values"},
    {"fenced", "job", "connection", ""},
    {"put back", "job", "", ""},
    {"renew token", "connection", "result", ""},
    {"lost lease", "job", "worker", ""},
}};

}  // namespace

std::string moment_text(Instant moment)
{
    using namespace std::chrono;
    const auto date = floor<std::chrono::days>(moment);
    const year_month_day ymd(date);
    const hh_mm_ss time(moment - date);
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d.%03d", static_cast<int>(ymd.year()),
                  static_cast<unsigned>(ymd.month()), static_cast<unsigned>(ymd.day()),
                  static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                  static_cast<int>(time.seconds().count()), static_cast<int>(time.subseconds().count()));
    return text.data();
}

void Trace::print(Event event, Instant now, std::uint64_t a, std::uint64_t b, std::uint64_t c)
{
    const Wording &wording = wordings.at(static_cast<std::size_t>(event));
    std::string line = moment_text(now) + " " + wording.event;
    const auto add = [&line](const char *name, std::uint64_t number) {
        if (*name != '\0') line += std::string(", ") + name + " " + std::to_string(static_cast<std::int64_t>(number));
    };
    add(wording.a, a);
    add(wording.b, b);
    add(wording.c, c);
    std::puts(line.c_str());
}

}  // namespace ig::simulator
