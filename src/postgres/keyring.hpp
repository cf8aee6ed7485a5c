// The process' vault: finds the key (key_command, else key_file), makes a key file on first use, and opens sealed tokens.
#pragma once

#include <stdexcept>
#include <string>

#include "vault/vault.hpp"

namespace ig::pg {

// There is no usable key. `hint` says what to do.
class KeyUnavailable : public std::runtime_error {
public:
    KeyUnavailable(const std::string &message, std::string hint) : std::runtime_error(message), hint_(std::move(hint))
    {
    }
    const std::string &hint() const noexcept { return hint_; }

private:
    std::string hint_;
};

// The one kind that a new key may end: there is no key file at all.
class KeyMissing : public KeyUnavailable {
public:
    using KeyUnavailable::KeyUnavailable;
};

enum class MissingKey { fail, create };

class Sql;
// A key may be made only while nothing is sealed under another one. Runs as the worker role. Whoever is going to store
// what key_vault() seals asks first: no other session changes the key from then on, to the end of the transaction.
MissingKey may_make_key(Sql &sql);

// The vault with the current key; read once, and again when the settings that name the key change. `create` is allowed only
// while the database holds no sealed value: otherwise a new key would hide that the old one is lost. Throws KeyUnavailable.
const vault::Vault &key_vault(MissingKey missing);

// Opens a token. Reads the key again if the value names another one than we hold (it may have been rotated meanwhile).
// Throws KeyUnavailable or vault::OpenFailure.
Secret open_token(const std::string &sealed, const vault::Place &place);

// Forgets the key, so that the next use reads it again (reload of the configuration).
void forget_key() noexcept;

// Where the key comes from, for people: "key_command" or the path of the file.
std::string key_source();
bool key_file_is_in_data_directory();
bool key_comes_from_command();
// instagram_insights.key_file or its default, also while key_command is set. Beside it lie, as "<path>.<key id>", a key that is
// about to be used and those that were: whoever finds a value sealed under one of them can open it.
std::string key_file_path();

vault::Place token_place(const std::string &user_id, const std::string &platform, const std::string &account_id);

}  // namespace ig::pg
