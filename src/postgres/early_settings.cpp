// Implements the look at what a connection asked for at its begin.
//
// Without preload the server takes any instagram_insights.* from a connection's options, for it cannot know who may set
// it, and forgets what postgresql.conf, ALTER DATABASE or ALTER ROLE say. When the library is loaded it refuses the
// value, but what is left then is the built-in default: identity would be jwt again, whatever the administrator chose,
// and enabled on. So such a session gets nothing at all. SET is harmless: behind it the server keeps what was there.
#include "postgres/early_settings.hpp"

#include "postgres/guard.hpp"

namespace ig::pg {

namespace {

bool is_refused(const config_generic *setting)
{
    constexpr const char prefix[] = "instagram_insights.";
    // user_id is for everybody; a superuser's context would be PGC_SU_BACKEND.
    return (setting->flags & GUC_CUSTOM_PLACEHOLDER) != 0 &&
           pg_strncasecmp(setting->name, prefix, sizeof prefix - 1) == 0 &&
           pg_strcasecmp(setting->name + sizeof prefix - 1, "user_id") != 0 && setting->reset_source == PGC_S_CLIENT &&
           setting->reset_scontext == PGC_BACKEND;
}

}  // namespace

void refuse_early_settings()
{
    int count = 0;
    config_generic *const *const settings = server_settings(count);
    for (int i = 0; i < count; ++i)
        if (is_refused(settings[i]))
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            errmsg("this connection was begun with a setting that only a superuser may set: %s",
                                   settings[i]->name),
                            errhint("Of instagram_insights.* only user_id may stand in the connection's options.")));
}

}  // namespace ig::pg
