// Implements the keyring: a key comes from key_command, or from a key file, which is read with the vault's care.
#include "postgres/keyring.hpp"

#include <sys/stat.h>

#include <memory>
#include <optional>

#include "postgres/key_command.hpp"
#include "postgres/settings.hpp"
#include "postgres/spi.hpp"
#include "vault/key_file.hpp"

namespace ig::pg {

namespace {

struct Kept {
    std::string source;  // the settings it was read from, and which file that was
    std::unique_ptr<vault::Vault> vault;
};

Kept &kept()
{
    static Kept *const value = new Kept();
    return *value;
}

bool uses_command() { return settings.key_command != nullptr && settings.key_command[0] != '\0'; }

std::string key_path()
{
    if (settings.key_file != nullptr && settings.key_file[0] != '\0') return settings.key_file;
    return std::string(DataDir) + "/instagram_insights.key";
}

// Changes when the settings do, and when another file has taken the key file's place (ig_rotate_key() in another session).
std::string key_identity()
{
    if (uses_command()) return std::string("command ") + settings.key_command;
    const std::string path = key_path();
    struct stat file = {};
    if (stat(path.c_str(), &file) != 0) return "no file " + path;
    return "file " + path + " " + std::to_string(file.st_dev) + " " + std::to_string(file.st_ino) + " " +
           std::to_string(file.st_mtim.tv_sec) + "." + std::to_string(file.st_mtim.tv_nsec);
}

std::unique_ptr<vault::Vault> read_key(MissingKey missing)
{
    try {
        if (uses_command())
            return std::make_unique<vault::Vault>(
                vault::Key::from_text(output_of_key_command(settings.key_command).expose()));
        const std::string path = key_path();
        try {
            return std::make_unique<vault::Vault>(vault::read_key_file(path));
        } catch (const vault::KeyFileMissing &) {
            if (missing == MissingKey::fail)
                throw KeyMissing(
                    "the key file \"" + path + "\" does not exist",
                    "Put the key that sealed this database's tokens there, or point "
                    "instagram_insights.key_file or key_command to it; if it is lost, connect the accounts again.");
            return std::make_unique<vault::Vault>(vault::create_key_file(path));
        }
    } catch (const vault::KeyFileUnusable &error) {
        throw KeyUnavailable(error.what(),
                             "The file must be a regular file that belongs to the server's operating system "
                             "user, with mode 0600, holding 64 hexadecimal digits.");
    } catch (const std::invalid_argument &error) {
        throw KeyUnavailable(error.what(),
                             "instagram_insights.key_command must print 64 hexadecimal digits and nothing else.");
    }
}

}  // namespace

MissingKey may_make_key(Sql &sql)
{
    // Keeps ig_rotate_key() out, or waits for it: what is sealed from here on is sealed under the key that stays.
    sql.run("LOCK TABLE instagram_insights.credentials, instagram_insights.apps IN ROW EXCLUSIVE MODE");
    const Rows sealed = sql.run(
        "(SELECT FROM instagram_insights.credentials LIMIT 1) UNION ALL (SELECT FROM instagram_insights.apps LIMIT 1)");
    return sealed.empty() ? MissingKey::create : MissingKey::fail;
}

const vault::Vault &key_vault(MissingKey missing)
{
    const std::string source = key_identity();
    Kept &current = kept();
    if (!current.vault || current.source != source) {
        current.vault.reset();
        current.vault = read_key(missing);
        current.source = key_identity();  // it may have been made just now
    }
    return *current.vault;
}

namespace {

// A key that was in use, or is about to be: "<key file>.<its id>". Throws the failure being handled when there is none.
Secret open_with_key_beside(const std::string &sealed, const vault::Place &place)
{
    const std::optional<std::string> id = vault::sealed_key_id(sealed);
    if (!id) throw;
    std::optional<vault::Key> key;
    try {
        key = vault::read_key_file(key_path() + "." + *id);
    } catch (const vault::KeyFileMissing &) {
    } catch (const vault::KeyFileUnusable &) {
    }
    if (!key) throw;
    return vault::Vault(std::move(*key)).open(sealed, place);
}

}  // namespace

std::string key_file_path() { return key_path(); }
bool key_comes_from_command() { return uses_command(); }

Secret open_token(const std::string &sealed, const vault::Place &place)
{
    try {
        return key_vault(MissingKey::fail).open(sealed, place);
    } catch (const vault::OpenFailure &failure) {
        if (failure.error() != vault::OpenError::other_key) throw;
    }
    forget_key();
    try {
        return key_vault(MissingKey::fail).open(sealed, place);
    } catch (const vault::OpenFailure &failure) {
        if (failure.error() != vault::OpenError::other_key) throw;
        return open_with_key_beside(sealed, place);
    }
}

void forget_key() noexcept { kept().vault.reset(); }

std::string key_source() { return uses_command() ? "key_command" : key_path(); }

bool key_file_is_in_data_directory()
{
    if (uses_command()) return false;
    const std::string path = key_path();
    const std::string data = std::string(DataDir) + "/";
    return path.compare(0, data.size(), data) == 0 || (!path.empty() && path[0] != '/');
}

vault::Place token_place(const std::string &user_id, const std::string &platform, const std::string &account_id)
{
    return vault::Place{user_id, platform, account_id, "access_token"};
}

}  // namespace ig::pg
