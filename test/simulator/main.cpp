// The program `simulation`: runs seeds on all cores, prints those that break a promise, and how fast it went.
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "simulation.hpp"

namespace {

using namespace ig::simulator;
using Clock = std::chrono::steady_clock;

constexpr const char *usage = "usage: simulation [--seeds N [--first SEED]] [--seconds T] [--seed SEED] [--defect "
                              "NAME] [--jobs N] [--list-defects]\n"
                              "  --seeds N      runs N seeds, from --first SEED on or from a fresh one\n"
                              "  --seconds T    runs fresh seeds until the time is over\n"
                              "  --seed SEED    runs this seed alone and prints all that happens\n"
                              "  --defect NAME  plants this defect; succeeds when a run notices it\n"
                              "  --jobs N       so many threads; one a core by default\n";

struct Wishes {
    std::uint64_t first = 0;
    std::uint64_t seeds = 0;  // 0: until the time is over
    double seconds = 0;
    bool traced = false;
    Defect defect = Defect::none;
    unsigned jobs = std::max(1U, std::thread::hardware_concurrency());
};

struct Totals {
    std::atomic<std::uint64_t> next = 0;
    std::atomic<std::uint64_t> runs = 0;
    std::atomic<std::uint64_t> account_days = 0;
    std::atomic<int> failures = 0;
    std::mutex printing;
    LongestWaits waits;
};

std::uint64_t number_of(const char *text)
{
    std::uint64_t number = 0;
    const auto end = text + std::strlen(text);
    if (std::from_chars(text, end, number).ptr != end || text == end) throw std::invalid_argument(text);
    return number;
}

std::uint64_t fresh_seed()
{
    std::random_device device;
    return (std::uint64_t{device()} << 32U | device()) & ~std::uint64_t{0xFFFFFF};
}

bool read_wishes(int count, char **arguments, Wishes &wishes)
{
    wishes.first = fresh_seed();
    for (int i = 1; i < count; ++i) {
        const std::string name = arguments[i];
        if (name == "--list-defects") {
            for (const DefectName &defect : defect_names) std::printf("%s\n", std::string(defect.name).c_str());
            std::exit(0);
        }
        if (name == "--help") {
            std::fputs(usage, stdout);
            std::exit(0);
        }
        if (i + 1 == count) return false;
        const char *value = arguments[++i];
        if (name == "--seeds") {
            wishes.seeds = number_of(value);
        } else if (name == "--first") {
            wishes.first = number_of(value);
        } else if (name == "--seconds") {
            wishes.seconds = static_cast<double>(number_of(value));
        } else if (name == "--jobs") {
            wishes.jobs = static_cast<unsigned>(number_of(value));
        } else if (name == "--seed") {
            wishes.first = number_of(value);
            wishes.seeds = 1;
            wishes.traced = true;
        } else if (name == "--defect") {
            const auto defect = defect_of(value);
            if (!defect) return false;
            wishes.defect = *defect;
        } else {
            return false;
        }
    }
    return wishes.seeds > 0 || wishes.seconds > 0;
}

// A seed that is run twice must do the same twice; every 16th is, and every one when that is what is planted.
bool is_replayed(const Wishes &wishes, std::uint64_t seed)
{
    return !wishes.traced && (seed % 16 == 0 || wishes.defect == Defect::chance);
}

void run_seeds(const Wishes &wishes, Totals &totals, Clock::time_point until)
{
    while (wishes.defect == Defect::none || totals.failures == 0) {
        const std::uint64_t number = totals.next++;
        if (wishes.seeds > 0 ? number >= wishes.seeds : Clock::now() >= until) return;
        const std::uint64_t seed = wishes.first + number;
        RunResult result = run(seed, wishes.defect, wishes.traced);
        ++totals.runs;
        totals.account_days += result.account_days;
        if (result.violation.empty() && is_replayed(wishes, seed)) {
            const RunResult again = run(seed, wishes.defect, false);
            ++totals.runs;
            totals.account_days += again.account_days;
            if (again.hash != result.hash) result.violation = "the same seed does the same: two runs differ";
        }
        const std::lock_guard lock(totals.printing);
        for (std::size_t kind = 0; kind < 3; ++kind)
            totals.waits.claim.at(kind) = std::max(totals.waits.claim.at(kind), result.waits.claim.at(kind));
        totals.waits.end = std::max(totals.waits.end, result.waits.end);
        if (result.violation.empty()) continue;
        ++totals.failures;
        std::printf("seed %llu: %s\n  replay: test/simulation --seed %llu\n", static_cast<unsigned long long>(seed),
                    result.violation.c_str(), static_cast<unsigned long long>(seed));
        std::fflush(stdout);
    }
}

void print_figures(const Wishes &wishes, const Totals &totals, double wall)
{
    timespec used{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    const double processor = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
    const auto days = static_cast<double>(totals.account_days.load());
    const auto in_seconds = [](std::chrono::milliseconds wait) { return static_cast<double>(wait.count()) / 1000; };
    std::printf("%llu runs from seed %llu, %llu account-days in %.1f s with %u threads, %.1f s of processor time: "
                "%.0f account-days a second, %.0f a second of one core's time\n",
                static_cast<unsigned long long>(totals.runs.load()), static_cast<unsigned long long>(wishes.first),
                static_cast<unsigned long long>(totals.account_days.load()), wall, wishes.jobs, processor, days / wall,
                days / processor);
    std::printf("longest wait for a claim: refresh %.0f s, daily %.0f s, backfill %.0f s; longest work %.0f s\n",
                in_seconds(totals.waits.claim[0]), in_seconds(totals.waits.claim[1]), in_seconds(totals.waits.claim[2]),
                in_seconds(totals.waits.end));
}

}  // namespace

int main(int count, char **arguments)
try {
    Wishes wishes;
    if (!read_wishes(count, arguments, wishes)) {
        std::fputs(usage, stderr);
        return 2;
    }
    std::printf("first seed: %llu\n", static_cast<unsigned long long>(wishes.first));
    std::fflush(stdout);
    Totals totals;
    const auto began = Clock::now();
    const auto until =
        began + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(wishes.seconds));
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < (wishes.traced ? 1 : wishes.jobs); ++i)
        threads.emplace_back(run_seeds, std::cref(wishes), std::ref(totals), until);
    for (std::thread &thread : threads) thread.join();
    print_figures(wishes, totals, std::chrono::duration<double>(Clock::now() - began).count());
    const bool noticed = totals.failures > 0;
    if (wishes.defect != Defect::none) {
        std::puts(noticed ? "the planted defect was noticed" : "the planted defect was not noticed");
        return noticed ? 0 : 1;
    }
    return noticed ? 1 : 0;
} catch (const std::exception &error) {
    std::fprintf(stderr, "simulation: %s\n%s", error.what(), usage);
    return 2;
}
