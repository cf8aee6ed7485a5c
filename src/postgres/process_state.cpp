// What only C++ can tell ig_doctor(): the library, the key, the worker's process; and settings for bodies of definer functions.
#include "postgres/account_state.hpp"
#include "postgres/arguments.hpp"
#include "postgres/keyring.hpp"
#include "postgres/settings.hpp"
#include "postgres/shared_state.hpp"
#include "postgres/version.hpp"
#include "postgres/wake.hpp"

namespace ig::pg {

namespace {

struct KeyState {
    std::string status;
    std::string detail;
    Field hint;
    Field id;
};

KeyState key_state()
{
    try {
        const std::string id = key_vault(MissingKey::fail).key_id();
        if (!key_file_is_in_data_directory()) return {"ok", "key " + id + " from " + key_source(), {}, id};
        return {"warn", "key " + id + " lies in the data directory: a base backup holds it beside the tokens it seals",
                "Move the file elsewhere, set instagram_insights.key_file to its new path and reload; copy it before "
                "pg_upgrade and "
                "to standbys.",
                id};
    } catch (const KeyMissing &failure) {
        return {"missing", failure.what(), failure.hint(), {}};
    } catch (const KeyUnavailable &failure) {
        return {"fail", failure.what(), failure.hint(), {}};
    }
}

void process_state(FunctionCallInfo fcinfo)
{
    static const char *const identities[] = {"jwt", "setting", "role"};
    const KeyState key = key_state();
    ResultSet result(fcinfo);
    result.add({std::string(library_version), shared_state() != nullptr ? "true" : "false",
                leader_exists() ? "true" : "false", settings.enabled ? "true" : "false",
                std::string(identities[settings.identity]), key.status, key.detail, key.hint, key.id});
}

}  // namespace

}  // namespace ig::pg

using namespace ig;

IG_SQL_FUNCTION(ig_process_state)
{
    return pg::cpp_entry([&]() -> Datum {
        pg::process_state(fcinfo);
        return static_cast<Datum>(0);
    });
}

// Only the settings that SQL bodies need, so that this is no way round GUC_SUPERUSER_ONLY.
IG_SQL_FUNCTION(ig_setting)
{
    return pg::cpp_entry([&]() -> Datum {
        const std::string name = pg::text_argument(fcinfo, 0).value_or("");
        int value = 0;
        if (name == "log_retention") value = pg::settings.log_retention_s;
        else if (name == "insights_retention") value = pg::settings.insights_retention_s;
        else if (name == "spread") value = pg::settings.spread_s;
        else if (name == "enabled") value = pg::settings.enabled ? 1 : 0;
        else if (name == "usage_threshold") value = pg::settings.usage_threshold;
        else
            throw pg::SqlError(pg::invalid_parameter, "setting \"" + name + "\" is not one that SQL may ask for",
                               "Known are log_retention, insights_retention, spread, enabled and usage_threshold.");
        return pg::pg_call([&] { return CStringGetTextDatum(psprintf("%d", value)); });
    });
}
