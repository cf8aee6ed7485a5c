// Reads a target and appends the JSON of insights or of a user's fields.
#include "load/answers.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <ctime>

#include "pacific.hpp"

namespace ig::bench {

namespace {

constexpr std::string_view words =
    "\"title\":\"A metric\",\"description\":\"What the metric counts, in a sentence of the usual length.\"";

std::uint64_t mixed(std::uint64_t x)
{
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return x ^ (x >> 31);
}

std::uint64_t hash_of(std::string_view text)
{
    std::uint64_t hash = 0xCBF29CE484222325u;
    for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
    return hash;
}

void append_number(std::string &to, std::uint64_t number)
{
    char digits[20];
    to.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
}

int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    const char lower = static_cast<char>(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

std::string_view taken(std::string_view &from, char until)
{
    const std::size_t at = from.find(until);
    const std::string_view part = from.substr(0, at);
    from = at == std::string_view::npos ? std::string_view() : from.substr(at + 1);
    return part;
}

void append_error(std::string &to, std::string_view message, std::string_view type, int code)
{
    to.append("{\"error\":{\"message\":\"").append(message);
    to.append("\",\"type\":\"").append(type).append("\",\"code\":");
    append_number(to, static_cast<std::uint64_t>(code));
    to.append(",\"fbtrace_id\":\"AbCdEfGhIjKlMnOpQrStUv1\"}}");
}

}  // namespace

void append_decoded(std::string &to, std::string_view text, bool form)
{
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '%' && i + 2 < text.size()) {
            const int high = hex_digit(text[i + 1]);
            const int low = hex_digit(text[i + 2]);
            if (high >= 0 && low >= 0) {
                to.push_back(static_cast<char>(high * 16 + low));
                i += 2;
                continue;
            }
        }
        to.push_back(form && text[i] == '+' ? ' ' : text[i]);
    }
}

Days::Days()
{
    using namespace std::chrono;
    const sys_days last{2050y / January / 1};
    for (sys_days day{2015y / January / 1}; day < last; day += days{1}) {
        const sandbox::Moment end = sandbox::end_of(day);
        days_.push_back({end.time_since_epoch().count(), sandbox::graph_time(end)});
    }
}

std::size_t Days::first_ending_after(std::int64_t moment) const
{
    const std::int64_t guess = (moment - days_.front().end) / 86400;
    std::size_t day = guess <= 1 ? 0 : std::min(static_cast<std::size_t>(guess - 1), days_.size() - 1);
    while (day < days_.size() && days_[day].end <= moment) ++day;
    return day;
}

struct Answers::Question {
    std::string_view account;
    std::string_view metrics;
    std::string_view fields;
    bool insights = false;
    bool total = false;
    bool token = false;
    std::int64_t since = 0;
    std::int64_t until = 0;
};

bool Answers::read(Question &question, std::string_view target)
{
    std::string_view path = taken(target, '?');
    if (!path.empty() && path.front() == '/') path.remove_prefix(1);
    if (path.size() > 1 && path[0] == 'v' && path[1] >= '0' && path[1] <= '9') taken(path, '/');
    question.account = taken(path, '/');
    question.insights = path == "insights";
    if (question.account.empty() || (!path.empty() && !question.insights)) return false;
    while (!target.empty()) {
        std::string_view given = taken(target, '&');
        const std::string_view name = taken(given, '=');
        if (name == "metric") {
            metrics_.clear();
            append_decoded(metrics_, given, true);
            question.metrics = metrics_;
        } else if (name == "since") {
            std::from_chars(given.data(), given.data() + given.size(), question.since);
        } else if (name == "until") {
            std::from_chars(given.data(), given.data() + given.size(), question.until);
        } else if (name == "metric_type") {
            question.total = given == "total_value";
        } else if (name == "fields") {
            question.fields = given;
        } else if (name == "access_token") {
            question.token = !given.empty();
        }
    }
    if (question.until == 0) {
        question.until = std::time(nullptr);
        question.since = question.until - std::int64_t{2} * 86400;
    }
    return true;
}

std::uint64_t Answers::value(std::uint64_t account, std::string_view metric, std::size_t day) const
{
    const std::uint64_t number = mixed(seed_ ^ account ^ mixed(hash_of(metric) + day));
    return number % (metric == "follower_count" ? 200 : 100000);
}

void Answers::append_series(std::string &to, const Question &question) const
{
    const std::uint64_t account = hash_of(question.account);
    std::string_view rest = question.metrics;
    const char *before = "";
    to.append("{\"data\":[");
    while (!rest.empty()) {
        const std::string_view metric = taken(rest, ',');
        to.append(before).append("{\"name\":\"").append(metric).append("\",\"period\":\"day\",\"values\":[");
        before = ",";
        const char *between = "";
        for (std::size_t day = days_.first_ending_after(question.since);
             day < days_.size() && days_.end(day) <= question.until; ++day) {
            to.append(between).append("{\"value\":");
            append_number(to, value(account, metric, day));
            to.append(",\"end_time\":\"").append(days_.text(day)).append("\"}");
            between = ",";
        }
        to.append("],").append(words).append(",\"id\":\"");
        to.append(question.account).append("/insights/").append(metric).append("/day\"}");
    }
    to.append("],\"paging\":{\"previous\":\"https://graph.facebook.com/v25.0/").append(question.account);
    to.append("/insights?metric=reach&period=day&since=1794902400&until=1795075200\","
              "\"next\":\"https://graph.facebook.com/v25.0/");
    to.append(question.account).append("/insights?metric=reach&period=day&since=1795248000&until=1795420800\"}}");
}

void Answers::append_totals(std::string &to, const Question &question) const
{
    const std::uint64_t account = hash_of(question.account);
    std::string_view rest = question.metrics;
    const char *before = "";
    to.append("{\"data\":[");
    while (!rest.empty()) {
        const std::string_view metric = taken(rest, ',');
        std::uint64_t sum = 0;
        for (std::size_t day = days_.first_ending_after(question.since);
             day < days_.size() && days_.end(day) <= question.until; ++day)
            sum += value(account, metric, day);
        to.append(before).append("{\"name\":\"").append(metric);
        to.append("\",\"period\":\"day\",").append(words).append(",\"total_value\":{\"value\":");
        append_number(to, sum);
        to.append("},\"id\":\"").append(question.account).append("/insights/").append(metric).append("/day\"}");
        before = ",";
    }
    to.append("]}");
}

void Answers::append_fields(std::string &to, const Question &question) const
{
    to.append("{\"followers_count\":");
    append_number(to, 1000 + mixed(seed_ ^ hash_of(question.account)) % 1000000);
    to.append(",\"username\":\"u").append(question.account).append("\",\"name\":\"User ").append(question.account);
    to.append("\",\"id\":\"").append(question.account).append("\"}");
}

Answer Answers::append(std::string &to, std::string_view target, bool has_token)
{
    Question question;
    if (!read(question, target)) {
        append_error(to, "(#100) Unknown path", "OAuthException", 100);
        return {400, {}};
    }
    if (!has_token && !question.token) {
        append_error(to, "An active access token must be used to query information about the current user.",
                     "OAuthException", 2500);
        return {400, {}};
    }
    if (question.insights && question.metrics.empty()) {
        append_error(to, "(#100) The parameter metric is required", "OAuthException", 100);
        return {400, {}};
    }
    if (!question.insights) {
        append_fields(to, question);
    } else if (question.total) {
        append_totals(to, question);
    } else {
        append_series(to, question);
    }
    return {200, std::string(question.account)};
}

}  // namespace ig::bench
