// Takes a request apart: percent-decoding, the version in front of the path, and where the token is.
#include "call.hpp"

#include <cctype>

#include "metrics.hpp"

namespace ig::sandbox {

namespace {

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool looks_like_version(const std::string &text)
{
    const std::size_t dot = text.find('.');
    if (text.size() < 4 || text[0] != 'v' || dot == std::string::npos || dot < 2 || dot + 1 == text.size())
        return false;
    for (std::size_t i = 1; i < text.size(); ++i) {
        if (i != dot && !std::isdigit(static_cast<unsigned char>(text[i]))) return false;
    }
    return true;
}

// The token of "Bearer x" or "OAuth x".
std::string header_token(const std::string &authorization)
{
    const std::size_t space = authorization.find(' ');
    if (space == std::string::npos) return {};
    std::string scheme;
    for (const char c : authorization.substr(0, space)) {
        scheme += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    if (scheme != "bearer" && scheme != "oauth") return {};
    const std::size_t begin = authorization.find_first_not_of(' ', space);
    return begin == std::string::npos ? std::string() : authorization.substr(begin);
}

// As in PHP, the last one of a name wins.
std::string last_of(const Parameters &parameters, std::string_view name)
{
    std::string last;
    for (const auto &[key, value] : parameters) {
        if (key == name) last = value;
    }
    return last;
}

}  // namespace

std::string percent_decode(std::string_view text)
{
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out += ' ';
        } else if (text[i] == '%' && i + 2 < text.size() && hex_digit(text[i + 1]) >= 0 &&
                   hex_digit(text[i + 2]) >= 0) {
            out += static_cast<char>(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        } else {
            out += text[i];
        }
    }
    return out;
}

std::string percent_encode(std::string_view text)
{
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) || c == '-' || c == '_' || c == '.' || c == '~') {
            out += c;
        } else {
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

Parameters parse_query(std::string_view query)
{
    Parameters parameters;
    while (!query.empty()) {
        const std::size_t end = query.find('&');
        const std::string_view pair = query.substr(0, end);
        const std::size_t equals = pair.find('=');
        if (!pair.empty()) {
            parameters.emplace_back(percent_decode(pair.substr(0, equals)),
                                    equals == std::string_view::npos ? "" : percent_decode(pair.substr(equals + 1)));
        }
        if (end == std::string_view::npos) break;
        query.remove_prefix(end + 1);
    }
    return parameters;
}

bool Call::has(std::string_view name) const
{
    for (const auto &[key, value] : query) {
        if (key == name) return true;
    }
    return false;
}

std::string Call::parameter(std::string_view name) const { return last_of(query, name); }

std::string Call::form_field(std::string_view name) const { return last_of(form, name); }

std::string Call::given(std::string_view name) const
{
    const std::string field = form_field(name);
    return field.empty() ? parameter(name) : field;
}

Call parse_call(const Incoming &incoming)
{
    Call call;
    call.method = incoming.method;
    call.http_version = incoming.http_version;
    call.base = (incoming.tls ? "https://" : "http://") + incoming.host;
    const std::string_view target = incoming.target;
    const std::size_t question = target.find('?');
    if (question != std::string_view::npos) call.query = parse_query(target.substr(question + 1));
    std::string_view path = target.substr(0, question);
    while (!path.empty()) {
        const std::size_t slash = path.find('/');
        if (slash != 0) call.path.push_back(percent_decode(path.substr(0, slash)));
        if (slash == std::string_view::npos) break;
        path.remove_prefix(slash + 1);
    }
    if (!call.path.empty() && looks_like_version(call.path.front())) {
        call.version = call.path.front();
        call.path.erase(call.path.begin());
    }
    if (call.method == "POST") call.form = parse_query(incoming.body);
    call.token = call.given("access_token");
    if (call.token.empty()) call.token = header_token(incoming.authorization);
    call.metrics = split_list(call.parameter("metric"));
    return call;
}

}  // namespace ig::sandbox
