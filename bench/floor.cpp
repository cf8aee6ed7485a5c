// The floor: libcurl, RapidJSON and INSERT ... unnest, without queue, row level security, vault or log.
//
//   bench_floor --url URL --ca FILE --accounts FILE --database CONNINFO
//   each line "run ACCOUNTS DAYS AT_ONCE BATCH" on standard input is answered by a line of JSON
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "floor/calls.hpp"
#include "floor/fetcher.hpp"
#include "floor/writer.hpp"

namespace {

double own_cpu_ms()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    const auto ms = [](const timeval &time) { return double(time.tv_sec) * 1e3 + double(time.tv_usec) / 1e3; };
    return ms(usage.ru_utime) + ms(usage.ru_stime);
}

long own_peak_kb()
{
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;
}

// Nanoseconds on a processor, as the kernel counts them for the server process that stores.
double backend_cpu_ms(int pid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/schedstat");
    double nanoseconds = 0;
    file >> nanoseconds;
    return nanoseconds / 1e6;
}

void answer(ig::bench::Work &work, ig::bench::Fetcher &fetcher, const ig::bench::Writer &writer,
            const std::string &line)
{
    std::istringstream words(line);
    std::string verb;
    std::size_t accounts = 0;
    int days = 0;
    std::size_t at_once = 0;
    std::size_t batch = 0;
    if (!(words >> verb >> accounts >> days >> at_once >> batch) || verb != "run" || accounts == 0 || days < 1 ||
        at_once == 0 || batch == 0)
        throw std::runtime_error("not understood: " + line);
    using Clock = std::chrono::steady_clock;
    const double own = own_cpu_ms();
    const double backend = backend_cpu_ms(writer.backend());
    const Clock::time_point start = Clock::now();
    work.plan(accounts, days);
    const std::size_t requests = fetcher.run(work, at_once, batch);
    const std::chrono::duration<double, std::milli> wall = Clock::now() - start;
    std::printf("{\"wall_ms\":%.3f,\"client_cpu_ms\":%.3f,\"server_cpu_ms\":%.3f,\"rows\":%zu,\"http_requests\":%zu,"
                "\"api_calls\":%zu,\"peak_kb\":%ld}\n",
                wall.count(), own_cpu_ms() - own, backend_cpu_ms(writer.backend()) - backend, writer.stored(), requests,
                work.calls.size(), own_peak_kb());
    std::fflush(stdout);
}

}  // namespace

int main(int count, char **arguments)
{
    ig::bench::FetchOptions options;
    std::string accounts;
    std::string database;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string name = arguments[i];
        if (name == "--url") options.url = arguments[i + 1];
        else if (name == "--ca") options.ca_file = arguments[i + 1];
        else if (name == "--accounts") accounts = arguments[i + 1];
        else if (name == "--database") database = arguments[i + 1];
    }
    if (options.url.empty() || accounts.empty()) {
        std::fputs("usage: bench_floor --url URL --ca FILE --accounts FILE --database CONNINFO\n", stderr);
        return 2;
    }
    curl_global_init(CURL_GLOBAL_DEFAULT);
    try {
        ig::bench::Work work;
        work.read_accounts(accounts);
        ig::bench::Writer writer(database);
        ig::bench::Fetcher fetcher(options, writer);
        for (std::string line; std::getline(std::cin, line);) answer(work, fetcher, writer, line);
    } catch (const std::exception &problem) {
        std::fprintf(stderr, "bench_floor: %s\n", problem.what());
        return 1;
    }
    return 0;
}
