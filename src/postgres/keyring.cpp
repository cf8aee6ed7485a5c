// Implements the keyring: key_command runs as a child of its own with a time limit, a key file is read with the vault's care.
#include "postgres/keyring.hpp"

#include <memory>

#include "postgres/guard.hpp"
#include "postgres/settings.hpp"
#include "vault/key_file.hpp"

namespace ig::pg {

namespace {

struct Kept {
    std::string source;  // the settings it was read from
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

std::string shell_quoted(const std::string &text)
{
    std::string quoted = "'";
    for (const char c : text) {
        if (c == '\'')
            quoted += "'\\''";
        else
            quoted += c;
    }
    return quoted + "'";
}

// Output of key_command. The child is ended after 10 s by timeout(1): waiting for it here is bounded, and its standard input
// is empty so that it cannot wait for an answer.
Secret run_key_command()
{
    const std::string line = "exec timeout -k 1 10 /bin/sh -c " + shell_quoted(settings.key_command) + " </dev/null";
    struct Output {
        char bytes[512];
        std::size_t size;
        int status;
    };
    const char *const command = line.c_str();
    Output output = pg_call([&] {
        Output result{};
        FILE *pipe = OpenPipeStream(command, "r");
        if (pipe == nullptr)
            ereport(ERROR, (errcode_for_file_access(), errmsg("could not start instagram_insights.key_command: %m")));
        result.size = fread(result.bytes, 1, sizeof result.bytes, pipe);
        result.status = ClosePipeStream(pipe);
        return result;
    });
    Secret text(std::string_view(output.bytes, output.size));
    wipe_memory(output.bytes, sizeof output.bytes);
    if (output.status != 0)
        throw KeyUnavailable("instagram_insights.key_command failed or took longer than 10 s",
                             "Run the command as the server's operating system user; it must print 64 hexadecimal digits.");
    return text;
}

std::unique_ptr<vault::Vault> read_key(MissingKey missing)
{
    try {
        if (uses_command()) return std::make_unique<vault::Vault>(vault::Key::from_text(run_key_command().expose()));
        const std::string path = key_path();
        try {
            return std::make_unique<vault::Vault>(vault::read_key_file(path));
        } catch (const vault::KeyFileMissing &) {
            if (missing == MissingKey::fail)
                throw KeyMissing("the key file \"" + path + "\" does not exist",
                                     "Put the key that sealed this database's tokens there, or point "
                                     "instagram_insights.key_file or key_command to it; if it is lost, connect the accounts again.");
            return std::make_unique<vault::Vault>(vault::create_key_file(path));
        }
    } catch (const vault::KeyFileUnusable &error) {
        throw KeyUnavailable(error.what(), "The file must be a regular file that belongs to the server's operating system "
                                           "user, with mode 0600, holding 64 hexadecimal digits.");
    } catch (const std::invalid_argument &error) {
        throw KeyUnavailable(error.what(), "instagram_insights.key_command must print 64 hexadecimal digits and nothing else.");
    }
}

}  // namespace

const vault::Vault &key_vault(MissingKey missing)
{
    const std::string source = uses_command() ? std::string("command ") + settings.key_command : "file " + key_path();
    Kept &current = kept();
    if (!current.vault || current.source != source) {
        current.vault.reset();
        current.vault = read_key(missing);
        current.source = source;
    }
    return *current.vault;
}

Secret open_token(const std::string &sealed, const vault::Place &place)
{
    try {
        return key_vault(MissingKey::fail).open(sealed, place);
    } catch (const vault::OpenFailure &failure) {
        if (failure.error() != vault::OpenError::other_key) throw;
    }
    forget_key();
    return key_vault(MissingKey::fail).open(sealed, place);
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
