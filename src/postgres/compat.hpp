// What differs between PostgreSQL 15, 17 and 18: every version test of the project is here.
#pragma once

// Before 16 PGDLLEXPORT is empty on Linux, and we hide symbols by default: without this nothing would be exported.
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

#if PG_VERSION_NUM >= 180000
#define IG_MODULE_MAGIC(number) PG_MODULE_MAGIC_EXT(.name = "instagram_insights", .version = number)
#else
#define IG_MODULE_MAGIC(number) PG_MODULE_MAGIC
#endif

// Declares a function that SQL can call and keeps it visible.
#define IG_SQL_FUNCTION(name)                                                                                          \
    extern "C" {                                                                                                       \
    PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                                          \
    PGDLLEXPORT const Pg_finfo_record *CppConcat(pg_finfo_, name)(void);                                               \
    PG_FUNCTION_INFO_V1(name);                                                                                         \
    }                                                                                                                  \
    extern "C" Datum name(PG_FUNCTION_ARGS)

namespace ig::pg {

inline WaitEventSet *create_wait_event_set(int events)
{
#if PG_VERSION_NUM >= 170000
    return CreateWaitEventSet(nullptr, events);
#else
    return CreateWaitEventSet(TopMemoryContext, events);
#endif
}

// Shown in pg_stat_activity while we wait for answers (17 and later; "Extension" before).
inline uint32 http_wait_event()
{
#if PG_VERSION_NUM >= 170000
    static uint32 event = 0;
    if (event == 0) event = WaitEventExtensionNew("InstagramInsightsHttp");
    return event;
#else
    return PG_WAIT_EXTENSION;
#endif
}

inline bool is_background_process(const PGPROC *process)
{
#if PG_VERSION_NUM >= 180000
    return !process->isRegularBackend;
#else
    return process->isBackgroundWorker;
#endif
}

// Every setting that the server knows in this session, placeholders included.
inline config_generic **server_settings(int &count)
{
#if PG_VERSION_NUM >= 160000
    return get_guc_variables(&count);
#else
    count = GetNumConfigOptions();
    return get_guc_variables();
#endif
}

}  // namespace ig::pg
