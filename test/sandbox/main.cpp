// graph_sandbox: a fake Graph API on loopback with a control API; see README.md.
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <vector>

#include <csignal>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>

#include "certificates.hpp"
#include "control.hpp"
#include "graph.hpp"
#include "listener.hpp"

namespace ig::sandbox {

namespace {

namespace asio = boost::asio;

struct Options {
    std::string dir;
    std::uint64_t seed = 1;
    long long accounts = 0;
    std::optional<Moment> now;
    bool exit_with_stdin = false;
};

long long number_of(const std::string &text, const char *option, long long high)
{
    long long number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 0 || number > high) {
        throw std::invalid_argument(std::string(option) + " takes a number from 0 to " + std::to_string(high));
    }
    return number;
}

Options parse_options(int argc, char **argv)
{
    Options options;
    for (int i = 1; i < argc; ++i) {
        const std::string option = argv[i];
        if (option == "--exit-with-stdin") {
            options.exit_with_stdin = true;
            continue;
        }
        if (i + 1 == argc) throw std::invalid_argument("unknown option, or no value after it: " + option);
        const std::string value = argv[++i];
        if (option == "--dir") {
            options.dir = value;
        } else if (option == "--seed") {
            options.seed = static_cast<std::uint64_t>(number_of(value, "--seed", 1LL << 62));
        } else if (option == "--accounts") {
            options.accounts = number_of(value, "--accounts", 1'000'000);
        } else if (option == "--now") {
            options.now = parse_moment(value);
            if (!options.now) throw std::invalid_argument("--now takes a time like 2026-11-22T12:00:00Z");
        } else {
            throw std::invalid_argument("unknown option: " + option);
        }
    }
    if (options.dir.empty()) throw std::invalid_argument("--dir is needed");
    return options;
}

// Complete or not there: written aside, then renamed.
void write_file(const std::string &path, const std::string &text, mode_t mode = 0644)
{
    const std::string aside = path + ".new";
    std::ofstream file(aside, std::ios::binary | std::ios::trunc);
    file << text;
    file.close();
    if (!file || ::chmod(aside.c_str(), mode) != 0 || std::rename(aside.c_str(), path.c_str()) != 0) {
        throw std::runtime_error("cannot write " + path + ": " + std::strerror(errno));
    }
}

void allow_many_files()
{
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);  // if refused, the old limit holds
}

// The parent holds the other end of stdin: when it is gone, so are we.
void watch_stdin(asio::posix::stream_descriptor &input, char &byte, asio::io_context &io)
{
    input.async_read_some(asio::buffer(&byte, 1), [&](boost::system::error_code error, std::size_t) {
        if (error) return io.stop();
        watch_stdin(input, byte, io);
    });
}

void run(const Options &options)
{
    allow_many_files();
    std::signal(SIGPIPE, SIG_IGN);
    World world(options.seed);
    if (options.now) world.clock.freeze(options.now);
    for (long long number = 1; number <= options.accounts; ++number) world.accounts.add(generated_account(number));

    const Certificates certificates = make_certificates();
    write_file(options.dir + "/ca.pem", certificates.ca_pem);
    write_file(options.dir + "/server.pem", certificates.server_pem);
    write_file(options.dir + "/server.key", certificates.server_key, 0600);

    const auto hanging = make_hanging();
    Graph graph(world, options.seed);
    Control control(world, *hanging);
    auto tls = make_tls_context(certificates.server_pem, certificates.server_key);
    asio::io_context io(1);
    const auto https = listen_and_serve(io, &tls, graph, *hanging);
    const auto http = listen_and_serve(io, nullptr, graph, *hanging);
    const auto control_port = listen_and_serve(io, nullptr, control, *hanging);
    const auto connect_hang = listen_and_hang();
    std::vector<asio::ssl::context> bad_tls;
    bad_tls.reserve(certificates.bad_pems.size());  // its listeners keep their addresses
    std::string bad_ports;
    for (const auto &[flaw, certificate] : certificates.bad_pems) {
        bad_tls.push_back(make_tls_context(certificate, certificates.server_key));
        bad_ports += ",\"" + flaw + "\":" + std::to_string(listen_and_serve(io, &bad_tls.back(), graph, *hanging));
    }

    asio::signal_set signals(io, SIGTERM, SIGINT);
    signals.async_wait([&io](boost::system::error_code, int) { io.stop(); });
    asio::posix::stream_descriptor input(io);
    char byte = 0;
    if (options.exit_with_stdin) {
        input.assign(::dup(STDIN_FILENO));
        watch_stdin(input, byte, io);
    }
    write_file(options.dir + "/ports.json", "{\"https\":" + std::to_string(https) + ",\"http\":" +
                                                std::to_string(http) + ",\"control\":" + std::to_string(control_port) +
                                                ",\"connect_hang\":" + std::to_string(connect_hang) + bad_ports +
                                                ",\"pid\":" + std::to_string(::getpid()) + "}\n");
    io.run();
    // Nothing is worth an orderly end: open connections are cut by the kernel.
    std::_Exit(0);
}

}  // namespace

}  // namespace ig::sandbox

int main(int argc, char **argv)
{
    try {
        ig::sandbox::run(ig::sandbox::parse_options(argc, argv));
    } catch (const std::invalid_argument &error) {
        std::cerr << "graph_sandbox: " << error.what()
                  << "\nusage: graph_sandbox --dir DIR [--seed N] [--accounts N] [--now 2026-11-22T12:00:00Z]"
                     " [--exit-with-stdin]\n";
        return 2;
    } catch (const std::exception &error) {
        std::cerr << "graph_sandbox: " << error.what() << "\n";
        return 1;
    }
}
