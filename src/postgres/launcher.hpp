// The launcher: after a restart or a crash it starts a worker in each database that may have work.
#pragma once

namespace ig::pg {

// Registers the launcher with the postmaster; call while preloading.
void register_launcher();

}  // namespace ig::pg
