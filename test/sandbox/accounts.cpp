// Keeps accounts, their other ids, and which token reaches which account.
#include "accounts.hpp"

#include <algorithm>
#include <cstdio>

namespace ig::sandbox {

namespace {

// The last `width` characters, filled with zeros on the left.
std::string tail_digits(std::string_view id, std::size_t width)
{
    if (id.size() >= width) return std::string(id.substr(id.size() - width));
    return std::string(width - id.size(), '0') + std::string(id);
}

void add_once(std::vector<std::string> &list, const std::string &entry)
{
    if (std::find(list.begin(), list.end(), entry) == list.end()) list.push_back(entry);
}

}  // namespace

bool is_token_state(std::string_view state)
{
    static constexpr std::string_view known[] = {"valid",       "expired",  "password_changed", "checkpointed",
                                                 "unconfirmed", "revoked",  "no_role",          "unknown",
                                                 "app_removed", "no_scope", "no_permission"};
    return std::find(std::begin(known), std::end(known), state) != std::end(known);
}

bool Token::grants(std::string_view permission) const
{
    return std::find(granted.begin(), granted.end(), permission) != granted.end();
}

std::string state_at(const Token &token, Moment now)
{
    const bool ended = token.state == "valid" && token.expires_at && now >= *token.expires_at;
    return ended ? "expired" : token.state;
}

Account generated_account(long long number)
{
    char text[64];
    Account account;
    account.login = number % 2 == 1 ? Flavour::facebook : Flavour::instagram;
    account.id = std::to_string(17841400000000000LL + number);
    std::snprintf(text, sizeof text, "sandbox_%05lld", number);
    account.username = text;
    std::snprintf(text, sizeof text, "Sandbox No. %lld \xC3\xA9\xF0\x9F\x8C\xB5", number);
    account.name = text;
    std::snprintf(text, sizeof text, "%s%012lld", number % 2 == 1 ? "EAAsandbox" : "IGAAsandbox", number);
    account.tokens = {text};
    return account;
}

std::string app_scoped_id(std::string_view account_id) { return "2" + tail_digits(account_id, 16); }

std::string app_scoped_id(const Account &account)
{
    return account.scoped_id.empty() ? app_scoped_id(std::string_view(account.id)) : account.scoped_id;
}

std::string page_id(std::string_view account_id) { return "1000" + tail_digits(account_id, 11); }

std::string page_token(std::string_view account_id) { return "EAAsandboxpage" + std::string(account_id); }

std::string page_token(const Token &token, const std::string &account_id)
{
    const auto made = token.page_tokens.find(account_id);
    return made == token.page_tokens.end() ? page_token(account_id) : made->second;
}

void Accounts::add(Account account)
{
    const auto old = accounts_.find(account.id);
    if (old != accounts_.end()) {
        for (const std::string &text : old->second.tokens) {
            auto &list = tokens_[text].accounts;
            list.erase(std::remove(list.begin(), list.end(), account.id), list.end());
            if (list.empty()) tokens_.erase(text);
        }
    }
    for (const std::string &text : account.tokens) add_once(tokens_[text].accounts, account.id);
    aliases_[app_scoped_id(account)] = account.id;
    pages_[page_id(account.id)] = account.id;
    tokens_[page_token(account.id)].accounts = {account.id};
    accounts_[account.id] = std::move(account);
}

void Accounts::add_token(const std::string &token, const std::string &account_id)
{
    add_once(tokens_[token].accounts, account_id);
    add_once(accounts_.at(account_id).tokens, token);
}

void Accounts::set_state(const std::string &token, const std::string &state) { tokens_[token].state = state; }

long long Accounts::set_state_of(const std::string &user_id, const std::string &app_id, const std::string &state)
{
    long long number = 0;
    for (auto &[text, token] : tokens_) {
        if (token.user_id != user_id || (!app_id.empty() && token.app_id != app_id)) continue;
        token.state = state;
        ++number;
    }
    return number;
}

Token *Accounts::change(const std::string &token)
{
    const auto found = tokens_.find(token);
    return found == tokens_.end() ? nullptr : &found->second;
}

void Accounts::set_scoped_id(const std::string &account_id, const std::string &scoped_id)
{
    accounts_.at(account_id).scoped_id = scoped_id;
    aliases_[scoped_id] = account_id;
}

const Account *Accounts::find(std::string_view id) const
{
    const auto found = accounts_.find(std::string(id));
    if (found != accounts_.end()) return &found->second;
    const auto alias = aliases_.find(std::string(id));
    return alias == aliases_.end() ? nullptr : &accounts_.at(alias->second);
}

const Account *Accounts::by_page(std::string_view id) const
{
    const auto found = pages_.find(std::string(id));
    return found == pages_.end() ? nullptr : &accounts_.at(found->second);
}

const Token *Accounts::token(const std::string &token) const
{
    const auto found = tokens_.find(token);
    return found == tokens_.end() ? nullptr : &found->second;
}

bool Accounts::reaches(const Token &token, const std::string &account_id) const
{
    return std::find(token.accounts.begin(), token.accounts.end(), account_id) != token.accounts.end();
}

}  // namespace ig::sandbox
