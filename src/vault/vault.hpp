// The vault: seals secrets for a place in a table and opens them again only there.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "vault/secret.hpp"

namespace ig::vault {

// Where a sealed value lives. It is authenticated with the value: moved to another row or column, it does not open.
struct Place {
    std::string user_id;   // lower-case uuid text
    std::string platform;  // instagram
    std::string account_id;
    std::string column;  // access_token, app_secret, ...
};

enum class OpenError { other_key, damaged, wrong_place_or_damaged };

class OpenFailure : public std::runtime_error {
public:
    OpenFailure(OpenError error, const std::string &message) : std::runtime_error(message), error_(error) {}
    OpenError error() const noexcept { return error_; }

private:
    OpenError error_;
};

// A 256-bit key with a short public name (a keyed hash of it), so that a sealed value says which key it wants.
class Key {
public:
    static constexpr std::size_t size = 32;
    // A new random key.
    static Key generate();
    // From the text of a key file or the output of key_command: 64 hexadecimal digits, surrounding white space allowed.
    // Throws std::invalid_argument with a sentence that does not hold the text.
    static Key from_text(std::string_view text);
    Secret to_text() const;
    // 16 hexadecimal digits; safe to show.
    const std::string &id() const noexcept { return id_; }

private:
    friend class Vault;
    Key(Secret bytes);
    Secret bytes_;
    std::string id_;
};

class Vault {
public:
    // Throws std::runtime_error if libsodium cannot start.
    explicit Vault(Key key);
    const std::string &key_id() const noexcept { return key_.id(); }
    // XChaCha20-Poly1305: version byte, key id, random nonce, ciphertext with tag.
    std::string seal(const Secret &secret, const Place &place) const;
    // Throws OpenFailure.
    Secret open(std::string_view sealed, const Place &place) const;

private:
    Key key_;
};

// The key id a sealed value names; nothing if it is no sealed value at all.
std::optional<std::string> sealed_key_id(std::string_view sealed) noexcept;

}  // namespace ig::vault
