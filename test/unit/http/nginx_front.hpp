// NginxFront: nginx with TLS, and HTTP/2 if wanted, in front of a ScriptedServer, which gets to see how it was reached.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "http/scripted_server.hpp"

namespace ig::test {

class NginxFront {
public:
    // `directives` go into its server block. GET /broken ends without an answer.
    explicit NginxFront(const ScriptedServer &behind, bool http2, const std::string &directives = {});
    ~NginxFront();
    NginxFront(const NginxFront &) = delete;
    NginxFront &operator=(const NginxFront &) = delete;

    std::string url(const std::string &path) const { return "https://graph.test:" + std::to_string(port_) + path; }
    void signal(int number) const;

private:
    std::string folder_;
    pid_t process_ = -1;
    std::uint16_t port_ = 0;
};

// As the front saw a request come in: "HTTP/2.0" or "HTTP/1.1", the number of its connection, and whether that resumed
// a session of TLS.
std::string version_of(const SeenRequest &request);
std::string connection_of(const SeenRequest &request);
bool resumed(const SeenRequest &request);
std::set<std::string> connections_of(const std::vector<SeenRequest> &requests);

}  // namespace ig::test
