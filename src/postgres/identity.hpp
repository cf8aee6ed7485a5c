// Who is asking, and who may ask for whom: the acting user, the three identity sources, and the worker's restricted role.
#pragma once

#include <optional>
#include <string>

#include "postgres/guard.hpp"

namespace ig::pg {

// The user ig_current_user_id() names: the acting user, else what instagram_insights.identity points to. Lower-case uuid
// text. Throws 22023 when the source holds something else.
std::optional<std::string> current_user_id();

// Whether the caller's own role (not that of a definer function around us) is superuser or in instagram_insights_admin.
// In code that the server runs in the session of another (an index expression in ANALYZE), the role of that code's owner.
bool caller_is_admin();

// The user a call is about: `wanted`, or the current user. Throws 22004 and 42501 as the contract says.
std::string target_user_id(const std::optional<std::string> &wanted);

// While it lives, ig_current_user_id() answers this user, so that the tenant policies let exactly that user's rows through.
// Process-local; nothing in SQL can set it. An abort of the (sub)transaction clears it as well.
class ActingUser {
public:
    // Throws 22023 if `user_id` is no uuid.
    explicit ActingUser(const std::string &user_id);
    ~ActingUser();
    ActingUser(const ActingUser &) = delete;
    ActingUser &operator=(const ActingUser &) = delete;

private:
    bool previous_set_;
    pg_uuid_t previous_;
};

// While it lives, SQL runs as another role under a security-restricted operation and with GUC changes that are undone
// (craft.md 3.4). leave() ends it in order; the destructor alone is for exceptions, where the abort of the transaction
// undoes the rest.
class RestrictedRole {
public:
    ~RestrictedRole();
    RestrictedRole(const RestrictedRole &) = delete;
    RestrictedRole &operator=(const RestrictedRole &) = delete;
    void leave();

protected:
    explicit RestrictedRole(Oid role);

private:
    Oid previous_user_;
    int previous_context_;
    int guc_level_;
    bool active_;
};

// The role instagram_insights_worker.
class WorkerRole : public RestrictedRole {
public:
    WorkerRole();
};

// The superuser of initdb: for bookkeeping that row level security would hide from the worker's role.
class SuperuserRole : public RestrictedRole {
public:
    SuperuserRole();
};

// Registers the callbacks that clear the acting user at the end of a (sub)transaction.
void register_identity_callbacks();

}  // namespace ig::pg
