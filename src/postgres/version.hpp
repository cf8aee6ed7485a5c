// The version of the SQL this library belongs to.
#pragma once

namespace ig::pg {

extern const char *const library_version;

}  // namespace ig::pg
