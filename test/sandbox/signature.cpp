// Signs with OpenSSL's HMAC.
#include "signature.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace ig::sandbox {

namespace {

std::string hmac(std::string_view key, std::string_view message)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned int length = 0;
    const auto *bytes = reinterpret_cast<const unsigned char *>(message.data());
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), bytes, message.size(), digest, &length);
    return {reinterpret_cast<const char *>(digest), length};
}

std::string base64url(std::string_view bytes)
{
    constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        unsigned group = 0;
        const std::size_t there = bytes.size() - i < 3 ? bytes.size() - i : 3;
        for (std::size_t k = 0; k < 3; ++k)
            group = group << 8 | (k < there ? static_cast<unsigned char>(bytes[i + k]) : 0u);
        for (std::size_t k = 0; k <= there; ++k) text += alphabet[group >> (18 - 6 * k) & 63u];
    }
    return text;
}

}  // namespace

std::string appsecret_proof(std::string_view secret, std::string_view token)
{
    constexpr char digits[] = "0123456789abcdef";
    std::string text;
    for (const char c : hmac(secret, token)) {
        const auto byte = static_cast<unsigned char>(c);
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string signed_request(std::string_view secret, std::string_view payload)
{
    const std::string encoded = base64url(payload);
    return base64url(hmac(secret, encoded)) + "." + encoded;
}

}  // namespace ig::sandbox
