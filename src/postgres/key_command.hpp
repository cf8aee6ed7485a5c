// Runs instagram_insights.key_command, which prints the key.
#pragma once

#include "vault/secret.hpp"

namespace ig::pg {

// What the command prints. It runs as a child of its own for 10 s at most, and its standard input is empty so that it cannot wait
// for an answer. A cancel ends the wait and the command at once; a process that is told to end leaves at once, too, and so it does
// when the postmaster has died: the command then ends by its own time limit. Throws KeyUnavailable.
Secret output_of_key_command(const char *command);

}  // namespace ig::pg
