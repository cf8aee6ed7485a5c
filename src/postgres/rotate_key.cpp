// ig_rotate_key(): seals everything under a new key while others go on opening, without a moment in which nobody can.
//
// The new key is reachable under its id before the first row is sealed with it, and the old one stays reachable under its id
// afterwards (keyring.cpp looks for "<key file>.<id>"). A crash at any point leaves every value openable.
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <functional>

#include "postgres/account_state.hpp"
#include "postgres/apps.hpp"
#include "postgres/arguments.hpp"
#include "postgres/identity.hpp"
#include "postgres/keyring.hpp"
#include "postgres/version_check.hpp"
#include "vault/key_file.hpp"

namespace ig::pg {

namespace {

// What is left to do when the transaction commits: put the new key where the old one was. Plain data; no server call.
struct Swap {
    bool wanted;
    SubTransactionId within;  // rolled back to a savepoint, the rotation is as undone as with its whole transaction
    char current[MAXPGPATH];
    char old_name[MAXPGPATH];
    char new_name[MAXPGPATH];
};
Swap swap;

void swap_at_commit(XactEvent event, void *)
{
    if (!swap.wanted) return;
    if (event == XACT_EVENT_COMMIT) {
        // The old key keeps a name before the new one takes its place. If either fails, both stay reachable under their ids.
        if (link(swap.current, swap.old_name) == 0 || errno == EEXIST) (void)rename(swap.new_name, swap.current);
        swap.wanted = false;
    } else if (event == XACT_EVENT_ABORT || event == XACT_EVENT_PREPARE) {
        swap.wanted = false;
    }
}

void follow_savepoint(SubXactEvent event, SubTransactionId ended, SubTransactionId parent, void *)
{
    if (!swap.wanted || swap.within != ended) return;
    if (event == SUBXACT_EVENT_ABORT_SUB) swap.wanted = false;
    if (event == SUBXACT_EVENT_COMMIT_SUB) swap.within = parent;
}

void register_swap()
{
    static bool registered = false;
    if (registered) return;
    pg_call([] {
        RegisterXactCallback(swap_at_commit, nullptr);
        RegisterSubXactCallback(follow_savepoint, nullptr);
    });
    registered = true;
}

void copy_path(char *target, const std::string &path)
{
    if (path.size() >= MAXPGPATH)
        throw SqlError(invalid_parameter, "the name of the key file is too long", "Choose a shorter path.");
    strlcpy(target, path.c_str(), MAXPGPATH);
}

void require_rights(bool names_a_file)
{
    if (!caller_is_admin())
        throw SqlError(insufficient_privilege, "permission denied: this needs membership in instagram_insights_admin",
                       "Ask a superuser for GRANT instagram_insights_admin TO your role.");
    const bool may_write = pg_call([] {
        return superuser_arg(GetOuterUserId()) || has_privs_of_role(GetOuterUserId(), ROLE_PG_WRITE_SERVER_FILES);
    });
    if (names_a_file && !may_write)
        throw SqlError(insufficient_privilege, "permission denied to make a file on the server",
                       "Leave new_key_file out, or ask a superuser for GRANT pg_write_server_files TO your role.");
}

struct NewKey {
    vault::Vault vault;
    std::string path;
};

NewKey make_key(const std::optional<std::string> &named)
{
    try {
        if (named) {
            if (named->empty() || named->front() != '/')
                throw SqlError(invalid_parameter, "new_key_file is not an absolute path",
                               "Pass a path such as /etc/instagram_insights/key.");
            return {vault::Vault(vault::create_key_file(*named)), *named};
        }
        if (key_comes_from_command())
            throw SqlError(not_ready, "the key comes from instagram_insights.key_command",
                           "Pass new_key_file: a file with the key the command will print from then on.");
        vault::Key key = vault::Key::generate();
        const std::string path = key_file_path() + "." + key.id();
        return {vault::Vault(vault::store_key_file(path, std::move(key))), path};
    } catch (const vault::KeyFileUnusable &failure) {
        throw SqlError(
            not_ready, failure.what(),
            "The folder must be writable, and the file readable only, for the server's operating system user.");
    }
}

void make_link(const std::string &target, const std::string &name)
{
    if (symlink(target.c_str(), name.c_str()) != 0 && errno != EEXIST)
        throw SqlError(not_ready, "could not make a link beside the key file",
                       "The folders of both key files must be writable for the server's operating system user.");
}

// A key elsewhere is found by a link beside the present file until the setting names it; and the present key by a link beside
// the new file afterwards, for a token stored in between. Links hold no key.
void link_both_ways(const std::string &named, const std::string &new_id, const std::string &old_id)
{
    make_link(named, key_file_path() + "." + new_id);
    if (!key_comes_from_command()) make_link(key_file_path(), named + "." + old_id);
}

int reseal(Sql &sql, const vault::Vault &to, const Rows &rows, const char *statement,
           const std::function<vault::Place(const std::vector<Field> &)> &place_of)
{
    std::vector<Field> first;
    std::vector<Field> second;
    std::vector<Field> sealed;
    for (const std::vector<Field> &row : rows) {
        const vault::Place place = place_of(row);
        const std::string fresh = to.seal(open_token(from_hex(row[2].value()), place), place);
        first.push_back(row[0]);
        second.push_back(row[1]);
        sealed.emplace_back(to_hex(fresh));
    }
    sql.run(statement, Params().texts(std::move(first)).texts(std::move(second)).texts(std::move(sealed)));
    return static_cast<int>(rows.size());
}

int rotate(const std::optional<std::string> &named)
{
    require_rights(named.has_value());
    require_same_version();
    WorkerRole role;
    Sql sql;
    // Others go on reading; who wants to store a token waits until we are done, and seals under the new key then.
    sql.run("LOCK TABLE instagram_insights.credentials, instagram_insights.apps IN SHARE ROW EXCLUSIVE MODE");
    int count = 0;
    try {
        const std::string old_id = key_vault(may_make_key(sql)).key_id();
        const NewKey fresh = make_key(named);
        if (named) link_both_ways(*named, fresh.vault.key_id(), old_id);
        count += reseal(
            sql, fresh.vault,
            sql.run("SELECT c.user_id::text, c.account_id, pg_catalog.encode(c.sealed_token, 'hex'), a.platform"
                    "  FROM instagram_insights.credentials c JOIN instagram_insights.accounts a USING (user_id, "
                    "account_id)"),
            "UPDATE instagram_insights.credentials c SET sealed_token = pg_catalog.decode(n.sealed, 'hex')"
            "  FROM ROWS FROM (unnest($1::uuid[]), unnest($2::text[]), unnest($3::text[])) AS n (user_id, account_id, "
            "sealed)"
            " WHERE c.user_id = n.user_id AND c.account_id = n.account_id",
            [](const std::vector<Field> &row) { return token_place(row[0].value(), row[3].value(), row[1].value()); });
        count += reseal(
            sql, fresh.vault,
            sql.run(
                "SELECT p.login, p.app_id, pg_catalog.encode(p.sealed_secret, 'hex') FROM instagram_insights.apps p"),
            "UPDATE instagram_insights.apps p SET sealed_secret = pg_catalog.decode(n.sealed, 'hex')"
            "  FROM ROWS FROM (unnest($1::text[]), unnest($2::text[]), unnest($3::text[])) AS n (login, app_id, sealed)"
            " WHERE p.login = n.login AND p.app_id = n.app_id",
            [](const std::vector<Field> &row) { return secret_place(row[0].value(), row[1].value()); });
        if (!named) {
            register_swap();
            copy_path(swap.current, key_file_path());
            copy_path(swap.old_name, key_file_path() + "." + old_id);
            copy_path(swap.new_name, fresh.path);
            swap.within = pg_call([] { return GetCurrentSubTransactionId(); });
            swap.wanted = true;
        }
    } catch (const KeyUnavailable &failure) {
        throw SqlError(not_ready, failure.what(), failure.hint());
    } catch (const vault::OpenFailure &failure) {
        throw SqlError(not_ready,
                       std::string("a value cannot be opened, so nothing was sealed anew: ") + failure.what(),
                       "Put the key that sealed it back, or disconnect the accounts that are token_unreadable; then "
                       "rotate again.");
    }
    sql.finish();
    role.leave();
    forget_key();
    return count;
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_rotate_key)
{
    return pg::cpp_entry([&]() -> Datum { return Int32GetDatum(pg::rotate(pg::text_argument(fcinfo, 0))); });
}
