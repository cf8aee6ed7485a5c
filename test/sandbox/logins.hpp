// What a login is made of: apps, persons who log in at the dialog, codes, and how often each step was taken.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "accounts.hpp"

namespace ig::sandbox {

struct App {
    std::string id;
    std::string secret;
    Flavour login = Flavour::facebook;
    std::vector<std::string> redirect_uris;
    bool require_proof = false;
};

// Who sits in front of the dialog.
struct Person {
    std::string user_id;  // app-scoped
    std::string name;
    Flavour login = Flavour::facebook;
    std::vector<std::string> accounts;
    std::vector<std::string> declined;  // permissions she takes out of those asked for
    bool deny = false;
};

struct Code {
    std::string text;
    std::string app_id;
    std::string redirect_uri;
    std::string user_id;
    std::vector<std::string> asked;  // scopes
    Moment issued_at{};
    Moment expires_at{};
    bool used = false;
};

// Exact counts, for GET /logins.
struct LoginCounters {
    std::uint64_t dialogs = 0, dialogs_denied = 0, dialogs_refused = 0;
    std::uint64_t code_exchanges = 0, code_exchanges_refused = 0;
    std::uint64_t long_exchanges = 0, long_exchanges_refused = 0;
    std::uint64_t refreshes = 0, refreshes_refused = 0;
    std::uint64_t proofs_right = 0, proofs_missing = 0, proofs_wrong = 0;
};

class Logins {
public:
    void add(App app);
    void add(Person person);
    const std::map<std::string, App> &apps() const { return apps_; }
    const App *app(const std::string &id) const;
    // The app a token belongs to: its own; one that no login made goes with the newest app of its kind.
    const App *app_of(const Token &token, Flavour flavour) const;
    const Person *person(const std::string &user_id) const;
    // Who logs in when the dialog's URL names nobody: the person posted last. nullptr: none yet.
    const Person *current(Flavour login) const;

    Code &issue(Code code);
    Code *code(const std::string &text);
    const std::deque<Code> &codes() const { return codes_; }

    // A text that no other token or code has.
    std::string unique_text(const std::string &prefix, std::size_t letters);

    LoginCounters counters;

private:
    std::map<std::string, App> apps_;
    std::map<std::string, Person> persons_;
    std::map<Flavour, std::string> newest_app_, current_;
    std::deque<Code> codes_;
    std::uint64_t serial_ = 0;
};

// Permissions the dialogs know; insights and basic are those without which data is refused.
bool is_permission(Flavour login, const std::string &name);
const char *insights_permission(Flavour login);
const char *basic_permission(Flavour login);
std::vector<std::string> usual_permissions(Flavour login);

}  // namespace ig::sandbox
