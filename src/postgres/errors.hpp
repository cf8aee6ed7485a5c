// SqlError: an error of ours with SQLSTATE, detail and hint, thrown in C++ and reported to SQL at the wall.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace ig::pg {

// The SQLSTATEs of the public contract (sql-api.md).
inline constexpr const char *insufficient_privilege = "42501";
inline constexpr const char *invalid_parameter = "22023";
inline constexpr const char *null_not_allowed = "22004";
inline constexpr const char *undefined_object = "42704";
inline constexpr const char *not_ready = "55000";
inline constexpr const char *login_refused = "28000";

class SqlError : public std::runtime_error {
public:
    SqlError(const char *sqlstate, const std::string &message, std::string hint, std::string detail = {})
        : std::runtime_error(message), sqlstate_(sqlstate), hint_(std::move(hint)), detail_(std::move(detail))
    {
    }
    const char *sqlstate() const noexcept { return sqlstate_; }
    const std::string &hint() const noexcept { return hint_; }
    const std::string &detail() const noexcept { return detail_; }

private:
    const char *sqlstate_;
    std::string hint_;
    std::string detail_;
};

}  // namespace ig::pg
