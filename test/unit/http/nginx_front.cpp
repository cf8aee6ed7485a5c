// Writes nginx's configuration and runs it as one process on a port of its own.
#include "http/nginx_front.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "http/tls_server.hpp"
#include "http/unreachable.hpp"

namespace ig::test {

namespace {

// nginx takes no port 0; if another program is quicker with the free one, nginx ends and the next is tried.
std::uint16_t free_port()
{
    const std::string name = closed_port();
    return static_cast<std::uint16_t>(std::strtoul(name.substr(name.rfind(':') + 1).c_str(), nullptr, 10));
}

bool accepts(std::uint16_t port)
{
    const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool connected = connect(probe, reinterpret_cast<sockaddr *>(&address), sizeof address) == 0;
    close(probe);
    return connected;
}

pid_t run_nginx(const std::string &folder)
{
    const std::string path = std::string(std::getenv("PATH")) + ":/usr/sbin";  // where Debian puts it
    const pid_t process = fork();
    if (process != 0) return process;
    setenv("PATH", path.c_str(), 1);
    dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
    execlp("nginx", "nginx", "-p", (folder + "/").c_str(), "-e", "error.log", "-c", "nginx.conf", nullptr);
    _exit(127);
}

std::string configuration(std::uint16_t port, std::uint16_t behind, bool http2, const std::string &directives)
{
    const std::string certificates = certificate_folder();
    return "daemon off; master_process off; pid nginx.pid; error_log error.log crit;\n"
           "events { worker_connections 1024; }\n"
           "http { access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
           "uwsgi_temp_path uwsgi; scgi_temp_path scgi; ssl_session_cache shared:sessions:1m;\n"
           "server { listen 127.0.0.1:" +
           std::to_string(port) + (http2 ? " ssl http2" : " ssl") + ";\nssl_certificate " + certificates +
           "/good.pem; ssl_certificate_key " + certificates + "/leaf.key;\n" + directives +
           "\nlocation /broken { return 444; }\nlocation / { proxy_pass http://127.0.0.1:" + std::to_string(behind) +
           ";\nproxy_set_header X-Version $server_protocol; proxy_set_header X-Connection $connection;\n"
           "proxy_set_header X-Session $ssl_session_reused; } } }\n";
}

std::string only(const std::vector<std::string> &values) { return values.size() == 1 ? values.front() : std::string(); }

}  // namespace

NginxFront::NginxFront(const ScriptedServer &behind, bool http2, const std::string &directives)
{
    char name[] = "/tmp/ig_nginx_XXXXXX";
    if (certificate_folder().empty() || mkdtemp(name) == nullptr) throw std::runtime_error("nginx got no folder");
    folder_ = name;
    for (int tries = 0; tries < 5; ++tries) {
        port_ = free_port();
        std::ofstream(folder_ + "/nginx.conf") << configuration(port_, behind.port(), http2, directives);
        process_ = run_nginx(folder_);
        while (waitpid(process_, nullptr, WNOHANG) == 0) {
            if (accepts(port_)) return;
            usleep(2000);
        }
    }
    process_ = -1;
    throw std::runtime_error("nginx does not start");
}

NginxFront::~NginxFront()
{
    signal(SIGKILL);
    waitpid(process_, nullptr, 0);
    if (std::system(("rm -r " + folder_).c_str()) != 0) folder_.clear();
}

void NginxFront::signal(int number) const
{
    if (process_ > 0) kill(process_, number);
}

std::string version_of(const SeenRequest &request) { return only(request.headers("X-Version")); }
std::string connection_of(const SeenRequest &request) { return only(request.headers("X-Connection")); }
bool resumed(const SeenRequest &request) { return only(request.headers("X-Session")) == "r"; }

std::set<std::string> connections_of(const std::vector<SeenRequest> &requests)
{
    std::set<std::string> found;
    for (const SeenRequest &request : requests) found.insert(connection_of(request));
    return found;
}

}  // namespace ig::test
