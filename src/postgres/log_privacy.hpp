// Keeps the server's own words about a statement that brings a secret out of its log.
#pragma once

namespace ig::pg {

// Plain C, for _PG_init.
void install_log_privacy() noexcept;

}  // namespace ig::pg
