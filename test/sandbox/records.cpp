// Counts and remembers calls, and writes them as JSON.
#include "records.hpp"

#include <algorithm>

#include "json.hpp"

namespace ig::sandbox {

namespace {

void write_counters(JsonWriter &writer, std::string_view name, const std::map<std::string, std::uint64_t> &counters)
{
    write_name(writer, name);
    writer.StartObject();
    for (const auto &[key, number] : counters) write_member(writer, key, static_cast<long long>(number));
    writer.EndObject();
}

void write_record(JsonWriter &writer, const CallRecord &record)
{
    writer.StartObject();
    write_member(writer, "n", static_cast<long long>(record.number));
    write_member(writer, "batch", static_cast<long long>(record.batch));
    write_member(writer, "route", record.route);
    write_member(writer, "account_id", record.account_id);
    write_member(writer, "token", record.token);
    write_name(writer, "metrics");
    writer.StartArray();
    for (const std::string &metric : record.metrics) write_text(writer, metric);
    writer.EndArray();
    write_member(writer, "since", record.since);
    write_member(writer, "until", record.until);
    write_member(writer, "metric_type", record.metric_type);
    write_member(writer, "period", record.period);
    write_member(writer, "breakdown", record.breakdown);
    write_member(writer, "status", record.status);
    write_member(writer, "host_flavour", to_string(record.flavour));
    write_member(writer, "http_version", record.http_version);
    write_name(writer, "token_in_url");
    writer.Bool(record.token_in_url);
    write_member(writer, "at", sql_time(record.at));
    writer.EndObject();
}

}  // namespace

void Records::count(Counters &counters, const std::string &name)
{
    if (counters.size() >= max_names && !counters.count(name)) {
        ++counters["(others)"];
    } else {
        ++counters[name];
    }
}

void Records::begin(Call &call)
{
    call.number = ++numbers_;
    if (call.token_in_url) ++tokens_in_urls_;
    count(by_route_, call.route);
    if (call.route == "batch") {
        ++batches_;
        return;
    }
    ++calls_;
    if (call.batch != 0) ++batch_items_;
    if (!call.token.empty()) count(by_token_, call.token);
    if (!call.account_id.empty()) count(by_account_, call.account_id);
}

void Records::keep(const Call &call, int status, Moment at)
{
    count(by_status_, std::to_string(status));
    CallRecord record;
    record.number = call.number;
    record.batch = call.batch;
    record.route = call.route;
    record.account_id = call.account_id;
    record.token = call.token;
    record.metrics = call.metrics;
    record.since = call.parameter("since");
    record.until = call.parameter("until");
    record.metric_type = call.parameter("metric_type");
    record.period = call.parameter("period");
    record.breakdown = call.parameter("breakdown");
    record.status = status;
    record.flavour = call.flavour;
    record.http_version = call.http_version;
    record.token_in_url = call.token_in_url;
    record.at = at;
    records_.push_back(std::move(record));
    if (records_.size() > max_records) records_.pop_front();
}

std::shared_ptr<void> Records::in_flight()
{
    highest_concurrency_ = std::max(highest_concurrency_, ++*running_);
    // Keeps the counter alive, so that a connection may outlast the records.
    return {nullptr, [running = running_](void *) { --*running; }};
}

std::uint64_t Records::calls_of(const std::string &account_id) const
{
    const auto found = by_account_.find(account_id);
    return found == by_account_.end() ? 0 : found->second;
}

void Records::reset()
{
    records_.clear();
    for (Counters *counters : {&by_route_, &by_token_, &by_account_, &by_status_}) counters->clear();
    calls_ = batches_ = batch_items_ = tokens_in_urls_ = calls_while_blocked_ = connections_ = 0;
    highest_concurrency_ = *running_;
}

std::string Records::calls_json(const std::string &route, const std::string &account_id, const std::string &token,
                                std::uint64_t after_number) const
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartArray();
    for (const CallRecord &record : records_) {
        if (record.number <= after_number || (!route.empty() && record.route != route) ||
            (!account_id.empty() && record.account_id != account_id) || (!token.empty() && record.token != token)) {
            continue;
        }
        write_record(writer, record);
    }
    writer.EndArray();
    return {buffer.GetString(), buffer.GetSize()};
}

std::string Records::stats_json(std::size_t hanging) const
{
    rapidjson::StringBuffer buffer;
    JsonWriter writer(buffer);
    writer.StartObject();
    write_member(writer, "calls", static_cast<long long>(calls_));
    write_member(writer, "batches", static_cast<long long>(batches_));
    write_member(writer, "batch_items", static_cast<long long>(batch_items_));
    write_counters(writer, "by_route", by_route_);
    write_counters(writer, "by_token", by_token_);
    write_counters(writer, "by_account", by_account_);
    write_counters(writer, "by_status", by_status_);
    write_member(writer, "highest_concurrency", static_cast<long long>(highest_concurrency_));
    write_member(writer, "in_flight", static_cast<long long>(*running_));
    write_member(writer, "hanging", static_cast<long long>(hanging));
    write_member(writer, "tokens_in_urls", static_cast<long long>(tokens_in_urls_));
    write_member(writer, "calls_while_blocked", static_cast<long long>(calls_while_blocked_));
    write_member(writer, "connections", static_cast<long long>(connections_));
    writer.EndObject();
    return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace ig::sandbox
