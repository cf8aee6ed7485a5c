// Listening sockets: TLS and plain ones that start sessions, and one on which every connect hangs.
#pragma once

#include <memory>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl/context.hpp>

#include "service.hpp"

namespace ig::sandbox {

// The registry of hanging connections; must outlive the io_context's handlers.
std::unique_ptr<Hanging> make_hanging();

boost::asio::ssl::context make_tls_context(const std::string &certificate_pem, const std::string &key_pem);

// Listens on 127.0.0.1 and serves for as long as the io_context lives; returns the port. `tls` may be nullptr.
unsigned short listen_and_serve(boost::asio::io_context &io, boost::asio::ssl::context *tls, Service &service,
                                Hanging &hanging);

// A listening socket whose backlog is full: the SYN of a connect is dropped. Returns the port; throws
// std::system_error. Its sockets stay open until the process ends.
unsigned short listen_and_hang();

}  // namespace ig::sandbox
