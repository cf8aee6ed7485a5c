// Keeps a number of HTTP requests in the air with libcurl's socket interface, and the writer busy beside them.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <curl/curl.h>

#include "floor/calls.hpp"
#include "floor/writer.hpp"

namespace ig::bench {

struct FetchOptions {
    std::string url;  // scheme, host and port
    std::string ca_file;
    std::size_t at_once = 100;
    std::size_t batch = 1;      // calls in a request
    std::size_t enough = 2000;  // rows that are worth a statement
};

class Fetcher {
public:
    Fetcher(FetchOptions options, Writer &writer);
    ~Fetcher();
    Fetcher(const Fetcher &) = delete;
    Fetcher &operator=(const Fetcher &) = delete;

    // Fetches and stores all calls of `work`; returns the number of HTTP requests. Throws std::runtime_error.
    std::size_t run(const Work &work, std::size_t at_once, std::size_t batch);

private:
    struct Slot {
        CURL *easy = nullptr;
        curl_slist *headers = nullptr;
        std::string url;
        std::string form;
        std::string answer;
        std::size_t first = 0;
        std::size_t count = 0;
    };
    static int on_socket(CURL *, curl_socket_t socket, int what, void *self, void *known);
    static int on_timer(CURLM *, long milliseconds, void *self);
    static std::size_t on_body(char *data, std::size_t size, std::size_t count, void *slot);

    void add_slot();
    bool begin(Slot &slot);
    void take_finished();
    void turn();
    void watch_writer();

    FetchOptions options_;
    Writer &writer_;
    CURLM *multi_;
    int epoll_;
    long timeout_ = -1;
    std::vector<std::unique_ptr<Slot>> slots_;
    const Work *work_ = nullptr;
    std::size_t next_ = 0;
    std::size_t flying_ = 0;
    std::size_t requests_ = 0;
    bool writer_writes_ = false;
};

}  // namespace ig::bench
