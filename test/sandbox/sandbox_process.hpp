// Starts a graph_sandbox for a test, talks to it with libcurl, and ends it with the test.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace ig::sandbox {

// What curl made of a request.
struct Reply {
    int error = 0;  // CURLcode
    long status = 0;
    std::string head;
    std::string body;
};

struct Ask {
    std::string url;
    std::string token;    // as Bearer, if not empty
    std::string ca_file;  // empty: no trust in the sandbox's certificate
    std::string method;   // empty: GET, or POST with a body
    std::string body;
    long timeout_ms = 20000;
    long connect_timeout_ms = 20000;
};

Reply fetch(const Ask &ask);
// All at once, each on a connection of its own; `meanwhile` runs again and again until they are done.
std::vector<Reply> fetch_together(const std::vector<Ask> &asks, const std::function<void()> &meanwhile);

class SandboxProcess {
public:
    // Starts `program --dir <new temporary folder> --exit-with-stdin <arguments>` and waits for its ports.
    // Throws std::runtime_error when it does not come up; then nothing is left behind.
    explicit SandboxProcess(std::vector<std::string> arguments);
    ~SandboxProcess();
    SandboxProcess(const SandboxProcess &) = delete;
    SandboxProcess &operator=(const SandboxProcess &) = delete;

    std::string https(const std::string &target) const { return "https://localhost:" + port("https") + target; }
    std::string http(const std::string &target) const { return "http://127.0.0.1:" + port("http") + target; }
    std::string port(const std::string &name) const;
    std::string ca_file() const { return dir_ + "/ca.pem"; }

    // GET over TLS with the token, checked against the sandbox's own authority.
    Reply api(const std::string &target, const std::string &token) const;
    // A control call; GET without a body, POST with one.
    Reply control(const std::string &target, const std::string &body = {}, const std::string &method = {}) const;
    // The number after "name": in a control answer.
    long counter(const std::string &target, const std::string &name) const;

    // Closes its stdin and waits for its end; the exit status.
    int close_stdin_and_wait();

private:
    void start(std::vector<std::string> arguments);
    void clean_up();

    std::string dir_;
    std::string ports_;
    pid_t pid_ = -1;
    int stdin_ = -1;
};

}  // namespace ig::sandbox
