// Whether library and SQL are of one version, and what a person should do where they are not.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "postgres/spi.hpp"

namespace ig::pg {

struct VersionMismatch {
    std::string message;
    std::string hint;
};

// Compares this library with the version of the extension in this database.
std::optional<VersionMismatch> version_mismatch(Sql &sql);

// Raises 55000 where they differ. For functions of ours that read and write tables: those may be shaped otherwise than this
// library thinks. What only tells or wakes goes on, so that reading, enqueueing and ig_doctor() work during an update.
void require_same_version();

}  // namespace ig::pg
