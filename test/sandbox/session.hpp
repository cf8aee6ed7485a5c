// One connection: TLS handshake, keep-alive requests, and the steps of each answer. Internal to the listener.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <set>
#include <type_traits>

#include <poll.h>
#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "service.hpp"

namespace ig::sandbox {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

class HangingSet : public Hanging {
public:
    std::size_t count() const override { return waiters_.size(); }
    void release_all() override
    {
        const std::set<Waiter *> released = std::move(waiters_);
        waiters_.clear();
        for (Waiter *waiter : released) waiter->release();
    }
    void add(Waiter *waiter) { waiters_.insert(waiter); }
    void remove(Waiter *waiter) { waiters_.erase(waiter); }

private:
    std::set<Waiter *> waiters_;
};

// Stream is Tcp::socket or asio::ssl::stream<Tcp::socket>. Alive as long as one of its handlers or its place among the
// hanging is: a hanging session holds itself.
template <class Stream> class Session : public std::enable_shared_from_this<Session<Stream>>, public Hanging::Waiter {
public:
    Session(Stream stream, Service &service, HangingSet &hanging)
        : stream_(std::move(stream)), service_(service), hanging_(hanging), timer_(stream_.get_executor()),
          watch_timer_(stream_.get_executor())
    {
    }
    ~Session() override { hanging_.remove(this); }

    void start(Accept accept)
    {
        if (accept == Accept::tls_hang) {
            hang([this] { handshake(); });
        } else {
            handshake();
        }
    }

    void release() override
    {
        const auto keep = std::move(self_);
        waiting_ = false;
        // Through the loop, so that the caller's registry is not changed under its feet.
        asio::post(stream_.get_executor(), [self = keep, go = std::move(resume_)] { go(); });
    }

private:
    static constexpr bool is_tls = !std::is_same_v<Stream, Tcp::socket>;
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;

    auto &socket() { return stream_.lowest_layer(); }
    auto self() { return this->shared_from_this(); }

    void handshake()
    {
        if constexpr (is_tls) {
            stream_.async_handshake(asio::ssl::stream_base::server, [self = self()](ErrorCode error) {
                if (!error) self->read_request();
            });
        } else {
            read_request();
        }
    }

    void read_request()
    {
        parser_ = std::make_unique<Parser>();
        parser_->header_limit(64u << 10);
        parser_->body_limit(64u << 20);
        boost::beast::http::async_read(stream_, buffer_, *parser_, [self = self()](ErrorCode error, std::size_t) {
            if (!error) return self->serve();
            if (error == boost::beast::http::error::end_of_stream) return self->finish();
            self->drop();
        });
    }

    void serve()
    {
        const auto &request = parser_->get();
        const auto text = [&](boost::beast::http::field name) { return std::string(request[name]); };
        Incoming incoming;
        incoming.method = std::string(request.method_string());
        incoming.target = std::string(request.target());
        incoming.authorization = text(boost::beast::http::field::authorization);
        incoming.host = text(boost::beast::http::field::host);
        incoming.http_version = request.version() == 10 ? "1.0" : "1.1";
        incoming.body = request.body();
        incoming.tls = is_tls;
        incoming.keep_alive = request.keep_alive();
        plan_ = service_.serve(incoming);
        step_ = 0;
        run();
    }

    // Takes the next step; every step ends by calling this again.
    void run()
    {
        if (step_ == plan_.steps.size()) {
            const bool keep_alive = plan_.keep_alive;
            plan_ = Plan{};
            return keep_alive ? read_request() : finish();
        }
        const Step &step = plan_.steps[step_++];
        switch (step.kind) {
        case Step::Kind::write: return write(step.text);
        case Step::Kind::drip: return drip(0);
        case Step::Kind::wait: return wait(step.ms, [this] { run(); });
        case Step::Kind::hang: return hang([this] { run(); });
        case Step::Kind::close: return drop();
        case Step::Kind::reset: return reset();
        }
    }

    void write(const std::string &text)
    {
        asio::async_write(stream_, asio::buffer(text), [self = self()](ErrorCode error, std::size_t) {
            if (error) return self->drop();
            self->run();
        });
    }

    // The text of the step before step_, a byte at a time.
    void drip(std::size_t at)
    {
        const Step &step = plan_.steps[step_ - 1];
        if (at == step.text.size()) return run();
        asio::async_write(stream_, asio::buffer(step.text.data() + at, 1),
                          [self = self(), at, ms = step.ms](ErrorCode error, std::size_t) {
                              if (error) return self->drop();
                              self->wait(ms, [raw = self.get(), at] { raw->drip(at + 1); });
                          });
    }

    template <class Then> void wait(long long ms, Then then)
    {
        begin_waiting();
        timer_.expires_after(std::chrono::milliseconds(ms));
        timer_.async_wait([self = self(), then = std::move(then)](ErrorCode error) {
            self->waiting_ = false;
            if (error || self->gone_) return self->drop();
            then();
        });
    }

    template <class Then> void hang(Then then)
    {
        begin_waiting();
        self_ = self();
        resume_ = std::move(then);
        hanging_.add(this);
    }

    // While nothing is read or written, notices that the peer went away, so that nobody hangs for a client that is
    // gone.
    void begin_waiting()
    {
        waiting_ = true;
        if (watching_) return;
        watching_ = true;
        socket().async_wait(Tcp::socket::wait_read, [self = self()](ErrorCode) { self->watch(); });
    }

    void watch()
    {
        watching_ = false;
        if (!waiting_ || !socket().is_open()) return;
        pollfd state{socket().native_handle(), POLLRDHUP, 0};
        if (::poll(&state, 1, 0) > 0) return leave();
        // Bytes came (a TLS alert, a pipelined request): wait_read would return at once for ever, so ask now and then.
        watching_ = true;
        watch_timer_.expires_after(std::chrono::milliseconds(20));
        watch_timer_.async_wait([self = self()](ErrorCode) { self->watch(); });
    }

    // The peer is gone: stop waiting.
    void leave()
    {
        gone_ = true;
        waiting_ = false;
        hanging_.remove(this);
        const auto keep = std::move(self_);
        resume_ = nullptr;
        drop();
    }

    // A polite end: for TLS with close_notify.
    void finish()
    {
        if constexpr (is_tls) {
            stream_.async_shutdown([self = self()](ErrorCode) { self->drop(); });
        } else {
            drop();
        }
    }

    // The connection ends where it stands; a TLS client sees it cut.
    void drop()
    {
        ErrorCode ignored;
        timer_.cancel();
        watch_timer_.cancel();
        plan_.in_flight.reset();
        socket().shutdown(Tcp::socket::shutdown_both, ignored);
        socket().close(ignored);
    }

    void reset()
    {
        ErrorCode ignored;
        socket().set_option(Tcp::socket::linger(true, 0), ignored);
        timer_.cancel();
        plan_.in_flight.reset();
        socket().close(ignored);
    }

    Stream stream_;
    Service &service_;
    HangingSet &hanging_;
    asio::steady_timer timer_;
    asio::steady_timer watch_timer_;
    boost::beast::flat_buffer buffer_;
    std::unique_ptr<Parser> parser_;
    Plan plan_;
    std::size_t step_ = 0;
    std::function<void()> resume_;
    std::shared_ptr<Session> self_;
    bool waiting_ = false;
    bool watching_ = false;
    bool gone_ = false;
};

}  // namespace ig::sandbox
