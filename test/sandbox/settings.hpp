// What POST /config changes, and the two host flavours.
#pragma once

#include <string>
#include <string_view>

namespace ig::sandbox {

enum class Flavour { facebook, instagram };

inline std::string_view to_string(Flavour flavour) noexcept
{
    return flavour == Flavour::facebook ? "facebook" : "instagram";
}

struct Settings {
    long long fixed_latency_ms = 0;   // once for a batch
    long long batch_item_ms = 0;      // besides, for each call in a batch
    double log_normal_median_ms = 0;  // 0: off
    double log_normal_sigma = 0;
    std::string flavour = "auto";  // auto: the login of the token's account decides
    bool since_inclusive = false;
    bool until_inclusive = true;
    bool paging = true;
    double missing_percent = 3;
    bool usage_headers = true;
    bool unordered_values = false;
    long long app_usage_percent = 0;
    bool refuse_while_blocked = false;
    long long pages_without_instagram = 1;  // per token, among those of /me/accounts
    long long page_size = 0;                // at most so many entries a page, whatever `limit` says; 0: no cap
    long long retention_days = 400;
    std::string code_answer = "flat";   // the shape of Instagram's code exchange: flat or wrapped
    bool user_id_as_number = false;     // in that answer
    bool expires_in_missing = false;    // in every answer that brings a token
    bool refresh_returns_same = false;  // a refresh prolongs the old text instead of making a new one
    bool refresh_kills_old = false;     // the old token ends with a refresh or exchange
    bool me_wrapped = false;            // Instagram's /me as {"data":[{...}]}
    long long permission_error = 10;    // what a permission that was declined gives: 10 or 200
};

}  // namespace ig::sandbox
