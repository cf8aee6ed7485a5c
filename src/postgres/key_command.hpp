// Runs instagram_insights.key_command, which prints the key.
#pragma once

#include "vault/secret.hpp"

namespace ig::pg {

// What the command prints. It runs as a child of its own for 10 s at most, and its standard input is empty so that it
// cannot wait for an answer. A cancel ends the wait and the command at once. A process that ends meanwhile, because its
// session is terminated or the postmaster has died, does not wait for the command, which its time limit ends then.
// Throws KeyUnavailable.
Secret output_of_key_command(const char *command);

}  // namespace ig::pg
