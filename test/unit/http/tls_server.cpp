// Runs the openssl program: certificates at the first use, one s_server process for each TlsServer.
#include "http/tls_server.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <vector>

namespace ig::test {

namespace {

constexpr const char *recipe = R"(
set -e
exec >/dev/null 2>&1
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
for ca in ca other_ca; do
    openssl req -x509 $key -keyout $ca.key -out $ca.pem -subj "/CN=Test authority $ca" -days 2
done
openssl req -new $key -keyout leaf.key -out leaf.csr -subj /CN=graph.test
echo subjectAltName=DNS:graph.test >extensions
sign="openssl x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -extfile extensions"
$sign -set_serial 1 -days 2 -out good.pem
$sign -set_serial 2 -days -1 -out expired.pem
printf 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsealed' >answer
)";

struct Folder {
    Folder()
    {
        char name[] = "/tmp/ig_http_XXXXXX";
        if (mkdtemp(name) == nullptr) return;
        created = name;
        std::ofstream(created + "/recipe") << recipe;
        if (std::system(("cd " + created + " && sh ./recipe").c_str()) == 0) path = created;
    }
    ~Folder()
    {
        if (!created.empty() && std::system(("rm -r " + created).c_str()) != 0) path.clear();
    }
    std::string created;
    std::string path;
};

// The port in the line "ACCEPT 127.0.0.1:34567".
std::uint16_t read_port(int output)
{
    std::string text;
    char c = 0;
    while (read(output, &c, 1) == 1) {
        if (c != '\n') {
            text.push_back(c);
            continue;
        }
        const std::size_t colon = text.rfind(':');
        if (text.rfind("ACCEPT", 0) == 0 && colon != std::string::npos) {
            return static_cast<std::uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10));
        }
        text.clear();
    }
    return 0;
}

}  // namespace

const std::string &certificate_folder()
{
    static const Folder folder;
    return folder.path;
}

TlsServer::TlsServer(const std::string &certificate, const std::string &extra_option)
{
    const std::string folder = certificate_folder();
    if (folder.empty()) return;
    std::vector<std::string> words{"openssl", "s_server",           "-accept", "127.0.0.1:0", "-HTTP",
                                   "-cert",   certificate + ".pem", "-key",    "leaf.key"};
    if (!extra_option.empty()) words.push_back(extra_option);
    std::vector<char *> arguments;
    for (std::string &word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);

    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    process_ = fork();
    if (process_ == 0) {
        const int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        dup2(nothing, STDERR_FILENO);
        if (chdir(folder.c_str()) == 0) execvp(arguments[0], arguments.data());
        _exit(127);
    }
    close(ends[1]);
    output_ = ends[0];
    port_ = read_port(output_);
}

TlsServer::~TlsServer()
{
    if (process_ > 0) {
        kill(process_, SIGKILL);
        waitpid(process_, nullptr, 0);
    }
    if (output_ >= 0) close(output_);
}

}  // namespace ig::test
