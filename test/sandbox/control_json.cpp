// Reads and writes the JSON of accounts and settings for the control API.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "control.hpp"
#include "json.hpp"

namespace ig::sandbox {

namespace {

void add_token(const Json &json, Account &account, std::map<std::string, std::string> &states)
{
    if (json.IsString()) {
        account.tokens.emplace_back(json.GetString(), json.GetStringLength());
        return;
    }
    const std::string token = text_of(json, "token");
    const std::string state = text_of(json, "state", "valid");
    if (token.empty()) throw BadInput("a token is a string or {\"token\",\"state\"}");
    if (!is_token_state(state)) throw BadInput("no token state is called \"" + state + "\"");
    account.tokens.push_back(token);
    states[token] = state;
}

double decimal_of(const Json &json, const char *name, double fallback, double high)
{
    if (!member(json, name)) return fallback;
    const std::string text = text_of(json, name);
    char *end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    if (end == text.c_str() || *end != '\0' || !std::isfinite(number) || number < 0 || number > high) {
        throw BadInput(std::string("\"") + name + "\" must be a number from 0 to " + std::to_string(high));
    }
    return number;
}

void write_flag(JsonWriter &writer, std::string_view name, bool flag)
{
    write_name(writer, name);
    writer.Bool(flag);
}

void write_list(JsonWriter &writer, std::string_view name, const std::vector<std::string> &texts)
{
    write_name(writer, name);
    writer.StartArray();
    for (const std::string &text : texts) write_text(writer, text);
    writer.EndArray();
}

}  // namespace

Account parse_account(const Json &json, std::map<std::string, std::string> &states)
{
    Account account;
    account.id = text_of(json, "account_id");
    if (account.id.empty()) throw BadInput("\"account_id\" is needed");
    account.username = text_of(json, "username", "user_" + account.id);
    account.name = text_of(json, "name", account.username);
    const std::string login = text_of(json, "login", "facebook");
    if (login != "facebook" && login != "instagram") throw BadInput("\"login\" must be facebook or instagram");
    account.login = login == "facebook" ? Flavour::facebook : Flavour::instagram;
    if (const Json *token = member(json, "token")) add_token(*token, account, states);
    if (const Json *tokens = member(json, "tokens")) {
        if (!tokens->IsArray()) throw BadInput("\"tokens\" must be an array");
        for (const Json &token : tokens->GetArray()) add_token(token, account, states);
    }
    if (member(json, "followers")) account.followers = integer_of(json, "followers", 0);
    if (member(json, "created")) {
        account.created = parse_day(text_of(json, "created"));
        if (!account.created) throw BadInput("\"created\" must be a day like 2026-01-01");
    }
    account.missing = texts_of(json, "missing");
    account.unsupported = texts_of(json, "unsupported");
    const Json *few = member(json, "few_followers");
    account.few_followers_is_error = few && few->IsString() && text_of(json, "few_followers") == "error";
    account.few_followers = account.few_followers_is_error || flag_of(json, "few_followers", false);
    return account;
}

namespace {

void change_login_settings(const Json &json, Settings &settings)
{
    settings.code_answer = text_of(json, "code_answer", settings.code_answer);
    if (settings.code_answer != "flat" && settings.code_answer != "wrapped")
        throw BadInput("\"code_answer\" must be flat or wrapped");
    settings.user_id_as_number = flag_of(json, "user_id_as_number", settings.user_id_as_number);
    settings.expires_in_missing = flag_of(json, "expires_in_missing", settings.expires_in_missing);
    settings.refresh_returns_same = flag_of(json, "refresh_returns_same", settings.refresh_returns_same);
    settings.refresh_kills_old = flag_of(json, "refresh_kills_old", settings.refresh_kills_old);
    settings.me_wrapped = flag_of(json, "me_wrapped", settings.me_wrapped);
    settings.permission_error = integer_of(json, "permission_error", settings.permission_error);
    if (settings.permission_error != 10 && settings.permission_error != 200)
        throw BadInput("\"permission_error\" must be 10 or 200");
}

}  // namespace

void change_settings(const Json &json, Settings &settings)
{
    constexpr std::array<std::string_view, 22> known = {"fixed_latency_ms",
                                                        "batch_item_ms",
                                                        "log_normal",
                                                        "flavour",
                                                        "since_inclusive",
                                                        "until_inclusive",
                                                        "paging",
                                                        "missing_percent",
                                                        "usage_headers",
                                                        "unordered_values",
                                                        "app_usage_percent",
                                                        "page_size",
                                                        "retention_days",
                                                        "refuse_while_blocked",
                                                        "pages_without_instagram",
                                                        "code_answer",
                                                        "user_id_as_number",
                                                        "expires_in_missing",
                                                        "refresh_returns_same",
                                                        "refresh_kills_old",
                                                        "me_wrapped",
                                                        "permission_error"};
    if (!json.IsObject()) throw BadInput("an object was expected");
    for (const auto &entry : json.GetObject()) {
        const std::string_view name(entry.name.GetString(), entry.name.GetStringLength());
        if (std::find(known.begin(), known.end(), name) == known.end()) {
            throw BadInput("no setting is called \"" + std::string(name) + "\"");
        }
    }
    settings.fixed_latency_ms = integer_of(json, "fixed_latency_ms", settings.fixed_latency_ms, 0, 600'000);
    settings.batch_item_ms = integer_of(json, "batch_item_ms", settings.batch_item_ms, 0, 600'000);
    if (json.HasMember("log_normal")) {
        const Json *spread = member(json, "log_normal");
        settings.log_normal_median_ms = spread ? decimal_of(*spread, "median_ms", 0, 600'000) : 0;
        settings.log_normal_sigma = spread ? decimal_of(*spread, "sigma", 0, 10) : 0;
    }
    settings.flavour = text_of(json, "flavour", settings.flavour);
    if (settings.flavour != "auto" && settings.flavour != "facebook" && settings.flavour != "instagram") {
        throw BadInput("\"flavour\" must be auto, facebook or instagram");
    }
    settings.since_inclusive = flag_of(json, "since_inclusive", settings.since_inclusive);
    settings.until_inclusive = flag_of(json, "until_inclusive", settings.until_inclusive);
    settings.paging = flag_of(json, "paging", settings.paging);
    settings.missing_percent = decimal_of(json, "missing_percent", settings.missing_percent, 100);
    settings.usage_headers = flag_of(json, "usage_headers", settings.usage_headers);
    settings.unordered_values = flag_of(json, "unordered_values", settings.unordered_values);
    settings.app_usage_percent = integer_of(json, "app_usage_percent", settings.app_usage_percent, 0, 1000);
    settings.refuse_while_blocked = flag_of(json, "refuse_while_blocked", settings.refuse_while_blocked);
    settings.pages_without_instagram =
        integer_of(json, "pages_without_instagram", settings.pages_without_instagram, 0, 10'000);
    settings.page_size = integer_of(json, "page_size", settings.page_size, 0, 10'000);
    settings.retention_days = integer_of(json, "retention_days", settings.retention_days, 0, 100'000);
    change_login_settings(json, settings);
}

std::string settings_json(const Settings &settings)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_member(writer, "fixed_latency_ms", settings.fixed_latency_ms);
    write_member(writer, "batch_item_ms", settings.batch_item_ms);
    write_name(writer, "log_normal");
    writer.StartObject();
    write_name(writer, "median_ms");
    writer.Double(settings.log_normal_median_ms);
    write_name(writer, "sigma");
    writer.Double(settings.log_normal_sigma);
    writer.EndObject();
    write_member(writer, "flavour", settings.flavour);
    write_flag(writer, "since_inclusive", settings.since_inclusive);
    write_flag(writer, "until_inclusive", settings.until_inclusive);
    write_flag(writer, "paging", settings.paging);
    write_name(writer, "missing_percent");
    writer.Double(settings.missing_percent);
    write_flag(writer, "usage_headers", settings.usage_headers);
    write_flag(writer, "unordered_values", settings.unordered_values);
    write_member(writer, "app_usage_percent", settings.app_usage_percent);
    write_flag(writer, "refuse_while_blocked", settings.refuse_while_blocked);
    write_member(writer, "pages_without_instagram", settings.pages_without_instagram);
    write_member(writer, "page_size", settings.page_size);
    write_member(writer, "retention_days", settings.retention_days);
    write_member(writer, "code_answer", settings.code_answer);
    write_flag(writer, "user_id_as_number", settings.user_id_as_number);
    write_flag(writer, "expires_in_missing", settings.expires_in_missing);
    write_flag(writer, "refresh_returns_same", settings.refresh_returns_same);
    write_flag(writer, "refresh_kills_old", settings.refresh_kills_old);
    write_flag(writer, "me_wrapped", settings.me_wrapped);
    write_member(writer, "permission_error", settings.permission_error);
    writer.EndObject();
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

std::string accounts_json(const Accounts &accounts)
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartArray();
    for (const auto &[id, account] : accounts.all()) {
        writer.StartObject();
        write_member(writer, "account_id", id);
        write_member(writer, "username", account.username);
        write_member(writer, "name", account.name);
        write_member(writer, "login", to_string(account.login));
        write_member(writer, "token", account.tokens.empty() ? "" : account.tokens.front());
        write_list(writer, "tokens", account.tokens);
        write_member(writer, "app_scoped_id", app_scoped_id(id));
        write_member(writer, "page_id", page_id(id));
        if (account.followers) write_member(writer, "followers", *account.followers);
        if (account.created) write_member(writer, "created", day_text(*account.created));
        write_list(writer, "missing", account.missing);
        write_list(writer, "unsupported", account.unsupported);
        write_flag(writer, "few_followers", account.has_few_followers());
        writer.EndObject();
    }
    writer.EndArray();
    return std::string(buffer.GetString(), buffer.GetSize()) + "\n";
}

}  // namespace ig::sandbox
