// Accepts connections and starts sessions; all of Beast and the TLS stream is compiled here, once.
#include "listener.hpp"

#include <cstring>
#include <functional>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "session.hpp"

namespace ig::sandbox {

namespace {

class Listener : public std::enable_shared_from_this<Listener> {
public:
    Listener(asio::io_context &io, asio::ssl::context *tls, Service &service, HangingSet &hanging)
        : acceptor_(io), tls_(tls), service_(service), hanging_(hanging), pause_(io)
    {
        const Tcp::endpoint endpoint(asio::ip::address_v4::loopback(), 0);
        acceptor_.open(endpoint.protocol());
        acceptor_.bind(endpoint);
        acceptor_.listen(4096);
    }

    unsigned short port() const { return acceptor_.local_endpoint().port(); }

    void accept()
    {
        acceptor_.async_accept([self = shared_from_this()](ErrorCode error, Tcp::socket socket) {
            if (error == asio::error::operation_aborted) return;
            if (error) return self->accept_later();
            self->begin(std::move(socket));
            self->accept();
        });
    }

private:
    // Most likely out of file descriptors; they come back as connections end.
    void accept_later()
    {
        pause_.expires_after(std::chrono::milliseconds(50));
        pause_.async_wait([self = shared_from_this()](ErrorCode) { self->accept(); });
    }

    void begin(Tcp::socket socket)
    {
        ErrorCode ignored;
        socket.set_option(Tcp::no_delay(true), ignored);
        const Accept accept = service_.on_accept();
        if (accept == Accept::reset) {
            socket.set_option(Tcp::socket::linger(true, 0), ignored);
            socket.close(ignored);
        } else if (tls_) {
            using Stream = asio::ssl::stream<Tcp::socket>;
            std::make_shared<Session<Stream>>(Stream(std::move(socket), *tls_), service_, hanging_)->start(accept);
        } else {
            std::make_shared<Session<Tcp::socket>>(std::move(socket), service_, hanging_)->start(accept);
        }
    }

    Tcp::acceptor acceptor_;
    asio::ssl::context *tls_;
    Service &service_;
    HangingSet &hanging_;
    asio::steady_timer pause_;
};

// Answers the client's ALPN offer with http/1.1, the only one spoken here.
int choose_protocol(SSL *, const unsigned char **out, unsigned char *out_length, const unsigned char *offered,
                    unsigned int length, void *)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen = nullptr;
    if (SSL_select_next_proto(&chosen, out_length, ours, 9, offered, length) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

void require(bool done, const char *what)
{
    if (!done) throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

std::unique_ptr<Hanging> make_hanging() { return std::make_unique<HangingSet>(); }

asio::ssl::context make_tls_context(const std::string &certificate_pem, const std::string &key_pem)
{
    asio::ssl::context context(asio::ssl::context::tls_server);
    context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_sslv3 |
                        asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    context.use_certificate_chain(asio::buffer(certificate_pem));
    context.use_private_key(asio::buffer(key_pem), asio::ssl::context::pem);
    SSL_CTX_set_alpn_select_cb(context.native_handle(), choose_protocol, nullptr);
    return context;
}

unsigned short listen_and_serve(asio::io_context &io, asio::ssl::context *tls, Service &service, Hanging &hanging)
{
    const auto listener = std::make_shared<Listener>(io, tls, service, dynamic_cast<HangingSet &>(hanging));
    listener->accept();
    return listener->port();
}

unsigned short listen_and_hang()
{
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(server >= 0, "socket");
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto *generic = reinterpret_cast<sockaddr *>(&address);
    require(::bind(server, generic, length) == 0, "bind");
    require(::listen(server, 0) == 0, "listen");
    require(::getsockname(server, generic, &length) == 0, "getsockname");
    // Backlog 0 holds one connection that is never accepted; once it is there, the kernel drops every other SYN.
    for (int i = 0; i < 4; ++i) {
        const int filler = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        require(filler >= 0, "socket");
        if (::connect(filler, generic, length) != 0) require(errno == EINPROGRESS, "connect");
    }
    return ntohs(address.sin_port);
}

}  // namespace ig::sandbox
