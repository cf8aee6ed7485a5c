// Turns libcurl's result codes into the kinds and sentences that people read.
#include "http/transport_failure.hpp"

#include <cerrno>

namespace ig::http {

namespace {

std::string milliseconds_text(std::chrono::milliseconds duration) { return std::to_string(duration.count()) + " ms"; }

std::string system_reason(long error)
{
    switch (error) {
    case 0: return {};
    case ECONNREFUSED: return ": connection refused";
    case ENETUNREACH: return ": network unreachable";
    case EHOSTUNREACH: return ": host unreachable";
    case ETIMEDOUT: return ": timed out";
    case ECONNRESET: return ": connection reset";
    case EMFILE:
    case ENFILE: return ": too many open files";
    case EACCES:
    case EPERM: return ": not permitted on this machine";
    case EADDRNOTAVAIL: return ": no local address or port is free";
    default: return ": system error " + std::to_string(error);
    }
}

// OpenSSL's X509_V_ERR_ codes; those of other libraries do not collide with them.
std::string certificate_reason(long verify_result)
{
    switch (verify_result) {
    case 9: return "its certificate is not valid yet";
    case 10: return "its certificate has expired";
    case 18:
    case 19: return "its certificate is self-signed";
    case 20:
    case 21: return "its certificate comes from an authority that is not trusted here";
    case 0:
    case 1:  // libcurl's "nothing was found by the library": the names were compared by libcurl itself
        return "its certificate is not for this host";
    default: return "its certificate cannot be trusted (code " + std::to_string(verify_result) + ")";
    }
}

Explanation explain_timeout(const Ending &ending, const Target &target, const ClientOptions &options)
{
    if (ending.connected || options.request_timeout <= options.connect_timeout) {
        return {TransportFailure::timeout,
                target.name() + " did not answer within " + milliseconds_text(options.request_timeout)};
    }
    const std::string limit = milliseconds_text(options.connect_timeout);
    if (!ending.looked_up) {
        return {TransportFailure::connect, "looking up host " + target.host + " took longer than " + limit};
    }
    if (ending.tcp_connected && !target.plain) {
        return {TransportFailure::connect, "the TLS handshake with " + target.name() + " took longer than " + limit};
    }
    return {TransportFailure::connect, "could not connect to " + target.name() + " within " + limit};
}

Explanation explain_tls(const Ending &ending, const Target &target)
{
    const std::string who = "no trusted TLS connection to " + target.name() + ": ";
    switch (ending.code) {
    case CURLE_PEER_FAILED_VERIFICATION: return {TransportFailure::tls, who + certificate_reason(ending.verify_result)};
    case CURLE_SSL_CACERT_BADFILE:
        return {TransportFailure::tls, who + "the file of trusted certificates cannot be read"};
    default: return {TransportFailure::tls, who + "the handshake failed"};
    }
}

bool is_tls_code(CURLcode code)
{
    switch (code) {
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_ENGINE_NOTFOUND:
    case CURLE_SSL_ENGINE_SETFAILED:
    case CURLE_SSL_ENGINE_INITFAILED:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_USE_SSL_FAILED:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CRL_BADFILE:
    case CURLE_SSL_SHUTDOWN_FAILED:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT: return true;
    default: return false;
    }
}

Explanation body_too_large(const Target &target, const ClientOptions &options)
{
    return {TransportFailure::too_large, "the answer of " + target.name() + " is larger than " +
                                             std::to_string(options.max_response_bytes) + " bytes"};
}

Explanation headers_too_large(const Target &target, const ClientOptions &options)
{
    return {TransportFailure::too_large, "the headers of the answer of " + target.name() + " are larger than " +
                                             std::to_string(options.max_header_bytes) + " bytes"};
}

// libcurl keeps the error of the first address that it tried, such as ::1 of localhost, when the next one is connected.
long error_of_connection(const Ending &ending)
{
    switch (ending.os_error) {
    case ECONNREFUSED:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL: return 0;
    default: return ending.os_error;
    }
}

// The connection stood, and then something came between.
Explanation explain_interruption(const Ending &ending, const Target &target)
{
    const auto interrupted = [](std::string text) {
        return Explanation{TransportFailure::interrupted, std::move(text)};
    };
    const auto no_answer = [&] { return interrupted(target.name() + " closed the connection without an answer"); };
    const auto ended_early = [&] {
        if (!ending.headers_ended) return no_answer();
        return interrupted("the answer of " + target.name() + " is shorter than announced");
    };
    switch (ending.code) {
    case CURLE_GOT_NOTHING: return no_answer();
    case CURLE_PARTIAL_FILE: return ended_early();
    case CURLE_BAD_CONTENT_ENCODING:
        return interrupted("the answer of " + target.name() + " could not be decompressed");
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY: return interrupted("the answer of " + target.name() + " is not HTTP");
    case CURLE_OUT_OF_MEMORY: return interrupted("memory ran out during a request to " + target.name());
    case CURLE_HTTP2_STREAM: return interrupted(target.name() + " broke the request off");
    case CURLE_RECV_ERROR:
        // libcurl since 8 calls an end without TLS's farewell so; before, it was a partial file.
        if (error_of_connection(ending) == 0) return ended_early();
        [[fallthrough]];
    case CURLE_HTTP2:
    case CURLE_SEND_ERROR:
        return interrupted("the connection to " + target.name() + " broke" +
                           system_reason(error_of_connection(ending)));
    default:
        return interrupted("the request to " + target.name() + " failed (libcurl code " +
                           std::to_string(static_cast<int>(ending.code)) + ")");
    }
}

}  // namespace

Explanation explain(const Ending &ending, const Target &target, const ClientOptions &options)
{
    if (is_tls_code(ending.code)) return explain_tls(ending, target);
    if (static_cast<int>(ending.code) == curle_too_large) return headers_too_large(target, options);
    switch (ending.code) {
    case CURLE_OK: return {};
    case CURLE_COULDNT_RESOLVE_HOST: return {TransportFailure::resolve, "could not find the host " + target.host};
    case CURLE_COULDNT_CONNECT:
        return {TransportFailure::connect, "could not connect to " + target.name() + system_reason(ending.os_error)};
    case CURLE_OPERATION_TIMEDOUT: return explain_timeout(ending, target, options);
    case CURLE_FILESIZE_EXCEEDED: return body_too_large(target, options);
    case CURLE_OUT_OF_MEMORY:
        // libcurl before 8.6 calls a header line longer than its own limit (100 kB) so.
        if (ending.answer_begun && !ending.headers_ended) return headers_too_large(target, options);
        return explain_interruption(ending, target);
    default: return explain_interruption(ending, target);
    }
}

}  // namespace ig::http
