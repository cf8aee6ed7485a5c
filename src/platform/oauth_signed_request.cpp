// Checks the signature of Meta's callbacks before a single byte of what was signed is read.
#include "platform/oauth.hpp"

#include "platform/json.hpp"
#include "platform/text.hpp"
#include "platform/timestamp.hpp"
#include "vault/hmac.hpp"

namespace ig::platform {

namespace {

constexpr std::size_t longest_request = 16u << 10;
constexpr JsonLimits limits{longest_request, 8, 1000};

int sextet_of(char c) noexcept
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    if (c == '_') return 63;
    return -1;
}

// base64url without padding (RFC 4648, 5). Strict, so that no two texts mean the same bytes.
std::optional<std::string> base64url_decoded(std::string_view text)
{
    std::string bytes;
    bytes.reserve(text.size() * 3 / 4);
    unsigned bits = 0;
    int count = 0;
    for (const char c : text) {
        const int sextet = sextet_of(c);
        if (sextet < 0) return std::nullopt;
        bits = bits << 6 | static_cast<unsigned>(sextet);
        count += 6;
        if (count < 8) continue;
        count -= 8;
        bytes += static_cast<char>(bits >> count & 0xff);
        bits &= (1u << count) - 1;
    }
    if (count == 6 || bits != 0) return std::nullopt;
    return bytes;
}

}  // namespace

std::optional<SignedRequest> read_signed_request(std::string_view signed_request, std::string_view app_secret)
{
    // Whoever knows that there is no secret could sign with none.
    if (app_secret.empty() || signed_request.size() > longest_request) return std::nullopt;
    const std::size_t dot = signed_request.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const std::string_view payload = signed_request.substr(dot + 1);

    const std::optional<std::string> signature = base64url_decoded(signed_request.substr(0, dot));
    const vault::Digest digest = vault::hmac_sha256(app_secret, payload);
    const std::string_view expected(reinterpret_cast<const char *>(digest.data()), digest.size());
    if (!signature || !vault::equal_in_constant_time(*signature, expected)) return std::nullopt;

    const std::optional<std::string> text = base64url_decoded(payload);
    if (!text) return std::nullopt;
    const Json json = Json::parse(*text, limits);
    const JsonView root = json.root();
    if (!equals_ignoring_case(root.member("algorithm").text(), "HMAC-SHA256")) return std::nullopt;
    SignedRequest request;
    request.user_id = id_text(root.member("user_id"));
    if (request.user_id.empty()) return std::nullopt;
    request.issued_at = parse_timestamp(root.member("issued_at").text());
    return request;
}

}  // namespace ig::platform
