// The accounts of the fake world and the tokens that reach them.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pacific.hpp"
#include "settings.hpp"

namespace ig::sandbox {

struct Account {
    std::string id;
    std::string username;
    std::string name;
    std::string scoped_id;  // app-scoped id on the Instagram host; empty: made of the id
    Flavour login = Flavour::facebook;
    std::vector<std::string> tokens;
    std::optional<long long> followers;    // followers_count; absent: generated
    std::optional<Day> created;            // no data before
    std::vector<std::string> missing;      // metrics without any data
    std::vector<std::string> unsupported;  // metrics this account is refused
    bool few_followers = false;
    bool few_followers_is_error = false;  // follower_count and online_followers then fail instead of being left out

    bool has_few_followers() const { return few_followers || (followers && *followers < 100); }
};

struct Token {
    std::string state = "valid";
    std::vector<std::string> accounts;  // ids, in the order in which they were added

    // What is known of a token that a login, an exchange or a refresh made; others have lived long and for ever.
    std::optional<Flavour> login;
    std::string app_id, user_id, user_name;
    std::vector<std::string> granted, declined;
    std::optional<Moment> issued_at, expires_at, data_access_until;
    std::map<std::string, std::string> page_tokens;  // account id -> text
    bool long_lived = true;
    bool is_page = false;

    bool grants(std::string_view permission) const;
};

// The token's state at this time: that of the token, or expired.
std::string state_at(const Token &token, Moment now);

// The states a token may be in; anything else is a mistake of the control request.
bool is_token_state(std::string_view state);

// The whole of a generated account, from its number (1, 2, ...) alone:
//   id 17841400000000000 + number, username sandbox_<number, 5 digits>, odd numbers log in with facebook and have the
//   token EAAsandbox<number, 12 digits>, even ones with instagram and IGAAsandbox<number, 12 digits>.
Account generated_account(long long number);

// graph.instagram.com's app-scoped `id` of an account, and the Facebook page in front of one.
std::string app_scoped_id(std::string_view account_id);
std::string app_scoped_id(const Account &account);
std::string page_id(std::string_view account_id);
std::string page_token(std::string_view account_id);
// The page token a user's token leads to: made with it by a login, else the account's generated one.
std::string page_token(const Token &token, const std::string &account_id);

class Accounts {
public:
    void add(Account account);
    void add_token(const std::string &token, const std::string &account_id);
    void set_state(const std::string &token, const std::string &state);
    // All tokens of one person (of this app, if it is named); how many.
    long long set_state_of(const std::string &user_id, const std::string &app_id, const std::string &state);
    void put(const std::string &text, Token token) { tokens_[text] = std::move(token); }
    const std::unordered_map<std::string, Token> &tokens() const { return tokens_; }
    Token *change(const std::string &token);
    void set_scoped_id(const std::string &account_id, const std::string &scoped_id);

    const std::map<std::string, Account> &all() const { return accounts_; }
    const Account *find(std::string_view id) const;  // by id, or by its app-scoped id
    const Account *by_page(std::string_view id) const;
    // Also knows the page token of every account. nullptr: no such token.
    const Token *token(const std::string &token) const;
    bool reaches(const Token &token, const std::string &account_id) const;

private:
    std::map<std::string, Account> accounts_;
    std::unordered_map<std::string, std::string> aliases_;  // app-scoped id -> id
    std::unordered_map<std::string, std::string> pages_;    // page id -> id
    std::unordered_map<std::string, Token> tokens_;
};

}  // namespace ig::sandbox
