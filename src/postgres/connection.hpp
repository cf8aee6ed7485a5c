// Storing a connection: the account's row and its sealed token, whoever brought the token.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "postgres/arguments.hpp"
#include "postgres/spi.hpp"

namespace ig::pg {

// What is known of a token when it is stored. Times are as the server prints them.
struct NewConnection {
    std::string user_id;
    std::string account_id;
    std::string login;
    std::string username;  // empty: not known
    std::string name;
    std::optional<std::string> issued_at;
    std::optional<std::string> expires_at;
    std::optional<std::string> data_access_expires_at;
    std::optional<std::string> debugged_at;  // when the platform was asked about the token
    std::vector<std::string> scopes;
    std::string app_id;        // of the app the token belongs to; empty: none is configured
    std::string meta_user_id;  // the person's app-scoped id; empty: not known
};

// Checks the words of a caller; each throws 22023.
void check_token(const Secret &token);
void check_account_id(const std::string &account_id);
void check_login(const std::string &login);

// Seals the token and stores both rows under a new generation. Runs as the worker role. Throws 55000 without a usable key.
void store_connection(Sql &sql, const NewConnection &connection, const Secret &token);

// The rows of the view connections for these accounts, as result of the SQL function.
void return_connections(FunctionCallInfo fcinfo, const std::string &user_id,
                        const std::vector<std::string> &account_ids);

// What pg_stat_activity shows from now on; the client's text may hold a secret.
void hide_query();

// COPY would add the line, and PL/pgSQL the statement, and with it the secret, to the context of an error of the server.
class WithoutErrorContext {
public:
    WithoutErrorContext() : saved_(error_context_stack) { error_context_stack = nullptr; }
    ~WithoutErrorContext() { error_context_stack = saved_; }
    WithoutErrorContext(const WithoutErrorContext &) = delete;
    WithoutErrorContext &operator=(const WithoutErrorContext &) = delete;

private:
    ErrorContextCallback *saved_;
};

}  // namespace ig::pg
