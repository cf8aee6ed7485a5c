// One thread, one epoll; nothing in it blocks, a slow answer waits in a heap.
#include "load/server.hpp"

#include <cerrno>
#include <charconv>
#include <cinttypes>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/pem.h>

namespace ig::bench {

namespace {

SSL_CTX *tls_context(const std::string &certificate, const std::string &key)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    BIO *certificate_bio = BIO_new_mem_buf(certificate.data(), static_cast<int>(certificate.size()));
    BIO *key_bio = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
    X509 *x509 = PEM_read_bio_X509(certificate_bio, nullptr, nullptr, nullptr);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(key_bio, nullptr, nullptr, nullptr);
    const bool done = context != nullptr && x509 != nullptr && pkey != nullptr &&
                      SSL_CTX_use_certificate(context, x509) == 1 && SSL_CTX_use_PrivateKey(context, pkey) == 1;
    X509_free(x509);
    EVP_PKEY_free(pkey);
    BIO_free(certificate_bio);
    BIO_free(key_bio);
    if (!done) throw std::runtime_error("no TLS");
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

void watch(int epoll, int operation, int descriptor, std::uint64_t id, unsigned events)
{
    epoll_event event{};
    event.events = events;
    event.data.u64 = id;
    epoll_ctl(epoll, operation, descriptor, &event);
}

}  // namespace

Server::Server(const Latency &latency, std::uint64_t seed, const std::string &certificate, const std::string &key)
    : latency_(latency), seed_(seed), answers_(seed), random_(seed), context_(tls_context(certificate, key)),
      epoll_(epoll_create1(EPOLL_CLOEXEC))
{
}

Server::~Server()
{
    connections_.clear();
    for (const auto &[descriptor, port] : listeners_) close(descriptor);
    close(epoll_);
    SSL_CTX_free(context_);
}

int Server::listen(Port port, int number)
{
    const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int yes = 1;
    setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(static_cast<std::uint16_t>(number));
    socklen_t size = sizeof address;
    if (bind(descriptor, reinterpret_cast<sockaddr *>(&address), size) != 0 || ::listen(descriptor, 1024) != 0 ||
        getsockname(descriptor, reinterpret_cast<sockaddr *>(&address), &size) != 0)
        throw std::runtime_error("cannot listen on port " + std::to_string(number));
    listeners_[descriptor] = port;
    watch(epoll_, EPOLL_CTL_ADD, descriptor, static_cast<std::uint64_t>(descriptor), EPOLLIN);
    return ntohs(address.sin_port);
}

void Server::run(const volatile int &stop)
{
    epoll_event events[256];
    while (stop == 0) {
        const int count = epoll_wait(epoll_, events, 256, until_next());
        for (int i = 0; i < count; ++i) {
            const std::uint64_t id = events[i].data.u64;
            if (id < (1u << 20)) accept_on(static_cast<int>(id));
            else serve(id, events[i].events);
        }
        send_due();
    }
}

void Server::accept_on(int listener)
{
    const Port port = listeners_.at(listener);
    for (;;) {
        const int descriptor = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (descriptor < 0) return;
        const int yes = 1;
        setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
        const std::uint64_t id = next_id_++;
        connections_[id] =
            std::make_unique<Connection>(descriptor, port == Port::https ? context_ : nullptr, port == Port::control);
        if (port != Port::control) ++counts_.connections;
        watch(epoll_, EPOLL_CTL_ADD, descriptor, id, EPOLLIN);
    }
}

void Server::serve(std::uint64_t id, unsigned events)
{
    const auto found = connections_.find(id);
    if (found == connections_.end()) return;
    Connection &connection = *found->second;
    bool alive = true;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) alive = connection.receive();
    if (alive && !connection.busy) alive = answer_next(id, connection);
    // What a busy connection holds in out() is not due before its time.
    if (alive && !connection.busy) alive = flush(id, connection);
    if (!alive) {
        if (connection.busy) --counts_.at_once;
        connections_.erase(id);
    }
}

bool Server::flush(std::uint64_t id, Connection &connection)
{
    if (!connection.out().empty() && !connection.send()) return false;
    if (connection.wants_write() != connection.watching) {
        connection.watching = connection.wants_write();
        watch(epoll_, EPOLL_CTL_MOD, connection.descriptor(), id, connection.watching ? EPOLLIN | EPOLLOUT : EPOLLIN);
    }
    return true;
}

bool Server::answer_next(std::uint64_t id, Connection &connection)
{
    const auto request = connection.request();
    if (!request) return !connection.malformed();
    if (connection.control()) {
        answer_control(connection, *request);
        connection.drop(*request);
        return true;
    }
    ++counts_.requests;
    counts_.most_at_once = std::max(counts_.most_at_once, ++counts_.at_once);
    std::size_t items = 1;
    answer_graph(connection, *request, items);
    counts_.calls += items;
    connection.drop(*request);
    const Clock::duration wait = delay(items);
    if (wait <= Clock::duration::zero()) {
        --counts_.at_once;
        return true;
    }
    connection.busy = true;
    due_.push({Clock::now() + wait, id});
    return true;
}

void Server::answer_graph(Connection &connection, const Request &request, std::size_t &items)
{
    body_.clear();
    std::string_view path = request.target.substr(0, request.target.find('?'));
    if (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
    const bool root = path == "/" || (path.size() > 2 && path[1] == 'v' && path.find('/', 1) == std::string_view::npos);
    if (request.method == "POST" && root) {
        ++counts_.batches;
        finish(connection, batch_.append(body_, request.body, items), {});
        return;
    }
    const Answer answer = answers_.append(body_, request.target, request.bearer);
    finish(connection, answer.status, answer.account);
}

void Server::finish(Connection &connection, int status, std::string_view account)
{
    const std::time_t now = std::time(nullptr);
    if (now != dated_) {
        std::tm parts{};
        gmtime_r(&now, &parts);
        std::strftime(date_, sizeof date_, "%a, %d %b %Y %H:%M:%S GMT", &parts);
        dated_ = now;
    }
    if (status != 200) ++counts_.refused;
    std::string &out = connection.out();
    out.append(status == 200 ? "HTTP/1.1 200 OK\r\n" : "HTTP/1.1 400 Bad Request\r\n");
    out.append("Content-Type: application/json; charset=UTF-8\r\nfacebook-api-version: v25.0\r\n"
               "x-app-usage: {\"call_count\":1,\"total_time\":1,\"total_cputime\":1}\r\n");
    if (!account.empty())
        out.append("X-Business-Use-Case-Usage: {\"")
            .append(account)
            .append("\":[{\"type\":\"instagram\",\"call_count\":1,\"total_cputime\":1,\"total_time\":1,"
                    "\"estimated_time_to_regain_access\":0}]}\r\n");
    char length[24];
    *std::to_chars(length, length + sizeof length - 1, body_.size()).ptr = '\0';
    out.append("Date: ").append(date_).append("\r\nContent-Length: ").append(length).append("\r\n\r\n").append(body_);
}

Server::Clock::duration Server::delay(std::size_t items)
{
    double milliseconds = latency_.milliseconds;
    if (latency_.sigma > 0) milliseconds *= std::exp(latency_.sigma * normal_(random_));
    milliseconds += latency_.item_milliseconds * static_cast<double>(items);
    return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double, std::milli>(milliseconds));
}

int Server::until_next() const
{
    if (due_.empty()) return 1000;
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(due_.top().at - Clock::now()).count();
    return wait < 0 ? 0 : static_cast<int>(std::min<long>(wait, 1000));
}

void Server::send_due()
{
    if (due_.empty()) return;
    const Clock::time_point now = Clock::now();
    while (!due_.empty() && due_.top().at <= now) {
        const std::uint64_t id = due_.top().connection;
        due_.pop();
        const auto found = connections_.find(id);
        if (found == connections_.end()) continue;
        found->second->busy = false;
        --counts_.at_once;
        if (!flush(id, *found->second) || !answer_next(id, *found->second)) connections_.erase(id);
    }
}

void Server::configure(std::string_view query)
{
    const auto number = [query](std::string_view name, double &into) {
        const std::size_t at = query.find(name);
        if (at == std::string_view::npos) return;
        into = std::strtod(std::string(query.substr(at + name.size())).c_str(), nullptr);
    };
    number("latency_ms=", latency_.milliseconds);
    number("sigma=", latency_.sigma);
    number("item_ms=", latency_.item_milliseconds);
    double seed = static_cast<double>(seed_);
    number("seed=", seed);
    seed_ = static_cast<std::uint64_t>(seed);
    answers_.set_seed(seed_);
}

void Server::answer_control(Connection &connection, const Request &request)
{
    body_.clear();
    const std::size_t mark = request.target.find('?');
    const std::string_view path = request.target.substr(0, mark);
    if (request.method == "POST" && (path == "/reset" || path == "/config")) {
        if (mark != std::string_view::npos) configure(request.target.substr(mark + 1));
        const std::uint64_t open = counts_.at_once;
        counts_ = {};
        counts_.at_once = counts_.most_at_once = open;
        // Every run meets the same sequence of latencies.
        random_.seed(seed_);
        normal_.reset();
        body_ = "{}";
    } else if (path == "/stats") {
        char text[256];
        std::snprintf(text, sizeof text,
                      "{\"http_requests\":%" PRIu64 ",\"api_calls\":%" PRIu64 ",\"batches\":%" PRIu64
                      ",\"refused\":%" PRIu64 ",\"most_at_once\":%" PRIu64 ",\"connections\":%" PRIu64 "}",
                      counts_.requests, counts_.calls, counts_.batches, counts_.refused, counts_.most_at_once,
                      counts_.connections);
        body_ = text;
    }
    finish(connection, body_.empty() ? 400 : 200, {});
}

}  // namespace ig::bench
