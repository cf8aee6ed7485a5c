// Key: making, reading and naming the 256-bit key under which secrets are sealed.
#include <sodium.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "vault/vault.hpp"
#include "vault/wiped_buffer.hpp"

namespace ig::vault {

namespace {

static_assert(Key::size == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);

constexpr std::size_t key_id_bytes = 8;
constexpr std::string_view white_space = " \t\r\n\f\v";

void start_sodium()
{
    if (sodium_init() < 0) throw std::runtime_error("libsodium could not be started");
}

std::string_view without_surrounding_space(std::string_view text) noexcept
{
    const std::size_t first = text.find_first_not_of(white_space);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(white_space) - first + 1);
}

// A hash under the key itself, personalised: it names the key, tells nothing about it, and cannot collide with any
// other use of the key.
std::string name_of(std::string_view key_bytes)
{
    constexpr std::array<unsigned char, crypto_generichash_blake2b_PERSONALBYTES> purpose = {'i', 'g', '-', 'k', 'e',
                                                                                             'y', '-', 'i', 'd'};
    std::array<unsigned char, crypto_generichash_blake2b_BYTES_MIN> hash{};
    if (crypto_generichash_blake2b_salt_personal(hash.data(), hash.size(), nullptr, 0,
                                                 reinterpret_cast<const unsigned char *>(key_bytes.data()),
                                                 key_bytes.size(), nullptr, purpose.data()) != 0)
        throw std::runtime_error("the name of the key could not be computed");
    std::array<char, key_id_bytes * 2 + 1> hex{};
    sodium_bin2hex(hex.data(), hex.size(), hash.data(), key_id_bytes);
    return std::string(hex.data(), key_id_bytes * 2);
}

}  // namespace

Key::Key(Secret bytes) : bytes_(std::move(bytes)), id_(name_of(bytes_.expose())) {}

Key Key::generate()
{
    start_sodium();
    WipedBuffer bytes(size);
    randombytes_buf(bytes.data(), size);
    return Key(Secret(bytes.first(size)));
}

Key Key::from_text(std::string_view text)
{
    start_sodium();
    const std::string_view digits = without_surrounding_space(text);
    if (digits.size() != size * 2)
        throw std::invalid_argument("a key is 64 hexadecimal digits, but " + std::to_string(digits.size()) +
                                    " characters were given");
    WipedBuffer bytes(size);
    std::size_t read = 0;
    if (sodium_hex2bin(bytes.data(), size, digits.data(), digits.size(), nullptr, &read, nullptr) != 0 || read != size)
        throw std::invalid_argument("a key is 64 hexadecimal digits, but other characters were given");
    return Key(Secret(bytes.first(size)));
}

Secret Key::to_text() const
{
    WipedBuffer hex(size * 2 + 1);
    const std::string_view bytes = bytes_.expose();
    sodium_bin2hex(hex.chars(), hex.size(), reinterpret_cast<const unsigned char *>(bytes.data()), bytes.size());
    return Secret(hex.first(size * 2));
}

}  // namespace ig::vault
