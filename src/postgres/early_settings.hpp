// Refuses sessions that set our settings before the library that guards them was there.
#pragma once

namespace ig::pg {

// Plain C, for _PG_init, before the settings are defined. Raises 42501.
void refuse_early_settings();

}  // namespace ig::pg
