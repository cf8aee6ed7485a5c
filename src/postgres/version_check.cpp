// Implements the comparison of library and extension.
#include "postgres/version_check.hpp"

#include "postgres/version.hpp"

namespace ig::pg {

namespace {

// The next number of a version, which is taken off its front: 1.10 is newer than 1.9.
long next_number(std::string_view &version)
{
    long number = 0;
    while (!version.empty() && version.front() >= '0' && version.front() <= '9') {
        number = number * 10 + (version.front() - '0');
        version.remove_prefix(1);
    }
    if (!version.empty()) version.remove_prefix(1);
    return number;
}

bool is_older(std::string_view one, std::string_view other)
{
    while (!one.empty() || !other.empty()) {
        const long left = next_number(one);
        const long right = next_number(other);
        if (left != right) return left < right;
    }
    return false;
}

}  // namespace

std::optional<VersionMismatch> version_mismatch(Sql &sql)
{
    const Rows rows = sql.run("SELECT extversion FROM pg_catalog.pg_extension "
                              "WHERE extname OPERATOR(pg_catalog.=) 'instagram_insights'::pg_catalog.name");
    const std::string installed = rows.empty() ? std::string() : rows[0][0].value_or("");
    const std::string own = library_version;
    if (installed == own) return std::nullopt;
    VersionMismatch mismatch;
    mismatch.message =
        "the library of instagram_insights is version " + own + ", the extension in this database " + installed;
    mismatch.hint = is_older(own, installed) ? "Install the package of version " + installed +
                                                   ", restart the server if it preloads the library, and connect anew."
                                             : "Run ALTER EXTENSION instagram_insights UPDATE in this database.";
    return mismatch;
}

void require_same_version()
{
    Sql sql;
    const std::optional<VersionMismatch> mismatch = version_mismatch(sql);
    sql.finish();
    if (mismatch) throw SqlError(not_ready, mismatch->message, mismatch->hint);
}

}  // namespace ig::pg
