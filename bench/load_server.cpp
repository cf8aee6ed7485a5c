// A Graph API double for load: as cheap as can be, with a latency to choose. See README.md for its options.
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "certificates.hpp"
#include "load/server.hpp"

namespace {

volatile std::sig_atomic_t stop = 0;

void write_file(const std::string &path, const std::string &text)
{
    std::FILE *file = std::fopen((path + ".new").c_str(), "w");
    if (file == nullptr || std::fwrite(text.data(), 1, text.size(), file) != text.size() || std::fclose(file) != 0 ||
        std::rename((path + ".new").c_str(), path.c_str()) != 0)
        throw std::runtime_error("cannot write " + path);
}

int usage()
{
    std::fputs("usage: bench_load_server --dir DIR [--latency-ms MS | --log-normal MEDIAN,SIGMA] [--item-ms MS]\n"
               "                         [--seed N]\n"
               "writes DIR/ca.pem and, once it listens, DIR/ports.json\n",
               stderr);
    return 2;
}

}  // namespace

int main(int count, char **arguments)
{
    std::string directory;
    ig::bench::Latency latency;
    std::uint64_t seed = 1;
    for (int i = 1; i + 1 < count; i += 2) {
        const std::string name = arguments[i];
        const char *value = arguments[i + 1];
        if (name == "--dir") directory = value;
        else if (name == "--latency-ms") latency.milliseconds = std::atof(value);
        else if (name == "--item-ms") latency.item_milliseconds = std::atof(value);
        else if (name == "--seed") seed = std::strtoull(value, nullptr, 10);
        else if (name == "--log-normal" && std::strchr(value, ',') != nullptr) {
            latency.milliseconds = std::atof(value);
            latency.sigma = std::atof(std::strchr(value, ',') + 1);
        } else return usage();
    }
    if (directory.empty() || count % 2 == 0) return usage();
    std::signal(SIGPIPE, SIG_IGN);
    for (const int ending : {SIGTERM, SIGINT}) std::signal(ending, [](int) { stop = 1; });
    try {
        const ig::sandbox::Certificates made = ig::sandbox::make_certificates();
        ig::bench::Server server(latency, seed, made.server_pem, made.server_key);
        using Port = ig::bench::Server::Port;
        const std::string https = std::to_string(server.listen(Port::https, 0));
        const std::string http = std::to_string(server.listen(Port::http, 0));
        const std::string control = std::to_string(server.listen(Port::control, 0));
        write_file(directory + "/ca.pem", made.ca_pem);
        write_file(directory + "/ports.json",
                   "{\"https\":" + https + ",\"http\":" + http + ",\"control\":" + control + "}\n");
        server.run(stop);
    } catch (const std::exception &problem) {
        std::fprintf(stderr, "bench_load_server: %s\n", problem.what());
        return 1;
    }
    return 0;
}
