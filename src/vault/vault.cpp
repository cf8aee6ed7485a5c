// Sealing and opening: XChaCha20-Poly1305 with the place of the value as associated data.
//
// A sealed value is: version (1 byte), key id (8), nonce (24), ciphertext, tag (16). Everything before the ciphertext
// is authenticated too, so that no byte of a sealed value can be changed without notice.
#include "vault/vault.hpp"

#include <sodium.h>

#include <array>
#include <utility>

#include "vault/wiped_buffer.hpp"

namespace ig::vault {

namespace {

constexpr char format_version = 1;
constexpr std::size_t key_id_bytes = 8;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t nonce_at = 1 + key_id_bytes;
constexpr std::size_t ciphertext_at = nonce_at + nonce_bytes;

const unsigned char *bytes_of(std::string_view text) noexcept
{
    return reinterpret_cast<const unsigned char *>(text.data());
}

unsigned char *bytes_of(std::string &text) noexcept { return reinterpret_cast<unsigned char *>(text.data()); }

// The length goes first, so that ("ab", "c") and ("a", "bc") are different places.
void append_field(std::string &data, std::string_view field)
{
    std::uint64_t size = field.size();
    for (int i = 0; i < 8; ++i, size >>= 8) data.push_back(static_cast<char>(size & 0xff));
    data.append(field);
}

std::string associated_data(std::string_view header, const Place &place)
{
    std::string data;
    append_field(data, "instagram_insights sealed value");
    append_field(data, header);
    append_field(data, place.user_id);
    append_field(data, place.platform);
    append_field(data, place.account_id);
    append_field(data, place.column);
    return data;
}

std::string key_id_text(std::string_view sealed)
{
    std::array<char, key_id_bytes * 2 + 1> hex{};
    sodium_bin2hex(hex.data(), hex.size(), bytes_of(sealed.substr(1)), key_id_bytes);
    return std::string(hex.data(), key_id_bytes * 2);
}

bool has_our_shape(std::string_view sealed) noexcept
{
    return sealed.size() >= ciphertext_at + tag_bytes && sealed[0] == format_version;
}

}  // namespace

Vault::Vault(Key key) : key_(std::move(key))
{
    if (sodium_init() < 0) throw std::runtime_error("libsodium could not be started");
    if (key_.bytes_.size() != Key::size) throw std::runtime_error("the vault was given no key");
}

std::string Vault::seal(const Secret &secret, const Place &place) const
{
    const std::string_view plain = secret.expose();
    if (plain.size() > crypto_aead_xchacha20poly1305_ietf_MESSAGEBYTES_MAX - ciphertext_at - tag_bytes)
        throw std::length_error("the value is too long to be sealed");
    std::string sealed(ciphertext_at + plain.size() + tag_bytes, '\0');
    sealed[0] = format_version;
    if (sodium_hex2bin(bytes_of(sealed) + 1, key_id_bytes, key_.id().data(), key_.id().size(), nullptr, nullptr,
                       nullptr) != 0)
        throw std::runtime_error("the key has no valid name");
    randombytes_buf(bytes_of(sealed) + nonce_at, nonce_bytes);
    const std::string place_data = associated_data(std::string_view(sealed).substr(0, nonce_at), place);
    crypto_aead_xchacha20poly1305_ietf_encrypt(bytes_of(sealed) + ciphertext_at, nullptr, bytes_of(plain), plain.size(),
                                               bytes_of(std::string_view(place_data)), place_data.size(), nullptr,
                                               bytes_of(sealed) + nonce_at, bytes_of(key_.bytes_.expose()));
    return sealed;
}

Secret Vault::open(std::string_view sealed, const Place &place) const
{
    if (!has_our_shape(sealed))
        throw OpenFailure(OpenError::damaged, "the stored value is damaged: it is not a sealed value of this version");
    const std::string wanted = key_id_text(sealed);
    if (wanted != key_.id())
        throw OpenFailure(OpenError::other_key,
                          "the value was sealed with key " + wanted + ", but the key in use is " + key_.id());
    const std::size_t plain_size = sealed.size() - ciphertext_at - tag_bytes;
    WipedBuffer plain(plain_size);
    const std::string place_data = associated_data(sealed.substr(0, nonce_at), place);
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            plain.data(), nullptr, nullptr, bytes_of(sealed.substr(ciphertext_at)), sealed.size() - ciphertext_at,
            bytes_of(std::string_view(place_data)), place_data.size(), bytes_of(sealed.substr(nonce_at)),
            bytes_of(key_.bytes_.expose())) != 0)
        throw OpenFailure(OpenError::wrong_place_or_damaged,
                          "the stored value is damaged, or it was sealed for another row or column");
    return Secret(plain.first(plain_size));
}

std::optional<std::string> sealed_key_id(std::string_view sealed) noexcept
{
    if (!has_our_shape(sealed)) return std::nullopt;
    try {
        return key_id_text(sealed);
    } catch (...) {
        return std::nullopt;  // no memory for 16 bytes; the caller meets that again at once
    }
}

}  // namespace ig::vault
