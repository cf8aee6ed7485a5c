// What the tests of logins, tokens and budgets share: a sandbox with both apps, and a browser at the dialogs.
#pragma once

#include <string>

#include <gtest/gtest.h>

#include "sandbox_process.hpp"

namespace ig::sandbox {

constexpr const char *facebook_app = "1234567890";
constexpr const char *facebook_secret = "fbsecret0123456789abcdef";
constexpr const char *instagram_app = "9876543210";
constexpr const char *instagram_secret = "igsecret0123456789abcdef";
constexpr const char *redirect_uri = "https://app.example/back?x=1";
constexpr const char *facebook_user = "10220000000000077";
constexpr const char *instagram_user = "26000000000000088";

bool contains(const std::string &text, const std::string &part);
// The text after "name":" in JSON; empty if it is not there. "\/" comes out as "/".
std::string member_of(const std::string &json, const std::string &name);
std::string encoded(const std::string &text);

// Accounts 1 and 3 are reached by the Facebook login of one person, account 2 by the Instagram login of another.
struct WithLogins : testing::Test {
    SandboxProcess sandbox{{"--accounts", "3", "--now", "2026-11-22T12:00:00Z"}};

    void SetUp() override;
    Reply get(const std::string &target, const std::string &token = {}) const { return sandbox.api(target, token); }
    Reply post_form(const std::string &target, const std::string &form) const;
    // The Location the dialog sends the browser to.
    std::string dialog(bool instagram, const std::string &more = "&state=abc") const;
    std::string code(bool instagram) const;
    Reply exchange(bool instagram, const std::string &code, const std::string &secret = {}, const std::string &uri = {},
                   const std::string &app = {}) const;
    Reply fb_exchange(const std::string &token, const std::string &secret = facebook_secret) const;
    Reply ig_exchange(const std::string &token, const std::string &secret = instagram_secret) const;
    Reply ig_refresh(const std::string &token) const;
    Reply debug(const std::string &token, const std::string &secret = facebook_secret) const;
    // Through the whole login.
    std::string short_token(bool instagram) const;
    std::string long_token(bool instagram) const;
    void advance(const std::string &seconds) const;
    long count(const std::string &name) const { return sandbox.counter("/logins", name); }
};

}  // namespace ig::sandbox
