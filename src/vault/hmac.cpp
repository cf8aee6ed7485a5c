// SHA-256 (FIPS 180-4) and HMAC (RFC 2104), small enough to read in one go; what depends on the key is wiped.
#include "vault/hmac.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstddef>

#include "vault/secret.hpp"

namespace ig::vault {

namespace {

constexpr std::size_t block_size = 64;
using Block = std::array<unsigned char, block_size>;

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr std::array<std::uint32_t, 64> round_constants = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

std::uint32_t rotated(std::uint32_t word, int bits) noexcept { return (word >> bits) | (word << (32 - bits)); }

class Sha256 {
public:
    Sha256() noexcept = default;
    Sha256(const Sha256 &) = delete;
    Sha256 &operator=(const Sha256 &) = delete;
    ~Sha256()
    {
        wipe_memory(state_.data(), sizeof state_);
        wipe_memory(block_.data(), sizeof block_);
        wipe_memory(words_.data(), sizeof words_);
    }

    void add(const unsigned char *bytes, std::size_t size) noexcept
    {
        length_ += size;
        while (size-- > 0) put(*bytes++);
    }
    void add(std::string_view text) noexcept { add(reinterpret_cast<const unsigned char *>(text.data()), text.size()); }

    Digest finish() noexcept
    {
        const std::uint64_t bits = length_ * 8;
        put(0x80);
        while (filled_ != block_size - 8) put(0);
        for (int shift = 56; shift >= 0; shift -= 8) put(static_cast<unsigned char>(bits >> shift));
        Digest digest;
        for (std::size_t i = 0; i < digest.size(); ++i)
            digest[i] = static_cast<unsigned char>(state_[i / 4] >> (24 - 8 * (i % 4)));
        return digest;
    }

private:
    void put(unsigned char byte) noexcept
    {
        block_[filled_++] = byte;
        if (filled_ == block_size) compress();
    }

    void spread() noexcept
    {
        for (std::size_t i = 0; i < 16; ++i) {
            words_[i] = 0;
            for (std::size_t j = 0; j < 4; ++j) words_[i] = words_[i] << 8 | block_[4 * i + j];
        }
        for (std::size_t i = 16; i < words_.size(); ++i) {
            const std::uint32_t x = words_[i - 15];
            const std::uint32_t y = words_[i - 2];
            words_[i] = words_[i - 16] + (rotated(x, 7) ^ rotated(x, 18) ^ x >> 3) + words_[i - 7] +
                        (rotated(y, 17) ^ rotated(y, 19) ^ y >> 10);
        }
    }

    void compress() noexcept
    {
        spread();
        auto [a, b, c, d, e, f, g, h] = state_;
        for (std::size_t i = 0; i < words_.size(); ++i) {
            const std::uint32_t first = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) +
                                        round_constants[i] + words_[i];
            const std::uint32_t second =
                (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + first;
            d = c, c = b, b = a, a = first + second;
        }
        const std::array<std::uint32_t, 8> mixed = {a, b, c, d, e, f, g, h};
        for (std::size_t i = 0; i < state_.size(); ++i) state_[i] += mixed[i];
        filled_ = 0;
    }

    std::array<std::uint32_t, 8> state_ = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                           0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    Block block_{};
    std::array<std::uint32_t, 64> words_{};
    std::size_t filled_ = 0;
    std::uint64_t length_ = 0;
};

// The hash of key xor pad, then what follows it.
Digest padded_hash(const Block &key, unsigned char pad, std::string_view rest) noexcept
{
    Block block = key;
    for (unsigned char &byte : block) byte ^= pad;
    Sha256 hash;
    hash.add(block.data(), block.size());
    hash.add(rest);
    wipe_memory(block.data(), block.size());
    return hash.finish();
}

}  // namespace

Digest hmac_sha256(std::string_view key, std::string_view message) noexcept
{
    Block block{};
    if (key.size() > block_size) {
        Sha256 hash;
        hash.add(key);
        Digest digest = hash.finish();
        std::copy(digest.begin(), digest.end(), block.begin());
        wipe_memory(digest.data(), digest.size());
    } else {
        std::copy(key.begin(), key.end(), block.begin());
    }
    const Digest inner = padded_hash(block, 0x36, message);
    const Digest outer = padded_hash(block, 0x5c, {reinterpret_cast<const char *>(inner.data()), inner.size()});
    wipe_memory(block.data(), block.size());
    return outer;
}

std::string hex(const Digest &digest)
{
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * digest.size());
    for (const unsigned char byte : digest) {
        text += digits[byte >> 4];
        text += digits[byte & 0xf];
    }
    return text;
}

bool equal_in_constant_time(std::string_view left, std::string_view right) noexcept
{
    return left.size() == right.size() && sodium_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace ig::vault
