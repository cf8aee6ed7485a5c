// The one object that knows the version, which the Makefile reads from the control file, and the library's magic.
#include "postgres/version.hpp"

#include "postgres/postgres.hpp"

extern "C" {
IG_MODULE_MAGIC(IG_VERSION);
}

namespace ig::pg {

const char *const library_version = IG_VERSION;

}  // namespace ig::pg
