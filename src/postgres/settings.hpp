// The GUCs of the contract, as typed values.
#pragma once

#include <chrono>
#include <string>

#include "http/client.hpp"
#include "platform/platform.hpp"
#include "sync/engine.hpp"

namespace ig::pg {

enum class Identity { jwt, setting, role };

// The variables the server writes to. Zero-initialised, so that no constructor runs in the postmaster.
struct Settings {
    char *graph_url;
    char *instagram_graph_url;
    char *instagram_login_url;
    char *facebook_dialog_url;
    char *instagram_dialog_url;
    char *api_version;
    char *ca_file;
    char *key_file;
    char *key_command;
    char *databases;
    char *user_id;
    int identity;
    int max_in_flight;
    int batch_size;
    int connect_timeout_ms;
    int request_timeout_ms;
    int fetch_timeout_ms;
    int max_response_size_kb;
    int reread_days;
    int first_sync_days;
    int idle_timeout_ms;
    int usage_threshold;
    int calls_per_hour;
    int spread_s;
    int log_retention_s;
    int insights_retention_s;
    bool enabled;
    bool http2;
};

extern Settings settings;

// Defines every GUC; called once, when the library is loaded. Raises ERROR as the server does (call it outside C++ scopes).
void define_settings();

platform::Endpoints endpoints();
http::ClientOptions client_options();
sync::EngineOptions engine_options();
Identity identity();

}  // namespace ig::pg
