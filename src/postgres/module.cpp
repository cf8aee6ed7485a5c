// What the server sees of the library: its load function.
#include "postgres/early_settings.hpp"
#include "postgres/guard.hpp"
#include "postgres/identity.hpp"
#include "postgres/launcher.hpp"
#include "postgres/log_privacy.hpp"
#include "postgres/settings.hpp"
#include "postgres/shared_state.hpp"
#include "postgres/wake.hpp"

extern "C" {
PGDLLEXPORT void _PG_init(void);
}

// Must not fail without preloading: else CREATE EXTENSION and restores would fail too (what is refused here, no superuser
// meets). Only plain C calls here: an ERROR passes through this frame.
void _PG_init(void)
{
    if (IsBinaryUpgrade) return;
    ig::pg::refuse_early_settings();
    ig::pg::define_settings();
    ig::pg::install_log_privacy();
    ig::pg::register_identity_callbacks();
    ig::pg::register_wake_callbacks();
    if (process_shared_preload_libraries_in_progress) {
        ig::pg::request_shared_state();
        ig::pg::register_launcher();
    }
}
