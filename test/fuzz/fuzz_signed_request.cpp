// Any bytes as a callback: refused as they stand; rightly signed, they name a user or nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "platform/oauth.hpp"
#include "vault/hmac.hpp"

namespace {

std::string base64url(std::string_view bytes)
{
    constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    unsigned bits = 0;
    int count = 0;
    for (const char c : bytes) {
        bits = bits << 8 | static_cast<unsigned char>(c);
        for (count += 8; count >= 6; count -= 6) text += alphabet[bits >> (count - 6) & 63];
    }
    if (count > 0) text += alphabet[bits << (6 - count) & 63];
    return text;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
    constexpr std::string_view secret = "secret of the app";
    const std::string text(reinterpret_cast<const char *>(data), size);
    if (ig::platform::read_signed_request(text, secret)) std::abort();  // the fuzzer cannot sign
    for (const std::string &payload : {text, base64url(text)}) {
        const ig::vault::Digest digest = ig::vault::hmac_sha256(secret, payload);
        const std::string_view signature(reinterpret_cast<const char *>(digest.data()), digest.size());
        const auto request = ig::platform::read_signed_request(base64url(signature) + "." + payload, secret);
        if (!request) continue;
        if (request->user_id.empty()) std::abort();
        if (request->user_id.find_first_not_of("0123456789") != std::string::npos) std::abort();
    }
    return 0;
}
