// Defines the GUCs with bounds and descriptions, and turns them into the options of the layers below.
#include "postgres/settings.hpp"

#include "postgres/postgres.hpp"

namespace ig::pg {

Settings settings;

namespace {

constexpr int second_ms = 1000;
constexpr int day_s = 86400;

const config_enum_entry identity_options[] = {{"jwt", static_cast<int>(Identity::jwt), false},
                                              {"setting", static_cast<int>(Identity::setting), false},
                                              {"role", static_cast<int>(Identity::role), false},
                                              {nullptr, 0, false}};

// https anywhere; plain http only where nobody can listen in between.
bool check_url(char **value, void **, GucSource)
{
    const char *url = *value;
    if (url == nullptr || url[0] == '\0') {
        GUC_check_errdetail("The address may not be empty.");
        return false;
    }
    const std::size_t length = strlen(url);
    bool plain = length < 512 && url[length - 1] != '/';
    for (const char *at = url; plain && *at != '\0'; ++at)
        plain = *at > ' ' && *at < 127 && *at != '?' && *at != '#' && *at != '@' && *at != '"' && *at != '\\';
    bool allowed = false;
    try {
        allowed = plain && http::url_is_allowed(url);
    } catch (...) {
        allowed = false;
    }
    if (!allowed) {
        GUC_check_errdetail(
            "It must be https://host[:port] without a path's slash at the end, a query or a user name.");
        GUC_check_errhint("Plain http is accepted for loopback addresses only.");
    }
    return allowed;
}

bool check_api_version(char **value, void **, GucSource)
{
    const char *text = *value;
    bool good = text != nullptr && text[0] == 'v' && text[1] >= '0' && text[1] <= '9';
    bool dot = false;
    for (const char *at = good ? text + 1 : ""; good && *at != '\0'; ++at) {
        if (*at == '.' && !dot && at[1] != '\0') dot = true;
        else good = *at >= '0' && *at <= '9';
    }
    good = good && dot && strlen(text) < 12;
    if (!good) GUC_check_errdetail("An API version looks like v25.0.");
    return good;
}

struct TextSetting {
    const char *name;
    const char *description;
    const char *detail;
    char **variable;
    const char *initial;
    GucContext context;
    int flags;
    GucStringCheckHook check;
};

struct NumberSetting {
    const char *name;
    const char *description;
    const char *detail;
    int *variable;
    int initial;
    int least;
    int most;
    int flags;
};

constexpr int secret = GUC_SUPERUSER_ONLY;

void define_texts()
{
    const TextSetting texts[] = {
        {"api_version", "Version of the Graph API to call.", nullptr, &settings.api_version, "v25.0", PGC_SUSET, secret,
         check_api_version},
        {"ca_file", "File with the certificates to trust for HTTPS.", "Empty means the system's certificates.",
         &settings.ca_file, "", PGC_SUSET, secret, nullptr},
        {"databases", "Databases in which the worker is started after a restart of the server.",
         "A comma-separated list, or * for all. Used when the library is in shared_preload_libraries.",
         &settings.databases, "*", PGC_SIGHUP, GUC_LIST_INPUT | secret, nullptr},
        {"facebook_dialog_url", "Address of the Facebook login dialog.", nullptr, &settings.facebook_dialog_url,
         "https://www.facebook.com", PGC_SUSET, secret, check_url},
        {"graph_url", "Address of the Graph API for accounts connected by Facebook login.", nullptr,
         &settings.graph_url, "https://graph.facebook.com", PGC_SUSET, secret, check_url},
        {"instagram_dialog_url", "Address of the Instagram login dialog.", nullptr, &settings.instagram_dialog_url,
         "https://www.instagram.com", PGC_SUSET, secret, check_url},
        {"instagram_graph_url", "Address of the Graph API for accounts connected by Instagram login.", nullptr,
         &settings.instagram_graph_url, "https://graph.instagram.com", PGC_SUSET, secret, check_url},
        {"instagram_login_url", "Address that exchanges a code of the Instagram login.", nullptr,
         &settings.instagram_login_url, "https://api.instagram.com", PGC_SUSET, secret, check_url},
        {"key_command", "Command that prints the key which seals tokens.",
         "Run by the shell at first use, 10 seconds at most; it prints 64 hexadecimal digits. Replaces key_file.",
         &settings.key_command, "", PGC_SUSET, secret, nullptr},
        {"key_file", "File with the key that seals tokens.",
         "Empty means instagram_insights.key in the data directory; the file is made on first use.", &settings.key_file,
         "", PGC_SUSET, secret, nullptr},
        {"user_id", "The user this session acts for, when instagram_insights.identity is setting.",
         "Ignored otherwise. Whoever can run SQL in the session can set it.", &settings.user_id, "", PGC_USERSET, 0,
         nullptr},
    };
    for (const TextSetting &text : texts) {
        char name[NAMEDATALEN];
        snprintf(name, sizeof name, "instagram_insights.%s", text.name);
        DefineCustomStringVariable(name, text.description, text.detail, text.variable, text.initial, text.context,
                                   text.flags, text.check, nullptr, nullptr);
    }
}

void define_numbers()
{
    const NumberSetting numbers[] = {
        {"batch_size", "Most API calls put into one request where the API offers batches.", "1 turns batching off.",
         &settings.batch_size, 50, 1, 50, 0},
        {"calls_per_hour", "Most API calls an hour for one account.",
         "A larger job goes on in the next hours. 0 means that the limits the API itself announces are the only rule.",
         &settings.calls_per_hour, 0, 0, 1000000, 0},
        {"connect_timeout", "Longest wait for a connection to the API.", nullptr, &settings.connect_timeout_ms,
         5 * second_ms, 10, 600 * second_ms, GUC_UNIT_MS},
        {"fetch_timeout", "Longest time one ig_fetch_insights() call may take.", nullptr, &settings.fetch_timeout_ms,
         30 * second_ms, 10, 3600 * second_ms, GUC_UNIT_MS},
        {"first_sync_days", "Days asked at the first sync of an account.", nullptr, &settings.first_sync_days, 29, 1,
         400, 0},
        {"idle_timeout", "How long the worker stays when nothing is due soon.", "-1 means that it never leaves.",
         &settings.idle_timeout_ms, 10 * second_ms, -1, 24 * 3600 * second_ms, GUC_UNIT_MS},
        {"insights_retention", "Age at which ig_maintain() deletes numbers.", "0 keeps them for ever.",
         &settings.insights_retention_s, 0, 0, INT_MAX, GUC_UNIT_S},
        {"log_retention", "Age at which ig_maintain() deletes log rows and finished jobs.", "0 keeps them for ever.",
         &settings.log_retention_s, 30 * day_s, 0, INT_MAX, GUC_UNIT_S},
        {"max_in_flight", "Most HTTP requests at the same time.", "A batch counts as one.", &settings.max_in_flight,
         200, 1, 1000, 0},
        {"max_response_size", "Largest answer that is read, after inflating.", nullptr, &settings.max_response_size_kb,
         4096, 16, 262144, GUC_UNIT_KB},
        {"request_timeout", "Longest time one request to the API may take.", nullptr, &settings.request_timeout_ms,
         30 * second_ms, 10, 3600 * second_ms, GUC_UNIT_MS},
        {"reread_days", "Complete days that each sync asks again, since values arrive late and are corrected.", nullptr,
         &settings.reread_days, 3, 1, 29, 0},
        {"spread", "Time over which ig_sync_all() spreads the accounts.", "0 starts all at once.", &settings.spread_s,
         0, 0, day_s, GUC_UNIT_S},
        {"usage_threshold", "Percentage of the API's budget from which calls are slowed down.", nullptr,
         &settings.usage_threshold, 80, 1, 100, 0},
    };
    for (const NumberSetting &number : numbers) {
        char name[NAMEDATALEN];
        snprintf(name, sizeof name, "instagram_insights.%s", number.name);
        DefineCustomIntVariable(name, number.description, number.detail, number.variable, number.initial, number.least,
                                number.most, PGC_SUSET, number.flags | secret, nullptr, nullptr, nullptr);
    }
}

}  // namespace

void define_settings()
{
    define_texts();
    define_numbers();
    DefineCustomBoolVariable("instagram_insights.enabled", "Whether anybody may be called at all.",
                             "off stops every call of every process; work stays in the queue.", &settings.enabled, true,
                             PGC_SUSET, secret, nullptr, nullptr, nullptr);
    DefineCustomBoolVariable(
        "instagram_insights.http2", "Whether calls share few HTTP/2 connections where the API offers it.",
        "off means HTTP/1.1 everywhere, a connection for each call under way. Batches always use HTTP/1.1.",
        &settings.http2, true, PGC_SUSET, secret, nullptr, nullptr, nullptr);
    DefineCustomEnumVariable("instagram_insights.identity", "Where the user a session acts for comes from.",
                             "jwt: claim sub of request.jwt.claims; setting: instagram_insights.user_id; role: table "
                             "role_users.",
                             &settings.identity, static_cast<int>(Identity::jwt), identity_options, PGC_SUSET, secret,
                             nullptr, nullptr, nullptr);
    MarkGUCPrefixReserved("instagram_insights");
}

platform::Endpoints endpoints()
{
    platform::Endpoints result;
    result.graph_url = settings.graph_url;
    result.instagram_graph_url = settings.instagram_graph_url;
    result.api_version = settings.api_version;
    return result;
}

http::ClientOptions client_options()
{
    http::ClientOptions options;
    options.connect_timeout = std::chrono::milliseconds(settings.connect_timeout_ms);
    options.request_timeout = std::chrono::milliseconds(settings.request_timeout_ms);
    options.max_response_bytes = static_cast<std::size_t>(settings.max_response_size_kb) * 1024;
    options.ca_file = settings.ca_file;
    options.http2 = settings.http2;
    options.max_connections_per_host = static_cast<std::size_t>(settings.max_in_flight);
    return options;
}

sync::EngineOptions engine_options()
{
    sync::EngineOptions options;
    options.plan.reread_days = settings.reread_days;
    options.plan.first_sync_days = settings.first_sync_days;
    options.budgets.threshold = settings.usage_threshold;
    options.budgets.calls_per_hour = settings.calls_per_hour;
    options.budgets.in_flight_near = options.max_calls_per_work;
    options.budgets.default_wait = options.throttle_wait;
    return options;
}

Identity identity() { return static_cast<Identity>(settings.identity); }

}  // namespace ig::pg
