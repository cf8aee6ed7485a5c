// The key file: read with care, made once, never replaced.
#pragma once

#include <stdexcept>
#include <string>

#include "vault/vault.hpp"

namespace ig::vault {

// Missing and unusable files are told apart: only a missing one may ever be made.
class KeyFileMissing : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Unreadable, not a regular file, another owner, open to group or others, wrong content.
class KeyFileUnusable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// Reads the key. The open descriptor must be a regular file of this process' user with mode 0600 or 0400.
Key read_key_file(const std::string &path);

// Makes a new key under a temporary name (O_EXCL, 0600, fsync), then links it to `path` without ever replacing a file that
// is there, and syncs the directory. Returns the key that `path` holds afterwards, also when another process was first.
Key create_key_file(const std::string &path);

// The same for a key that is there already. Throws KeyFileUnusable when `path` holds another one.
Key store_key_file(const std::string &path, Key key);

}  // namespace ig::vault
