// Runs the sandbox as a child process and speaks to it with libcurl.
#include "sandbox_process.hpp"

#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

namespace ig::sandbox {

namespace {

std::size_t append(char *data, std::size_t size, std::size_t count, void *to)
{
    static_cast<std::string *>(to)->append(data, size * count);
    return size * count;
}

// One curl transfer and the reply it fills.
struct Transfer {
    Reply reply;
    std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> curl{curl_easy_init(), curl_easy_cleanup};
    std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)> headers{nullptr, curl_slist_free_all};

    void prepare(const Ask &ask)
    {
        CURL *handle = curl.get();
        curl_easy_setopt(handle, CURLOPT_URL, ask.url.c_str());
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(handle, CURLOPT_PROXY, "");
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, ask.timeout_ms);
        curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS, ask.connect_timeout_ms);
        curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, append);
        curl_easy_setopt(handle, CURLOPT_HEADERDATA, &reply.head);
        curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, append);
        curl_easy_setopt(handle, CURLOPT_WRITEDATA, &reply.body);
        if (!ask.ca_file.empty()) curl_easy_setopt(handle, CURLOPT_CAINFO, ask.ca_file.c_str());
        if (!ask.body.empty()) curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, ask.body.c_str());
        if (!ask.method.empty()) curl_easy_setopt(handle, CURLOPT_CUSTOMREQUEST, ask.method.c_str());
        if (!ask.token.empty()) {
            headers.reset(curl_slist_append(nullptr, ("Authorization: Bearer " + ask.token).c_str()));
            curl_easy_setopt(handle, CURLOPT_HTTPHEADER, headers.get());
        }
    }

    void finish(CURLcode code)
    {
        reply.error = code;
        curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &reply.status);
    }
};

// Waits until the file appears in the folder, but no longer than the process lives.
void wait_for_file(int watch, const std::string &path, pid_t pid)
{
    for (int tries = 0; tries < 600; ++tries) {
        if (::access(path.c_str(), R_OK) == 0) return;
        siginfo_t ended{};
        ::waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT);
        if (ended.si_pid == pid) break;
        pollfd state{watch, POLLIN, 0};
        char events[4096];
        if (::poll(&state, 1, 100) > 0 && ::read(watch, events, sizeof events) < 0) break;
    }
    throw std::runtime_error("the sandbox did not start");
}

}  // namespace

Reply fetch(const Ask &ask)
{
    Transfer transfer;
    transfer.prepare(ask);
    transfer.finish(curl_easy_perform(transfer.curl.get()));
    return transfer.reply;
}

std::vector<Reply> fetch_together(const std::vector<Ask> &asks, const std::function<void()> &meanwhile)
{
    std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)> multi{curl_multi_init(), curl_multi_cleanup};
    std::vector<Transfer> transfers(asks.size());
    for (std::size_t i = 0; i < asks.size(); ++i) {
        transfers[i].prepare(asks[i]);
        curl_easy_setopt(transfers[i].curl.get(), CURLOPT_PRIVATE, &transfers[i]);
        curl_easy_setopt(transfers[i].curl.get(), CURLOPT_FRESH_CONNECT, 1L);
        curl_multi_add_handle(multi.get(), transfers[i].curl.get());
    }
    int running = 0;
    do {
        curl_multi_perform(multi.get(), &running);
        int left = 0;
        while (const CURLMsg *message = curl_multi_info_read(multi.get(), &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            Transfer *transfer = nullptr;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
            transfer->finish(message->data.result);
        }
        meanwhile();
        curl_multi_poll(multi.get(), nullptr, 0, 20, nullptr);
    } while (running > 0);
    std::vector<Reply> replies;
    for (Transfer &transfer : transfers) {
        curl_multi_remove_handle(multi.get(), transfer.curl.get());
        replies.push_back(transfer.reply);
    }
    return replies;
}

SandboxProcess::SandboxProcess(std::vector<std::string> arguments)
{
    try {
        start(std::move(arguments));
    } catch (...) {
        clean_up();
        throw;
    }
}

SandboxProcess::~SandboxProcess() { clean_up(); }

void SandboxProcess::start(std::vector<std::string> arguments)
{
    char name[] = "/tmp/graph_sandbox.XXXXXX";
    if (!::mkdtemp(name)) throw std::runtime_error("mkdtemp");
    dir_ = name;
    const int watch = ::inotify_init1(IN_CLOEXEC);
    ::inotify_add_watch(watch, dir_.c_str(), IN_MOVED_TO);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    arguments.insert(arguments.begin(), {GRAPH_SANDBOX, "--dir", dir_, "--exit-with-stdin"});
    stdin_ = ends[1];
    pid_ = ::fork();
    if (pid_ == 0) {
        ::dup2(ends[0], STDIN_FILENO);
        std::vector<char *> argv;
        for (std::string &argument : arguments) argv.push_back(argument.data());
        argv.push_back(nullptr);
        ::execv(argv[0], argv.data());
        std::_Exit(127);
    }
    ::close(ends[0]);
    wait_for_file(watch, dir_ + "/ports.json", pid_);
    ::close(watch);
    std::ostringstream text;
    text << std::ifstream(dir_ + "/ports.json").rdbuf();
    ports_ = text.str();
}

void SandboxProcess::clean_up()
{
    if (pid_ > 0) close_stdin_and_wait();
    if (dir_.empty()) return;
    for (const char *file : {"ca.pem", "server.pem", "server.key", "ports.json"}) {
        ::unlink((dir_ + "/" + file).c_str());
    }
    ::rmdir(dir_.c_str());
}

int SandboxProcess::close_stdin_and_wait()
{
    ::close(stdin_);
    int status = 0;
    ::waitpid(pid_, &status, 0);
    pid_ = -1;
    return status;
}

std::string SandboxProcess::port(const std::string &name) const
{
    const std::size_t at = ports_.find("\"" + name + "\":");
    if (at == std::string::npos) throw std::runtime_error("no port is called " + name);
    return std::to_string(std::atoi(ports_.c_str() + at + name.size() + 3));
}

Reply SandboxProcess::api(const std::string &target, const std::string &token) const
{
    Ask ask;
    ask.url = https(target);
    ask.token = token;
    ask.ca_file = ca_file();
    return fetch(ask);
}

Reply SandboxProcess::control(const std::string &target, const std::string &body, const std::string &method) const
{
    Ask ask;
    ask.url = "http://127.0.0.1:" + port("control") + target;
    ask.body = body;
    ask.method = method;
    return fetch(ask);
}

long SandboxProcess::counter(const std::string &target, const std::string &name) const
{
    const Reply reply = control(target);
    const std::size_t at = reply.body.find("\"" + name + "\":");
    return at == std::string::npos ? -1 : std::atol(reply.body.c_str() + at + name.size() + 3);
}

}  // namespace ig::sandbox
